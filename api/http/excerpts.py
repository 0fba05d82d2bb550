"""Makes text from callers safe to repeat: short, encodable and, for the log, on one line."""

from __future__ import annotations

MOST_CHARS = 1000


def excerpt(text: str, most_chars: int = MOST_CHARS) -> str:
    """Returns the beginning of `text`: at most `most_chars` characters and an ellipsis. It can be encoded as UTF-8."""
    short = text if len(text) <= most_chars else text[:most_chars] + "…"
    return short.encode(errors="replace").decode()


def one_line(text: str, most_chars: int = 200) -> str:
    """Returns the same for the log, in printable ASCII. No line end can start a line that looks like one of ours."""
    printable = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[: most_chars + 1])
    return excerpt(printable, most_chars).encode("ascii", "backslashreplace").decode()
