"""Reads the marks inside a line of reStructuredText and Org: roles, literals, links, struck-through text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ingest.parse.links import with_target

Targets = Mapping[str, str]
"""Where the references of a document lead, by their names."""

_RST_INLINE = re.compile(
    r":(?P<role>[\w:+-]{1,40}):`(?P<named>[^`<]+?)(?:\s*<[^`>]*>)?`|``(?P<literal>[^`]+)``"
    r"|`(?P<linked>[^`<]+?)(?:\s*<(?P<target>[^`>]*)>)?`(?P<refers>_{0,2})|\*\*(?P<strong>[^*]+)\*\*"
    r"|(?<![\w.-])(?P<word>[^\W_]++(?:[-_.][^\W_]++)*+)_(?![\w_])"
)
_RST_TARGET = re.compile(r"^\.\. _(?P<quote>`?)(?P<name>[^`:\n]++)(?P=quote):[ \t]++(?P<target>\S++)[ \t]*$", re.M)
_RST_STRUCK = frozenset({"del", "strike", "strikethrough", "struck"})
_ORG_LINK = re.compile(r"\[\[([^\]]++)(?:\](?:\[([^\]]++)\])?\]|(?P<open>))")
"""Matches a link. It also matches what only begins like a link (`open`), so that this is skipped as a whole."""
_ORG_STRUCK = re.compile(
    r"(?:(?<=[\s({'\"，。；：、（“-])|^)\+(?=\S)[^+\n]++(?<=\S)\+(?=[\s.,;:!?'\")}\[，。；：、！？）”-]|$)", re.M
)


def rst_targets(text: str) -> dict[str, str]:
    """Returns where the references of a document lead, as `.. _name: https://…` says."""
    return {_normal(found["name"]): found["target"] for found in _RST_TARGET.finditer(text)}


def rst_text(text: str, targets: Targets) -> str:
    """Returns the text without the marks of roles, literals and links. Each link says its target."""
    return _RST_INLINE.sub(lambda found: with_target(*_rst_said(found, targets)), text)


def org_text(text: str) -> str:
    """Returns the text without the marks of links and without what is struck through. Each link says its target."""
    return _ORG_LINK.sub(lambda found: with_target(*_org_said(found)), _ORG_STRUCK.sub("", text))


def _rst_said(found: re.Match[str], targets: Targets) -> tuple[str, str | None]:
    """Returns what a mark says, and where it leads if it is a link."""
    if found["word"]:
        target = targets.get(_normal(found["word"]))
        return (found["word"], target) if target else (found[0], None)
    if found["role"] and found["role"] in _RST_STRUCK:
        return "", None
    text = found["named"] or found["literal"] or found["linked"] or found["strong"]
    if not found["refers"]:
        return text, None
    return text, found["target"] or targets.get(_normal(text))


def _org_said(found: re.Match[str]) -> tuple[str, str | None]:
    if found["open"] is not None:
        return found[0], None
    return found[2] or found[1], found[1]


def _normal(name: str) -> str:
    return " ".join(name.split()).lower()
