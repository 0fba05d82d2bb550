"""Every kind of server, with every kind of reply: no reply leaks its thinking, loses its answer or changes the next.

Each cell of the table asks one adapter twice. The first reply is that of the cell, the second an ordinary one.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pytest
from pydantic import SecretStr

from assistant.errors import ModelError
from assistant.models import stream
from assistant.models.from_settings import open_model
from assistant.models.server import ServerChatModel
from assistant.models.servers.kinds import ServerKind
from assistant.request import Message, Request
from assistant.settings import AssistantSettings
from tests.fake_openai_server import FakeOpenAIServer, Reply

THOUGHT = "SECRET-THOUGHT about <|im_start|> and 42"
ANSWER = "Ten days of leave [1]."
NEXT = "Eleven days, says the next reply [2]."
KEY = "sk-cell-0123456789"
_AT_ONCE = 20
USAGE = {"prompt_tokens": 321, "completion_tokens": 12}
NAMES = {"Qwen2.5-7B-Instruct": False, "Qwen3-8B": False, "Qwen3-4B-Thinking-2507": True}
"""The names of models, and whether one of this name always thinks, so that its prompt opens the thinking."""
REASONINGS = ("none", "reasoning", "reasoning_content", "tags", "only the closing tag", "parts", "in the wrong field")
FINISHES = ("stop", "length", "content_filter", "abort", None)
ERRORS = (
    "none",
    "status 400",
    "status 400, too long",
    "status 401",
    "status 500",
    "event: error",
    "error object",
    "error as finish",
    "cut",
    "a page",
)
KINDS: Sequence[ServerKind] = get_args(ServerKind)
NATIVE: ServerKind = "ollama_native"
"""The kind that is spoken to by another interface, where each reply has another form."""


@dataclass(frozen=True)
class Cell:
    name: str
    reasoning: str
    finish: str | None
    counts: bool
    error: str

    def reply(self, kind: ServerKind) -> Reply:
        if self.error.startswith("status"):
            said = "maximum context length is 4096 tokens" if "too long" in self.error else f"no, {KEY}"
            return Reply(status=int(self.error[7:10]), error={"error": {"message": said}})
        if self.error == "a page":
            return Reply(raw=[b"<html><body>Sign in</body></html>"], content_type="text/html")
        raw = _natively(self._events()) if kind == NATIVE else b"".join(self._events())
        return Reply(raw=[raw], ends=self.error != "cut")

    def _events(self) -> Iterator[bytes]:
        yield _event({"role": "assistant", "content": None})
        answer = "" if self.reasoning == "in the wrong field" else ANSWER
        yield from (_event(delta) for delta in self._thought())
        half = len(answer) // 2
        yield _event({"content": answer[:half]})
        if self.error == "event: error":
            yield b'event: error\ndata: {"message": "CUDA out of memory"}\n\n'
        if self.error == "error object":
            yield b'data: {"error": {"message": "CUDA out of memory", "code": 500}}\n\n'
        if self.error == "error as finish":
            yield _event({"content": "CUDA out of memory"}, "error")
        if self.error == "cut":
            return
        yield _event({"content": answer[half:]})
        if self.finish is not None:
            yield _event({}, self.finish)
        if self.counts:
            yield b"data: " + json.dumps({"choices": [], "usage": USAGE}).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"

    def _thought(self) -> list[dict[str, Any]]:
        return {
            "none": [],
            "reasoning": [{"reasoning": THOUGHT[:9]}, {"reasoning": THOUGHT[9:]}],
            "reasoning_content": [{"reasoning_content": THOUGHT, "content": ""}],
            "tags": [{"content": f"<think>\n{THOUGHT[:9]}"}, {"content": f"{THOUGHT[9:]}\n</think>\n\n"}],
            "only the closing tag": [{"content": THOUGHT}, {"content": "</think>\n\n"}],
            "parts": [{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}]}],
            "in the wrong field": [{"reasoning_content": f"{THOUGHT}</think>"}, {"reasoning_content": ANSWER}],
        }[self.reasoning]

    @property
    def code(self) -> str:
        """The error that is to come of it, or nothing."""
        codes = {
            "status 400": "model_rejected",
            "status 400, too long": "model_context_exceeded",
            "status 401": "model_unauthorized",
            "status 500": "model_rejected",
            "event: error": "model_rejected",
            "error object": "model_rejected",
            "error as finish": "model_rejected",
            "cut": "model_stream_cut",
            "a page": "model_protocol",
        }
        if self.error != "none":
            return codes[self.error]
        if self.reasoning == "in the wrong field" and self.finish == "length":
            return "model_empty"  # the limit came while it was still thinking, as far as anybody can see
        if self.reasoning == "none" and NAMES[self.name] and self.finish in ("length", None):
            return "model_empty"  # the same: its prompt opened the thinking, and nothing closed it
        return {"content_filter": "model_rejected", "abort": "model_stream_cut"}.get(self.finish or "", "")


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    data = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps(data)}\n\n".encode()


def _natively(events: Iterable[bytes]) -> bytes:
    """The same reply by Ollama's own interface: a JSON in each line, and the end and the counts in the last one."""
    lines: list[dict[str, Any]] = []
    end: dict[str, Any] = {}
    for event in events:
        name, _, data = event.rpartition(b"data: ")
        if name or data.strip() == b"[DONE]":
            lines += [{"error": "CUDA out of memory"}] if name else []
            continue
        chunk = json.loads(data)
        if "error" in chunk:
            lines.append({"error": chunk["error"]["message"]})
        for choice in chunk.get("choices", ()):
            delta, finish = choice["delta"], choice["finish_reason"]
            if finish == "error":
                lines.append({"error": delta["content"]})
            elif finish:
                end |= {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": finish}
            else:
                lines.append({"message": _as_message(delta), "done": False})
        if (usage := chunk.get("usage")) is not None:
            end |= {"prompt_eval_count": usage["prompt_tokens"], "eval_count": usage["completion_tokens"]}
    return b"".join(json.dumps(line).encode() + b"\n" for line in [*lines, *([end] if end else [])])


def _as_message(delta: dict[str, Any]) -> dict[str, Any]:
    content = delta.get("content") or ""
    thinking = delta.get("reasoning") or delta.get("reasoning_content") or ""
    if isinstance(content, list):
        content, thinking = "", content[0]["thinking"][0]["text"]
    return {"role": "assistant", "content": content, **({"thinking": thinking} if thinking else {})}


def cells(kind: ServerKind) -> Iterator[Cell]:
    """All cells of one kind of server. What an error cuts off has no finish reason and no usage."""
    for name, reasoning in itertools.product(NAMES, REASONINGS):
        if reasoning == "only the closing tag" and not NAMES[name]:
            continue  # nothing opened it: such a text is an answer that speaks of a tag
        for finish, counts in itertools.product(FINISHES, (True, False)):
            if reasoning == "in the wrong field" and finish is None:
                continue  # nobody can tell whether such an answer is whole
            if kind == NATIVE and finish is None:
                continue  # the end is always said
            yield Cell(name, reasoning, finish, counts, "none")
        for error in ERRORS[1:]:
            yield Cell(name, reasoning, "stop", True, error)


@dataclass
class Outcome:
    text: str = ""
    usage: tuple[int, int] | None = None
    finish: str | None = None
    code: str = ""
    error: str = ""


async def outcome(model: ServerChatModel, question: str) -> Outcome:
    found = Outcome()
    try:
        async for piece in stream(model, Request((Message("user", question),), max_tokens=200)):
            found.text += piece.text
            found.finish = piece.finish or found.finish
            if piece.usage is not None:
                found.usage = (piece.usage.prompt_tokens, piece.usage.completion_tokens)
    except ModelError as error:
        found.code, found.error = error.code, f"{error.message} {error.hint}"
    return found


async def twice(kind: ServerKind, url: str, cell: Cell, number: int) -> tuple[Outcome, Outcome]:
    settings = AssistantSettings(model=cell.name, model_url=url, model_server=kind, model_api_key=SecretStr(KEY))
    model = open_model(settings, hub=False)
    assert isinstance(model, ServerChatModel)
    try:
        return await outcome(model, f"cell {number}"), await outcome(model, "next")
    finally:
        await model.aclose()


def check(cell: Cell, first: Outcome, second: Outcome) -> None:
    assert "SECRET" not in first.text + first.error + second.text, "thinking leaked"
    assert KEY not in first.error, "a key leaked"
    assert "think>" not in first.text
    assert first.code == cell.code
    if not cell.code:
        assert first.text == ANSWER
        assert first.finish == cell.finish
        assert first.usage == ((321, 12) if cell.counts else None)
    elif cell.error in ("event: error", "error object", "error as finish", "cut"):
        assert ANSWER.startswith(first.text), "only what the model said"
    assert (second.text, second.code, second.finish, second.usage) == (NEXT, "", "stop", None)


TABLES = [
    pytest.param("vllm", 7),
    pytest.param(NATIVE, 7),
    *(pytest.param(kind, 1, marks=pytest.mark.slow) for kind in KINDS),
]
"""The kinds of servers, and of how many cells one is asked. Seven is in step with no column."""


@pytest.mark.parametrize(("kind", "step"), TABLES)
def test_no_cell_leaks_its_thinking_loses_its_answer_or_changes_the_next_reply(kind: ServerKind, step: int) -> None:
    table = list(cells(kind))[::step]
    events = [_event({"content": NEXT}), _event({}, "stop"), b"data: [DONE]\n\n"]
    plain = Reply(raw=[_natively(events) if kind == NATIVE else b"".join(events)])

    def script(body: dict[str, Any]) -> Reply:
        name, *more = body["messages"][0]["content"].split()  # with the switch that Qwen3 reads in a prompt, at times
        return table[int(more[0])].reply(kind) if name == "cell" else plain

    async def fill() -> list[tuple[Outcome, Outcome]]:
        """Ask for many cells at the same time, each with an adapter of its own."""
        found: list[tuple[Outcome, Outcome]] = []
        for at in range(0, len(table), _AT_ONCE):
            some = enumerate(table[at : at + _AT_ONCE], at)
            found += await asyncio.gather(*(twice(kind, server.url, cell, number) for number, cell in some))
        return found

    with FakeOpenAIServer(script) as server:
        outcomes = asyncio.run(fill())
        assert len(server.requests) == 2 * len(table)
    wrong = []
    for cell, (first, second) in zip(table, outcomes, strict=True):
        try:
            check(cell, first, second)
        except AssertionError as error:
            wrong.append(f"{cell}: {str(error).splitlines()[0]}; {first}; {second}")
    assert not wrong, "\n".join([f"{len(wrong)} of {len(table)} cells", *wrong[:12]])
