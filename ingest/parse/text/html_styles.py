"""Which parts of a web page are hidden or struck through, and how its letters look: by their tags, their attributes,
and the styles of the page.

Of the style sheets in the page, simple selectors are followed: a tag, a class, an id, or two of them together
(`p.old`), and such an element inside others (`.archive p.old`, `td > .old`) if no other rule may show it. A rule with
another selector, or for print or small screens only, hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

_IGNORED = re.compile(
    r"/\*(?:[^*]|\*(?!/))*+(?:\*/)?|<!--|-->"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'(?:[^'\\\n]|\\.)*+'?"
)
_BRACE = re.compile("([{}])")
_COMPOUND = re.compile(r"([a-zA-Z][\w-]*+|\*)?((?:[.#][\w-]++)*+)")
_SIMPLE = re.compile(r"[.#][\w-]++")
_COMBINATOR = re.compile(r"[\s>+~]")
_INSIDE = re.compile(r"\s*(>)\s*|\s+")
_CONDITION = re.compile(r"[:\[]")
_EVERYWHERE = re.compile(r"@media\s++(?:only\s++)?+(?:screen|all)", re.I)
_ZERO = re.compile(r"[0.]+(?:[a-z]{1,4}|%)?")
_PROPERTIES = {
    "display": "display",
    "visibility": "visibility",
    "font-size": "size",
    "mso-hide": "office",
} | dict.fromkeys(("text-decoration", "text-decoration-line"), "decoration")
_LOOKS = frozenset({"weight", "align"})
_STRUCK_TAGS = frozenset({"s", "strike", "del"})
_MAX_CLASSES = 16
_MAX_HOLDERS, _MAX_CONTEXTS, _MAX_ANCESTORS = 2, 16, 100
"""The most holders that a selector may name, the most such selectors for one element, and the ancestors looked at."""

_Priority = tuple[bool, int, int, int]
"""Whether it is important, its origin (browser, sheet, element), the weight of its selector, and its place."""
_Stated = dict[str, tuple[_Priority, str]]
_Holders = list[tuple[frozenset[str], bool]]
"""What an element must be inside of, the innermost first, and if that must be its parent."""
_BY_BROWSER: _Priority = (False, 0, 0, 0)


@dataclass(slots=True)
class Styles:
    """The rules of a page's style sheets, by the tags, classes and ids that an element must have."""

    _rules: dict[frozenset[str], _Stated] = field(default_factory=dict)
    _showing: set[frozenset[str]] = field(default_factory=set)
    """What selectors that are not followed may show under some condition."""
    _inside: dict[frozenset[str], list[tuple[_Holders, _Stated]]] = field(default_factory=dict)
    """What is stated for elements that are inside others."""
    _named: set[str] = field(default_factory=set)
    _widened: set[frozenset[str]] | None = None
    _count: int = 0

    def add(self, sheet: str) -> None:
        """Read the rules of a style sheet. Later ones win over earlier ones."""
        for selectors, declarations in _rules_of(_IGNORED.sub("", sheet)):
            stated = list(_declared(declarations))
            for selector in selectors.split(",") if stated else ():
                self._add(selector.strip(), stated)

    def _add(self, selector: str, stated: list[tuple[str, str, bool]]) -> None:
        self._count += 1
        *holders, parts = _compounds(selector)
        if not parts or len(parts) > 2:
            subject = _CONDITION.split(_COMBINATOR.split(selector)[-1])[0]
            parts = (_simple_parts(subject) or [])[-2:]
            self._show(parts, stated)
        elif holders:
            self._named.update(parts)
            self._show(parts, stated)
            found: _Stated = {}
            stated = [each for each in stated if each[0] not in _LOOKS]  # there is room for few of these rules
            weight = _weight([part for holder, _ in holders for part in holder]) + _weight(parts)
            for name, value, is_important in stated:
                _state(found, name, (is_important, 1, weight, self._count), value)
            rules = self._inside.setdefault(frozenset(parts), [])
            if stated and len(rules) < _MAX_CONTEXTS:
                rules.append((holders[::-1], found))
        else:
            self._named.update(parts)
            known = self._rules.setdefault(frozenset(parts), {})
            for name, value, is_important in stated:
                _state(known, name, (is_important, 1, _weight(parts), self._count), value)

    def _show(self, parts: Sequence[str], stated: list[tuple[str, str, bool]]) -> None:
        """Keep in mind that a rule that is not followed everywhere may show such elements."""
        if parts and any(name == "display" and value != "none" for name, value, _ in stated):
            self._showing.add(frozenset(parts))
            self._named.update(parts)

    def of(self, node: Any) -> dict[str, str]:
        """Returns the display, visibility, decoration, size and weight of letters, and alignment that are stated for an
        element, as far as they are.
        """
        found: _Stated = {}
        given = node.attrib
        if node.tag in _STRUCK_TAGS:
            _state(found, "decoration", _BY_BROWSER, "line-through")
        if node.tag == "template" or given.get("hidden", "until-found").lower() != "until-found":
            _state(found, "display", _BY_BROWSER, "none")
        if self._named:
            self._follow(node, found)
        if "style" in given:
            for name, value, is_important in _declared(_IGNORED.sub("", given["style"])):
                _state(found, name, (is_important, 2, 0, 0), value)
        return {name: value for name, (_, value) in found.items()} if found else {}

    def _follow(self, node: Any, found: _Stated) -> None:
        """Add what the style sheets state for an element."""
        keys = list(self._keys(node))
        for key in keys:
            for name, (priority, value) in self._rules.get(key, {}).items():
                _state(found, name, priority, value)
        for key in keys:
            for holders, stated in self._inside.get(key, ()):
                if not self._may_be_shown(key) and _is_inside(node, holders):
                    for name, (priority, value) in stated.items():
                        _state(found, name, priority, value)
        if any(key in self._showing for key in keys) and found.get("display", (_BY_BROWSER, ""))[0][1] == 1:
            del found["display"]

    def _may_be_shown(self, key: frozenset[str]) -> bool:
        """Returns True if a script may show elements that have these parts by a class of their own: an open tab."""
        if self._widened is None:
            shown = (parts for parts, stated in self._rules.items() if stated.get("display", (0, "none"))[1] != "none")
            self._widened = {frozenset({part}) for parts in (*shown, *self._showing) for part in parts}
        return key in self._widened or key in self._showing

    def _keys(self, node: Any) -> Iterator[frozenset[str]]:
        """Yields what a selector may ask for: each of its tag, id and classes that the styles name, and each two."""
        classes = node.get("class", "").split()[:_MAX_CLASSES]
        known = [node.tag, f"#{node.get('id', '')}", *(f".{each}" for each in classes)]
        named = [each for each in dict.fromkeys(known) if each in self._named]
        yield from (frozenset(keys) for count in (1, 2) for keys in combinations(named, count))


