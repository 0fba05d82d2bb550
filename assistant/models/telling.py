"""Reads one reply of a chat server on its way to the asker: what may be shown of it, and when."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assistant.models.end_tokens import EndTokenFilter
from assistant.models.reply import Reply
from assistant.models.thinking import ThinkingFilter
from assistant.sse import ServerSentEvent

logger = logging.getLogger(__name__)

Json = Mapping[str, Any]

_CHARS_PER_TOKEN = 16
"""No tokenizer has more characters per token on average. A server that sends more than that ignores `max_tokens`."""


class Telling:
    """Reads one reply on its way to the asker, and removes its thinking and its end tokens."""

    def __init__(
        self, always: bool, max_tokens: int, secrets: tuple[str, ...], as_chunk: Callable[[Json], Json] | None = None
    ) -> None:
        """`as_chunk` turns each JSON of the stream into a chunk of a chat completion, if it is none."""
        self.reply = Reply(_CHARS_PER_TOKEN * max_tokens, secrets, as_chunk)
        self._always = always
        self._thinking = ThinkingFilter(opened=self._always)
        self._ending = EndTokenFilter()

    def take(self, events: Sequence[ServerSentEvent]) -> str:
        """Returns the text that may be shown now that these events have arrived together."""
        shown: list[str] = []
        usual: list[str] = []
        for event in events:
            text = self.reply.read_usual(event)
            if text is not None:
                usual.append(text)
                continue
            shown.append(self._take_usual(usual))
            usual = []
            content = self.reply.read(event)
            freed = self._thinking.separate() if self.reply.reasoning else ""
            shown.append(self._ending.feed(freed + self._thinking.feed(content)))
        shown.append(self._take_usual(usual))
        return self._shown("".join(shown))

    def _take_usual(self, texts: Sequence[str]) -> str:
        if not texts:
            return ""
        return self._ending.feed(self._thinking.feed(self.reply.halves.feed("".join(texts))))

    def finish(self, *, thinking_off: bool) -> str:
        """Returns the text that is left to show at the end. With `thinking_off`, the model was told not to think."""
        rest = self._thinking.feed(self.reply.halves.finish())
        rest += self._thinking.finish(cut=self.reply.finish in (None, "length"))
        rest = self._shown(self._ending.feed(rest) + self._ending.finish())
        self.reply.thought = self._thinking.removed or bool("".join(self.reply.reasoning).strip())
        if self._thinking.closed_unopened:
            logger.warning(
                "An answer has a closing </think> that nothing opened. If it was thinking, start the model server with "
                "a reasoning parser or with thinking switched off."
            )
        hidden = "" if rest else self.reply.hidden_answer(thinking_off=thinking_off and not self._always)
        self.reply.thought = self.reply.thought and not hidden
        return rest or self._shown(hidden)

    def _shown(self, text: str) -> str:
        self.reply.shown = self.reply.shown or bool(text.strip())
        return text
