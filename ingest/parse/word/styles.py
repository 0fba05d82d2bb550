"""How the letters of a Word document look: bold, struck through, hidden, their size and font. A property is stated by
the run, by its character style, by the style of its paragraph or by the defaults of the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_VALUE = f"{_W}val"
UNSEEN = tuple(f"{_W}{name}" for name in ("strike", "dstrike", "vanish"))
"""The properties by which a reader does not see letters, or takes them for deleted."""
_OFF = frozenset({"0", "false", "off"})
_FONTS = ("eastAsia", "eastAsiaTheme", "ascii", "asciiTheme")
_DEFAULT_HALF_POINTS = 20


@dataclass(frozen=True, slots=True)
class Look:
    """What is stated of letters. None is what is not stated. `size` is in half points."""

    bold: bool | None = None
    struck: bool | None = None
    struck_twice: bool | None = None
    size: int | None = None
    font: str | None = None
    hidden: bool | None = None

    def over(self, base: Look) -> Look:
        """Returns this look, with what it does not state taken from `base`."""
        pairs = zip(_values(self), _values(base), strict=True)
        return Look(*(ours if ours is not None else theirs for ours, theirs in pairs))

    def within(self, paragraph: Look) -> Look:
        """Returns the look of a character style inside a paragraph's style. Bold in bold is not bold, says the format.
        A line through a line is none, and what is hidden twice is seen.
        """
        both = self.over(paragraph)
        bold, struck = _either(self.bold, paragraph.bold), _either(self.struck, paragraph.struck)
        hidden = _either(self.hidden, paragraph.hidden)
        return Look(bold, struck, both.struck_twice, both.size, both.font, hidden)

    @property
    def is_unseen(self) -> bool:
        """Returns True for letters that are hidden, or struck through. A reader takes these for deleted."""
        return bool(self.struck or self.struck_twice or self.hidden)


def _values(look: Look) -> tuple[Any, ...]:
    return look.bold, look.struck, look.struck_twice, look.size, look.font, look.hidden


def _either(one: bool | None, other: bool | None) -> bool | None:
    return other if one is None else one if other is None else one != other


_NOTHING = Look()


class Styles:
    """The styles of a Word document."""

    def __init__(self, root: Any) -> None:
        """`root` is the element `w:styles`."""
        self._styles: dict[str | None, Any] = {}
        self._default: str | None = None
        for style in root.iterchildren(f"{_W}style"):
            self._styles.setdefault(style.get(f"{_W}styleId"), style)
            if style.get(f"{_W}type") == "paragraph" and style.get(f"{_W}default", "0") not in _OFF:
                self._default = style.get(f"{_W}styleId")
        self._defaults = _stated(root.find(f"{_W}docDefaults/{_W}rPrDefault/{_W}rPr"))
        self._looks: dict[str | None, Look] = {}
        self.has_unseen = any(True for _ in root.iter(*UNSEEN))
        """True if some style may hide letters or strike them through."""

    def look(self, run: Any, paragraph: Any | None) -> Look:
        """Returns the look of a run in its paragraph."""
        own = run.find(f"{_W}rPr")
        named = own.find(f"{_W}rStyle") if own is not None else None
        outer = self.look_of_paragraph(paragraph)
        look = self._of(named.get(_VALUE)).within(outer) if named is not None else outer
        return _stated(own).over(look.over(self._defaults)) if own is not None else look.over(self._defaults)

    def look_of_paragraph(self, paragraph: Any | None) -> Look:
        """Returns what the style of a paragraph states."""
        style = paragraph.find(f"{_W}pPr/{_W}pStyle") if paragraph is not None else None
        return self._of(style.get(_VALUE) if style is not None else self._default)

    def is_centred(self, paragraph: Any) -> bool:
        """Returns True if the lines of a paragraph are centred, by itself or by its style."""
        if (own := paragraph.find(f"{_W}pPr/{_W}jc")) is not None:
            return bool(own.get(_VALUE) == "center")
        style = paragraph.find(f"{_W}pPr/{_W}pStyle")
        named = self._styles.get(style.get(_VALUE) if style is not None else self._default)
        stated = named.find(f"{_W}pPr/{_W}jc") if named is not None else None
        return stated is not None and stated.get(_VALUE) == "center"

    def _of(self, name: str | None) -> Look:
        """Returns what a style and the styles that it is based on state."""
        chain: list[str | None] = []
        while name in self._styles and name not in self._looks:
            self._looks[name] = _NOTHING  # a style that is based on itself ends here
            chain.append(name)
            based = self._styles[name].find(f"{_W}basedOn")
            name = based.get(_VALUE) if based is not None else None
        look = self._looks.get(name, _NOTHING)
        for style in reversed(chain):
            look = _stated(self._styles[style].find(f"{_W}rPr")).over(look)
            self._looks[style] = look
        return look


def size_of(look: Look) -> float:
    """Returns the size of letters in points."""
    return (look.size or _DEFAULT_HALF_POINTS) / 2


def _stated(properties: Any | None) -> Look:
    """Returns what an element `w:rPr` states."""
    if properties is None:
        return _NOTHING
    fonts, size = properties.find(f"{_W}rFonts"), properties.find(f"{_W}sz")
    named = (fonts.get(f"{_W}{name}") for name in _FONTS) if fonts is not None else ()
    points = size.get(_VALUE, "") if size is not None else ""
    return Look(
        _switch(properties, "b"),
        _switch(properties, "strike"),
        _switch(properties, "dstrike"),
        int(points) if points.isdecimal() and len(points) <= 4 else None,
        next((name for name in named if name), None),
        _switch(properties, "vanish"),
    )


def _switch(properties: Any, name: str) -> bool | None:
    switch = properties.find(f"{_W}{name}")
    return None if switch is None else switch.get(_VALUE, "1") not in _OFF
