"""Tables of a PDF: by the lines drawn around their cells, or by how their text is aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_pdf import Item, Stroke, Words, grid, pdf

WIDTH = 5.5
"""About what a letter of Helvetica takes at 11 points."""


def read(*pages: list[Item], rotate: int = 0) -> ParsedDocument:
    data = pdf(*pages, rotate=rotate)
    return parse(Reference("local", "a.pdf", "a.pdf", len(data), 0, content=data), IngestSettings(ocr=False))


def table(document: ParsedDocument) -> list[list[str]]:
    """The cells of the only table."""
    (found,) = [element for element in document.elements if element.kind == "table"]
    lines = found.text.split("\n")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]


def test_ruled_cells_keep_their_wrapped_lines_together() -> None:
    page: list[Item] = [
        *grid([70, 170, 420], [100, 120, 160, 180]),
        Words(75, 114, "Grade"), Words(175, 114, "What is paid"),
        Words(75, 134, "Senior staff"), Words(175, 134, "Hotel rooms up to 800 a night, and the"),
        Words(175, 148, "meals of the day"),
        Words(75, 174, "Others"), Words(175, 174, "Half of it"),
    ]  # fmt: skip
    assert table(read(page)) == [
        ["Grade", "What is paid"],
        ["Senior staff", "Hotel rooms up to 800 a night, and the meals of the day"],
        ["Others", "Half of it"],
    ]


def test_cells_whose_text_nearly_touches_the_line_are_kept_apart() -> None:
    page: list[Item] = [
        *grid([70, 104, 160], [100, 120, 140]),
        Words(72, 114, "Grade"), Words(105, 114, "Hotel"), Words(72, 134, "AAAA"), Words(105, 134, "800"),
    ]  # fmt: skip
    assert table(read(page)) == [["Grade", "Hotel"], ["AAAA", "800"]]


def test_centred_cells_stand_in_their_own_column() -> None:
    page: list[Item] = [*grid([70, 200, 330], [100, 120, 140, 160])]
    rows = [("Destination", "Rate"), ("X", "a very long rate text"), ("a long destination", "7")]
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            page.append(Words(135 + 130 * column - len(cell) * WIDTH / 2, 114 + 20 * row, cell))
    assert table(read(page)) == [list(row) for row in rows]


def test_a_label_centred_beside_several_lines_is_on_their_row() -> None:
    page: list[Item] = [
        *grid([70, 170, 400], [100, 120, 170, 190]),
        Words(75, 114, "Item"), Words(175, 114, "Rule"),
        Words(75, 148, "Taxi"), Words(175, 134, "Only at night, or with luggage, and never"),
        Words(175, 148, "for the way to the office or home from it,"), Words(175, 162, "except after ten"),
        Words(75, 184, "Train"), Words(175, 184, "Second class"),
    ]  # fmt: skip
    rows = table(read(page))
    assert [row[0] for row in rows] == ["Item", "Taxi", "Train"]
    assert rows[1][1].startswith("Only at night")
    assert rows[1][1].endswith("except after ten")


def test_a_merged_header_is_said_for_each_column_that_it_covers() -> None:
    page: list[Item] = [
        Stroke(70, 100, 370, 100), Stroke(170, 120, 370, 120), Stroke(70, 140, 370, 140), Stroke(70, 160, 370, 160),
        Stroke(70, 100, 70, 160), Stroke(170, 100, 170, 160), Stroke(270, 120, 270, 160), Stroke(370, 100, 370, 160),
        Words(75, 124, "Site"), Words(220, 114, "Budget"), Words(175, 134, "2025"), Words(275, 134, "2026"),
        Words(75, 154, "Xi'an"), Words(175, 154, "10"), Words(275, 154, "12"),
    ]  # fmt: skip
    assert table(read(page)) == [["Site", "Budget·2025", "Budget·2026"], ["Xi'an", "10", "12"]]


def test_rows_without_lines_between_them_stay_rows() -> None:
    page: list[Item] = [*grid([70, 170, 270, 370], [100, 120, 220])]
    rows = [("Part", "Stock", "Price"), *((f"P-{number}", str(10 * number), f"{number}.50") for number in range(1, 6))]
    for number, row in enumerate(rows):
        page += [Words(75 + 100 * column, 114 + 20 * number, cell) for column, cell in enumerate(row)]
    assert table(read(page)) == [list(row) for row in rows]


def test_chinese_cells_wrap_without_a_space() -> None:
    page: list[Item] = [
        *grid([70, 150, 300], [100, 120, 160, 180]),
        Words(75, 114, "项目"), Words(155, 114, "标准"),
        Words(75, 134, "住宿费"), Words(155, 134, "一线城市每晚不超过八百元其"), Words(155, 148, "他城市五百元"),
        Words(75, 174, "餐费"), Words(155, 174, "每天一百元"),
    ]  # fmt: skip
    assert table(read(page))[1] == ["住宿费", "一线城市每晚不超过八百元其他城市五百元"]


def test_a_ruled_table_stands_between_the_paragraphs_around_it() -> None:
    page: list[Item] = [
        Words(72, 80, "The paragraph before the table ends here."),
        *grid([70, 170, 270], [100, 120, 140]),
        Words(75, 114, "Grade"), Words(175, 114, "Hotel"), Words(75, 134, "A"), Words(175, 134, "800"),
        Words(72, 180, "And the one after it begins here."),
    ]  # fmt: skip
    document = read(page)
    assert [element.kind for element in document.elements] == ["paragraph", "table", "paragraph"]
    (box,) = document.elements[1].location.boxes
    assert abs(box.x0 - 70 / 595) < 0.01
    assert abs(box.y1 - 140 / 842) < 0.01


def test_a_ruled_table_on_a_turned_page_is_read_as_it_is_seen() -> None:
    # The lines and the words of a table that lies on its side; the page is turned so that it stands upright.
    lines = [Stroke(100 + 20 * row, 500, 100 + 20 * row, 700) for row in range(3)]
    lines += [Stroke(100, y, 140, y) for y in (500, 600, 700)]
    words = [
        Words(114 + 20 * row, 695 - 100 * column, cell, turned=True)
        for row, cells in enumerate((("Grade", "Hotel"), ("A", "800")))
        for column, cell in enumerate(cells)
    ]
    for rotate in (0, 90):
        assert table(read([*lines, *words], rotate=rotate)) == [["Grade", "Hotel"], ["A", "800"]]


def test_a_frame_around_a_page_and_the_lines_of_a_chart_are_no_tables() -> None:
    frame = grid([40, 555], [40, 100, 800])
    sentence = "The committee reviewed the figures of the third quarter and found them good."
    body = [Words(60, 120 + 14 * number, f"{number} {sentence}") for number in range(40)]
    assert not [e for e in read([*frame, *body]).elements if e.kind == "table"]
    chart: list[Item] = [
        *grid([100, 200, 300, 400], [100, 150, 200, 250]),
        Words(90, 270, "2023"),
        Words(190, 270, "2024"),
    ]
    assert not [e for e in read([*chart, Words(120, 130, "peak")]).elements if e.kind == "table"]


def test_aligned_rows_with_wrapped_cells_and_no_lines_at_all() -> None:
    page: list[Item] = [
        Words(72, 100, "Grade"), Words(200, 100, "What is paid on a trip"),
        Words(72, 124, "Senior"), Words(200, 124, "Hotel rooms up to 800 a night"), Words(200, 137, "and all meals"),
        Words(72, 161, "Junior"), Words(200, 161, "Hotel rooms up to 400 a night"), Words(200, 174, "and breakfast"),
        Words(72, 198, "Guest"), Words(200, 198, "Nothing"),
    ]  # fmt: skip
    assert table(read(page)) == [
        ["Grade", "What is paid on a trip"],
        ["Senior", "Hotel rooms up to 800 a night and all meals"],
        ["Junior", "Hotel rooms up to 400 a night and breakfast"],
        ["Guest", "Nothing"],
    ]


def test_a_header_stands_over_numbers_that_begin_behind_its_end() -> None:
    items = [Words(72, 100, "Part"), Words(150, 100, "Shelf"), Words(250, 100, "Stock in hand")]
    for row in range(1, 7):
        items += [Words(72, 100 + 20 * row, f"M{row}"), Words(150, 100 + 20 * row, f"A{row}")]
        items.append(Words(345, 100 + 20 * row, str(row * 20)))
    assert read(items).text.splitlines()[:3] == [
        "| Part | Shelf | Stock in hand |", "| --- | --- | --- |", "| M1 | A1 | 20 |",
    ]  # fmt: skip


def test_aligned_and_centred_numbers_keep_a_row_each() -> None:
    rows = [
        ("Catchment", "Area", "Rain"),
        *((f"Site {number}", f"0.{number}2", f"{number}00") for number in range(1, 9)),
    ]
    page: list[Item] = [
        Words(100 + 120 * column - len(cell) * WIDTH / 2, 100 + (12 if number else -3) + 12 * number, cell, size=10)
        for number, row in enumerate(rows)
        for column, cell in enumerate(row)
    ]
    assert table(read(page)) == [list(row) for row in rows]


INTRODUCTION = Words(70, 60, "Rooms and parts are counted by the stores once in every quarter of the year.")
CLOSING = Words(70, 400, "The stores keep the list and count all of it in June.")
PARTS = [("Part", "Count", "Price"), ("Bolt M8", "12", "1.20"), ("Nut M8", "14", "0.80"), ("Washer", "55", "0.05")]


def cells(rows: Sequence[Sequence[str]], x: float, y: float, step: float = 80) -> list[Item]:
    return [Words(x + step * c, y + 20 * r, cell) for r, row in enumerate(rows) for c, cell in enumerate(row)]


def test_an_unruled_table_beside_a_ruled_one_is_a_table_of_its_own() -> None:
    rooms = [("Room", "Floor"), ("Archive", "1"), ("Stores", "2"), ("Kitchen", "3"), ("Hall", "4")]
    ruled = [*grid([70, 140, 210], [106 + 20 * row for row in range(6)]), *cells(rooms, 75, 120, 70)]
    document = read([INTRODUCTION, *ruled, *cells(PARTS, 300, 120), CLOSING])
    left, right = (element.text for element in document.elements if element.kind == "table")
    assert left.startswith("| Room | Floor |\n| --- | --- |\n| Archive | 1 |")
    assert right.split("\n")[0] == "| Part | Count | Price |"
    assert right.split("\n")[-1] == "| Washer | 55 | 0.05 |"


def test_columns_of_numbers_stay_with_their_words_if_the_strip_before_them_goes_on_below_the_table() -> None:
    words = [("Name", "Site", *PARTS[0][1:])]
    words += [(part, "Harbour", count, price) for part, count, price in PARTS[1:]]
    assert table(
        read([INTRODUCTION, *cells(words, 70, 120, 100), Words(70, 240, "Kept by the stores of the harbour")])
    ) == [list(row) for row in words]


PEOPLE = [("Name", "Phone"), ("Li Lei", "8101"), ("Han Mei", "8102"), ("Wang Wu", "8103")]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (PARTS, [("Product", "Shelf", "Stock"), ("Pumps", "B1", "320"), ("Valves", "B2", "45"), ("Pipes", "B3", "12")]),
        (PARTS, [("Part", "Count"), ("Gasket", "3"), ("Seal", "9"), ("Rivet", "80")]),
        (PARTS, [("City", "Rate"), ("Xi'an", "380"), ("Wuhan", "400")]),
        (
            [("姓名", "分机"), ("王芳", "8101"), ("李强", "8102"), ("赵敏", "8103")],
            [("房间", "编号"), ("财务室", "A201"), ("机房", "C001"), ("仓库", "E400")],
        ),
    ],
)
def test_unruled_tables_beside_each_other_are_two(left: list[tuple[str, ...]], right: list[tuple[str, ...]]) -> None:
    document = read(
        [INTRODUCTION, *cells(left, 50, 120, 70), *cells(right, 340, 120, 70), replace(CLOSING, text=INTRODUCTION.text)]
    )
    kinds = [element.kind for element in document.elements]
    assert kinds == ["paragraph", "table", "table", "paragraph"]
    for element, rows in zip(document.elements[1:3], (left, right), strict=True):
        lines = element.text.split("\n")
        assert [lines[0], *lines[2:]] == [f"| {' | '.join(row)} |" for row in rows]
    first, second = (element.location.boxes[0] for element in document.elements[1:3])
    assert first.x1 < 340 / 595 <= second.x0 + 0.01


def test_a_header_that_is_said_again_begins_another_table_without_a_wide_gutter() -> None:
    more = [("Name", "Phone"), ("Zhao Min", "8104"), ("Sun Li", "8105"), ("Qian Bo", "8106")]
    last = [("Name", "Phone"), ("Zhou Ba", "8107"), ("Wu Di", "8108"), ("Xu An", "8109")]
    sides = [item for place, rows in enumerate((PEOPLE, more, last)) for item in cells(rows, 60 + 160 * place, 120)]
    texts = [element.text for element in read([INTRODUCTION, *sides]).elements if element.kind == "table"]
    assert [text.split("\n")[0] for text in texts] == ["| Name | Phone |"] * 3
    assert [text.split("\n")[-1] for text in texts] == [
        "| Wang Wu | 8103 |", "| Qian Bo | 8106 |", "| Xu An | 8109 |",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "right",
    [
        [("Qty", "Price"), ("12", "1.20"), ("14", "0.80"), ("55", "0.05")],
        [("Unit", "Price"), ("pcs", "1.20"), ("pcs", "0.80"), ("box", "0.05")],
        [("City", "Manager"), ("Xi'an", "Wang"), ("Wuhan", "Zhao"), ("Hefei", "Sun")],
        [("2023", "2024"), ("12", "1.20"), ("14", "0.80"), ("55", "0.05")],
        [("Remark", "Owner"), ("urgent", "Wang"), ("late", "Zhao")],
    ],
)
def test_a_single_table_with_a_wide_strip_stays_one(right: list[tuple[str, ...]]) -> None:
    left = [("Item", "Code"), ("Bolt M8", "P-10"), ("Nut M8", "P-11"), ("Washer", "P-12")]
    found = table(read([INTRODUCTION, *cells(left, 60, 120), *cells(right, 380, 120)]))
    padded = [*right, ("", "")][: len(left)]
    assert found == [[*one, *other] for one, other in zip(left, padded, strict=True)]


def test_a_wide_first_column_is_no_table_of_its_own() -> None:
    products = [("Product",), ("Pump",), ("Valve",), ("Pipe",)]
    found = table(read([INTRODUCTION, *cells(products, 60, 120), *cells(PEOPLE, 340, 120)]))
    assert found == [[*one, *other] for one, other in zip(products, PEOPLE, strict=True)]


def test_a_line_in_the_first_row_of_a_ruled_table_stands_before_the_table() -> None:
    lines: list[Item] = [Stroke(70, y, 310, y) for y in range(100, 201, 20)]
    lines += [
        Stroke(70, 100, 70, 200),
        Stroke(310, 100, 310, 200),
        Stroke(150, 120, 150, 200),
        Stroke(230, 120, 230, 200),
    ]
    document = read([INTRODUCTION, *lines, Words(130, 114, "Table 3. Parts in the stores"), *cells(PARTS, 75, 134)])
    caption, found = document.elements[1:]
    assert (caption.kind, caption.text) == ("caption", "Table 3. Parts in the stores")
    assert found.text.startswith("| Part | Count | Price |\n")
    assert "Table 3" not in found.text
    assert caption.location.boxes == found.location.boxes