def styles_of(page: Any) -> Styles:
    """Returns the styles that the page itself states. Sheets that it refers to are not fetched."""
    styles = Styles()
    for sheet in page.iter("style"):
        if "print" not in sheet.get("media", "").lower():
            styles.add("".join(sheet.itertext()))
    return styles


def is_hidden(stated: dict[str, str]) -> bool:
    """Returns True for an element that takes no place on the page, with all that is in it. What is hidden text in Word
    and Outlook has a style of its own in their pages and mails.
    """
    return stated.get("display") == "none" or stated.get("office") == "all"


def has_no_size(stated: dict[str, str]) -> bool:
    """Returns True if letters have no size, which nobody can read."""
    return _ZERO.fullmatch(stated.get("size", "inherit")) is not None


def is_struck(stated: dict[str, str]) -> bool:
    """Returns True if a line goes through the text of the element."""
    return "line-through" in stated.get("decoration", "").split()


def _rules_of(sheet: str) -> Iterator[tuple[str, str]]:
    """Yields the selectors and the declarations of each rule that holds on a screen of any size."""
    open_blocks: list[str] = []
    pieces = iter(_BRACE.split(sheet))
    for before, brace in zip(pieces, pieces, strict=False):  # what follows the last brace is no rule
        if brace == "{":
            prelude = before.rpartition(";")[2].strip()
            holds = all(map(_EVERYWHERE.fullmatch, open_blocks))
            open_blocks.append(prelude if holds else "@")
        elif open_blocks and not (selectors := open_blocks.pop()).startswith("@"):
            yield selectors, before


def _declared(declarations: str) -> Iterator[tuple[str, str, bool]]:
    """Yields the properties that are looked at, their values, and whether they are important."""
    for declaration in declarations.split(";"):
        name, _, value = declaration.partition(":")
        if (known := _PROPERTIES.get(name.strip().lower())) is not None:
            value, mark, _ = value.strip().lower().partition("!")
            yield known, value.strip(), bool(mark)


def _compounds(selector: str) -> list[Any]:
    """Returns the holders of a selector, each with whether it must be the parent of the next, and the parts of the
    element itself. They are empty if the selector asks for more than that.
    """
    pieces = _INSIDE.split(selector)
    parts = [_simple_parts(piece) for piece in pieces[::2]]
    if not all(parts) or len(parts) > _MAX_HOLDERS + 1:
        return [[]] if len(parts) > 1 or parts[0] is None else parts
    marks = [mark == ">" for mark in pieces[1::2]]
    return [*((frozenset(part or ()), mark) for part, mark in zip(parts, marks, strict=False)), parts[-1]]


def _is_inside(node: Any, holders: _Holders) -> bool:
    """Returns True if an element is inside the holders, from the innermost to the outermost."""
    wanted = iter(holders)
    parts, is_parent = next(wanted)
    for above in islice(node.iterancestors(), _MAX_ANCESTORS):
        has = {above.tag, f"#{above.get('id', '')}", *(f".{name}" for name in above.get("class", "").split())}
        if parts <= has:
            if (following := next(wanted, None)) is None:
                return True
            parts, is_parent = following
        elif is_parent:
            return False
    return False


def _weight(parts: Sequence[str]) -> int:
    """Returns the weight of a selector: ids before classes before tags."""
    return sum({"#": 100, ".": 10}.get(part[0], 1) for part in parts)


def _simple_parts(selector: str) -> list[str] | None:
    """Returns the tag, classes and ids that a selector asks for, or None if it asks for more than these."""
    compound = _COMPOUND.fullmatch(selector)
    if compound is None:
        return None
    tag = (compound[1] or "*").lower()
    return [*([] if tag == "*" else [tag]), *_SIMPLE.findall(compound[2])]


def _state(found: _Stated, name: str, priority: _Priority, value: str) -> None:
    if name not in found or found[name][0] <= priority:
        found[name] = priority, value
