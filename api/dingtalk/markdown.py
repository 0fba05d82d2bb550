"""Markdown as DingTalk shows it. What is dangerous in it was taken out before, by `api/channels/markdown.py`."""

from __future__ import annotations

import re

_ROW = re.compile(r"\s*(?:[-*+]\s|\d+[.)]\s|\|)")


def spaced(text: str) -> str:
    """Returns the text with the blank lines and line ends that DingTalk needs, before lists and tables and at line
    breaks.
    """
    lines: list[str] = []
    fenced = False
    for line in text.split("\n"):
        before = lines[-1] if lines else ""
        if not fenced and before.strip() and line.strip() and not line.startswith("```"):
            if bool(_ROW.match(line)) and not _ROW.match(before):
                lines.append("")
            elif not _ROW.match(line) and not before.startswith("```"):
                lines[-1] = before.rstrip() + "  "
        fenced ^= line.startswith("```")
        lines.append(line)
    return "\n".join(lines)
