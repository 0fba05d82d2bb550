"""Thinking is never shown: it is cut from the front of what a model says, while that streams in."""

from __future__ import annotations

import re

_OPENING, _CLOSING = "<think>", "</think>"
_THINKS_ALWAYS = re.compile(r"thinking|qwq|qvq|-r1\b", re.IGNORECASE)


def thinks_always(model: str) -> bool:
    """Whether a model of this name thinks whatever it is told, its opening tag being in the prompt already."""
    return _THINKS_ALWAYS.search(model) is not None


class ThinkingFilter:
    """Passes on everything after a leading `<think>…</think>` and the white space around it.

    With `opened` the text is taken to begin inside the thinking, as it does for models whose template writes the
    opening tag: all is held back until the closing tag. `thought_aloud` says that a closing tag came without an
    opening one after text had been passed on.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self._inside = opened
        self._started = False
        self._held = ""
        self.thought_aloud = False

    def feed(self, text: str) -> str:
        """What may be shown now that `text` has arrived."""
        self._held += text
        if self._inside:
            return self._leave()
        if self._started:
            return self._watch()
        begun = self._held.lstrip()
        if begun.startswith(_OPENING):
            self._inside, self._held = True, begun[len(_OPENING) :]
            return self._leave()
        if not begun or _OPENING.startswith(begun):
            return ""
        self._started, self._held = True, begun
        return self._watch()

    def finish(self) -> str:
        """What is left to show at the end of the stream. Thinking that never closed is not shown."""
        if self._inside:
            self._held = ""
        rest, self._held = self._held, ""
        return rest if self._started else rest.lstrip()

    def _leave(self) -> str:
        _, closing, rest = self._held.partition(_CLOSING)
        if not closing:
            return ""
        self._inside, self._held = False, rest
        return self.feed("")

    def _watch(self) -> str:
        """Pass text on, except a tail that may become a closing tag nobody opened."""
        if _CLOSING in self._held:
            self.thought_aloud = True
            shown, _, self._held = self._held.partition(_CLOSING)
            return shown
        for length in range(min(len(_CLOSING) - 1, len(self._held)), 0, -1):
            if _CLOSING.startswith(self._held[-length:]):
                shown, self._held = self._held[:-length], self._held[-length:]
                return shown
        shown, self._held = self._held, ""
        return shown
