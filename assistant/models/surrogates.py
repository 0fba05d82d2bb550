"""Joins characters that were cut in two. JSON writes an emoji as two halves, and they may arrive in two pieces."""

from __future__ import annotations


class SurrogateJoiner:
    """Passes text on. Two halves of a character that meet are joined. A half that is alone becomes U+FFFD."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Returns the text that is whole now that `text` has arrived."""
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return joined(text)

    def finish(self) -> str:
        """Returns U+FFFD for a half whose other half never came, or an empty text."""
        half, self._half = self._half, ""
        return joined(half)


def joined(text: str) -> str:
    """Returns the text as valid Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
