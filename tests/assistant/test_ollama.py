"""Ollama by its own interface: the window is stated with each request, so that no prompt is cut without a word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.errors import ModelError
from assistant.models import Described, stream
from assistant.models.server import ServerChatModel
from assistant.models.servers.streams import DONE, LineDecoder
from assistant.request import Message, Piece, Request
from assistant.sse import EndlessEventError
from tests import scripted_servers as said
from tests.chat_models import run, server_model
from tests.fake_openai_server import FakeOpenAIServer, Reply
from tests.scripted_servers import saying

MESSAGES = (Message("system", "rules"), Message("user", "How many days?"))
FULL = "request (2622 tokens) exceeds the available context size (512 tokens), try increasing it"


async def pieces_of(model: ServerChatModel) -> list[Piece]:
    return [piece async for piece in stream(model, Request(MESSAGES, temperature=0.2, max_tokens=99))]


def told(server: FakeOpenAIServer, **settings: Any) -> list[Piece]:
    return run(server_model(server.url, **settings), pieces_of)


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def failed(reply: Reply) -> ModelError:
    with FakeOpenAIServer([reply], model="qwen3:8b", native=True) as server, pytest.raises(ModelError) as caught:
        told(server)
    return caught.value


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def word(text: str) -> bytes:
    return line(message={"role": "assistant", "content": text}, done=False)


def end(**fields: Any) -> bytes:
    return line(message={"role": "assistant", "content": ""}, done=True, **fields)


def test_a_request_states_the_window_forbids_cutting_and_switches_thinking_off() -> None:
    with FakeOpenAIServer([Reply("Ten days [1].")], model="qwen3:8b", native=True) as server:
        pieces = told(server)
        (body,) = server.requests
    assert text_of(pieces) == "Ten days [1]."
    assert pieces[-1].usage is not None
    assert (pieces[-1].usage.prompt_tokens, pieces[-1].usage.completion_tokens) == (42, 7)
    assert pieces[-1].finish == "stop"
    assert (body["model"], body["stream"], body["think"]) == ("qwen3:8b", True, False)
    assert (body["truncate"], body["shift"]) == (False, False)
    assert body["options"] == {"num_ctx": 16384, "num_predict": 99, "temperature": 0.2, "top_p": 0.8, "top_k": 20}
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert not {"max_tokens", "stream_options", "reasoning_effort", "temperature"} & set(body)


def test_the_window_of_the_settings_is_stated() -> None:
    with FakeOpenAIServer([Reply("ok")], model="qwen3:8b", native=True) as server:
        told(server, model_context_tokens=12_000)
        assert server.requests[0]["options"]["num_ctx"] == 12_000


def test_what_prompts_are_made_for_is_what_is_stated_and_refused_beyond() -> None:
    async def describe(model: ServerChatModel) -> Described:
        return await model.described()

    with saying(said.OLLAMA_NATIVE_OF_A_SMALL_MODEL) as (root, _):
        small = run(server_model(f"{root}/api", model_context_tokens=9000), describe)
    assert small == Described(2048, cuts=False)
    with saying({}) as (root, _):  # nothing there says anything of itself
        silent = run(server_model(f"{root}/api", model="qwen3:8b", model_server="ollama_native"), describe)
    assert silent == Described(16384, cuts=False)


@pytest.mark.parametrize("path", ["/api", "/api/", "", "/v1"])
def test_a_stated_kind_is_asked_by_its_own_interface_whatever_the_path(path: str) -> None:
    with FakeOpenAIServer([Reply("ok")], model="qwen3:8b", native=True) as server:
        root = server.url.removesuffix("/api")
        assert text_of(run(server_model(root + path, model_server="ollama_native"), pieces_of)) == "ok"
        assert "options" in server.requests[0]


def test_an_address_of_ollama_s_port_without_a_path_is_its_own_interface() -> None:
    for url, kind in (
        ("http://127.0.0.1:11434", "ollama_native"),
        ("http://127.0.0.1:11434/api", "ollama_native"),
        ("http://127.0.0.1:11434/v1", "ollama"),
        ("https://dashscope.aliyuncs.com/api", "dashscope"),
    ):
        assert server_model(url, model="qwen3:8b").server.kind == kind


def test_a_model_that_does_not_know_the_switch_is_asked_without_it() -> None:
    refusal = Reply(status=400, error={"error": '"llama3:8b" does not support thinking'})
    with FakeOpenAIServer([refusal, Reply("ok")], model="llama3:8b", native=True) as server:
        assert text_of(told(server)) == "ok"
        first, second = server.requests
    assert ("think" in first, "think" in second) == (True, False)
    assert first["options"] == second["options"]


def test_the_window_is_never_left_out_of_a_request() -> None:
    error = failed(Reply(status=400, error={"error": "option num_ctx must be of type integer"}))
    assert error.code == "model_rejected"


@pytest.mark.parametrize(
    ("reply", "code", "kept"),
    [
        (Reply(status=404, error={"error": "model 'qwen3:8b' not found"}), "model_unknown", "not found"),
        (
            Reply(status=400, error={"error": "the input length exceeds the context length"}),
            "model_context_exceeded",
            "",
        ),
        (
            Reply(status=400, error={"error": json.dumps({"error": {"code": 400, "message": FULL}})}),
            "model_context_exceeded",
            f"answered 400: {FULL}",
        ),
        (Reply(status=503, error={"error": "server busy, please try again."}), "model_busy", "server busy"),
        (Reply("Ten days", error_in_stream="llama runner process has terminated"), "model_rejected", "terminated"),
        (Reply("Ten days", error_in_stream=json.dumps({"error": {"message": FULL}})), "model_context_exceeded", FULL),
        (Reply("Ten days", cut_after=1), "model_stream_cut", ""),
        (Reply("Ten days", says_done=False), "model_stream_cut", ""),
        (Reply("", reasoning="Let me see", finish_reason="length"), "model_empty", ""),
        (Reply("", finish_reason="load"), "model_empty", ""),
        (Reply("on " * 20_000, piece_chars=1000), "model_endless", ""),
        (Reply(raw=[b"<html><body>Sign in</body></html>\n"]), "model_protocol", "Sign in"),
        (Reply(raw=[b'{"message": "boom"}\n']), "model_rejected", "boom"),
        (Reply(raw=[line(message={"content": 7}, done=False)]), "model_protocol", ""),
        (Reply(raw=[b'{"data": []}\n']), "model_protocol", ""),
        (Reply(raw=[word("Ten"), b'{"message": {"content": "da']), "model_stream_cut", ""),
        (Reply(raw=[word("Ten"), b'{"message": {"content": "da\n']), "model_protocol", ""),
        (Reply(raw=[]), "model_protocol", ""),
        (Reply(raw=[b"x" * 65_536] * 40), "model_protocol", ""),
        (
            Reply(raw=[word("Ten"), end(done_reason="stop", prompt_eval_count=16384, eval_count=3)]),
            "model_context_exceeded",
            "16384",
        ),
    ],
)
def test_a_failure_is_named_in_ollama_s_words(reply: Reply, code: str, kept: str) -> None:
    error = failed(reply)
    assert (error.code, bool(error.hint)) == (code, True)
    assert kept in error.message
    assert len(error.message) < 500


FORMS = {
    "lines in one piece": [word("Ten ") + word("days.") + end(done_reason="stop")],
    "a line in two pieces": [word("Ten days.")[:30], word("Ten days.")[30:] + end(done_reason="stop")],
    "CRLF and empty lines": [(word("Ten days.") + b"\n" + end()).replace(b"\n", b"\r\n")],
    "no line end at the end": [word("Ten days.") + end(done_reason="stop").rstrip()],
    "all in one line": [line(message={"role": "assistant", "content": "Ten days."}, done=True)],
    "without white space": [word("Ten days.") + end().replace(b": ", b":")],
    "without counts": [word("Ten days."), end(done_reason="stop", eval_count=3)],
    "thinking by itself": [line(message={"content": "", "thinking": "Hm"}), word("Ten days."), end()],
    "thinking between tags": [word("<think>Hm</think>"), word("Ten days."), end()],
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_its_stream_gives_the_answer(form: str) -> None:
    with FakeOpenAIServer([Reply(raw=FORMS[form])], model="qwen3:8b", native=True) as server:
        pieces = told(server)
    assert (text_of(pieces), pieces[-1].finish) == ("Ten days.", "stop")
    assert pieces[-1].thought == ("thinking" in form)


def test_the_end_that_is_said_ends_the_answer_though_the_connection_stays_open() -> None:
    with FakeOpenAIServer([Reply(raw=[word("ok") + end()], stays_open=True)], model="qwen3:8b", native=True) as server:
        assert text_of(told(server, model_timeout_seconds=2)) == "ok"


def test_a_text_that_speaks_of_the_end_is_none() -> None:
    decoder = LineDecoder()
    events = decoder.feed(word('Send {"done": true} and "done":true') + end())
    assert [event.data == DONE for event in events] == [False, False, True]


def test_a_line_without_an_end_is_not_kept() -> None:
    decoder = LineDecoder(longest_bytes=1000)
    decoder.feed(b"x" * 999)
    with pytest.raises(EndlessEventError):
        decoder.feed(b"xx")
