"""Reads the tables of reStructuredText: drawn with lines, as separated values, and as lists of lists."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from itertools import pairwise

from ingest.parse.tables.markdown import Rows

_GRID = re.compile(r"\+[-=+]+\+\s*")
_SIMPLE = re.compile(r"=+(?:\s+=+)+\s*")
_OPTION = re.compile(r"\s*+:([\w-]{1,40}):\s*+(.*)")
_ROW, _CELL = re.compile(r"\s*+[*+-]\s++[*+-](?:\s++|$)"), re.compile(r"\s*+[*+-](?:\s++|$)")
_FILLER = "\0"


def is_drawn(line: str) -> bool:
    """Returns True for the first line of a table that is drawn with lines."""
    return _GRID.fullmatch(line.strip()) is not None or _SIMPLE.fullmatch(line.strip()) is not None


def drawn_rows(block: list[str]) -> Rows:
    """Returns the cells of a grid table or a simple table. In both, the columns are at fixed places. A wide character
    takes two of them.
    """
    lines = [_spread(line) for line in block]
    width = max(map(len, lines))
    rule = lines[0].ljust(width)
    if rule.lstrip().startswith("+"):
        return _grid_rows(rule, lines[1:])
    starts = [match.start() for match in re.finditer(r"=+", rule)] + [width]
    bodies = [line for line in lines if not _SIMPLE.fullmatch(line.strip())]
    return [[_cell(line[a:b]) for a, b in zip(starts, [*starts[1:-1], None], strict=False)] for line in bodies]


def _grid_rows(rule: str, lines: list[str]) -> Rows:
    spans = list(pairwise(place for place, character in enumerate(rule) if character == "+"))
    rows: Rows = [[]]
    for line in lines:
        if _GRID.fullmatch(line.strip()):
            rows.append([])
            continue
        cells = [_cell(cell) for cell in line.strip().strip("|").split("|")]
        cells = cells if len(cells) == len(spans) else [_cell(line[a + 1 : b].strip(" |")) for a, b in spans]
        rows[-1] = [f"{old} {new}" for old, new in zip(rows[-1] or [""] * len(cells), cells, strict=False)]
    return rows


def stated_rows(directive: str, body: list[str]) -> tuple[Rows, int | None]:
    """Returns the cells that a `csv-table` or a `list-table` has, and how many first rows it states as its header."""
    options = {found[1]: found[2] for line in body if (found := _OPTION.fullmatch(line))}
    content = [line for line in body if not _OPTION.fullmatch(line)]
    stated = options.get("header-rows", "")
    headers = int(stated) if stated.isdecimal() and len(stated) < 3 else 0
    if directive == "list-table":
        return _listed_rows(content), headers or None
    above = [options["header"]] if options.get("header") else []
    lines = [*above, *(line.strip() for line in content if line.strip())]
    try:
        rows = list(csv.reader(io.StringIO("\n".join(lines)), skipinitialspace=True))
    except csv.Error:
        rows = [line.split(",") for line in lines]
    return rows, headers + len(above) or None


def _listed_rows(lines: list[str]) -> Rows:
    rows: Rows = []
    for line in lines:
        if found := _ROW.match(line):
            rows.append([line[found.end() :].strip()])
        elif rows and (found := _CELL.match(line)):
            rows[-1].append(line[found.end() :].strip())
        elif rows and line.strip():
            rows[-1][-1] = f"{rows[-1][-1]} {line.strip()}".strip()
    return rows


def _spread(line: str) -> str:
    """Returns a line in which each wide character takes two places."""
    return "".join(f"{mark}{_FILLER}" if unicodedata.east_asian_width(mark) in "WF" else mark for mark in line)


def _cell(text: str) -> str:
    return text.replace(_FILLER, "").strip()
