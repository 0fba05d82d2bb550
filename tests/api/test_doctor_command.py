"""`youju doctor` names what it looked at, and shows nobody's password."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

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
            assert ("does not answer" in shown) is (port == closed_port)


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
