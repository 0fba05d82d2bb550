"""Functions that write texts. A text is never longer than a cell of Excel holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ingest.parse.sheets.formulas.criteria import wildcards
from ingest.parse.sheets.formulas.dates import day_of
from ingest.parse.sheets.formulas.ranges import Argument, Function, Range, numeral, single, whole
from ingest.parse.sheets.formulas.values import (
    LONGEST_TEXT,
    FormulaError,
    UncomputableError,
    as_number,
    as_text,
    as_truth,
    joined,
    number_of,
)
from ingest.parse.sheets.number_formats import shown_number, shown_text

_LONGEST_SEARCHED = 2_000


def _text(value: Argument) -> str:
    return as_text(single(value))


def _count(arguments: Sequence[Argument], place: int, without: int = 1) -> int:
    count = whole(arguments[place]) if len(arguments) > place else without
    if count < 0:
        raise FormulaError("#VALUE!")
    return count


def _left(arguments: Sequence[Argument]) -> str:
    return _text(arguments[0])[: _count(arguments, 1)]


def _right(arguments: Sequence[Argument]) -> str:
    text, count = _text(arguments[0]), _count(arguments, 1)
    return text[max(len(text) - count, 0) :]


def _mid(arguments: Sequence[Argument]) -> str:
    start = _count(arguments, 1) - 1
    if start < 0:
        raise FormulaError("#VALUE!")
    return _text(arguments[0])[start : start + _count(arguments, 2)]


def _each(arguments: Sequence[Argument], skip_empty: bool = False) -> Iterator[str]:
    for argument in arguments:
        for value in argument if isinstance(argument, Range) else (argument,):
            if (text := as_text(value)) or not skip_empty:
                yield text


def _text_join(arguments: Sequence[Argument]) -> str:
    between, skips = _text(arguments[0]), as_truth(single(arguments[1]))
    if not skips and any(isinstance(value, Range) and value.height * value.width > len(value.cells)
                         for value in arguments[2:]):  # fmt: skip
        raise UncomputableError("empty cells between texts")
    return joined(_each(arguments[2:], skips), between)


def _substitute(arguments: Sequence[Argument]) -> str:
    text, old, new = map(_text, arguments[:3])
    if not old:
        return text
    if len(arguments) > 3:
        parts = text.split(old)
        number = _count(arguments, 3)
        if not number:
            raise FormulaError("#VALUE!")
        if number >= len(parts):
            return text
        return joined((old.join(parts[:number]), new, old.join(parts[number:])))
    return joined(text.split(old), new)


def _replace(arguments: Sequence[Argument]) -> str:
    text, start, count = _text(arguments[0]), _count(arguments, 1) - 1, _count(arguments, 2)
    if start < 0:
        raise FormulaError("#VALUE!")
    return joined((text[:start], _text(arguments[3]), text[start + count :]))


def _find(arguments: Sequence[Argument]) -> float:
    start = _count(arguments, 2)
    found = _text(arguments[1]).find(_text(arguments[0]), start - 1) if start else -1
    if found < 0:
        raise FormulaError("#VALUE!")
    return found + 1


def _search(arguments: Sequence[Argument]) -> float:
    """Returns where a text is found in another. Case does not count, and `*` and `?` are wildcards."""
    sought, text = _text(arguments[0]).casefold(), _text(arguments[1]).casefold()
    start = _count(arguments, 2) - 1
    pattern = wildcards(f"{sought}*") if wildcards(sought) else None
    if pattern is None:
        found = text.find(sought, start) if start >= 0 else -1
    elif len(text) > _LONGEST_SEARCHED:
        raise UncomputableError("a pattern in a long text")
    else:
        places = (place for place in range(max(start, 0), len(text)) if pattern.match(text, place))
        found = next(places, -1)
    if found < 0:
        raise FormulaError("#VALUE!")
    return found + 1


def _shown(arguments: Sequence[Argument]) -> str:
    value, code = single(arguments[0]), _text(arguments[1])
    if isinstance(value, bool):
        return as_text(value)
    if isinstance(value, str):
        number = number_of(value)
        number = day_of(value) if number is None else number
        if number is None:
            return shown_text(value, code)
        value = number
    text = shown_number(as_number(value), code, normal_form=False)
    if text is None:
        raise UncomputableError("a format that shows nothing")
    return text


def _repeated(arguments: Sequence[Argument]) -> str:
    text, count = _text(arguments[0]), _count(arguments, 1)
    if len(text) * count > LONGEST_TEXT:
        raise FormulaError("#VALUE!")
    return text * count


def _value(arguments: Sequence[Argument]) -> float:
    found = single(arguments[0])
    day = day_of(found) if isinstance(found, str) else None
    return as_number(found) if day is None else day


def _fixed(arguments: Sequence[Argument]) -> str:
    places = whole(arguments[1]) if len(arguments) > 1 else 2
    if not 0 <= places <= 30:
        raise UncomputableError("places to round to")
    plain = len(arguments) > 2 and as_truth(single(arguments[2]))
    code = ("0" if plain else "#,##0") + ("." + "0" * places if places else "")
    return shown_number(numeral(arguments[0]), code) or ""


def _proper(arguments: Sequence[Argument]) -> str:
    return re.sub(r"[^\W\d_]+", lambda match: match[0].capitalize(), _text(arguments[0]))


def _character(arguments: Sequence[Argument]) -> str:
    number = whole(arguments[0])
    if not 1 <= number <= 0x10FFFF or 0xD800 <= number < 0xE000:
        raise FormulaError("#VALUE!")
    return chr(number)


def _code(arguments: Sequence[Argument]) -> float:
    text = _text(arguments[0])
    if not text:
        raise FormulaError("#VALUE!")
    return ord(text[0])


def _words(arguments: Sequence[Argument]) -> str:
    """Returns the words of a HYPERLINK, which are its value."""
    return _text(arguments[-1])


TEXTS: dict[str, Function] = {
    "CONCATENATE": lambda arguments: joined(map(_text, arguments)),
    "CONCAT": lambda arguments: joined(_each(arguments)),
    "TEXTJOIN": _text_join,
    "LEFT": _left,
    "RIGHT": _right,
    "MID": _mid,
    "LEN": lambda arguments: len(_text(arguments[0])),
    "TRIM": lambda arguments: " ".join(part for part in _text(arguments[0]).split(" ") if part),
    "CLEAN": lambda arguments: re.sub(r"[\x00-\x1f]", "", _text(arguments[0])),
    "UPPER": lambda arguments: _text(arguments[0]).upper(),
    "LOWER": lambda arguments: _text(arguments[0]).lower(),
    "PROPER": _proper,
    "SUBSTITUTE": _substitute,
    "REPLACE": _replace,
    "FIND": _find,
    "SEARCH": _search,
    "EXACT": lambda arguments: _text(arguments[0]) == _text(arguments[1]),
    "REPT": _repeated,
    "TEXT": _shown,
    "VALUE": _value,
    "FIXED": _fixed,
    "UNICHAR": _character,
    "UNICODE": _code,
    "HYPERLINK": _words,
}
