"""The state that a group in RTF inherits: how its letters look, how they are encoded, and what they are for."""

from __future__ import annotations

from dataclasses import dataclass, replace

_SCRIPTS = frozenset({b"loch", b"hich", b"dbch", b"ltrch", b"rtlch"})
_UNSEEN = frozenset({b"strike", b"striked", b"v", b"deleted"})
"""Marks of letters that a reader does not see, or takes for deleted."""


@dataclass(frozen=True, slots=True)
class State:
    """The state that a group inherits. `skips` is the number of characters after a Unicode character that replace it
    for old readers. `unseen` has the marks by which the letters are not seen. `says` is True in the instruction of a
    field, `labels` in the mark of an item of a list. `size` is in half points. `drawn` is True in a picture, and `twin`
    in one that stands in for another. `script` is the kind of letters that the next marks are about; those of far
    eastern letters may be stated beside the others, as LibreOffice does. `in_hidden` tells of a group that only some
    readers know whether the group around it is hidden. `stories` is how many texts it is in: a box is a text of its
    own. `nested` is True where a row of a table inside a table is described.
    """

    hidden: bool = False
    in_hidden: bool = False
    skips: int = 1
    encoding: str = "cp1252"
    unseen: frozenset[bytes] = frozenset()
    says: bool = False
    drawn: bool = False
    twin: bool = False
    labels: bool = False
    bold: bool = False
    size: int = 24
    font: int = 0
    script: bytes = b"loch"
    eastern_bold: bool | None = None
    eastern_size: int | None = None
    stories: int = 1
    nested: bool = False

    def plain(self) -> State:
        """Returns the state in which letters have no marks."""
        return replace(self, unseen=frozenset(), bold=False, size=24, eastern_bold=None, eastern_size=None)

    def shown(self, text: str) -> tuple[int, bool]:
        """Returns the size and the boldness of a text."""
        if text > "\u2e80":
            bold = self.bold if self.eastern_bold is None else self.eastern_bold
            return self.eastern_size or self.size, bold
        return self.size, self.bold

    def in_story(self) -> State:
        """Returns the state at the beginning of a text of its own."""
        return replace(self.plain(), says=False, labels=False, nested=False, stories=self.stories + 1)


def letters(
    state: State, word: bytes | None, number: bytes | None, fonts: dict[int, str], default: str
) -> State | None:
    """Returns the state after a control word that is about letters. Returns None for another control word."""
    on, value = number != b"0", int(number or 0)
    if word == b"uc":
        return replace(state, skips=value)
    if word == b"f":
        return replace(state, encoding=fonts.get(value, default), font=value)
    if word == b"plain":
        return state.plain()
    if word == b"b":
        return replace(state, bold=on)
    if word == b"fs":
        return replace(state, size=value or 24)
    if word in _SCRIPTS:
        return replace(state, script=word)
    if word in (b"ab", b"afs") and state.script == b"dbch":
        return replace(state, eastern_bold=on) if word == b"ab" else replace(state, eastern_size=value or 24)
    if word in _UNSEEN:
        return replace(state, unseen=state.unseen | {word} if on else state.unseen - {word})
    return None
