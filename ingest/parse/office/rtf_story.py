"""Collects one text of an RTF file: its body, a box, a note, a header. Each has paragraphs and tables of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ingest.document import Element
from ingest.parse.contents_pages import is_heading
from ingest.parse.office.rtf_blocks import APART, Block, Paragraph, Table
from ingest.parse.office.rtf_states import State
from ingest.parse.office.rtf_tables import RowLook
from ingest.parse.office.typed_headings import Line
from ingest.parse.word.links import field_target, suffix

_CONTENTS = re.compile(r"\s*TOC\b", re.IGNORECASE)
_MAX_FIELDS = 20
_DEEPEST_TABLES = 20
"""Tables inside tables. What is deeper belongs to the last of them."""


@dataclass(slots=True)
class _Field:
    """A field that is open: how many groups are around it, what it does, and its result."""

    depth: int
    instruction: list[str] = field(default_factory=list)
    result: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Looks:
    """How the letters of the current paragraph look."""

    sizes: Counter[int] = field(default_factory=Counter)
    fonts: Counter[int] = field(default_factory=Counter)
    bold: bool = True
    centred: bool = False

    def add(self, text: str, state: State) -> None:
        if length := len(text.strip()):
            size, bold = state.shown(text.strip())
            self.sizes[size] += length
            self.fonts[state.font] += length
            self.bold = self.bold and (bold or not any(map(str.isalpha, text)))

    def line(self, text: str) -> Line:
        size = self.sizes.most_common(1)[0][0] / 2 if self.sizes else 0.0
        font = str(self.fonts.most_common(1)[0][0]) if self.fonts else None
        return Line(text, "text", size, self.bold and bool(self.sizes), font, self.centred)


@dataclass(slots=True)
class _OpenTable:
    """A table that has not ended: its rows, the cells of the current row, and the current cell."""

    rows: list[list[list[Block]]] = field(default_factory=list)
    looks: list[RowLook] = field(default_factory=list)
    cells: list[list[Block]] = field(default_factory=list)
    cell: list[Block] = field(default_factory=list)

    def end_cell(self) -> None:
        self.cells.append(self.cell)
        self.cell = []

    def end_row(self, look: RowLook) -> None:
        self.rows.append(self.cells)
        self.looks.append(look)
        self.cells = []

    def ended(self) -> Table:
        """Returns the table. A cell or a row whose end is missing ends here."""
        if self.cell:
            self.end_cell()
        if self.cells:
            self.end_row(RowLook())
        return Table(self.rows, self.looks)


@dataclass(slots=True)
class Story:
    """One text, as it is collected. `role` says what it is: `body`, `box`, `note`, `header` or `footer`.

    `level` and `tables_around` belong to the current paragraph: its level as a heading, and in how many tables it
    stands. `behind` has what follows the current paragraph, such as the words in its pictures.
    """

    role: str = "body"
    blocks: list[Block] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    label: list[str] = field(default_factory=list)
    behind: list[Block] = field(default_factory=list)
    level: int | None = None
    tables_around: int = 0
    looks: _Looks = field(default_factory=_Looks)
    _fields: list[_Field] = field(default_factory=list)
    _tables: list[_OpenTable] = field(default_factory=list)

    def say(self, text: str, state: State) -> None:
        """Add a text to the paragraph and to the link that is open, or to the instruction of a field."""
        if state.says:
            if self._fields:
                self._fields[-1].instruction.append(text)
        elif state.labels:
            self.label.append(text)
        elif not state.unseen:
            self.text.append(text)
            self.looks.add(text, state)
            if self._fields:
                self._fields[-1].result.append(text)

    def open_field(self, depth: int) -> None:
        """Begin a field inside so many groups."""
        if len(self._fields) < _MAX_FIELDS:
            self._fields.append(_Field(depth))

    def close_field(self, depth: int) -> None:
        """End the field that is open at this depth of groups. A link says where it leads."""
        if not self._fields or self._fields[-1].depth <= depth:
            return
        ended = self._fields.pop()
        result = "".join(ended.result)
        if result.strip():
            self.text.append(suffix(result, field_target("".join(ended.instruction))))
        if self._fields:
            self._fields[-1].result.append(result)

    def lists_contents(self) -> bool:
        """Returns True if the open field is a list of contents, whose result is no text. Its heading goes."""
        if not self._fields or not _CONTENTS.match("".join(self._fields[-1].instruction[:_MAX_FIELDS])):
            return False
        if self.blocks and isinstance(last := self.blocks[-1], Paragraph) and is_heading(last.element.text):
            self.blocks.pop()
        return True

    def begin_paragraph(self) -> None:
        """Forget what the paragraph before stated of itself."""
        self.level, self.tables_around, self.looks.centred = None, 0, False

    def end_paragraph(self) -> None:
        """End the current paragraph. Outside of tables it ends the table before it, even if it is empty."""
        around = self.tables_around
        if not around and self._tables and self._tables[0].cells:
            around = 1  # it stands between the cells of a row
        if around:
            self._table(around).cell.extend(self._taken())
        else:
            self.end_tables()
            self.blocks.extend(self._taken())

    def end_cell(self, depth: int) -> None:
        """End a cell of the table at this depth, 1 for a table that stands in no other."""
        table = self._table(depth)
        table.cell.extend(self._taken())
        table.end_cell()

    def end_row(self, depth: int, look: RowLook) -> None:
        """End a row of the table at this depth."""
        self._table(depth).end_row(look)
        if depth == 1:
            self.tables_around = 0

    def end_tables(self) -> None:
        """End all tables that are open."""
        if self._tables:
            self.blocks.append(self._nested(0))

    def end(self) -> Sequence[Block]:
        """End the text. Returns what it is made of."""
        self.tables_around = 0
        self.end_paragraph()
        self.end_tables()
        return self.blocks

    def add_behind(self, blocks: Sequence[Block]) -> None:
        """Let some blocks follow the current paragraph."""
        self.behind.extend(blocks)

    def _table(self, depth: int) -> _OpenTable:
        """Returns the open table at this depth. Tables inside it have ended, those around it have begun."""
        depth = min(max(depth, 1), _DEEPEST_TABLES)
        if len(self._tables) > depth:
            nested = self._nested(depth)
            self._tables[-1].cell.append(nested)
        while len(self._tables) < depth:
            self._tables.append(_OpenTable())
        return self._tables[-1]

    def _nested(self, depth: int) -> Table:
        """Ends the tables from this depth on. Returns the outermost of them."""
        ended = self._tables.pop().ended()
        while len(self._tables) > depth:
            self._tables[-1].cell.append(ended)
            ended = self._tables.pop().ended()
        return ended

    def _taken(self) -> list[Block]:
        """Returns the current paragraph, if it says something, and what follows it. The next one begins."""
        text, label = "".join(self.text).strip(), "".join(self.label).strip()
        taken = [*self._paragraph(text, label), *self.behind]
        self.looks = _Looks(centred=self.looks.centred)
        for each in (self.text, self.label, self.behind):
            each.clear()
        return taken

    def _paragraph(self, text: str, label: str) -> list[Block]:
        if not text:
            return []
        number = f"{label} " if any(map(str.isalnum, label)) else ""
        kind = "heading" if self.level is not None else "list_item" if label else "paragraph"
        line = Line(text, "heading", level=self.level or 0)
        if self.level is None:
            line = replace(self.looks.line(number + text), role="item" if label and not number else "text")
        return [Paragraph(Element(kind, number + text, level=self.level), line)]  # type: ignore[arg-type]


def plain_paragraph(text: str) -> Paragraph:
    """Returns a paragraph that makes no heading."""
    return Paragraph(Element("paragraph", text), APART)
