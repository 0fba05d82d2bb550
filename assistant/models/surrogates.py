"""Characters that were cut in two: JSON writes an emoji as two halves, and a server may send them in two pieces."""

from __future__ import annotations


class SurrogateJoiner:
    """Passes text on with the halves of a character joined where they meet, and U+FFFD for a half that is alone."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """The text that is whole now that `text` has arrived."""
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return joined(text)

    def finish(self) -> str:
        """What waits for its other half in vain."""
        half, self._half = self._half, ""
        return joined(half)


def joined(text: str) -> str:
    """The text as valid Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
