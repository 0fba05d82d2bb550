"""The functions of spreadsheets that can be computed. What depends on the day or on chance (TODAY, RAND), or on what is
outside the workbook, is none of them.
"""

from __future__ import annotations

from ingest.parse.sheets.formulas.arithmetic import ARITHMETIC
from ingest.parse.sheets.formulas.choices import CHOICES
from ingest.parse.sheets.formulas.counting import COUNTING
from ingest.parse.sheets.formulas.dates import DATES
from ingest.parse.sheets.formulas.lookup import LOOKUP
from ingest.parse.sheets.formulas.ranges import Function
from ingest.parse.sheets.formulas.texts import TEXTS

FUNCTIONS: dict[str, Function] = {**ARITHMETIC, **COUNTING, **LOOKUP, **TEXTS, **DATES}

OF_EACH_CELL = frozenset({
    *DATES, *(TEXTS.keys() - {"CONCAT", "TEXTJOIN"}), *(CHOICES.keys() - {"IFS", "SWITCH"}), "ROUND", "ROUNDUP",
    "ROUNDDOWN", "TRUNC", "INT", "ABS", "SIGN", "SQRT", "POWER", "MOD", "NOT", "+", "-", "*", "/", "^", "&", "=", "<>",
    "<", ">", "<=", ">=",
})  # fmt: skip
"""What SUMPRODUCT applies to each cell of a range in turn."""
