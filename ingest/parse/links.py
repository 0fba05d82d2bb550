"""Says where a link leads, in the text: `the portal (https://it.example.com)`. Every format with links uses it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ingest.document import Element, Location

_SHOWN = re.compile(r"(?:https?|ftp)://[^\s<>\"]++|(?:mailto|tel):[^\s<>\"]++", re.IGNORECASE)
"""Targets that mean something outside their document. Places inside it and scripts do not."""
_BARE = re.compile(r"(?:mailto|tel):([^?]++).*", re.IGNORECASE | re.DOTALL)
_LONGEST = 2_000
_INSIDE = r"[^\s<>\"()]"
_SAID = re.compile(
    rf"\s?\((?:(?:https?|ftp)://{_INSIDE}*+(?:\({_INSIDE}*+\){_INSIDE}*+)*+|[^\s()@]++@[^\s()@]++)\)", re.IGNORECASE
)


def with_target(text: str, target: str | None) -> str:
    """Returns the text of a link, and its target in parentheses unless the text already says it."""
    said = shown_target(target)
    if not said or said.rstrip("/") in text:
        return text
    return f"{text.rstrip()} ({said})" if text.strip() else said


def linked(
    elements: Sequence[Element], target: str | None, described: str, location: Location | None = None
) -> list[Element]:
    """Returns what a shape or a picture says, and where a click on it leads: behind its last text, or behind its
    description.
    """
    if not shown_target(target):
        return list(elements)
    said = [element for element in elements if element.text.strip()]
    if said and said[-1].kind in ("paragraph", "list_item"):
        return [*said[:-1], replace(said[-1], text=with_target(said[-1].text, target))]
    return [*said, Element("paragraph", with_target(" ".join(described.split()), target), location or Location())]


def shown_target(target: str | None) -> str:
    """Returns what is shown of a target: an address of the web, of a mailbox or of a telephone. Otherwise returns an
    empty text.
    """
    plain = "".join((target or "").split())
    if len(plain) > _LONGEST or not _SHOWN.fullmatch(plain):
        return ""
    bare = _BARE.fullmatch(plain)
    return bare[1] if bare else plain


def without_targets(text: str) -> str:
    """Returns a heading without the targets of its links. It stands above each of its passages, and in the title."""
    return _SAID.sub("", text) if "(" in text else text
