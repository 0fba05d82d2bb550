"""The styles of OpenDocument files: what they state of letters, lines, cells, sheets and slides, and what they hide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

_NAMES = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
_TEXT, _TABLE, _STYLE, _SHOW, _FO = map(_NAMES.format, ("text", "table", "style", "presentation", "xsl-fo-compatible"))
_PROPERTIES = tuple(f"{_STYLE}{name}-properties" for name in ("text", "paragraph", "table", "drawing-page"))
_LINES = (f"{_STYLE}text-line-through-style", f"{_STYLE}text-line-through-type")
_WEIGHTS = (f"{_FO}font-weight", f"{_STYLE}font-weight-asian")
_SIZES = (f"{_FO}font-size", f"{_STYLE}font-size-asian")
"""Western and Asian letters have properties of their own."""
_MEASURE = re.compile(r"(\d{1,4}(?:\.\d{0,6})?)(pt|%)")
_DEFAULT_POINTS = 12.0
_ASIAN = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af]")

Properties = Mapping[str, str]


class Styles:
    """The styles of an OpenDocument file, each with what it takes from those above it."""

    def __init__(self, *roots: etree._Element) -> None:
        """`roots` are `styles.xml` and `content.xml`; later styles replace earlier ones of the same name."""
        self._styles: dict[tuple[str, str], Any] = {}
        self._defaults: dict[str, Properties] = {}
        self._known: dict[tuple[str, str], Properties] = {}
        self._whole: dict[tuple[str, str], Properties] = {}
        for root in roots:
            for style in root.iter(f"{_STYLE}style"):
                self._styles[style.get(f"{_STYLE}family", ""), style.get(f"{_STYLE}name", "")] = style
            for style in root.iter(f"{_STYLE}default-style"):
                self._defaults[style.get(f"{_STYLE}family", "")] = _stated(style, {})

    def of(self, family: str, name: str | None, base: Properties | None = None) -> Properties:
        """Returns the properties of a style over those of `base`, or over the defaults of its family."""
        chain: list[Any] = []
        key = family, name or ""
        while key in self._styles and key not in self._known:
            style = self._styles[key]
            self._known[key] = {}  # a style that is based on itself ends here
            chain.append((key, style))
            key = family, style.get(f"{_STYLE}parent-style-name", "")
        properties = self._known.get(key, {})
        for key, style in reversed(chain):
            properties = self._known[key] = _stated(style, properties)
        if base is not None:
            return _over(properties, base)
        key = family, name or ""
        if key not in self._whole:
            self._whole[key] = _over(properties, self._defaults.get(family, {}))
        return self._whole[key]


def is_unseen(properties: Properties) -> bool:
    """Returns True for letters that are hidden, or struck through. A reader takes these for deleted."""
    return properties.get(f"{_TEXT}display") == "none" or any(properties.get(line, "none") != "none" for line in _LINES)


def is_hidden_table(properties: Properties) -> bool:
    """Returns True for a sheet or a table that is not shown."""
    return properties.get(f"{_TABLE}display") == "false"


def is_hidden_slide(properties: Properties) -> bool:
    """Returns True for a slide that is not shown."""
    return properties.get(f"{_SHOW}visibility") == "hidden"


def is_asian(text: str) -> bool:
    """Returns True if a text has the properties of Asian letters."""
    return _ASIAN.search(text) is not None


def is_bold(properties: Properties, text: str) -> bool:
    """Returns True if this text is bold."""
    weight = properties.get(_WEIGHTS[is_asian(text)], "normal")
    return weight == "bold" or (weight.isdecimal() and len(weight) == 3 and weight >= "600")


def size_of(properties: Properties, asian: bool) -> float:
    """Returns the size of letters in points."""
    stated = _MEASURE.fullmatch(properties.get(_SIZES[asian], ""))
    return float(stated[1]) if stated and stated[2] == "pt" else _DEFAULT_POINTS


def _stated(style: etree._Element, base: Properties) -> Properties:
    """Returns what a style states, over `base`."""
    stated: dict[str, str] = {}
    for properties in style.iterchildren(*_PROPERTIES):
        stated.update(properties.attrib)
    return _over(stated, base)


def _over(stated: Properties, base: Properties) -> Properties:
    """Returns properties over others. A size in percent is one of the size below it."""
    joined = {**base, **stated}
    for size in _SIZES:
        share = _MEASURE.fullmatch(stated.get(size, ""))
        below = _MEASURE.fullmatch(base.get(size, ""))
        if share and below and share[2] == "%":
            joined[size] = f"{float(share[1]) * float(below[1]) / 100:.6g}{below[2]}"
    return joined
