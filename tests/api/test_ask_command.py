"""`youju ask`: it says what could not be checked, what is nearest to a refused question, and what it is itself.

It keeps to the sources that are named.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.command_line import json_here, run_here, run_youju
from tests.fake_openai_server import FakeOpenAIServer, Reply

IT, RESEARCH = "信息部", "研发部"


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
        ("机房由谁负责？", "The server room is run by the IT department.", "⚠ 模型没有用提问的语言回答。", ""),
        ("机房由谁负责？", "机房由信息部负责[1]。", "", ""),
    ],
)
def test_what_could_not_be_checked_is_said(home: Path, question: str, said: str, warning: str, label: str) -> None:
    with FakeOpenAIServer([Reply(said)]) as server:
        done = run_youju(home, "ask", question, model_url=server.url, model="qwen")
    assert done.returncode == 0, done.stderr
    assert (warning in done.stdout) if warning else ("⚠" not in done.stdout)
    assert (label in done.stdout) if label else ("未核对" not in done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("机房的密码是多少？", "最接近的内容（不是答案）"),
        ("Who cleans the server room?", "Closest passages (not an answer)"),
    ],
)
def test_a_refusal_shows_the_nearest_passages(home: Path, question: str, heading: str) -> None:
    done = run_here(home, "ask", question, refusal_threshold="1")
    assert done.returncode == 0, done.stderr
    assert heading in done.stdout
    assert "  - 机房\n    机房由信息部负责，每年检查 16 次。\n" in done.stdout
    assert "[1]" not in done.stdout
    assert "youju ingest" not in done.stderr
    body = json_here(home, "ask", question, refusal_threshold="1")
    assert (body["refused"], body["citations"], body["evidence"]) == (True, [], [])
    assert [near["title"] for near in body["nearest"]] == ["机房"]


@pytest.mark.slow
def test_small_talk_is_answered_without_a_warning_and_without_documents_says_so(home: Path, tmp_path: Path) -> None:
    done = run_here(home, "ask", "你好")
    assert "1 个来源（local）里的 1 份文档：" in done.stdout
    assert "- 机房" in done.stdout
    assert "⚠" not in done.stdout
    empty = run_here(tmp_path, "ask", "hello")
    assert "There are no documents that you may read yet." in empty.stdout
    assert "youju ingest FOLDER" in empty.stderr
    assert run_here(tmp_path, "ask", "机房的密码是多少？").stderr.count("请先运行 `youju ingest") == 1


def test_a_question_and_a_search_look_in_the_sources_that_are_named_alone(home: Path, tmp_path: Path) -> None:
    (tmp_path / "机房.md").write_text("# 机房\n\n深圳的机房由研发部负责。")
    shenzhen = json.dumps([{"name": "深圳", "type": "folder", "path": str(tmp_path)}])
    assert run_here(home, "ingest", "--source", "深圳", sources=shenzhen).returncode == 0

    def found(*sources: str) -> list[set[str]]:
        named = [part for name in sources for part in ("--source", name)]
        answer = json_here(home, "ask", "机房由谁负责？", *named, sources=shenzhen)
        hits = json_here(home, "search", "机房由谁负责？", *named, sources=shenzhen)["hits"]
        return [
            {who for who in (IT, RESEARCH) for hit in each if who in hit["text"]} for each in (answer["evidence"], hits)
        ]

    assert found() == found("local", "深圳") == [{IT, RESEARCH}] * 2
    assert found("local") == [{IT}] * 2
    printed = run_here(home, "ask", "机房由谁负责？", "--source", "深圳", sources=shenzhen).stdout
    assert RESEARCH in printed
    assert IT not in printed
    for command in ("ask", "search"):
        refused = run_here(home, command, "机房由谁负责？", "--source", "local", "--source", "none", sources=shenzhen)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "No source is called 'none'" in refused.stderr
        assert "[unknown_source]" in refused.stderr
