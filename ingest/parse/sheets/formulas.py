"""Computes simple formulas of a workbook that a program has written without their values: `=B2*C2`, `=SUM(D2:D9)`.

It knows the operators, and some functions that every price list uses (see `functions`). Everything else is not
computed, and neither is what depends on it or on itself. Formulas are written as ECMA-376, part 1, 18.17 says.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ingest.parse.sheets.functions import FUNCTIONS, Scalar, UncomputableError, as_number, as_text

_LONGEST = 2_000
_LONGEST_TEXT = 32_767
"""In characters. A cell of Excel holds no more. Texts that double from cell to cell would fill the memory."""
_DEEPEST = 40
_MAX_VISITED = 2_000_000
"""How many cells the ranges of all formulas of a workbook may look at."""
_REFERENCE = re.compile(
    r"(?:(?:'((?:[^']|'')++)'|([^'!\[\]:]++))!)?"
    r"\$?([A-Z]{1,3})?\$?(\d{1,7})?(?::\$?([A-Z]{1,3})?\$?(\d{1,7})?)?",
    re.IGNORECASE,
)
_PRECEDENCE = {"=": 1, "<>": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": operator.pow,
}  # fmt: skip
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula in a cell, beginning with its equals sign, and the text that is stored as its value, or None."""

    text: str
    stored: str | None = None


@dataclass(frozen=True, slots=True)
class _Constant:
    value: Scalar


@dataclass(frozen=True, slots=True)
class _Area:
    """Cells of a sheet, or of this one if `sheet` is empty. Rows and columns count from 1, and both ends belong."""

    sheet: str
    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class _Call:
    """A function or an operator, and what it is applied to."""

    name: str
    arguments: tuple[_Node, ...]


_Node = _Constant | _Area | _Call
_Place = tuple[str, int, int]


class Calculator:
    """Computes formulas of one workbook. `sheets` are its cells by their rows and columns, which count from 1, and
    `value` gives what is in one.
    """

    def __init__(
        self, sheets: Mapping[str, Mapping[tuple[int, int], Any]], value: Callable[[Any], object] = lambda cell: cell
    ) -> None:
        self._sheets = sheets
        self._value = value
        self._known: dict[_Place, Scalar | UncomputableError] = {}
        self._visited = 0

    def computed(self, sheet: str, row: int, column: int) -> Scalar:
        """Returns the value of the formula in a cell. Raises UncomputableError if it cannot be computed."""
        self._compute((sheet, row, column))
        return self._at((sheet, row, column))

    def link(self, sheet: str, formula: Formula) -> tuple[str, str] | None:
        """Returns the words and the target of a formula that is a HYPERLINK, or None if it is none."""
        if "HYPERLINK" not in formula.text.upper():
            return None
        try:
            node = _parsed(formula.text)
            if not isinstance(node, _Call) or node.name != "HYPERLINK" or not 1 <= len(node.arguments) <= 2:
                return None
            for place in self._needed(node, sheet):
                self._compute(place)
            target, *words = (as_text(self._scalar(argument, sheet)) for argument in node.arguments)
        except UncomputableError:
            return None
        return (words or [target])[0], target

    def _compute(self, start: _Place) -> None:
        """Compute a cell after those that it needs. The stack is a list, since thousands of cells may hang together."""
        stack = [start]
        begun: dict[_Place, _Node] = {}
        while stack:
            place = stack[-1]
            content = self._content(place)
            if place in self._known or not isinstance(content, Formula):
                stack.pop()
                continue
            try:
                if place not in begun:
                    begun[place] = _parsed(content.text)
                    missing = list(self._needed(begun[place], place[0]))
                    if any(found in begun for found in missing):
                        raise UncomputableError("it depends on itself")
                    if missing:
                        stack.extend(missing)
                        continue
                self._known[place] = _bounded(self._scalar(begun[place], place[0]))
            except UncomputableError as error:
                self._known[place] = error
            begun.pop(place, None)
            stack.pop()

    def _needed(self, node: _Node, sheet: str) -> Iterator[_Place]:
        """Yields the cells with formulas that are not computed yet and that a formula refers to."""
        if isinstance(node, _Call):
            for argument in node.arguments:
                yield from self._needed(argument, sheet)
        elif isinstance(node, _Area):
            for place in self._places(node, sheet):
                if place not in self._known and isinstance(self._content(place), Formula):
                    yield place

    def _places(self, area: _Area, sheet: str) -> Iterator[_Place]:
        """Yields the cells of an area that exist."""
        name = area.sheet or sheet
        cells = self._sheets.get(name)
        if cells is None:
            raise UncomputableError("no such sheet")
        size = (area.bottom - area.top + 1) * (area.right - area.left + 1)
        self._visited += min(size, len(cells))
        if self._visited > _MAX_VISITED:
            raise UncomputableError("too many cells")
        if size <= len(cells):
            for row in range(area.top, area.bottom + 1):
                yield from ((name, row, c) for c in range(area.left, area.right + 1) if (row, c) in cells)
        else:
            for row, column in cells:
                if area.top <= row <= area.bottom and area.left <= column <= area.right:
                    yield name, row, column

    def _content(self, place: _Place) -> object:
        cell = self._sheets[place[0]].get(place[1:])
        return None if cell is None else self._value(cell)

    def _at(self, place: _Place) -> Scalar:
        content = self._known.get(place, self._content(place))
        if isinstance(content, Formula):
            raise UncomputableError("it depends on itself")
        if isinstance(content, UncomputableError):
            raise content
        if content is None or isinstance(content, (int, float, str)):
            return content
        raise UncomputableError("a value of another kind")

    def _scalar(self, node: _Node, sheet: str) -> Scalar:
        if isinstance(node, _Constant):
            return node.value
        if isinstance(node, _Area):
            if (node.top, node.left) != (node.bottom, node.right):
                raise UncomputableError("a range in the place of a value")
            return next((self._at(place) for place in self._places(node, sheet)), None)
        if node.name in _PRECEDENCE:
            return _operated(node.name, [self._scalar(argument, sheet) for argument in node.arguments])
        if node.name == "IF" and 2 <= len(node.arguments) <= 3:
            chosen = node.arguments[1:2] if as_number(self._scalar(node.arguments[0], sheet)) else node.arguments[2:]
            return self._scalar(chosen[0], sheet) if chosen else False
        if (function := FUNCTIONS.get(node.name)) is None:
            raise UncomputableError(f"the function {node.name}")
        values: list[Scalar | list[Scalar]] = []
        for argument in node.arguments:
            ranged = isinstance(argument, _Area)
            values.append(self._all(argument, sheet) if ranged else self._scalar(argument, sheet))
        try:
            return function(values)
        except (ArithmeticError, ValueError, IndexError) as error:
            raise UncomputableError(f"arguments of {node.name}") from error

    def _all(self, node: _Node, sheet: str) -> list[Scalar]:
        return [self._at(place) for place in self._places(node, sheet)] if isinstance(node, _Area) else []


