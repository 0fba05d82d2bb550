"""Writes Chinese numerals, as Word uses them to number articles and chapters, and Excel to write amounts and dates."""

from __future__ import annotations

from decimal import Decimal

_DIGITS = "〇一二三四五六七八九"
_LEGAL_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_WIDE_DIGITS = "０１２３４５６７８９"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
_COUNTING = frozenset({
    "chineseCounting", "chineseCountingThousand", "taiwaneseCounting", "taiwaneseCountingThousand",
    "japaneseCounting", "koreanCounting",
})  # fmt: skip
_LEGAL = frozenset({"chineseLegalSimplified", "ideographLegalTraditional", "japaneseLegal"})


def chinese_number(value: int, numbering: str) -> str | None:
    """Returns a number from 1 to 9999 in one of Word's Chinese numberings. Returns None for another numbering or
    number.
    """
    if not 0 < value < 10_000:
        return None
    if numbering in _COUNTING:
        return _counted(value, _DIGITS.replace("〇", "零"), "十百千")
    if numbering in _LEGAL:
        return _counted(value, _LEGAL_DIGITS, "拾佰仟", short_teens=False)
    if numbering in ("ideographDigital", "taiwaneseDigital", "japaneseDigitalTenThousand", "koreanDigital2"):
        return "".join(_DIGITS[int(digit)] for digit in str(value))
    if numbering == "ideographTraditional" and value <= len(_STEMS):
        return _STEMS[value - 1]
    if numbering == "ideographZodiac" and value <= len(_BRANCHES):
        return _BRANCHES[value - 1]
    if numbering in ("decimalFullWidth", "decimalFullWidth2"):
        return "".join(chr(0xFF10 + int(digit)) for digit in str(value))
    return None


def _counted(value: int, digits: str, units: str, short_teens: bool = True) -> str:
    """Returns the number with characters for ten, hundred and thousand. Zeros in the middle become a single zero."""
    text = ""
    for place in range(3, -1, -1):
        digit = value // 10**place % 10
        if digit:
            text += digits[digit] + (units[place - 1] if place else "")
        elif text and not text.endswith(digits[0]) and value % 10**place:
            text += digits[0]
    return text[1:] if short_teens and 10 <= value < 20 else text


def spelled_digits(text: str, numbering: int) -> str:
    """Returns a text with its digits as Chinese ones: 2026 is 二〇二六 in the numbering 1 of Excel, 贰零贰陆 in 2, and
    ２０２６ in 3.
    """
    digits = {2: _LEGAL_DIGITS, 3: _WIDE_DIGITS}.get(numbering, _DIGITS)
    return "".join(digits[int(character)] if character in "0123456789" else character for character in text)


def counted_number(value: Decimal, numbering: int) -> str:
    """Returns a number as Excel counts in Chinese (DBNum1, DBNum2, DBNum3): 1234.5 is 一千二百三十四.五 in 1,
    壹仟贰佰叁拾肆.伍 in 2, and １２３４.５ in 3.
    """
    if numbering == 3:
        return spelled_digits(f"{value:f}", numbering)
    digits, units = (_LEGAL_DIGITS, "拾佰仟") if numbering == 2 else (_DIGITS, "十百千")
    whole, _, part = f"{value:f}".partition(".")
    zero = digits[0]
    text = ""
    groups = [int(whole[max(end - 4, 0) : end]) for end in range(len(whole), 0, -4)]
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if text and not text.endswith(zero) and (group < 1000 and any(groups[: place + 1])):
            text += zero
        if group:
            text += _counted(group, digits, units, short_teens=False) + ("", "万", "亿", "兆")[min(place, 3)]
    return (text or zero) + (f".{spelled_digits(part, numbering)}" if part.strip("0") else "")
