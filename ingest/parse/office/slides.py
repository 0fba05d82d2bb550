"""Reads PowerPoint: the title, texts, tables, charts and pictures of each slide, then its notes. `location.slide`
counts from 1.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from ingest.document import Element, Location
from ingest.parse.extracted import Extracted
from ingest.parse.office.ooxml import diagram_texts, plain_variant, xml
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.table_elements import table_elements
from ingest.parse.tables_markdown import Rows, markdown

_MAX_GROUPS = 50
"""The deepest nesting of groups whose shapes are read."""
_BULLETS = "./a:pPr/a:buChar | ./a:pPr/a:buAutoNum"


def read_pptx(data: bytes, pictures: Pictures, comments: bool) -> Extracted:
    """Read the slides that are shown, in their order. Hidden slides are left out. With `comments`, the comments on a
    slide come at its end.
    """
    from pptx import Presentation

    deck = Presentation(io.BytesIO(plain_variant(data)))
    elements: list[Element] = []
    for number, slide in enumerate(deck.slides, 1):
        if slide._element.get("show") not in ("0", "false"):
            location = Location(slide=number)
            elements.extend(_slide(slide, location, pictures))
            elements.extend(_comments(slide, location) if comments else ())
    return Extracted(tuple(elements), deck.core_properties.title, len(deck.slides))


def _slide(slide: Any, location: Location, pictures: Pictures) -> Iterator[Element]:
    title = slide.shapes.title
    if title is not None and title.text_frame.text.strip():
        yield Element("heading", " ".join(title.text_frame.text.split()), location, level=1)
    for shape in _in_reading_order(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            yield from _shape(shape, location, pictures)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        for paragraph in frame.text.split("\n"):
            yield Element("paragraph", paragraph.replace("\v", "\n"), location)


def _in_reading_order(shapes: Any, depth: int = 0) -> Iterator[Any]:
    """Yields the shapes from top to bottom, then from left to right. The shapes of a group stay together."""
    for shape in sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
        if hasattr(shape, "shapes") and depth < _MAX_GROUPS:
            yield from _in_reading_order(shape.shapes, depth + 1)
        else:
            yield shape


def _shape(shape: Any, location: Location, pictures: Pictures) -> Iterator[Element]:
    if getattr(shape, "has_table", False):
        yield from table_elements(_rows(shape.table), place=lambda first, stop: location)
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart, location)
    elif shape.has_text_frame:
        for paragraph in shape.text_frame.paragraphs:
            listed = paragraph.level > 0 or bool(paragraph._p.xpath(_BULLETS))
            yield Element("list_item" if listed else "paragraph", paragraph.text.replace("\v", "\n"), location)
    else:
        yield from (Element("paragraph", text, location) for text in diagram_texts(shape.part, shape._element))
    if (picture := _picture(shape)) is not None:
        yield from (Element("paragraph", text, location) for text in pictures.texts(picture))


def _rows(table: Any) -> Rows:
    """Returns the cells. Every cell that a merged cell covers gets its text."""
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    for top, row in enumerate(table.rows):
        for left, cell in enumerate(row.cells):
            if cell.is_merge_origin:
                for below in range(top, min(top + cell.span_height, len(rows))):
                    for column in range(left, min(left + cell.span_width, len(rows[below]))):
                        rows[below][column] = cell.text
    return rows


def _chart(chart: Any, location: Location) -> Iterator[Element]:
    """Yields the numbers of a chart as a table. It has a row for each category and a column for each series."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield Element("caption", chart.chart_title.text_frame.text, location)
    for plot in chart.plots:
        series = list(plot.series)
        names = ["", *(one.name or "" for one in series)]
        values = [list(one.values) for one in series]
        rows: Rows = [names]
        for number, category in enumerate(plot.categories):
            cells = [column[number] if number < len(column) else None for column in values]
            rows.append([str(category), *("" if cell is None else f"{cell:.12g}" for cell in cells)])
        if len(rows) > 1:
            yield Element("table", markdown(rows), location)


def _picture(shape: Any) -> bytes | None:
    try:
        image: bytes = shape.image.blob
    except (AttributeError, KeyError, ValueError):
        return None  # not a picture, or a picture that is only linked
    return image


def _comments(slide: Any, location: Location) -> Iterator[Element]:
    for relation in slide.part.rels.values():
        if not relation.is_external and relation.reltype.endswith("/comments"):
            for comment in xml(relation.target_part.blob).iter("{*}cm"):
                words = " ".join("".join(piece.itertext()) for piece in comment.iter("{*}text", "{*}t"))
                yield Element("paragraph", f"Comment: {words}", location)
