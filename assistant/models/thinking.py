"""Thinking is never shown: it is cut from the front of what a model says, while that streams in."""

from __future__ import annotations

import re

OPENING = "<think>"
_CLOSING = "</think>"
_THINKS_ALWAYS = re.compile(r"thinking|qwq|qvq|-r1\b", re.IGNORECASE)


def thinks_always(model: str) -> bool:
    """Whether a model of this name thinks whatever it is told, its opening tag being in the prompt already."""
    return _THINKS_ALWAYS.search(model) is not None


class ThinkingFilter:
    """Passes on everything after a leading `<think>…</think>` and the white space around it.

    With `opened` the text is taken to begin inside the thinking, as it does for models whose template writes the
    opening tag: all is held back until the closing tag, or until `separate` says that the server gives the thinking
    in a field of its own. Without it a closing tag that nothing opened is text like any other. A filter is for one
    reply, and nothing of it outlives that.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self._inside = opened
        self._tagged = False
        self._started = False
        self._held: list[str] = []
        self._tail = ""
        self.closed_unopened = False
        """A closing tag that nothing opened has been passed on."""

    def feed(self, text: str) -> str:
        """What may be shown now that `text` has arrived."""
        if self._inside:
            return self._leave(text)
        if self._started:
            return self._pass(text)
        begun = "".join((*self._held, text)).lstrip()
        if begun.startswith(OPENING):
            self._inside, self._tagged, self._held = True, True, []
            return self._leave(begun[len(OPENING) :])
        if OPENING.startswith(begun):
            self._held = [begun]
            return ""
        self._started, self._held = True, []
        return self._pass(begun)

    def separate(self) -> str:
        """The thinking comes in a field of its own: the text is the answer, also what was held back of it."""
        if not self._inside or self._tagged:
            return ""
        self._inside, self._tail = False, ""
        return self.feed("")

    def finish(self, *, cut: bool) -> str:
        """What is left to show at the end of the reply, which is `cut` where the model did not end it itself.

        What is held back is thinking where a tag opened it, or where the reply ended in the middle of it. Else it is
        the answer of a model that did not think, or whose thinking the server has taken away.
        """
        rest, self._held = "".join(self._held).lstrip(), []
        if self._inside and (cut or self._tagged or rest.startswith(OPENING)):
            return ""
        return rest

    def _leave(self, text: str) -> str:
        # Only the end of what is held can become a tag with what comes: reading all of it again would take long.
        before = len(self._tail)
        seen = self._tail + text
        at = seen.find(_CLOSING)
        if at < 0:
            self._held.append(text)
            self._tail = seen[1 - len(_CLOSING) :]
            return ""
        self._inside, self._tagged, self._held, self._tail = False, False, [], ""
        return self.feed(text[at + len(_CLOSING) - before :])

    def _pass(self, text: str) -> str:
        seen = self._tail + text
        self.closed_unopened = self.closed_unopened or _CLOSING in seen
        self._tail = seen[1 - len(_CLOSING) :]
        return text
