"""Lengths, boxes and matrices as OFD writes them: numbers with blanks between, in millimetres. y grows downwards."""

from __future__ import annotations

import math
from typing import NamedTuple

POINTS = 72 / 25.4
"""Points in a millimetre."""
_LIMIT = 1e6


class Box(NamedTuple):
    """Left, top, width and height."""

    x: float
    y: float
    width: float
    height: float


class Matrix(NamedTuple):
    """Moves (x, y) to (a·x + c·y + e, b·x + d·y + f)."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def then(self, other: Matrix) -> Matrix:
        """Returns the matrix that does this one first and then the other."""
        return Matrix(
            self.a * other.a + self.b * other.c,
            self.a * other.b + self.b * other.d,
            self.c * other.a + self.d * other.c,
            self.c * other.b + self.d * other.d,
            self.e * other.a + self.f * other.c + other.e,
            self.e * other.b + self.f * other.d + other.f,
        )

    def moved(self, x: float, y: float) -> tuple[float, float]:
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    def around(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        """Returns the upright box around a rectangle that was moved: x0, y0, x1, y1."""
        xs, ys = zip(*(self.moved(x, y) for x, y in ((x0, y0), (x1, y0), (x0, y1), (x1, y1))), strict=True)
        return min(xs), min(ys), max(xs), max(ys)


def numbers(text: str | None) -> list[float]:
    """Returns the numbers in a text. What is no number, or is far outside every page, is 0."""
    return [number(word) for word in (text or "").replace(",", " ").split()]


def number(word: str | None, default: float = 0.0) -> float:
    try:
        value = float(word) if word is not None else default
    except ValueError:
        return default
    return value if math.isfinite(value) and abs(value) < _LIMIT else default


def box(text: str | None) -> Box | None:
    """Returns the box in a text, or None if it is none."""
    found = numbers(text)
    return Box(*found[:4]) if len(found) >= 4 else None


def matrix(text: str | None) -> Matrix:
    """Returns the matrix in a text, or the one that moves nothing."""
    found = numbers(text)
    return Matrix(*found[:6]) if len(found) >= 6 else Matrix()


def deltas(text: str | None, count: int) -> list[float] | None:
    """Returns the steps between characters, as many as `count`. `g 3 5` stands for three steps of 5. The last step is
    repeated if there are too few. Returns None if no step is stated.
    """
    words = (text or "").split()
    steps: list[float] = []
    at = 0
    while at < len(words) and len(steps) < count:
        if words[at] == "g" and at + 2 < len(words):
            repeated = int(words[at + 1]) if words[at + 1].isdecimal() and len(words[at + 1]) <= 12 else 0
            steps.extend([number(words[at + 2])] * min(repeated, count - len(steps)))
            at += 3
        else:
            steps.append(number(words[at]))
            at += 1
    if not steps:
        return None
    return steps + [steps[-1]] * (count - len(steps))
