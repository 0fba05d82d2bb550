"""The forms in which chat servers stream an answer or an error, in one table: each row is sent by a real server."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest

from assistant.errors import ModelBusyError, ModelError
from assistant.models import stream
from assistant.request import Request
from tests.assistant.test_server import MESSAGES, ask_failing, opened
from tests.chat_models import run
from tests.fake_openai_server import FakeOpenAIServer, Reply

DONE = b"data: [DONE]\n\n"


def event(delta: dict[str, Any], finish: str | None = None, *, index: int = 0, ascii_only: bool = False) -> bytes:
    data = {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(data, ensure_ascii=ascii_only).encode() + b"\n\n"


def said(text: str, finish: str | None = None) -> bytes:
    return event({"content": text}, finish)


def whole(text: str, **changes: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice], **changes}, indent=1).encode()


@dataclass(frozen=True)
class Form:
    """What a server sends, and the answer that is to come of it."""

    raw: list[bytes]
    answer: str
    options: dict[str, Any] = field(default_factory=dict)


A, B, END = said("Ten "), said("days."), said("", "stop")
FORMS = {
    "as OpenAI": Form([A, B, END, DONE], "Ten days."),
    "data without a space": Form([(A + B + END + DONE).replace(b"data: ", b"data:")], "Ten days."),
    "CRLF": Form([(A + B + END + DONE).replace(b"\n", b"\r\n")], "Ten days."),
    "comments, empty data, ids, retries": Form(
        [b": ping\n\n", A, b"data:\n\n", b"data: \n\n", b"id: 1\nretry: 3\n", B, b": ping\n\n", END, DONE], "Ten days."
    ),
    "named events": Form([b"event: message\n" + A, b"event: delta\n" + B, END, DONE], "Ten days."),
    "one event on several data lines": Form(
        [b'data: {"choices": [\ndata: {"index": 0,\ndata: "delta": {"content": "Ten days."}}]}\n\n', END, DONE],
        "Ten days.",
    ),
    "no blank lines between events": Form([(A + B + END).replace(b"\n\n", b"\n") + DONE], "Ten days."),
    "bytes of a character in two pieces": Form([said("十天年假")[:45], said("十天年假")[45:], END, DONE], "十天年假"),
    "U+2028, U+2029 and U+0085": Form([said("a\u2028b\u2029c\u0085d"), END, DONE], "a\u2028b\u2029c\u0085d"),
    "an emoji in two halves": Form(
        [
            event({"content": "ok \ud83d"}, ascii_only=True),
            event({"content": "\ude00!"}, ascii_only=True),
            END,
            DONE,
        ],
        "ok \U0001f600!",
    ),
    "half of an emoji": Form(
        [event({"content": "a\ude00b\ud83d"}, ascii_only=True), event({"content": "c"}), END, DONE], "a\ufffdb\ufffdc"
    ),
    "half of an emoji at the end": Form([event({"content": "a\ud83d"}, ascii_only=True), END, DONE], "a\ufffd"),
    "content as parts": Form(
        [
            event({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
            event({"content": [{"type": "text", "text": "Ten "}, {"type": "text", "text": "days."}]}),
            END,
            DONE,
        ],
        "Ten days.",
    ),
    "null content, role and tools": Form(
        [event({"role": "assistant", "content": None}), A, event({"tool_calls": None}), B, END, DONE], "Ten days."
    ),
    "usage and filters without choices": Form(
        [
            b'data: {"choices": [], "prompt_filter_results": []}\n\n',
            A,
            B,
            END,
            b'data: {"choices": [], "usage": {"prompt_tokens": "7", "completion_tokens": null}}\n\n',
            b'data: {"type": "ping"}\n\n',
            DONE,
        ],
        "Ten days.",
    ),
    "a second choice": Form(
        [event({"content": "x"}, "length", index=1), A, event({"content": "y"}, index=1), B, END, DONE], "Ten days."
    ),
    "one JSON": Form([whole("Ten days.")], "Ten days.", {"content_type": "application/json"}),
    "one JSON, in pieces and called a stream": Form(
        [whole("Ten\n\ndays.")[start : start + 9] for start in range(0, len(whole("Ten\n\ndays.")), 9)], "Ten\n\ndays."
    ),
    "DONE without a blank line, the connection open": Form(
        [A, B, END, b"data: [DONE]\n"], "Ten days.", {"stays_open": True}
    ),
    "DONE at the very end": Form([A, B, END, b"data:[DONE]"], "Ten days."),
    "no DONE": Form([A, B, END], "Ten days."),
    "no DONE and no blank line": Form([A, B, END.rstrip()], "Ten days."),
    "no DONE and a broken connection": Form([A, B, END], "Ten days.", {"ends": False}),
    "no reason to finish": Form([A, B, DONE], "Ten days."),
    "end tokens": Form([A, said("days.<|im_"), said("end|>\n<|endoftext|> "), END, DONE], "Ten days."),
    "an answer about an end token": Form(
        [said("It ends with <|im_end|>"), said(" and no more.<|im_end|>"), END, DONE],
        "It ends with <|im_end|> and no more.",
    ),
    "what only looks like an end token": Form(
        [said("a <|im"), said("portant"), said(" <|"), END, DONE], "a <|important <|"
    ),
}


async def told(model: Any) -> str:
    pieces = [piece.text async for piece in stream(model, Request(MESSAGES, max_tokens=500))]
    text = "".join(pieces)
    text.encode()  # half a character would break every face
    return text


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_stream_is_read(name: str) -> None:
    form = FORMS[name]
    with FakeOpenAIServer([Reply(raw=form.raw, **form.options)]) as server:
        assert run(opened(server.url, model_timeout_seconds=5), told) == form.answer


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_reply_that_comes_all_at_once_is_the_one_that_comes_in_pieces(form: Form) -> None:
    reply = Reply(raw=[b"".join(form.raw)], **form.options)
    with FakeOpenAIServer([reply]) as server:
        assert run(opened(server.url, model_timeout_seconds=5), told) == form.answer


@dataclass(frozen=True)
class Fault:
    """What a server sends, the code of the error that is to come of it, and words of the server that it keeps."""

    reply: Reply
    code: str
    kept: str = ""


def in_stream(*raw: bytes, **options: Any) -> Reply:
    return Reply(raw=[A, *raw], **options)


OVERFLOWS = {
    "vLLM": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
    "vLLM, with the limit": "'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's maximum context "
    "length is 4096 tokens and your request has 3500 input tokens (1024 > 4096 - 3500).",
    "SGLang": "The input (210000 tokens) is longer than the model's context length (32768 tokens).",
    "llama.cpp": "request (4476 tokens) exceeds the available context size (4096 tokens), try increasing it",
    "Ollama": "the input length exceeds the context length",
    "DashScope": "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
    "LMDeploy": "The request exceeds the model context length.",
    "LMDeploy, as a status": "internal error happened, status code ResponseType.INPUT_LENGTH_ERROR",
    "TensorRT-LLM": "The prompt length (5000) should not exceed max_num_tokens (4096)",
}
FAULTS = {
    "an event called error": Fault(
        in_stream(b'event: error\ndata: {"message": "CUDA out of memory"}\n\n'), "model_rejected", "CUDA out of memory"
    ),
    "an error line": Fault(
        in_stream(b'error: {"code": 500, "message": "slot is gone"}\n\n'), "model_rejected", "slot is gone"
    ),
    "an error object": Fault(in_stream(b'data: {"error": {"message": "boom"}}\n\n'), "model_rejected", "boom"),
    "an error text": Fault(in_stream(b'data: {"error": "boom"}\n\n'), "model_rejected", "boom"),
    "an error without the word": Fault(
        in_stream(b'data: {"object": "error", "message": "boom", "code": 500}\n\n'), "model_rejected", "boom"
    ),
    "FastChat's": Fault(in_stream(b'data: {"text": "boom", "error_code": 50002}\n\n'), "model_rejected", "boom"),
    "plain text": Fault(in_stream(b"data: Internal Server Error\n\n"), "model_rejected", "Internal Server Error"),
    "a JSON text": Fault(in_stream(b'data: "boom"\n\n'), "model_rejected", "boom"),
    "a list around it": Fault(Reply(raw=[b'[{"error": {"message": "boom"}}]']), "model_rejected", "boom"),
    "one JSON instead of the stream": Fault(
        Reply(raw=[b'{"error": {"message": "boom"}}'], content_type="application/json"), "model_rejected", "boom"
    ),
    "DashScope's own form": Fault(
        Reply(raw=[b'{"code": "InvalidParameter", "message": "boom", "request_id": "1"}']), "model_rejected", "boom"
    ),
    "LMDeploy's finish reason": Fault(
        in_stream(said("internal error happened", "error"), DONE), "model_rejected", "internal error happened"
    ),
    "LMDeploy's overflow as an answer": Fault(
        Reply(raw=[said(OVERFLOWS["LMDeploy, as a status"], "error"), DONE]), "model_context_exceeded", "INPUT_LENGTH"
    ),
    "LMDeploy's overflow as nothing": Fault(
        Reply("", finish_reason="length", usage={"prompt_tokens": 9000, "completion_tokens": 0}),
        "model_context_exceeded",
    ),
    "an overflow in the stream": Fault(
        Reply(raw=[b'data: {"error": {"code": "context_length_exceeded", "message": "no"}}\n\n']),
        "model_context_exceeded",
    ),
    "too many requests in the stream": Fault(
        Reply(raw=[b'data: {"error": {"type": "rate_limit_error", "message": "slow down"}}\n\n']), "model_busy", "slow"
    ),
    "overloaded in the stream": Fault(
        Reply(raw=[b'data: {"error": {"code": 503, "message": "loading"}}\n\n']), "model_busy", "loading"
    ),
    "withheld": Fault(in_stream(said("", "content_filter"), DONE), "model_rejected", "content filter"),
    "Ollama's own form": Fault(
        Reply(raw=[b'{"message": {"role": "assistant", "content": "Ten"}, "done": true}\n']), "model_protocol"
    ),
    "aborted": Fault(in_stream(said("", "abort"), DONE), "model_stream_cut"),
    "cut in a line": Fault(Reply(raw=[A, B[:30]]), "model_stream_cut"),
    "cut between lines": Fault(Reply(raw=[A, B], ends=False), "model_stream_cut"),
    "nothing": Fault(Reply(raw=[]), "model_protocol"),
    "DONE and nothing else": Fault(Reply(raw=[DONE]), "model_stream_cut"),
    "a page": Fault(Reply(raw=[b"<html><body>Sign in</body></html>"]), "model_protocol", "Sign in"),
    "broken JSON": Fault(in_stream(b'data: {"choices": [\n\n'), "model_protocol"),
    "deep JSON": Fault(in_stream(b"data: " + b"[" * 100_000 + b"\n\n"), "model_protocol"),
    "other JSON": Fault(Reply(raw=[b'{"data": []}']), "model_protocol"),
    "a line without an end": Fault(Reply(raw=[b"data: "] + [b"x" * 65_536] * 40), "model_protocol"),
    "an event without an end": Fault(Reply(raw=[(b"data: " + b"x" * 1000 + b"\n") * 60] * 40), "model_protocol"),
    "a JSON without an end": Fault(Reply(raw=[b'{"choices": "'] + [b"x" * (1 << 20)] * 18), "model_protocol"),
    "white space for ever, then nothing": Fault(Reply(raw=[b"\n" * 65_536] * 20), "model_protocol"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_a_stream_is_named_in_the_servers_words(name: str) -> None:
    fault = FAULTS[name]
    with FakeOpenAIServer([fault.reply]) as server:
        error = ask_failing(opened(server.url, model_timeout_seconds=5))
    assert (error.code, bool(error.hint)) == (fault.code, True)
    assert fault.kept in error.message
    assert len(error.message) < 500


@pytest.mark.parametrize("name", OVERFLOWS)
@pytest.mark.parametrize("shape", ["OpenAI", "plain", "stream"])
def test_a_prompt_that_is_too_long_is_recognised_in_the_words_of_every_server(name: str, shape: str) -> None:
    words = OVERFLOWS[name]
    error = {"error": {"message": words, "code": 400}} if shape == "OpenAI" else {"message": words, "param": None}
    reply = Reply(status=400, error=error)
    if shape == "stream":
        reply = Reply(raw=[b"data: " + json.dumps(error).encode() + b"\n\n"])
    with FakeOpenAIServer([reply]) as server:
        assert ask_failing(opened(server.url)).code == "model_context_exceeded"
        assert len(server.requests) == 1, "no field of the request is to blame"


def test_an_error_that_repeats_the_prompt_is_not_taken_for_a_prompt_that_is_too_long() -> None:
    detail = [{"loc": ["body", "messages"], "msg": "no", "input": "the context window is too long"}]
    with FakeOpenAIServer([Reply(status=422, error={"detail": "bad role", "input": detail})]) as server:
        assert ask_failing(opened(server.url)).code == "model_rejected"


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [(429, "17", 17), (503, "0", 1), (503, "999999", 3600), (429, "soon", None), (503, None, None)],
)
def test_a_busy_server_says_when_to_come_again(status: int, header: str | None, seconds: int | None) -> None:
    headers = {"Retry-After": header} if header else {}
    with FakeOpenAIServer([Reply(status=status, headers=headers)]) as server:
        error = ask_failing(opened(server.url))
    assert isinstance(error, ModelBusyError)
    assert (error.code, error.retry_seconds) == ("model_busy", seconds)


def test_a_busy_server_may_say_it_as_a_date() -> None:
    header = formatdate(time.time() + 100, usegmt=True)
    with FakeOpenAIServer([Reply(status=429, headers={"Retry-After": header})]) as server:
        error = ask_failing(opened(server.url))
    assert isinstance(error, ModelBusyError)
    assert error.retry_seconds is not None
    assert 80 < error.retry_seconds <= 100


def test_the_finish_reason_reaches_whoever_reads_the_stream() -> None:
    async def reasons(model: Any) -> list[str]:
        pieces = [piece async for piece in stream(model, Request(MESSAGES))]
        return [piece.finish for piece in pieces if piece.finish]

    for reason in ("stop", "length"):
        with FakeOpenAIServer([Reply("Ten days", finish_reason=reason)]) as server:
            assert run(opened(server.url), reasons) == [reason]


def test_a_stream_without_an_end_is_whole_once_the_model_has_ended() -> None:
    with FakeOpenAIServer([Reply(raw=[A, B, END], stays_open=True)]) as server:
        assert run(opened(server.url, model_timeout_seconds=0.5), told) == "Ten days."


def test_an_error_text_without_end_is_kept_short() -> None:
    with FakeOpenAIServer([Reply(raw=[b"data: " + b"no " * 100_000 + b"\n\n"])]) as server:
        error = ask_failing(opened(server.url))
    assert isinstance(error, ModelError)
    assert len(error.message) < 500


def test_a_stream_that_stays_open_behind_its_end_is_not_waited_for() -> None:
    async def timed(model: Any) -> float:
        started = asyncio.get_running_loop().time()
        await told(model)
        return asyncio.get_running_loop().time() - started

    with FakeOpenAIServer([Reply(raw=[A, END, b"data: [DONE]\n"], stays_open=True)]) as server:
        assert run(opened(server.url, model_timeout_seconds=20), timed) < 10
