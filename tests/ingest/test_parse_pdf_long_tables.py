"""Tables of a PDF that go on over the end of a page: each part has the header of the first one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ingest.document import Element, ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_pdf import Item, Stroke, Words, grid, pdf

PLACES = (70, 200, 330)
HEADER = ("Defect", "Found on", "Days")


def read(*pages: list[Item]) -> ParsedDocument:
    data = pdf(*pages)
    return parse(Reference("local", "a.pdf", "a.pdf", len(data), 0, content=data), IngestSettings(ocr=False))


def lines(*rows: Sequence[str], top: int, bold: bool = False) -> list[Item]:
    """The rows of a table, 20 points high."""
    return [
        Words(PLACES[column], top + 20 * number, cell, bold=bold and number == 0)
        for number, row in enumerate(rows)
        for column, cell in enumerate(row)
        if cell
    ]


def ruled(*rows: Sequence[str], top: int, bold: bool = False) -> list[Item]:
    edges = [top - 14 + 20 * number for number in range(len(rows) + 1)]
    return [*grid([65, 190, 320, 400], edges), *lines(*rows, top=top, bold=bold)]


def row(number: int) -> tuple[str, str, str]:
    return f"QX-{number}", ("back", "edge", "front")[number % 3], str(number % 9 + 1)


def tables(document: ParsedDocument) -> list[Element]:
    return [element for element in document.elements if element.kind == "table"]


def rows_of(element: Element) -> list[tuple[str, ...]]:
    found = element.text.split("\n")
    return [tuple(line[2:-2].split(" | ")) for line in (found[0], *found[2:])]


@pytest.mark.parametrize("drawn", [ruled, lines], ids=["ruled", "unruled"])
@pytest.mark.parametrize("last", [1, 2, 6], ids=["one row", "two rows", "six rows"])
def test_every_page_of_a_table_has_its_header(drawn, last: int) -> None:  # type: ignore[no-untyped-def]
    above: list[Item] = [Words(70, 60, "Appendix B, the defects that stop the line")]
    document = read(
        [*above, *drawn(HEADER, *map(row, range(1, 30)), top=200)],
        drawn(*map(row, range(30, 65)), top=80),
        [*drawn(*map(row, range(65, 65 + last)), top=80), Words(70, 300, "Who finds a severe one stops the line.")],
    )
    found = tables(document)
    assert [element.location.page for element in found] == [1, 2, 3]
    assert [rows_of(element) for element in found] == [
        [HEADER, *map(row, range(1, 30))],
        [HEADER, *map(row, range(30, 65))],
        [HEADER, *map(row, range(65, 65 + last))],
    ]
    (box,) = found[2].location.boxes
    assert box.page == 3
    assert 50 / 842 < box.y0 < box.y1 < 200 / 842
    assert document.elements[-1].text == "Who finds a severe one stops the line."


@pytest.mark.parametrize("drawn", [ruled, lines], ids=["ruled", "unruled"])
def test_a_header_that_is_repeated_is_not_there_twice(drawn) -> None:  # type: ignore[no-untyped-def]
    document = read(
        drawn(HEADER, *map(row, range(1, 35)), top=100, bold=True),
        [Words(70, 60, "Table 1 (continued)"), *drawn(HEADER, *map(row, range(35, 40)), top=90, bold=True)],
    )
    _, second = tables(document)
    assert rows_of(second) == [HEADER, *map(row, range(35, 40))]


def test_headers_and_footers_of_two_pages_do_not_part_a_table() -> None:
    def page(number: int, table: list[Item]) -> list[Item]:
        return [Words(70, 40, "Quality manual"), *table, Words(70, 820, f"Quality manual, confidential, {number}")]

    document = read(
        page(1, ruled(HEADER, *map(row, range(1, 34)), top=100)), page(2, ruled(*map(row, range(34, 40)), top=100))
    )
    assert rows_of(tables(document)[1])[0] == HEADER


OWN = ("Machine", "Hall", "Price")


@pytest.mark.parametrize(
    ("second", "bold"),
    [([OWN, ("Press", "North", "700"), ("Saw", "South", "900")], False), ([OWN, ("Press", "North", "new")], True)],
    ids=["words over numbers", "bold"],
)
def test_another_table_with_the_same_columns_keeps_its_own_header(second: list[Sequence[str]], bold: bool) -> None:
    document = read(ruled(HEADER, *map(row, range(1, 35)), top=100, bold=bold), ruled(*second, top=100, bold=bold))
    assert rows_of(tables(document)[1]) == second


def test_a_table_below_a_heading_or_with_other_columns_is_another_one() -> None:
    first = ruled(HEADER, *map(row, range(1, 35)), top=100)
    below = read(first, [Words(70, 80, "What else was found"), *ruled(*map(row, range(35, 40)), top=120)])
    assert rows_of(tables(below)[1])[:2] == [("", "", ""), row(35)]
    other: list[Item] = [*grid([65, 250, 400], [90, 110, 130]), *lines(("a", "", "b"), ("c", "", "d"), top=104)]
    assert rows_of(tables(read(first, other))[1]) == [("", ""), ("a", "b"), ("c", "d")]


def test_two_forms_of_one_kind_are_not_joined() -> None:
    def form(name: str) -> list[Item]:
        edges = [100, 300, 500, 700]
        cells = [("Name", name), ("Hall", "North"), ("Days", "4")]
        words = [
            Words(x, y + 20, cell)
            for y, row in zip(edges, cells, strict=False)
            for x, cell in zip((75, 205), row, strict=True)
        ]
        return [*grid([70, 200, 400], edges), *words]

    first, second = tables(read(form("Alice"), form("Bob")))
    assert "Alice" in first.text
    assert "Alice" not in second.text
    assert "Bob" in second.text


def test_a_cell_that_is_broken_over_the_page_is_whole() -> None:
    broken = ("QX-35", "on the back, where", "4")
    document = read(
        ruled(HEADER, *map(row, range(1, 35)), broken, top=100),
        ruled(("", "nobody looks", ""), row(36), row(37), top=100),
    )
    first, second = tables(document)
    assert rows_of(first)[-1] == ("QX-35", "on the back, where nobody looks", "4")
    assert rows_of(second) == [HEADER, row(36), row(37)]


def test_the_line_above_the_header_that_says_that_a_table_goes_on_is_no_row() -> None:
    def captioned(caption: str, *rows: Sequence[str]) -> list[Item]:
        table = [
            item for item in ruled(*rows, top=120) if isinstance(item, Words) or item.y0 != item.y1 or item.y0 > 110
        ]
        frame = [Stroke(65, 86, 400, 86), Stroke(65, 106, 400, 106), Stroke(65, 86, 65, 106), Stroke(400, 86, 400, 106)]
        return [*frame, *table, Words(150, 100, caption)]

    document = read(
        captioned("Table 3. Defects", HEADER, *map(row, range(1, 35))),
        captioned("Table 3. Defects (continued)", HEADER, *map(row, range(35, 60))),
    )
    first, second = tables(document)
    assert rows_of(first) == [HEADER, *map(row, range(1, 35))]
    assert rows_of(second) == [HEADER, *map(row, range(35, 60))]
    assert [element.text for element in document.elements if element.kind == "caption"] == ["Table 3. Defects"]
