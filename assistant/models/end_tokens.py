"""The control tokens that end a reply of a Qwen model, which some servers send as text."""

from __future__ import annotations

import re

_TOKENS = ("<|im_end|>", "<|endoftext|>")
_TOKEN = re.compile(f"({'|'.join(map(re.escape, _TOKENS))})")
_LONGEST = max(map(len, _TOKENS)) - 1


class EndTokenFilter:
    """Passes text on, but removes end tokens, and the white space after them, from the very end of the text.

    An end token with text behind it is a part of the answer, because somebody may have asked about it.
    """

    def __init__(self) -> None:
        self._held: list[str] = []
        self._beginning = ""

    def feed(self, text: str) -> str:
        """Returns the text that may be shown now that `text` has arrived."""
        text, self._beginning = self._beginning + text, ""
        if begun := _begun(text):
            text, self._beginning = text[:-begun], text[-begun:]
        shown: list[str] = []
        for part in _TOKEN.split(text):
            if part in _TOKENS or (self._held and (not part or part.isspace())):
                self._held.append(part)
            elif part:
                shown += [*self._held, part]
                self._held = []
        return "".join(shown)

    def finish(self) -> str:
        """Returns the text that is left to show at the end of the reply."""
        rest = [*self._held, self._beginning] if self._beginning else []
        self._held, self._beginning = [], ""
        return "".join(rest)


def _begun(text: str) -> int:
    """Returns how many characters at the end of `text` may be the beginning of an end token."""
    at = text.rfind("<", -_LONGEST)
    end = text[at:] if at >= 0 else ""
    return len(end) if end and any(token != end and token.startswith(end) for token in _TOKENS) else 0
