"""Writes a number as a spreadsheet shows it: `1` with the format `0%` is `100%`, `1234` with `000000` is `001234`.

The formats are those of ECMA-376, part 1, 18.8.30 and 18.8.31 (numFmt). LibreOffice and WPS read them too. A format has
up to four sections, for positive numbers, negative ones, zero and text, or conditions in their place. Dates and times
are in `date_formats`.

A format is parsed once. A format, or a value, that is not understood gives None: the caller then writes the number
plainly.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache

from ingest.parse.office.numerals import counted_number, spelled_digits
from ingest.parse.sheets.date_formats import DateFormat, Token

_LONGEST = 1_000
"""Excel allows 255 characters. A longer format is none."""
_TOKEN = re.compile(
    r"""
      "(?P<quoted>[^"]*+)"?+ | [\\!](?P<escaped>.) | (?P<space>_.) | (?P<fill>\*.) | \[(?P<bracket>[^\[\]]*+)\]
    | (?P<general>General|G/通用格式|Standard) | (?P<half>AM/PM|A/P|上午/下午) | (?P<exponent>(?<=[0#?.])E[+-](?=[0#?]))
    | (?P<date>y++|m++|d++|h++|s++|e++|g++|a{3,4}) | (?P<end>;) | (?P<digit>[0#?]) | (?P<number>[1-9])
    | (?P<point>\.) | (?P<comma>,) | (?P<percent>%) | (?P<slash>/) | (?P<at>@) | (?P<literal>.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|=|<|>)\s*(-?[\d.]{1,20})")
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, "=": operator.eq, "<>": operator.ne, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_GENERAL_WIDTH, _LEAST_PLAIN = 11, 1e-4
"""How many characters General has for a number without its sign, and from where on it has no exponent."""
_KEPT_DECIMALS, _MOST_DIGITS, _EXACT = 4, 20, 1e15
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)

_BUILT_IN = {
    14: "yyyy/m/d", 22: "yyyy/m/d h:mm", 30: "m-d-yy", 31: 'yyyy"年"m"月"d"日"', 32: 'h"时"mm"分"',
    33: 'h"时"mm"分"ss"秒"', 42: '"¥"* #,##0;"¥"* -#,##0;"¥"* "-"', 44: '"¥"* #,##0.00;"¥"* -#,##0.00;"¥"* "-"??',
    47: "mm:ss.0",
}  # fmt: skip
_BUILT_IN |= dict.fromkeys((5, 6), '"¥"#,##0;"¥"-#,##0') | dict.fromkeys((7, 8), '"¥"#,##0.00;"¥"-#,##0.00')
_BUILT_IN |= dict.fromkeys((27, 36, 50, 52, 57), 'yyyy"年"m"月"')
_BUILT_IN |= dict.fromkeys((28, 29, 51, 53, 54, 58), 'm"月"d"日"')
_BUILT_IN |= dict.fromkeys((34, 55), '上午/下午h"时"mm"分"') | dict.fromkeys((35, 56), '上午/下午h"时"mm"分"ss"秒"')


def built_in(number: int) -> str | None:
    """Returns the format of a number below 164 that depends on the language, in Chinese, or that its list in ECMA-376
    states otherwise than Excel shows it. Otherwise returns None.
    """
    return _BUILT_IN.get(number)


def is_general(code: str | None) -> bool:
    return not code or code in ("General", "@")


def general(value: float) -> str:
    """Returns a number as the format General shows it. Excel cuts it to 11 characters. Here, whole numbers keep all
    their digits and others up to four decimals, so that an order number is found and an amount keeps its cents.
    """
    text = f"{Decimal(f'{value:.15g}'):f}"
    whole, _, part = text.lstrip("-").partition(".")
    if len(part) <= _KEPT_DECIMALS and len(whole) <= _MOST_DIGITS:
        return "0" if text == "-0" else text if abs(value) < _EXACT else f"{value:.0f}"
    if _LEAST_PLAIN <= abs(value) < _EXACT:
        places = max(_GENERAL_WIDTH - 1 - len(whole), 2)
        return f"{Decimal(text).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}".rstrip("0").rstrip(".")
    if len(whole) + 1 + len(part) <= _GENERAL_WIDTH:
        return text
    mantissa, _, exponent = f"{value:.5E}".partition("E")
    return f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"


def shown_number(value: float, code: str, epoch_1904: bool = False, normal_form: bool = True) -> str | None:
    """Returns the number as it is shown, or None if the format does not say how. A date that is short or ambiguous has
    its normal form behind it, unless `normal_form` is False.
    """
    sections = _sections(code)
    if sections is None or not math.isfinite(value):
        return None
    place = _place(sections, value)
    if place is None:
        return None
    section = sections[place]
    if section.date is not None:
        return section.date.shown(value, epoch_1904, normal_form)
    text = _number(section, Decimal(f"{abs(value):.15g}"))
    signed = value < 0 and not section.only_negative and not (place == 1 and section.condition is None)
    signed = signed and (len(sections) == 1 or section.has("digit") or section.has("general") or section.has("at"))
    return " ".join((f"-{text}" if signed else text).split())


def shown_text(text: str, code: str) -> str:
    """Returns a text as the section for texts shows it: `北京` with `@"市"` is `北京市`."""
    if "@" not in code and code.count(";") < 3:
        return text
    sections = _sections(code) or ()
    places = [section for section in sections if any(token.kind == "at" for token in section.tokens)] or sections[3:4]
    if not places:
        return text
    return "".join(text if token.kind == "at" else _literal(token) for token in places[-1].tokens).strip()


@dataclass(frozen=True, slots=True)
class _Section:
    """One section of a format. `tokens` are without commas, which `scale` and `grouped` stand for."""

    tokens: tuple[Token, ...]
    condition: tuple[str, float] | None
    date: DateFormat | None
    scale: Decimal
    grouped: bool
    numerals: int

    def has(self, kind: str) -> bool:
        return any(token.kind == kind for token in self.tokens)

    @property
    def only_negative(self) -> bool:
        """True if the section is for negative numbers, and so says itself that they are."""
        return self.condition is not None and self.condition[0] in ("<", "<=", "=") and self.condition[1] <= 0

    def holds(self, value: float) -> bool:
        return self.condition is not None and _COMPARED[self.condition[0]](value, self.condition[1])


@lru_cache(maxsize=1_000)
def _sections(code: str) -> tuple[_Section, ...] | None:
    if len(code) > _LONGEST:
        return None
    tokens: list[list[Token]] = [[]]
    for match in _TOKEN.finditer(code):
        kind = match.lastgroup or ""
        if kind == "end":
            tokens.append([])
        else:
            tokens[-1].append(Token(kind, match[kind]))
    if len(tokens) == 1 and all(map(_shows_nothing, tokens[0])):
        tokens[0].append(Token("general", "General"))  # the rest is shown as without a format
    return tuple(_section(part) for part in tokens)


def _shows_nothing(token: Token) -> bool:
    """Returns True for a colour or numerals in brackets, and not for a currency or for hours that may be over 24."""
    return token.kind == "bracket" and not token.text.startswith("$") and not _ELAPSED.fullmatch(token.text)


def _section(tokens: list[Token]) -> _Section:
    condition, numerals, locale = None, 0, ""
    kept: list[Token] = []
    for token in tokens:
        if token.kind != "bracket":
            kept.append(token)
        elif (found := _CONDITION.fullmatch(token.text.strip())) and found[2].count(".") < 2:
            condition = (found[1], float(found[2]))
        elif token.text.startswith("$"):
            symbol, _, code = token.text[1:].partition("-")
            kept.append(Token("quoted", symbol))
            locale = code.lower().partition(",")[0] or locale
        elif _ELAPSED.fullmatch(token.text):
            kept.append(Token("elapsed", token.text.lower()))
        elif token.text.lower() in ("dbnum1", "dbnum2", "dbnum3"):
            numerals = int(token.text[-1])
    timed = any(token.kind in ("date", "elapsed", "half") for token in kept)
    if timed and not _counts(kept):
        return _Section((), condition, DateFormat(tuple(kept), locale, numerals), Decimal(1), False, numerals)
    scale, grouped, plain = _without_commas(kept)
    return _Section(tuple(plain), condition, None, scale, grouped, numerals)


def _counts(tokens: list[Token]) -> bool:
    """Returns True if there are digits other than the fractions of a second (`ss.00`)."""
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.kind in ("digit", "general") and (before is None or before.kind not in ("point", "digit")):
            return True
    return False


def _without_commas(tokens: list[Token]) -> tuple[Decimal, bool, list[Token]]:
    """Returns the scale, whether thousands are grouped, and the tokens without their commas. A comma between digits
    groups. One after the last digit divides by a thousand.
    """
    scale, grouped, plain, digits = Decimal(1), False, list[Token](), False
    last = max((place for place, token in enumerate(tokens) if token.kind == "digit"), default=-1)
    for place, token in enumerate(tokens):
        if token.kind == "comma" and digits and (place > last or tokens[place + 1].kind in ("point", "comma")):
            scale /= 1000
        elif token.kind == "comma" and digits:
            grouped = True
        else:
            scale *= 100 if token.kind == "percent" else 1
            plain.append(token)
        digits = digits or token.kind == "digit"
    return scale, grouped, plain


def _place(sections: tuple[_Section, ...], value: float) -> int | None:
    """Returns which section shows the value. Sections without conditions are for numbers above, below and at zero."""
    numeric = [section for section in sections[:3] if not (section.has("at") and len(sections) > 1)]
    if len(numeric) <= 1:
        return 0 if not numeric or numeric[0].condition is None or numeric[0].holds(value) else None
    if numeric[0].condition is None and numeric[1].condition is None:
        if value < 0:
            return 1
        return 2 if value == 0 and len(numeric) > 2 else 0
    if numeric[0].holds(value) or (numeric[0].condition is None and value > 0):
        return 0
    second = numeric[1]
    if second.holds(value) or (second.condition is None and (len(numeric) == 2 or value < 0)):
        return 1
    return 2 if len(numeric) > 2 else None


def _literal(token: Token) -> str:
    if token.kind == "space":
        return " "
    return "" if token.kind == "fill" else token.text


def _number(section: _Section, value: Decimal) -> str:
    if section.has("slash") and section.has("digit"):
        return _fraction(section, value * section.scale)
    if section.has("exponent"):
        return _scientific(section, value * section.scale)
    if section.has("general") or section.has("at"):
        whole = counted_number(value, section.numerals) if section.numerals else general(float(value))
        return "".join(whole if token.kind in ("general", "at") else _literal(token) for token in section.tokens)
    text = _decimal(section.tokens, value * section.scale, section.grouped)
    return spelled_digits(text, section.numerals) if section.numerals else text


def _decimal(tokens: tuple[Token, ...], value: Decimal, grouped: bool) -> str:
    point = next((place for place, token in enumerate(tokens) if token.kind == "point"), len(tokens))
    before, after = tokens[:point], tokens[point:]
    kinds = "".join(token.text for token in after if token.kind == "digit")
    rounded = f"{value.quantize(Decimal(1).scaleb(-len(kinds)), ROUND_HALF_UP):f}"
    whole, _, part = rounded.partition(".")
    shown = [
        *_whole("".join(token.text for token in before if token.kind == "digit"), whole.lstrip("0"), grouped),
        *_part(kinds, part),
    ]
    return _filled(tokens, shown)


def _filled(tokens: tuple[Token, ...], shown: list[str]) -> str:
    """Returns the tokens with what is shown in the places of their digits."""
    places = iter(shown)
    return "".join(next(places) if token.kind == "digit" else _literal(token) for token in tokens)


def _whole(kinds: str, digits: str, grouped: bool) -> list[str]:
    """Returns what is in each place before the point. The first one takes the digits that have no place."""
    if not kinds:
        return []
    shown: list[str] = []
    rest = digits
    for place, kind in enumerate(reversed(kinds)):
        digit, rest = (rest[-1:], rest[:-1]) if place < len(kinds) - 1 else (rest, "")
        digit = digit or {"0": "0", "?": " "}.get(kind, "")
        if grouped and digit.strip():
            digit = _grouped(digit, place)
        shown.append(digit)
    return shown[::-1]


def _grouped(digits: str, place: int) -> str:
    """Returns digits with a comma after each one that stands a multiple of three places before the point."""
    count = len(digits)
    return "".join(
        digit + ("," if (distance := place + count - 1 - number) and distance % 3 == 0 else "")
        for number, digit in enumerate(digits)
    )


def _part(kinds: str, digits: str) -> list[str]:
    shown = list(digits)
    for place in range(len(kinds) - 1, -1, -1):
        if digits[place] != "0" or kinds[place] == "0":
            break
        shown[place] = " " if kinds[place] == "?" else ""
    return shown


def _scientific(section: _Section, value: Decimal) -> str:
    place = next(place for place, token in enumerate(section.tokens) if token.kind == "exponent")
    mantissa, exponent = section.tokens[:place], section.tokens[place + 1 :]
    point = next((number for number, token in enumerate(mantissa) if token.kind == "point"), place)
    width = max(sum(token.kind == "digit" for token in mantissa[:point]), 1)
    decimals = sum(token.kind == "digit" for token in mantissa[point:])
    power = value.adjusted() // width * width if value else 0
    if round(value.scaleb(-power), decimals) >= Decimal(10) ** width:
        power += width
    sign = "-" if power < 0 else section.tokens[place].text[1:].replace("-", "")
    kinds = "".join(token.text for token in exponent if token.kind == "digit")
    return (
        _decimal(mantissa, value.scaleb(-power), section.grouped)
        + section.tokens[place].text[0]
        + sign
        + _filled(exponent, _whole(kinds, str(abs(power)).lstrip("0"), False))
    )


def _fraction(section: _Section, value: Decimal) -> str:
    """Returns 1 1/2 for 1.5. A fraction of nothing is left out beside a whole number."""
    tokens = section.tokens
    slash = next(place for place, token in enumerate(tokens) if token.kind == "slash")
    first = slash
    while first and tokens[first - 1].kind == "digit":
        first -= 1
    end = slash + 1
    while end < len(tokens) and tokens[end].kind in ("digit", "number"):
        end += 1
    below = "".join(token.text for token in tokens[slash + 1 : end])
    exact = Fraction(value)
    mixed = any(token.kind == "digit" for token in tokens[:first])
    whole = math.floor(exact) if mixed else 0
    if below[:1].isdecimal() and below.isdecimal() and int(below):
        bottom = int(below)
        top = math.floor((exact - whole) * bottom + Fraction(1, 2))
    else:
        near = (exact - whole).limit_denominator(max(10 ** min(len(below), 9) - 1, 1))
        top, bottom = near.numerator, near.denominator
    if mixed and top == bottom:
        whole, top = whole + 1, 0
    kinds = "".join(token.text for token in tokens[:first] if token.kind == "digit")
    digits = str(whole) if whole or not top else ""
    head = _filled(tokens[:first], _whole(kinds, digits, section.grouped))
    tail = "".join(_literal(token) for token in tokens[end:])
    shown = top or not mixed or tokens[slash - 1].text == "0"
    return f"{head}{top}/{bottom}{tail}" if shown else f"{head}{tail}"
