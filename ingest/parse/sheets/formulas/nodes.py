"""Reads a formula, as ECMA-376, part 1, 18.17 writes it, into constants, areas, names, operators and functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ingest.parse.sheets.formulas.values import ERRORS, Scalar, UncomputableError

PRECEDENCE = {"=": 1, "<>": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5}
LAST_ROW, LAST_COLUMN = 1 << 20, 16_384

_LONGEST = 2_000
_DEEPEST = 40
_REFERENCE = re.compile(
    r"(?:(?:'((?:[^']|'')++)'|([^'!\[\]:]++))!)?"
    r"\$?([A-Z]{1,3})?\$?(\d{1,7})?(?::\$?([A-Z]{1,3})?\$?(\d{1,7})?)?",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?:(?:'((?:[^']|'')++)'|([^'!\[\]:]++))!)?([^\W\d][\w.\\?]*+)")


@dataclass(frozen=True, slots=True)
class Constant:
    value: Scalar


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that stands in a formula: `#REF!`."""

    code: str


@dataclass(frozen=True, slots=True)
class Area:
    """Cells of a sheet, or of this one if `sheet` is empty. Rows and columns count from 1, and both ends belong."""

    sheet: str
    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Name:
    """A name that the workbook defines, or that a sheet does."""

    sheet: str
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator, and what it is applied to."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """A table of constants."""

    rows: tuple[tuple[Scalar, ...], ...]


Node = Constant | Failure | Area | Name | Call | Array


@lru_cache(maxsize=1_000)
def parsed(text: str) -> Node:
    """Returns what a formula says. Raises UncomputableError if it is none, or says what is not known here."""
    from openpyxl.formula import Tokenizer
    from openpyxl.formula.tokenizer import TokenizerError

    if len(text) > _LONGEST:
        raise UncomputableError("a long formula")
    try:
        tokens = [token for token in Tokenizer(text).items if token.type != "WHITE-SPACE"]
    except (TokenizerError, IndexError) as error:
        raise UncomputableError("no formula") from error
    parser = _Parser(tokens)
    node = parser.expression(0, 0)
    if parser.tokens:
        raise UncomputableError("no formula")
    return node


class _Parser:
    """Reads the tokens of a formula from left to right, operators by how closely they bind."""

    def __init__(self, tokens: list[Any]) -> None:
        self.tokens = tokens[::-1]

    def expression(self, least: int, depth: int) -> Node:
        if depth > _DEEPEST:
            raise UncomputableError("a deep formula")
        node = self._operand(depth)
        while self.tokens and self.tokens[-1].type in ("OPERATOR-INFIX", "OPERATOR-POSTFIX"):
            name = self.tokens[-1].value
            if self.tokens[-1].type == "OPERATOR-POSTFIX":
                self.tokens.pop()
                node = Call("/", (node, Constant(100)))
                continue
            binds = PRECEDENCE.get(name, 0)
            if binds <= least:
                break
            self.tokens.pop()
            node = Call(name, (node, self.expression(binds, depth + 1)))
        return node

    def _operand(self, depth: int) -> Node:
        token = self.tokens.pop() if self.tokens else None
        if token is None:
            raise UncomputableError("no formula")
        if token.type == "OPERATOR-PREFIX":
            return Call(token.value, (self.expression(PRECEDENCE["^"], depth + 1),))
        if token.type == "PAREN" and token.subtype == "OPEN":
            node = self.expression(0, depth + 1)
            self._close()
            return node
        if token.type == "FUNC" and token.subtype == "OPEN":
            name = token.value[:-1].upper().removeprefix("_XLFN.").removeprefix("_XLWS.")
            return _called(name, self._arguments(depth + 1))
        if token.type == "ARRAY" and token.subtype == "OPEN":
            return self._array()
        if token.type == "OPERAND":
            return _operand(token.value, token.subtype)
        raise UncomputableError("no formula")

    def _arguments(self, depth: int) -> tuple[Node, ...]:
        found: list[Node] = []
        while self.tokens and self.tokens[-1].subtype != "CLOSE":
            left_out = self.tokens[-1].type == "SEP"
            found.append(Constant(None) if left_out else self.expression(0, depth))
            if self.tokens and self.tokens[-1].type != "SEP" and self.tokens[-1].subtype != "CLOSE":
                raise UncomputableError("cells where two areas meet")  # a blank between them says so
            if self.tokens and self.tokens[-1].type == "SEP":
                self.tokens.pop()
                if self.tokens and self.tokens[-1].subtype == "CLOSE":
                    found.append(Constant(None))
        self._close()
        return tuple(found)

    def _array(self) -> Array:
        """Returns a table of constants: `{0,60;"C","B"}`."""
        rows: list[list[Scalar]] = [[]]
        sign = 1
        while self.tokens and (token := self.tokens.pop()).type != "ARRAY":
            if token.type == "OPERAND":
                node = _operand(token.value, token.subtype)
                if not isinstance(node, Constant):
                    raise UncomputableError("a table of no constants")
                rows[-1].append(-node.value if sign < 0 and isinstance(node.value, float) else node.value)
                sign = 1
            elif token.type == "OPERATOR-PREFIX":
                sign = -1 if token.value == "-" else 1
            elif token.type == "SEP" and token.subtype == "ROW":
                rows.append([])
        if len({len(row) for row in rows}) != 1:
            raise UncomputableError("a table with rows of different lengths")
        return Array(tuple(map(tuple, rows)))

    def _close(self) -> None:
        if not self.tokens or self.tokens.pop().subtype != "CLOSE":
            raise UncomputableError("no formula")


def _called(name: str, arguments: tuple[Node, ...]) -> Call:
    """Returns a call. What SUMIF sums up begins where its third argument does, and is as large as the first."""
    if name in ("SUMIF", "AVERAGEIF") and len(arguments) == 3:
        cells, _, summed = arguments
        if isinstance(cells, Area) and isinstance(summed, Area):
            bottom = min(summed.top + cells.bottom - cells.top, LAST_ROW)
            right = min(summed.left + cells.right - cells.left, LAST_COLUMN)
            arguments = (*arguments[:2], Area(summed.sheet, summed.top, bottom, summed.left, right))
    return Call(name, arguments)


def _operand(text: str, kind: str) -> Node:
    from openpyxl.utils import column_index_from_string

    if kind == "NUMBER":
        return Constant(float(text))
    if kind == "TEXT":
        return Constant(text[1:-1].replace('""', '"'))
    if kind == "LOGICAL":
        return Constant(text.upper() == "TRUE")
    if kind == "ERROR" and text in ERRORS:
        return Failure(text)
    found = _REFERENCE.fullmatch(text)
    if kind != "RANGE" or found is None or not any(found.groups()[2:]):
        return _name(text, kind)
    quoted, plain, left, top, right, bottom = found.groups()
    if ":" not in text.rpartition("!")[2]:
        if not left or not top:
            return _name(text, kind)
        right, bottom = left, top
    if bool(left) is not bool(right) or bool(top) is not bool(bottom):
        raise UncomputableError("no area")
    columns = sorted(column_index_from_string(name) for name in (left, right)) if left else [1, LAST_COLUMN]
    rows = sorted((int(top), int(bottom))) if top else [1, LAST_ROW]
    return Area((quoted or plain or "").replace("''", "'"), rows[0], rows[1], columns[0], columns[1])


def _name(text: str, kind: str) -> Name:
    found = _NAME.fullmatch(text)
    if kind != "RANGE" or found is None:
        raise UncomputableError("a name")
    return Name((found[1] or found[2] or "").replace("''", "'"), found[3].casefold())
