"""Reads one reply of a chat server. The events of its stream, or its whole JSON, become text, usage and an end.

The streams of servers differ much. `tests/assistant/test_stream_forms.py` lists the forms that are read, each with its
test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages.ai import UsageMetadata

from assistant.errors import ModelRejectedError
from assistant.models.failures import context_exceeded, no_chat_server, stream_cut, stream_error
from assistant.models.servers.streams import DONE
from assistant.models.surrogates import SurrogateJoiner, joined
from assistant.sse import ServerSentEvent

_REASONING_FIELDS = ("reasoning", "reasoning_content")
_JSON = json.JSONDecoder()
_ERROR_KEYS = ("message", "detail", "msg", "error_code")


@dataclass(slots=True)
class Reply:
    """The parts of one reply that have been read. The reply may have `longest_chars` characters, with its thinking.

    `finish` is the server's `finish_reason`. `secrets` must not appear when the server is quoted. `as_chunk` turns each
    JSON into a chunk of a chat completion, if it is none.
    """

    longest_chars: int
    secrets: tuple[str, ...] = field(default=(), repr=False)
    as_chunk: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = field(default=None, repr=False)
    chars: int = 0
    choices: int = 0
    shown: bool = False
    thought: bool = False
    reasoning: list[str] = field(default_factory=list)
    finish: str | None = None
    done: bool = False
    usage: UsageMetadata | None = None
    halves: SurrogateJoiner = field(default_factory=SurrogateJoiner)

    def read_usual(self, event: ServerSentEvent) -> str | None:
        """Returns the content of an event that brings the next text and nothing else. Nearly all events do, and to read
        them here takes a third of the time. Returns None for any other event, which is left to `read`.

        The halves of a character are not joined yet: that is done once for the events that came together.
        """
        try:
            data, end = _JSON.raw_decode(event.data)
            (choice,) = data["choices"]
            said = choice["delta"]
            content = said["content"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return None
        if end != len(event.data) or event.name != "message" or not isinstance(content, str):
            return None
        if data.get("error") or data.get("usage") is not None or choice.get("index") or choice.get("finish_reason"):
            return None
        for name in _REASONING_FIELDS:
            if said.get(name):
                return None
        self.choices += 1
        self._check_length(len(content))
        return content

    def read(self, event: ServerSentEvent) -> str:
        """Returns the content of an event. Raises ModelError if it is an error or no part of a chat completion."""
        if event.name == "error":
            raise stream_error(event.data, self.secrets)
        if event.data.strip() == DONE:
            self.done = True
            return ""
        return "".join([self._content(self.as_chunk(data) if self.as_chunk else data) for data in self._parsed(event)])

    def check_whole(self, stray: str) -> None:
        """Raises ModelError unless the stream has its end mark. `stray` is the text that came instead of events."""
        if not self.choices:
            raise stream_cut() if self.done else no_chat_server(stray, self.secrets)
        if self.finish == "abort" or (not self.done and self.finish is None):
            raise stream_cut()
        if self.finish == "content_filter":
            raise ModelRejectedError(
                "model_rejected", "The model server's content filter withheld the answer.", "Ask in other words."
            )

    def hidden_answer(self, *, thinking_off: bool) -> str:
        """Returns the answer if a wrong reasoning parser has put all of it into the reasoning field, else "".

        The answer is the text behind the closing tag. If the model was told not to think, it may be the whole text.
        """
        if self.shown or self.finish != "stop":
            return ""
        _thought, closing, answer = joined("".join(self.reasoning)).rpartition("</think>")
        return answer.strip() if closing or thinking_off else ""

    def check_said(self) -> None:
        """Raises ModelError for a reply without an answer, if the reason is known."""
        if self.shown or self.finish != "length":
            return
        if self.usage is not None and not self.usage["output_tokens"] and not self.reasoning:
            # LMDeploy answers like this if the prompt fills its window.
            raise context_exceeded("The model server left no room for an answer behind the prompt.")
        raise ModelRejectedError(
            "model_empty",
            "The chat model gave no answer before its limit of tokens; it was still thinking.",
            "Switch its thinking off at the model server, or raise YOUJU_MODEL_MAX_TOKENS.",
        )

    def _parsed(self, event: ServerSentEvent) -> Iterator[dict[str, Any]]:
        """Yields the JSON objects of an event. There is one in each line if the server leaves out the blank lines
        between its events.
        """
        texts = [event.data]
        if "\n" in event.data and not _is_json(event.data):
            texts = event.data.split("\n")
        for text in texts:
            if not text.strip() or text.strip() == DONE:
                self.done = self.done or bool(text.strip())
                continue
            try:
                data = json.loads(text)
            except (ValueError, RecursionError):
                if not event.whole:
                    raise stream_cut() from None
                if text.lstrip()[:1] in ("{", "[", "<"):
                    raise no_chat_server(text, self.secrets) from None
                raise stream_error(text, self.secrets) from None
            if isinstance(data, list) and len(data) == 1:
                data = data[0]  # some gateways put an error into a list
            if isinstance(data, str):
                raise stream_error(data, self.secrets)
            if not isinstance(data, dict):
                raise no_chat_server(text, self.secrets)
            yield data

    def _content(self, data: Mapping[str, Any]) -> str:
        choices = data.get("choices")
        if data.get("error") or (not choices and any(isinstance(data.get(key), str | int) for key in _ERROR_KEYS)):
            raise stream_error(data, self.secrets)
        self.usage = _usage(data.get("usage")) or self.usage
        # Only the first choice was asked for. Some servers do not number it.
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and not choice.get("index"):
                return self._chosen(choice)
        return ""

    def _chosen(self, choice: Mapping[str, Any]) -> str:
        said = choice.get("delta") or choice.get("message") or {}
        if not isinstance(said, dict):
            raise no_chat_server()
        self.choices += 1
        content, thought = _texts(said.get("content"))
        thought += "".join(_texts(next((said[name] for name in _REASONING_FIELDS if said.get(name)), ""))[0])
        if choice.get("finish_reason") == "error":
            raise stream_error(content or "without a message", self.secrets)
        if choice.get("finish_reason"):
            self.finish = str(choice["finish_reason"])
        if thought:
            self.reasoning.append(thought)
        self._check_length(len(content) + len(thought))
        return self.halves.feed(content)

    def _check_length(self, chars: int) -> None:
        self.chars += chars
        if self.chars > self.longest_chars:
            raise ModelRejectedError(
                "model_endless",
                "The model goes on far beyond the length that was asked for.",
                "Ask again; if it stays, look at the model server's settings: it ignores max_tokens.",
            )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _texts(content: Any) -> tuple[str, str]:
    """Returns the text of a content and the thinking in it. The content is a text or a list of parts."""
    if content is None or isinstance(content, str):
        return content or "", ""
    if not isinstance(content, list):
        raise no_chat_server()
    text, thought = "", ""
    for part in content:
        if isinstance(part, str):
            text += part
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            text += part["text"]
        elif isinstance(part, dict) and part.get("type") in ("thinking", "reasoning"):
            thought += _texts(part.get("thinking") or part.get("reasoning"))[0]
    return text, thought


def _usage(usage: Any) -> UsageMetadata | None:
    if not isinstance(usage, dict):
        return None
    counted = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    prompt, completion = (count if isinstance(count, int) else 0 for count in counted)
    return UsageMetadata(input_tokens=prompt, output_tokens=completion, total_tokens=prompt + completion)
