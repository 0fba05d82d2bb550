"""Shows numbers in web pages as Excel shows them. Programs write tables as pages and call them `.xls`; the cells have
plain numbers, and their styles a format of Excel: `<td style="mso-number-format:'0%'">0.13</td>`.

Pages that Excel itself has saved have the shown text already.
"""

from __future__ import annotations

import re
from typing import Any

from ingest.parse.sheets.number_formats import is_general, shown_number

_FORMAT = re.compile(
    r"(?:mso-number-format|vnd\.ms-excel\.numberformat)\s*+:\s*+"
    r"(?:\"((?:[^\"\\\n]|\\.)*+)\"|'((?:[^'\\\n]|\\.)*+)'|((?:[^;}\"'\\\n]|\\.)++))",
    re.I,
)
_RULE = re.compile(r"(?:^|[\s,}])(?:td|th)?\.([\w-]++)\s*+\{([^{}]*+)\}")
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{4,6}) ?|(.))")
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
_NAMED = {
    "fixed": "0.00", "standard": "#,##0.00", "percent": "0.00%", "scientific": "0.00E+00", "short date": "yyyy/m/d",
    "medium date": "d-mmm-yy", "long date": 'yyyy"年"m"月"d"日"', "short time": "h:mm", "long time": "h:mm:ss",
}  # fmt: skip
"""What Excel calls some formats in pages."""
_LONGEST = 200
_DEEPEST = 5
_GENERATOR = "//meta[translate(@name, 'GENRATO', 'genrato')='generator']/@content"


def show_numbers(page: Any) -> None:
    """Write the plain numbers in the cells of a page as their formats show them."""
    if any("excel" in each.lower() for each in page.xpath(_GENERATOR)):
        return
    codes: dict[str, str] = {}
    for sheet in page.iter("style"):
        for name, declarations in _RULE.findall("".join(sheet.itertext())):
            if code := _code(declarations):
                codes[name] = code
    for cell in page.iter("td", "th"):
        code = _code(cell.get("style", ""))
        if code is None and codes:
            code = next((codes[name] for name in cell.get("class", "").split() if name in codes), None)
        if code is None or is_general(code):
            continue
        words = _innermost(cell)
        text = (words.text or "").strip()
        if not len(words) and _PLAIN_NUMBER.fullmatch(text):
            words.text = shown_number(float(text), code) or text


def _innermost(cell: Any) -> Any:
    """Returns the element inside a cell that has its text, as in `<td><b>12</b></td>`."""
    node = cell
    for _ in range(_DEEPEST):
        if len(node) != 1 or (node.text or "").strip() or (node[0].tail or "").strip():
            break
        node = node[0]
    return node


def _code(declarations: str) -> str | None:
    """Returns the format that a style states, without the escapes of CSS."""
    found = _FORMAT.search(declarations) if "number" in declarations.lower() else None
    if found is None:
        return None
    stated = next(filter(None, found.groups()), "").strip()[:_LONGEST]
    code = _ESCAPE.sub(lambda escaped: chr(int(escaped[1], 16) % 0x10000) if escaped[1] else escaped[2], stated)
    return _NAMED.get(code.lower(), code)
