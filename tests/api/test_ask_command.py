"""`youju ask` with a chat model: it says what could not be checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.command_line import run_youju
from tests.fake_openai_server import FakeOpenAIServer, Reply


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, home = tmp_path_factory.mktemp("docs"), tmp_path_factory.mktemp("home")
    (folder / "机房.md").write_text("# 机房\n\n机房由信息部负责，每年检查 16 次。")
    assert run_youju(home, "ingest", str(folder)).returncode == 0
    return home


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "said", "warning", "label"),
    [
        ("机房由谁负责？", "公司明年上市。", "⚠ 这个回答没有能核实的出处，请谨慎使用。", ""),
        ("机房由谁负责？", "机房由信息部负责[1]。Robots clean it [1].", "⚠ [1] 未能与原文核对", "未核对"),
        ("机房由谁负责？", "机房由信息部负责[1]。", "", ""),
    ],
)
def test_what_could_not_be_checked_is_said(home: Path, question: str, said: str, warning: str, label: str) -> None:
    with FakeOpenAIServer([Reply(said)]) as server:
        done = run_youju(home, "ask", question, model_url=server.url, model="qwen")
    assert done.returncode == 0, done.stderr
    assert (warning in done.stdout) if warning else ("⚠" not in done.stdout)
    assert (label in done.stdout) if label else ("未核对" not in done.stdout)
