"""Reads PowerPoint: the title, texts, tables, charts and pictures of each slide, then its notes. `location.slide`
counts from 1.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from ingest.document import Element, Location
from ingest.parse.extracted import Extracted
from ingest.parse.links import linked, with_target
from ingest.parse.notes import PARTS_NOT_READ, together
from ingest.parse.office.charts import CHARTS, read_chart
from ingest.parse.office.drawing_text import body_text, target_of, text_of
from ingest.parse.office.embedded_objects import EmbeddedObjects
from ingest.parse.office.ooxml import diagram_texts, picture_relations, plain_variant, take_choices, xml
from ingest.parse.pictures.embedded import Pictures, best_of
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.layout import Cell, runs_of
from ingest.parse.tables.markdown import Rows

_MAX_GROUPS = 50
"""The deepest nesting of groups whose shapes are read."""
_BLIPS = ".//a:blip[not(ancestor::p:oleObj)]"
"""The pictures of a shape: what it is, or what fills it or a cell of it. That of an object only shows the object."""
_BACKGROUND = "./p:cSld/p:bg//a:blip"
_MEDIA = ".//p:nvPr/a:videoFile | .//p:nvPr/a:audioFile | .//p:nvPr/a:wavAudioFile | .//p:nvPr/a:quickTimeFile"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_OBJECT = "{http://schemas.openxmlformats.org/presentationml/2006/main}oleObj"
_HIDDEN = "./*[1]/p:cNvPr[@hidden='1' or @hidden='true']"
_BULLETS = "./a:pPr/a:buChar | ./a:pPr/a:buAutoNum"


def read_pptx(data: bytes, pictures: Pictures, comments: bool) -> Extracted:
    """Read the slides that are shown, in their order. Hidden slides are left out. With `comments`, the comments on a
    slide come at its end.
    """
    from pptx import Presentation

    deck = Presentation(io.BytesIO(plain_variant(data)))
    reader = _Slides(pictures)
    elements: list[Element] = []
    for number, slide in enumerate(deck.slides, 1):
        if slide._element.get("show") not in ("0", "false"):
            location = Location(slide=number)
            elements.extend(reader.slide(slide, location))
            elements.extend(_comments(slide, location) if comments else ())
    notes = together([{PARTS_NOT_READ: reader.not_read}, reader.objects.notes])
    title, pages = deck.core_properties.title, len(deck.slides)
    return Extracted(tuple(elements), title, pages, notes=notes, attachments=reader.objects.attachments)


class _Slides:
    """Reads slides. It collects the objects in them, and counts films, sounds, and the charts that could not be
    read.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self.objects = EmbeddedObjects()
        self.not_read = 0
        self._charts: set[Any] = set()

    def slide(self, slide: Any, location: Location) -> Iterator[Element]:
        """Yields what a slide says: its title, its shapes, its notes."""
        take_choices(slide._element)
        title = slide.shapes.title
        if title is not None:
            yield from _title(title, location)
        yield from _pictured(slide._element.xpath(_BACKGROUND), slide.part, location, self._pictures)
        for shape in _in_reading_order(slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                yield from self._shape(shape, location)
        if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
            for paragraph in frame.paragraphs:
                yield Element("paragraph", text_of(paragraph._p, frame.part.rels), location)

    def _shape(self, shape: Any, location: Location) -> Iterator[Element]:
        """Yields what a shape says, and where it leads: behind its last text, or the description of a picture."""
        elements = [element for element in self._content(shape, location) if element.text.strip()]
        described = shape._element.xpath("string(./*[1]/p:cNvPr/@descr)")
        yield from linked(elements, _shape_target(shape), described, location)

    def _content(self, shape: Any, location: Location) -> Iterator[Element]:
        if getattr(shape, "has_table", False):
            yield from _table(shape.table, location)
        elif shape.has_text_frame:
            for paragraph in shape.text_frame.paragraphs:
                listed = paragraph.level > 0 or bool(paragraph._p.xpath(_BULLETS))
                yield Element("list_item" if listed else "paragraph", text_of(paragraph._p, shape.part.rels), location)
        else:
            self.not_read += bool(shape._element.xpath(_MEDIA))
            yield from self._framed(shape, location)
        yield from _pictured(shape._element.xpath(_BLIPS), shape.part, location, self._pictures)

    def _framed(self, shape: Any, location: Location) -> Iterator[Element]:
        """Yields the charts and diagrams in a frame, and notes its objects. A chart that is used again is read once."""
        for chart in shape._element.iter(*CHARTS):
            try:
                part = shape.part.related_part(chart.get(_RELATION))
                if part in self._charts:
                    continue
                self._charts.add(part)
                found = read_chart(xml(part.blob))
            except (KeyError, ValueError, SyntaxError):  # SyntaxError is that of lxml
                self.not_read += 1
                continue
            self.not_read += not found.tables
            yield from found.elements(location)
        for embedded in shape._element.iter(_OBJECT):
            relation = shape.part.rels.get(embedded.get(_RELATION, ""))
            is_here = relation is not None and not relation.is_external
            name = str(relation.target_part.partname) if is_here else ""
            self.objects.add(name, relation.target_part.blob if is_here else None)
        yield from (Element("paragraph", text, location) for text in diagram_texts(shape.part, shape._element))


def _title(shape: Any, location: Location) -> Iterator[Element]:
    text = " ".join(body_text(shape.text_frame._txBody, shape.part.rels).split())
    if text:
        yield Element("heading", with_target(text, _shape_target(shape)), location, level=1)


def _shape_target(shape: Any) -> str | None:
    """Returns where a click on the shape itself leads."""
    return target_of(next(iter(shape._element.xpath("./*[1]/p:cNvPr")), None), shape.part.rels)


def _in_reading_order(shapes: Any, depth: int = 0) -> Iterator[Any]:
    """Yields the shapes that are shown, from top to bottom and from left to right. Those of a group stay together."""
    shown = (shape for shape in shapes if not shape._element.xpath(_HIDDEN))
    for shape in sorted(shown, key=lambda shape: (shape.top or 0, shape.left or 0)):
        if hasattr(shape, "shapes") and depth < _MAX_GROUPS:
            yield from _in_reading_order(shape.shapes, depth + 1)
        else:
            yield shape


def _table(table: Any, location: Location) -> Iterator[Element]:
    """Yields the elements of a table. One that only lays out the slide becomes the paragraphs of its cells."""
    rows = _rows(table)
    cells = [[cell for cell in row.cells if not cell.is_spanned] for row in table.rows]
    for run in runs_of([[Cell(_blocks(cell)) for cell in row] for row in cells]) if rows else ():
        if run.is_table:
            yield from table_elements(rows[run.first : run.stop], place=lambda first, stop: location)
            continue
        for cell in (cell for row in cells[run.first : run.stop] for cell in row):
            for paragraph in cell.text_frame.paragraphs:
                yield Element("paragraph", text_of(paragraph._p, cell.part.rels), location)


def _blocks(cell: Any) -> int:
    """Returns the number of paragraphs in a cell that have text."""
    return sum(bool(paragraph.text.strip()) for paragraph in cell.text_frame.paragraphs)


def _rows(table: Any) -> Rows:
    """Returns the cells. Every cell that a merged cell covers gets its text."""
    rows = [[_cell_text(cell) for cell in row.cells] for row in table.rows]
    for top, row in enumerate(table.rows):
        for left, cell in enumerate(row.cells):
            if cell.is_merge_origin:
                for below in range(top, min(top + cell.span_height, len(rows))):
                    for column in range(left, min(left + cell.span_width, len(rows[below]))):
                        rows[below][column] = rows[top][left]
    return rows


def _cell_text(cell: Any) -> str:
    return body_text(cell.text_frame._txBody, cell.part.rels)


def _pictured(blips: Iterable[Any], part: Any, location: Location, pictures: Pictures) -> Iterator[Element]:
    """Yields the words in these pictures. One that is only linked, or not there, is counted."""
    for relations in dict.fromkeys(tuple(picture_relations(blip)) for blip in blips):
        found = []
        for relation in relations:
            with suppress(KeyError, ValueError):
                found.append(part.related_part(relation).blob)
        if found:
            yield from (Element("paragraph", text, location) for text in pictures.texts(best_of(found)))
        elif relations:
            pictures.give_up()


def _comments(slide: Any, location: Location) -> Iterator[Element]:
    for relation in slide.part.rels.values():
        if not relation.is_external and relation.reltype.endswith("/comments"):
            for comment in xml(relation.target_part.blob).iter("{*}cm"):
                words = " ".join("".join(piece.itertext()) for piece in comment.iter("{*}text", "{*}t"))
                yield Element("paragraph", f"Comment: {words}", location)
