"""States where the links of a Word document lead, behind their text: `w:hyperlink` and fields of the kind HYPERLINK.

A field that computes and has no result, as programs write it, is read as its formula.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ingest.parse.links import with_target
from ingest.parse.word.nodes import run

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_FIELD = re.compile(r"\s*+HYPERLINK\s++(?:\"([^\"]++)\"|([^\s\"\\]++))", re.IGNORECASE)
_PLACE = re.compile(r"\\l\s++\"([^\"]++)\"", re.IGNORECASE)
_FORMULA = re.compile(r"\s*+(=[^\\]++)")
_MAX_FIELD_CHARACTERS = 4_000
_BETWEEN = frozenset(f"{_W}{name}" for name in ("bookmarkStart", "bookmarkEnd", "proofErr"))
"""What may stand between two links without a reader seeing it."""
_PICTURED = frozenset(f"{_W}{name}" for name in ("drawing", "pict", "object"))


def state_links(story: Any, relations: Any) -> int:
    """Write the target of each link of a story behind its text. `relations` are those of the story's part. Returns how
    many formulas have no result.
    """
    formulas = 0
    for link in list(story.iter(f"{_W}hyperlink")):
        if link.get(_RELATION) not in relations:
            link.attrib.pop(_RELATION, None)  # python-docx looks it up
        target = _target(link, relations)
        following = _next(link)
        if target and following is not None and _target(following, relations) == target:
            continue  # Word cuts one link into several. The last one says the target.
        _append(link, _text_before(link, target, relations), target)
    for simple in list(story.iter(f"{_W}fldSimple")):
        instruction, text = simple.get(f"{_W}instr") or "", _text(simple)
        _append(simple, text, field_target(instruction))
        if not text.strip() and (formula := _formula(instruction)):
            simple.append(run(formula))
            formulas += 1
    return formulas + _state_complex_fields(story)


def field_target(instruction: str) -> str | None:
    """Returns where a field leads that is a link, or None. Word and RTF write it in the same way."""
    found = _FIELD.match(instruction[:_MAX_FIELD_CHARACTERS])
    if found is None:
        return None
    place = _PLACE.search(instruction[found.end() : _MAX_FIELD_CHARACTERS])
    target = (found[1] or found[2]).replace("\\\\", "\\")  # a field writes each backslash twice
    return f"{target}#{place[1]}" if place and "#" not in target else target


def _formula(instruction: str) -> str:
    """Returns what a field computes, without how it is shown: `=SUM(ABOVE)`. It is empty for another field."""
    found = _FORMULA.match(instruction[:_MAX_FIELD_CHARACTERS])
    return "".join(found[1].split()) if found else ""


def suffix(text: str, target: str | None) -> str:
    """Returns what has to be written behind the text of a link to say its target."""
    behind = with_target(text, target).removeprefix(text.rstrip())
    return behind.lstrip() if text != text.rstrip() or not text else behind


def _target(link: Any, relations: Any) -> str | None:
    relation = relations.get(link.get(_RELATION))
    if relation is None or not relation.is_external:
        return None
    place = link.get(f"{_W}anchor")
    return f"{relation.target_ref}#{place}" if place and "#" not in relation.target_ref else str(relation.target_ref)


def _next(link: Any, step: str = "getnext") -> Any | None:
    """Returns the link that follows without anything between, or comes before. Returns None if there is none."""
    node = getattr(link, step)()
    while node is not None and node.tag in _BETWEEN:
        node = getattr(node, step)()
    return node if node is not None and node.tag == f"{_W}hyperlink" else None


def _text_before(link: Any, target: str | None, relations: Any) -> str:
    """Returns the text of a link and of those right before it that lead to the same target."""
    pieces = [_text(link)]
    while target and (link := _next(link, "getprevious")) is not None and _target(link, relations) == target:
        pieces.append(_text(link))
    return "".join(reversed(pieces))


def _text(node: Any) -> str:
    return "".join(text.text or "" for text in node.iter(f"{_W}t"))


def _append(link: Any, text: str, target: str | None) -> None:
    if target and (text.strip() or any(True for _ in link.iter(*_PICTURED))) and (behind := suffix(text, target)):
        link.append(run(behind))


@dataclass(slots=True)
class _Field:
    """A field that is open. `instruction` is None when its result has begun."""

    instruction: list[str] | None = field(default_factory=list)
    target: str | None = None
    formula: str = ""
    pieces: list[str] = field(default_factory=list)


def _state_complex_fields(story: Any) -> int:
    """Write the target behind each link that is a field of many runs: its begin, what it does, its result, its end.
    Returns how many formulas among them have no result.
    """
    formulas = 0
    opened: list[_Field] = []
    for node in list(story.iter(f"{_W}fldChar", f"{_W}instrText", f"{_W}t")):
        if node.tag == f"{_W}fldChar":
            formulas += _step(opened, node)
        elif not opened:
            continue
        elif node.tag == f"{_W}instrText" and opened[-1].instruction is not None:
            opened[-1].instruction.append(node.text or "")
        elif node.tag == f"{_W}t":
            for link in _innermost(opened):
                link.pieces.append(node.text or "")
    return formulas


def _innermost(opened: list[_Field]) -> Iterator[_Field]:
    """Yields the innermost link or formula among the open fields, if there is one in the last few."""
    yield from [link for link in opened[-3:] if link.target is not None or link.formula][-1:]


def _step(opened: list[_Field], mark: Any) -> bool:
    """Takes one mark of a field. Returns True if it ends a formula without a result."""
    kind = mark.get(f"{_W}fldCharType")
    if kind == "begin":
        opened.append(_Field())
    elif kind == "separate" and opened and opened[-1].instruction is not None:
        stated = "".join(opened[-1].instruction)
        opened[-1].target, opened[-1].formula = field_target(stated), _formula(stated)
        opened[-1].instruction = None
    elif kind == "end" and opened:
        link = opened.pop()
        text = "".join(link.pieces)
        if not text.strip() and (formula := link.formula or _formula("".join(link.instruction or ()))):
            mark.getparent().addnext(run(formula))
            return True
        if link.target and text.strip() and (behind := suffix(text, link.target)):
            mark.getparent().addprevious(run(behind))
    return False
