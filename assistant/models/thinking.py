"""Removes a model's thinking from the beginning of its reply while the reply arrives. Thinking is never shown."""

from __future__ import annotations

import re

from assistant.qwen.find import Found, find_by_name

OPENING = "<think>"
_CLOSING = "</think>"
_THINKS_ALWAYS = re.compile(r"thinking|qwq|qvq|-r1\b", re.IGNORECASE)
"""How models are named that are not in the registry, or that were made from one that is."""


def thinks_always(model: str) -> bool:
    """Returns True if a model of this name always thinks. The prompt of such a model already has the opening tag."""
    found = find_by_name(model)
    if isinstance(found, Found) and (found.behaves_as_its_series or found.model.thinks_always):
        return found.model.thinks_always
    return _THINKS_ALWAYS.search(model) is not None


class ThinkingFilter:
    """Passes on everything after a leading `<think>…</think>` and the white space around it.

    With `opened`, the text begins inside the thinking, as for models whose template writes the opening tag. All text is
    then held back until the closing tag, or until `separate` says that the server sends the thinking in its own field.
    Without `opened`, a closing tag that nothing opened is ordinary text. Each reply needs a new filter.
    """

    def __init__(self, *, opened: bool = False) -> None:
        self._inside = opened
        self._tagged = False
        self._started = False
        self._held: list[str] = []
        self._tail = ""
        self.closed_unopened = False
        """True if a closing tag that nothing opened has been passed on."""
        self.removed = False
        """True if thinking was removed from the text."""

    def feed(self, text: str) -> str:
        """Returns the text that may be shown now that `text` has arrived."""
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
        """Note that the thinking has its own field, so the text is the answer. Returns the text held back so far."""
        if not self._inside or self._tagged:
            return ""
        self._inside, self._tail = False, ""
        return self.feed("")

    def finish(self, *, cut: bool) -> str:
        """Returns the text that is left to show at the end of the reply, which is `cut` if the model did not end it.

        The text that is held back is thinking if a tag opened it, or if the reply was cut in the middle of it. If not,
        it is an answer: the model did not think, or the server has removed the thinking.
        """
        rest, self._held = "".join(self._held).lstrip(), []
        if self._inside and (cut or self._tagged or rest.startswith(OPENING)):
            return ""
        return rest

    def _leave(self, text: str) -> str:
        # Only the end of the held text can form a tag with the new text. It would take long to search all of it again.
        before = len(self._tail)
        seen = self._tail + text
        at = seen.find(_CLOSING)
        if at < 0:
            self._held.append(text)
            self._tail = seen[1 - len(_CLOSING) :]
            return ""
        self.removed = self.removed or bool("".join((*self._held, text[: max(0, at - before)])).strip())
        self._inside, self._tagged, self._held, self._tail = False, False, [], ""
        return self.feed(text[at + len(_CLOSING) - before :])

    def _pass(self, text: str) -> str:
        seen = self._tail + text
        self.closed_unopened = self.closed_unopened or _CLOSING in seen
        self._tail = seen[1 - len(_CLOSING) :]
        return text
