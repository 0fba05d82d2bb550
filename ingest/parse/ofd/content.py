"""Reads what is drawn on an OFD page: characters, straight lines and pictures, each with its place in points."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ingest.parse.ofd.geometry import POINTS, Matrix, box, deltas, matrix, number
from ingest.parse.ofd.links import Action, Rectangle, targets_of
from ingest.parse.ofd.resources import Font, Resources
from ingest.parse.page.segments import Floats
from ingest.parse.pdf.text_directions import SLANTED
from ingest.parse.refusals import refuse

_MAX_OBJECTS = 2_000_000
_MAX_CHARACTERS = 20_000_000
_MAX_DEPTH = 20
_MAX_LINES = 3_000
_MAX_POINTS = 400
"""A path with more points than this is a drawing, not a table."""
_THIN = 3.0
_SHORTEST = 6.0
"""In points: a box that is at most so thick, and at least so long, is a line."""
_ABOVE, _BELOW = 0.86, 0.14
"""How far a letter reaches above and below its line, in heights of its font."""
_GAP = 0.15
"""The gap between two runs that is a space, in heights of the font."""
_SLANT = 0.1
"""Text is slanted if its angle differs from a quarter turn by more than this fraction of a quarter turn."""
_DRAWN_INSIDE = frozenset({"Content", "Layer", "PageBlock", "Appearance"})
_STRAIGHT = {"S": 1, "M": 1, "L": 1, "C": 0}
"""The commands of paths that have straight lines only, and the number of their points."""
_MAX_LINKS = 500


class Look(NamedTuple):
    """The size of letters in points, and their font."""

    size: float
    font: str
    is_bold: bool


class Picture(NamedTuple):
    """A picture on a page: its box in points, its path in the file, and its clockwise quarter turns."""

    box: Rectangle
    path: str
    turns: int


@dataclass(slots=True)
class Allowance:
    """What the pages of one file may still draw. Templates and drawings that are used again count each time."""

    objects: int = _MAX_OBJECTS
    characters: int = _MAX_CHARACTERS

    def spend(self, name: str, *, objects: int = 0, characters: int = 0) -> None:
        """Raises DocumentError `too_large` if nothing is left."""
        self.objects -= objects
        self.characters -= characters
        if self.objects < 0 or self.characters < 0:
            raise refuse("too_large", name, "its pages draw more than any document does")


@dataclass(slots=True)
class Drawn:
    """What is drawn on one page. The first four lists have one entry for each character. `looks` are indices into
    `styles`. `runs_untold` counts runs of shapes of which the file does not tell the characters, and
    `parts_missing` what the page names and the file does not have.
    """

    codes: list[int] = field(default_factory=list)
    boxes: list[Rectangle] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    styles: list[Look] = field(default_factory=list)
    lines: list[Rectangle] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    links_lost: int = 0
    runs_untold: int = 0
    parts_missing: int = 0

    def rulings(self) -> Floats:
        return np.array(self.lines, dtype=np.float64).reshape(-1, 4)


class Painter:
    """Reads the objects of the pages of a document."""

    def __init__(
        self, name: str, resources: Resources, allowance: Allowance, attached: Mapping[str, str] | None = None
    ) -> None:
        """`attached` are the names of the attached files by their identities."""
        self._name = name
        self._resources = resources
        self._allowance = allowance
        self._attached = attached or {}

    def draw(self, node: Any, drawn: Drawn, place: Matrix, depth: int = 0) -> None:
        """Add the objects inside `node`. `place` moves its coordinates to points of the page."""
        if depth > _MAX_DEPTH:
            return
        for child in node:
            if not isinstance(child.tag, str) or child.get("Visible", "").lower() == "false":
                continue
            kind = child.tag.rpartition("}")[2]
            self._allowance.spend(self._name, objects=1)
            first = len(drawn.codes)
            if kind in _DRAWN_INSIDE:
                self.draw(child, drawn, place, depth + 1)
            elif kind == "TextObject":
                self._text(child, drawn, _placed(child, place))
            elif kind == "PathObject":
                drawn.lines.extend(_lines(child, _placed(child, place))[: _MAX_LINES - len(drawn.lines)])
                self._pattern(child, drawn, _placed(child, place), depth)
            elif kind == "ImageObject":
                self._picture(child, drawn, place)
            elif kind == "CompositeObject" and child.get("ResourceID") in self._resources.drawings:
                unit = self._resources.drawings[child.get("ResourceID")]
                self.draw(unit, drawn, _placed(child, place), depth + 1)
            elif kind == "CompositeObject":
                drawn.parts_missing += 1
            self.link(child, drawn, place, first)

    def _pattern(self, node: Any, drawn: Drawn, place: Matrix, depth: int) -> None:
        """Add the piece of each pattern that paints a shape, once."""
        for pattern in node.iterfind("{*}FillColor/{*}Pattern"):
            for piece in pattern.iterfind("{*}CellContent"):
                self.draw(piece, drawn, matrix(pattern.get("CTM")).then(place), depth + 1)

    def link(self, node: Any, drawn: Drawn, place: Matrix, first: int) -> None:
        """Note where an object leads that has drawn the characters from the number `first` on."""
        edges = box(node.get("Boundary"))
        for target in targets_of(node, self._attached):
            if not target or edges is None or len(drawn.actions) >= _MAX_LINKS:
                drawn.links_lost += 1
                continue
            whole = place.around(edges.x, edges.y, edges.x + edges.width, edges.y + edges.height)
            drawn.actions.append(Action(target, whole, first, len(drawn.codes)))

    def _picture(self, node: Any, drawn: Drawn, place: Matrix) -> None:
        edges = box(node.get("Boundary"))
        if edges is None or (path := self._resources.pictures.get(node.get("ResourceID", ""))) is None:
            drawn.parts_missing += 1
            return
        whole = place.around(edges.x, edges.y, edges.x + edges.width, edges.y + edges.height)
        across = matrix(node.get("CTM")).then(place)
        drawn.pictures.append(Picture(whole, path, round(math.atan2(across.b, across.a) / (math.pi / 2)) % 4))

    def _text(self, node: Any, drawn: Drawn, place: Matrix) -> None:
        font = self._resources.fonts.get(node.get("Font", ""), Font())
        size = abs(number(node.get("Size")))
        points = size * math.hypot(place.c, place.d)
        bold = font.is_bold or number(node.get("Weight")) >= 600
        drawn.styles.append(Look(round(points * 2) / 2, font.name, bold))
        stretched = abs(number(node.get("HScale"), 1.0)) or 1.0
        x = y = 0.0
        said = False
        for code in node.iterfind("{*}TextCode"):
            x, y = number(code.get("X"), x), number(code.get("Y"), y)
            text = (code.text or "").strip("\r\n\t")
            said = said or bool(text)
            if text and size:
                self._allowance.spend(self._name, characters=len(text))
                _run(drawn, code, text, (x, y), (size, stretched), place)
        drawn.runs_untold += not said and node.find("{*}CGTransform/{*}Glyphs") is not None


def _placed(node: Any, place: Matrix) -> Matrix:
    """Returns what moves the coordinates of an object to points: its own matrix, its corner, and the place around."""
    edges = box(node.get("Boundary"))
    own = matrix(node.get("CTM"))
    return (own.then(Matrix(e=edges.x, f=edges.y)) if edges else own).then(place)


def page_place(x: float, y: float) -> Matrix:
    """Returns what moves millimetres to points of a page whose left upper corner is at (x, y)."""
    return Matrix(POINTS, 0.0, 0.0, POINTS, -x * POINTS, -y * POINTS)


def _run(
    drawn: Drawn, code: Any, text: str, start: tuple[float, float], letters: tuple[float, float], place: Matrix
) -> None:
    """Add the characters of one run. `letters` are the height of the font, and how far it is stretched."""
    size, stretched = letters
    widths = [size * stretched * (1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.5) for letter in text]
    down = deltas(code.get("DeltaY"), len(text) - 1)
    right = deltas(code.get("DeltaX"), len(text) - 1)
    if right is None:
        right = [0.0] * (len(text) - 1) if down and any(down) else widths[:-1]
    down = down or [0.0] * (len(text) - 1)
    turn = _turn(place, sum(right), sum(down))
    x, y = start
    for position, letter in enumerate(text):
        step = right[position] if position < len(right) else 0.0
        width = min(widths[position], step) if step > 0 else widths[position]
        edges = place.around(x, y - _ABOVE * size, x + width, y + _BELOW * size)
        if position == 0:
            _part_from_last(drawn, edges, turn)
        drawn.codes.append(ord(letter))
        drawn.boxes.append(edges)
        drawn.turns.append(turn)
        drawn.looks.append(len(drawn.styles) - 1)
        x += step
        y += down[position] if position < len(down) else 0.0


def _part_from_last(drawn: Drawn, edges: Rectangle, turn: int) -> None:
    """Add a space before a run that begins a little behind the end of the last one. Programs that draw each word for
    itself leave the spaces out.
    """
    if not drawn.boxes or drawn.turns[-1] != turn:
        return
    last = drawn.boxes[-1]
    tall = min(last[3] - last[1], edges[3] - edges[1])
    if turn == 0 and edges[0] - last[2] > _GAP * tall and min(last[3], edges[3]) - max(last[1], edges[1]) > tall / 2:
        drawn.codes.append(32)
        drawn.boxes.append((last[2], last[1], edges[0], last[3]))
        drawn.turns.append(turn)
        drawn.looks.append(drawn.looks[-1])


def _turn(place: Matrix, right: float, down: float) -> int:
    """Returns the counter-clockwise quarter turns of a run on the page, or `SLANTED`."""
    across, along = (0.0, down) if abs(down) > 2 * abs(right) else (1.0, 0.0)
    quarters = -math.atan2(place.b * across + place.d * along, place.a * across + place.c * along) / (math.pi / 2)
    return SLANTED if abs(quarters - round(quarters)) > _SLANT else round(quarters) % 4


def _lines(node: Any, place: Matrix) -> list[Rectangle]:
    """Returns the straight lines of a path. A curve, or a path of many points, has none: it is a drawing."""
    paths = _points((node.findtext("{*}AbbreviatedData") or "").split())
    moved = [[place.moved(x, y) for x, y in path] for path in paths]
    everything = [point for path in moved for point in path]
    if len(everything) < 2:
        return []
    xs, ys = zip(*everything, strict=True)
    whole = (min(xs), min(ys), max(xs), max(ys))
    if min(whole[2] - whole[0], whole[3] - whole[1]) <= _THIN:
        return [whole] if _is_line(whole) else []
    if node.get("Stroke", "true").lower() == "false":
        return []  # a coloured area
    edges = [
        (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)) for path in moved for (x0, y0), (x1, y1) in pairwise(path)
    ]
    return [edge for edge in edges if _is_line(edge)]


def _is_line(edges: Rectangle) -> bool:
    thickness, length = sorted((edges[2] - edges[0], edges[3] - edges[1]))
    return thickness <= _THIN and length >= _SHORTEST


def _points(words: list[str]) -> list[list[tuple[float, float]]]:
    """Returns the polygons of a path, or nothing if it has a curve."""
    paths: list[list[tuple[float, float]]] = []
    if len(words) > 3 * _MAX_POINTS:
        return []
    at = 0
    while at < len(words):
        command, at = words[at].upper(), at + 1
        if command not in _STRAIGHT:
            return []
        if command == "C":
            if paths:
                paths[-1].append(paths[-1][0])
            continue
        if at + 2 > len(words):
            return paths
        point = (number(words[at]), number(words[at + 1]))
        at += 2
        if command == "L" and paths:
            paths[-1].append(point)
        else:
            paths.append([point])
    return paths
