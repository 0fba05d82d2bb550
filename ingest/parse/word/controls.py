"""States what the controls and symbols of a Word document show: boxes to tick, lists to choose from, signs of the
fonts Symbol and Wingdings. A prompt to enter something is no text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.parse.word.nodes import remove, run, text_node

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_VALUE = f"{_W}val"
_OFF = frozenset({"0", "false", "off"})
_FONTS = ("ascii", "hAnsi", "eastAsia", "cs")
_PRIVATE = 0xF000
"""Word writes the signs of such a font from here on, in the private use area of Unicode."""
_SYMBOL = (
    dict(zip(range(0x41, 0x5B), "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ", strict=True))
    | dict(zip(range(0x61, 0x7B), "αβχδεφγηιϕκλμνοπθρστυϖωξψζ", strict=True))
    | dict(zip(range(0xA1, 0xC0), "ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…|—↵", strict=True))
    | dict(zip(range(0xC4, 0xE0), "⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓", strict=True))
    | {0xE5: "∑", 0xF2: "∫", 0x22: "∀", 0x24: "∃", 0x27: "∋", 0x2D: "−", 0x40: "≅", 0x5C: "∴", 0x5E: "⊥"}
)
"""The encoding of the font Symbol, by Adobe. Other characters below 80 are those of ASCII."""
_WINGDINGS = {
    0x28: "☎", 0x2A: "✉", 0x46: "☞", 0x6C: "●", 0x6E: "■", 0x6F: "☐", 0x71: "☐", 0x75: "◆", 0x78: "☒", 0x9F: "•",
    0xA1: "○", 0xA8: "☐", 0xAB: "★", 0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xFB: "✗", 0xFC: "✓",
    0xFD: "☒", 0xFE: "☑",
} | dict(zip(range(0x80, 0x8B), "⓪①②③④⑤⑥⑦⑧⑨⑩", strict=True))  # fmt: skip
_WINGDINGS_2 = {0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0x97: "●", 0xA3: "☐", 0xA2: "■"}
_SIGNS: Mapping[str, Mapping[int, str]] = {
    "symbol": _SYMBOL,
    "wingdings": _WINGDINGS,
    "wingdings 2": _WINGDINGS_2,
}
_TOLD = tuple(f"{_W}{name}" for name in ("t", "sym", "drawing", "pict"))


def state_controls(story: Any) -> None:
    """State in ordinary text what the controls and symbols of a story show."""
    for mark in list(story.iter(f"{_W}showingPlcHdr")):
        control = next(mark.iterancestors(f"{_W}sdt"), None)
        if control is not None and mark.get(_VALUE, "1") not in _OFF:
            for told in list(control.iter(*_TOLD)):
                remove(told)
    for data in list(story.iter(f"{_W}ffData")):
        if shown := _shown(data):
            data.getparent().getparent().addprevious(run(shown))
    for symbol in list(story.iter(f"{_W}sym")):
        code = symbol.get(f"{_W}char", "")
        if sign := _sign(symbol.get(f"{_W}font", ""), int(code[:4], 16) if code.isalnum() and _is_hex(code) else 0):
            symbol.getparent().replace(symbol, text_node(sign))
    for text in story.iter(f"{_W}t"):
        if text.text and any("\uf020" <= letter <= "\uf0ff" for letter in text.text):
            fonts = text.getparent().find(f"{_W}rPr/{_W}rFonts")
            names = [fonts.get(f"{_W}{name}", "") for name in _FONTS] if fonts is not None else []
            font = next((name for name in names if name.lower() in _SIGNS), "")
            text.text = "".join(_sign(font, ord(letter)) or letter for letter in text.text)


def _shown(data: Any) -> str:
    """Returns what a field of an older form shows that has no text: a box, or the choice of a list."""
    box, choices = data.find(f"{_W}checkBox"), data.find(f"{_W}ddList")
    if box is not None:
        ticked = box.find(f"{_W}checked")
        ticked = box.find(f"{_W}default") if ticked is None else ticked
        return "☑" if ticked is not None and ticked.get(_VALUE, "1") not in _OFF else "☐"
    if choices is None:
        return ""
    entries = [entry.get(_VALUE, "") for entry in choices.iterchildren(f"{_W}listEntry")]
    chosen = choices.find(f"{_W}result")
    number = chosen.get(_VALUE, "0") if chosen is not None else "0"
    return entries[int(number[:4])] if number.isdecimal() and int(number[:4]) < len(entries) else ""


def _is_hex(code: str) -> bool:
    return all(digit in "0123456789abcdefABCDEF" for digit in code)


def _sign(font: str, code: int) -> str:
    """Returns the character that looks like a sign of a font, or an empty text."""
    place = code - _PRIVATE if code >= _PRIVATE else code
    signs = _SIGNS.get(font.lower())
    if signs is None:
        return ""
    return signs.get(place, chr(place) if signs is _SYMBOL and 0x20 <= place < 0x7F else "")
