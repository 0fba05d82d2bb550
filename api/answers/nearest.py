"""The passages nearest to a refused question: the heading that marks them as no answer, and their snippets."""

from __future__ import annotations

import re

from ingest.document import Language

_HEADING = ("最接近的内容（不是答案）", "Closest passages (not an answer)")
_SNIPPET_CHARS = 160
_RULE_MARKS = " \t|:-"
QUOTED_HEADING = "|".join(re.escape(heading) for heading in _HEADING)
"""Matches the heading in either language."""


def heading(language: Language) -> str:
    """Returns the heading above the passages, in the language of the answer."""
    return _HEADING[0 if language in ("zh", "mixed") else 1]


def snippet(text: str) -> str:
    """Returns the beginning of a passage in one line. The cells of a table's row are divided by dots."""
    lines = [line.strip() for line in text.split("\n")]
    words = " ".join(" · ".join(_cells(line)) if line.startswith("|") else line for line in lines if _says(line))
    flat = " ".join(words.split())
    return flat if len(flat) <= _SNIPPET_CHARS else f"{flat[:_SNIPPET_CHARS].rstrip()}…"


def _says(line: str) -> bool:
    """Returns True if a line is more than the rule under a table's header."""
    return bool(line.strip(_RULE_MARKS))


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|") if cell.strip()]