def _bounded(value: Scalar) -> Scalar:
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        raise UncomputableError("a long text")
    return value if value is None or isinstance(value, str) else value if isinstance(value, bool) else as_number(value)


def _operated(name: str, values: list[Scalar]) -> Scalar:
    if name == "&":
        return "".join(map(as_text, values))
    if name in _COMPARED:
        words = any(isinstance(value, str) for value in values)
        keys = [_order(value, words) for value in values]
        return _COMPARED[name](*keys)
    numbers = [as_number(value) for value in values]
    if len(numbers) == 1:
        return -numbers[0] if name == "-" else numbers[0]
    try:
        result = _ARITHMETIC[name](*numbers)
    except (ArithmeticError, ValueError) as error:
        raise UncomputableError(str(error)) from error
    if isinstance(result, complex):
        raise UncomputableError("a root of a negative number")
    return result


def _order(value: Scalar, words: bool) -> tuple[bool, float | str]:
    """Returns what a value is compared by. Every text is larger than every number. Beside words, nothing is a text."""
    is_text = isinstance(value, str) or (words and value is None)
    return is_text, as_text(value).casefold() if is_text else as_number(value)


@lru_cache(maxsize=1_000)
def _parsed(text: str) -> _Node:
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

    def expression(self, least: int, depth: int) -> _Node:
        if depth > _DEEPEST:
            raise UncomputableError("a deep formula")
        node = self._operand(depth)
        while self.tokens and self.tokens[-1].type in ("OPERATOR-INFIX", "OPERATOR-POSTFIX"):
            name = self.tokens[-1].value
            if self.tokens[-1].type == "OPERATOR-POSTFIX":
                self.tokens.pop()
                node = _Call("/", (node, _Constant(100)))
                continue
            binds = _PRECEDENCE.get(name, 0)
            if binds <= least:
                break
            self.tokens.pop()
            node = _Call(name, (node, self.expression(binds, depth + 1)))
        return node

    def _operand(self, depth: int) -> _Node:
        token = self.tokens.pop() if self.tokens else None
        if token is None:
            raise UncomputableError("no formula")
        if token.type == "OPERATOR-PREFIX":
            return _Call(token.value, (self.expression(_PRECEDENCE["^"], depth + 1),))
        if token.type == "PAREN" and token.subtype == "OPEN":
            node = self.expression(0, depth + 1)
            self._close()
            return node
        if token.type == "FUNC" and token.subtype == "OPEN":
            return _Call(token.value[:-1].upper().removeprefix("_XLFN."), self._arguments(depth + 1))
        if token.type == "OPERAND":
            return _operand(token.value, token.subtype)
        raise UncomputableError("no formula")

    def _arguments(self, depth: int) -> tuple[_Node, ...]:
        found: list[_Node] = []
        while self.tokens and self.tokens[-1].subtype != "CLOSE":
            found.append(self.expression(0, depth))
            if self.tokens and self.tokens[-1].type == "SEP":
                self.tokens.pop()
        self._close()
        return tuple(found)

    def _close(self) -> None:
        if not self.tokens or self.tokens.pop().subtype != "CLOSE":
            raise UncomputableError("no formula")


def _operand(text: str, kind: str) -> _Node:
    from openpyxl.utils import column_index_from_string

    if kind == "NUMBER":
        return _Constant(float(text))
    if kind == "TEXT":
        return _Constant(text[1:-1].replace('""', '"'))
    if kind == "LOGICAL":
        return _Constant(text.upper() == "TRUE")
    found = _REFERENCE.fullmatch(text)
    if kind != "RANGE" or found is None or not any(found.groups()[2:]):
        raise UncomputableError("a name")
    quoted, plain, left, top, right, bottom = found.groups()
    if ":" not in text.rpartition("!")[2]:
        if not left or not top:
            raise UncomputableError("a name")
        right, bottom = left, top
    if bool(left) is not bool(right) or bool(top) is not bool(bottom):
        raise UncomputableError("a name")
    columns = sorted(column_index_from_string(name) for name in (left, right)) if left else [1, 16_384]
    rows = sorted((int(top), int(bottom))) if top else [1, 1 << 20]
    return _Area((quoted or plain or "").replace("''", "'"), rows[0], rows[1], columns[0], columns[1])
