"""PDF: reading order, paragraphs, headings, tables, boxes, and what is drawn but should not be read."""

from __future__ import annotations

import re
from random import Random

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_pdf import A4, Item, Words, pdf

LONG = "The committee reviewed the figures of the third quarter and"


def read(data: bytes, name: str = "report.pdf") -> ParsedDocument:
    reference = Reference("local", name, name, len(data), 0, content=data)
    return parse(reference, IngestSettings(ocr=False))


def paragraph(x: float, y: float, *lines: str) -> list[Words]:
    return [Words(x, y + 14 * number, line) for number, line in enumerate(lines)]


def texts(document: ParsedDocument) -> list[str]:
    return [element.text for element in document.elements]


def test_lines_become_paragraphs_and_a_gap_parts_them() -> None:
    page = [
        *paragraph(72, 100, LONG, "found them in good order.", "It closed at noon on the same day as planned."),
        *paragraph(72, 180, "The next meeting is in March."),
    ]
    document = read(pdf(page))
    assert texts(document)[0].startswith(LONG + " found them in good order.")
    assert texts(document)[-1] == "The next meeting is in March."
    assert document.pages == 1
    assert document.kind == "pdf"


def test_chinese_lines_join_without_a_space_and_hyphenation_is_undone() -> None:
    page = [
        *paragraph(72, 100, "网络运营者开展经营和服务活动必须遵守法律行政法规尊重社会", "公德遵守商业道德。"),
        *paragraph(72, 200, "The board asked for an independent assess-", "ment of the risk."),
    ]
    first, second = texts(read(pdf(page)))
    assert first == "网络运营者开展经营和服务活动必须遵守法律行政法规尊重社会公德遵守商业道德。"
    assert second == "The board asked for an independent assessment of the risk."


def test_the_rest_of_a_number_or_an_option_is_joined_and_begins_no_list() -> None:
    lines = [
        "The press is LH/2026-",
        "03. Start it with the option --no-",
        "update, as QX-",
        "7714 says.",
    ]
    (element,) = read(pdf([Words(72, 100 + 13 * number, line) for number, line in enumerate(lines)])).elements
    assert element.text == "The press is LH/2026-03. Start it with the option --no-update, as QX-7714 says."


def test_a_hyphen_stays_where_it_belongs() -> None:
    page = [
        *paragraph(72, 100, "The office pays for a well-", "known hotel and for self-", "service meals there."),
        *paragraph(72, 200, "The Franco-", "Prussian treaty and COVID-", "19 rules stand on pages 10-", "20 of it."),
        *paragraph(
            72, 300, "Both pre-", "and post-trip notes use a state-of-", "the-art form that was re-", "written."
        ),
        *paragraph(
            72, 400, "They asked for cooperation of the co-", "operation office and an e-", "mail or an e-mail."
        ),
        *paragraph(72, 500, "Beschaffungs-", "Richtlinie for all depart-", "ments, and departments too."),
    ]
    assert texts(read(pdf(page))) == [
        "The office pays for a well-known hotel and for self-service meals there.",
        "The Franco-Prussian treaty and COVID-19 rules stand on pages 10-20 of it.",
        "Both pre- and post-trip notes use a state-of-the-art form that was rewritten.",
        "They asked for cooperation of the cooperation office and an e-mail or an e-mail.",
        "Beschaffungs-Richtlinie for all departments, and departments too.",
    ]


def test_addresses_and_codes_that_are_broken_at_the_end_of_a_line_are_whole() -> None:
    page = [
        *paragraph(72, 100, "Write to the desk of the open-", "api@corp.example or to pay_", "roll@corp.example."),
        *paragraph(72, 200, "It is at https://a.example/some-", "path and https://b.example/a/", "long/way.html and"),
        *paragraph(72, 300, "The image is order-service-", "test and the path is /opt/order-", "service in there."),
        *paragraph(
            72,
            400,
            "镜像名为 order-",
            "service。邮箱为 open-",
            "api@corp.example。网址为 https://c.example/wiki/",
            "2024。",
        ),
        *paragraph(72, 500, "Ordinary infor-", "mation is at https://d.example now", "and/or in the docu-", "ment."),
        *paragraph(72, 600, "资料放在 https://e.example/rules/travel/abro", "ad。"),
    ]
    assert texts(read(pdf(page))) == [
        "Write to the desk of the open-api@corp.example or to pay_roll@corp.example.",
        "It is at https://a.example/some-path and https://b.example/a/long/way.html and",
        "The image is order-service-test and the path is /opt/order-service in there.",
        "镜像名为 order-service。邮箱为 open-api@corp.example。网址为 https://c.example/wiki/2024。",
        "Ordinary information is at https://d.example now and/or in the document.",
        "资料放在 https://e.example/rules/travel/abroad。",
    ]


def test_columns_are_read_one_after_the_other_below_a_title_across_both() -> None:
    left = [f"left column line {number} goes on and on here" for number in range(8)]
    right = [f"right column line {number} goes on and on too" for number in range(8)]
    page = [
        Words(150, 60, "A title that stands across both of the columns", 16),
        *paragraph(60, 100, *left),
        *paragraph(320, 100, *right),
    ]
    text = read(pdf(page)).text
    places = [text.index("A title"), *(text.index(line) for line in left), *(text.index(line) for line in right)]
    assert places == sorted(places)


def test_three_columns_are_read_in_order_above_and_below_what_stands_across_them() -> None:
    def columns(y: float, part: str) -> list[Words]:
        return [
            word
            for column in range(3)
            for word in paragraph(
                50 + 175 * column, y, *(f"{part} {column} line {row} runs on here" for row in range(6))
            )
        ]

    across = "Figure 1. What stands across all three of the columns is read between them, as here it is"
    page = [
        Words(50, 60, "A title across the whole page, from left to right", 18),
        *columns(100, "upper"),
        Words(50, 300, across, 10),
        *columns(400, "lower"),
    ]
    text = read(pdf(page)).text
    order = [f"{part} {column} line {row}" for part in ("upper", "lower") for column in range(3) for row in range(6)]
    order.insert(18, "Figure 1.")
    places = [text.index(words) for words in ["A title", *order]]
    assert places == sorted(places)


def test_headings_are_told_by_size_and_by_bold_numbers_and_give_the_path() -> None:
    page = [
        Words(72, 80, "Travel Policy", 20, bold=True),
        Words(72, 120, "1 Scope", 11, bold=True),
        *paragraph(72, 140, "This policy covers every employee of the company and every", "trip that it pays for."),
        Words(72, 200, "1.1 Exceptions", 11, bold=True),
        *paragraph(72, 220, "Trips of the board are not covered by it, and nothing in it", "applies to them at all."),
    ]
    document = read(pdf(page))
    heads = [(element.text, element.level) for element in document.elements if element.kind == "heading"]
    assert heads == [("Travel Policy", 1), ("1 Scope", 2), ("1.1 Exceptions", 3)]
    assert document.title == "Travel Policy"
    assert document.elements[-1].location.heading_path == ("Travel Policy", "1 Scope", "1.1 Exceptions")


def test_an_outline_decides_what_is_a_heading() -> None:
    page = [
        Words(72, 100, "Scope"),
        *paragraph(72, 150, LONG, "wrote it all down in the minutes."),
        Words(72, 300, "Large but no heading", 22),
    ]
    document = read(pdf(page, outline=[("Scope", 1)]))
    assert [element.text for element in document.elements if element.kind == "heading"] == ["Scope"]


def test_sizes_tell_the_headings_that_the_outline_leaves_out() -> None:
    def chapter(name: str, y: float) -> list[Words]:
        text = paragraph(72, y + 60, LONG, "found them in good order.", "It wrote them down in the minutes, too.")
        return [Words(72, y, name, 18), Words(72, y + 30, f"About {name.lower()}", 14), *text]

    page = [Words(72, 60, "Handbook of the house", 30), *chapter("Travel", 120), *chapter("Meals", 300)]
    document = read(pdf(page, outline=[("Travel", 1), ("Meals", 1)]))
    heads = [(element.text, element.level) for element in document.elements if element.kind == "heading"]
    assert heads == [("Travel", 1), ("About travel", 2), ("Meals", 1), ("About meals", 2)]


def test_an_outline_may_leave_out_the_number_of_a_heading() -> None:
    page = [Words(72, 100, "2.1 Hotel rooms", 11), *paragraph(72, 140, LONG, "went on to hotel rooms.")]
    document = read(pdf(page, outline=[("Hotel rooms", 1)]))
    assert document.elements[0].text == "2.1 Hotel rooms"
    assert document.elements[0].level == 1


def test_boxes_are_fractions_of_the_page_from_its_top_left() -> None:
    (element,) = read(pdf([Words(59.5, 421, "Half way down the page")])).elements
    (box,) = element.location.boxes
    assert element.location.page == box.page == 1
    assert abs(box.x0 - 0.1) < 0.01
    assert box.y0 < 421 / A4[1] < box.y1 + 0.001
    assert box.y1 - box.y0 < 0.03


def test_the_box_on_a_rotated_page_is_where_the_reader_sees_it() -> None:
    page = [Words(100, 800, "Shown on its side", turned=True)]
    (element,) = read(pdf(page, rotate=90)).elements
    (box,) = element.location.boxes
    assert element.text == "Shown on its side"
    assert box.x1 - box.x0 > box.y1 - box.y0
    assert abs(box.x0 - (842 - 800) / 842) < 0.02
    assert abs(box.y1 - 100 / 595) < 0.02


def test_text_that_reads_upwards_keeps_its_words_and_leaves_the_rest_alone() -> None:
    page = [Words(30, 700, "Draft of the working group", turned=True), *paragraph(72, 100, LONG, "went home early.")]
    document = read(pdf(page))
    assert texts(document) == [f"{LONG} went home early.", "Draft of the working group"]
    box = document.elements[1].location.boxes[0]
    assert box.y1 - box.y0 > box.x1 - box.x0


def test_a_page_on_its_head_is_read_from_its_top() -> None:
    page = [
        Words(500, 800, "Upside down", slant=180),
        *(Words(500, 700 - 40 * n, f"part {n}", slant=180) for n in (1, 2)),
    ]
    for rotate, first in ((0, 1 - 800 / 842), (180, 1 - 800 / 842)):
        document = read(pdf(page, rotate=rotate))
        assert texts(document)[0] == "Upside down"
        assert texts(document)[-1] == "part 2"
        (box,) = document.elements[0].location.boxes
        assert abs((box.y0 if rotate else 1 - box.y1) - first) < 0.02


def test_vertical_chinese_is_read_down_and_from_right_to_left() -> None:
    lines = ["网络运营者开展经营和服务活动", "必须遵守法律行政法规尊重社会", "公德遵守商业道德诚实信用。"]
    page = [Words(500 - 18 * place, 100, line, 12, down=True) for place, line in enumerate(lines)]
    (element,) = read(pdf(page)).elements
    assert element.text == "".join(lines)
    (box,) = element.location.boxes
    assert box.y1 - box.y0 > box.x1 - box.x0
    assert abs(box.y0 - 100 / 842) < 0.02
    assert abs(box.x1 - 506 / 595) < 0.02


def test_a_slanted_watermark_is_left_out_and_a_slanted_note_is_kept() -> None:
    def page(number: int) -> list[Item]:
        body = paragraph(72, 100, LONG, f"found item {number} in good order.")
        return [*body, Words(150, 600, "STRICTLY CONFIDENTIAL", 40, slant=45)]

    document = read(pdf(page(1), page(2), page(3)))
    assert "CONFIDENTIAL" not in document.text
    assert len(document.elements) == 3
    once = read(pdf([*paragraph(72, 100, LONG, "went home."), Words(150, 600, "Void since March", 30, slant=30)]))
    assert texts(once) == [f"{LONG} went home.", "Void since March"]


def test_running_headers_and_page_numbers_are_left_out() -> None:
    pages = [
        [
            Words(72, 40, "Annual report 2025"),
            *paragraph(72, 200, f"Chapter text number {number} is only here", "and it ends on this page."),
            Words(300, 810, str(number)),
        ]
        for number in range(1, 6)
    ]
    document = read(pdf(*pages))
    assert "Annual report" not in document.text
    assert len(document.elements) == 5
    assert document.pages == 5


def test_the_first_and_last_rows_of_a_table_that_goes_on_are_no_headers_and_footers() -> None:
    pages = []
    for page in range(4):
        rows = [(40 + 20 * row, page * 38 + row) for row in range(38)]
        pages.append([
            item for y, number in rows
            for item in (Words(72, y, f"M{number:05}"), Words(200, y, f"Part {number}"), Words(350, y, "in stock"))
        ] + [Words(480, 820, f"Print {page + 1}")])  # fmt: skip
    text = read(pdf(*pages)).text
    assert [number for number in range(4 * 38) if f"M{number:05} " not in text] == []
    assert text.count("in stock") == 4 * 38
    assert "Print" not in text


def test_headers_of_a_chapter_and_page_numbers_of_every_kind_are_left_out() -> None:
    numbers = ["i", "ii", "iii", "- 4 -", "5 / 9", "Page 6 of 9", "第 7 页 共 9 页", "viii", "ix"]
    pages = []
    for place, number in enumerate(numbers):
        chapter = Words(72, 40, f"Chapter {'one' if place < 4 else 'two'}")
        body = paragraph(72, 200, f"Chapter text {'abcdefghi'[place]} is only here", "and it ends on this page.")
        pages.append([chapter, *body, Words(300, 815, number)])
    document = read(pdf(*pages))
    assert len(document.elements) == len(pages)
    assert "Page" not in document.text
    assert "页" not in document.text


def test_numbers_at_the_foot_of_a_page_that_do_not_count_pages_are_kept() -> None:
    amounts = [1204, 88, 57311, 940]
    pages = [
        [
            *paragraph(72, 200, f"Invoice of the {place} month, with all", "that was delivered."),
            Words(300, 800, str(amount)),
        ]
        for place, amount in zip(("first", "second", "third", "fourth"), amounts, strict=True)
    ]
    text = read(pdf(*pages)).text
    assert all(str(amount) in text for amount in amounts)


def test_bold_made_by_drawing_twice_is_read_once() -> None:
    page = [Words(72, 100, "Balance sheet"), Words(72.3, 100, "Balance sheet"), Words(72, 200, "营业收入"),
            Words(72.4, 200, "营业收入"), Words(72, 300, "all bookkeepers see aaa")]  # fmt: skip
    assert texts(read(pdf(page))) == ["Balance sheet", "营业收入", "all bookkeepers see aaa"]


def test_aligned_cells_become_a_markdown_table() -> None:
    rows = [("Grade", "Hotel", "Meals"), ("A", "800", "150"), ("B", "500", "100"), ("C", "350", "80")]
    page = [
        Words(72 + 150 * column, 100 + 18 * row, cell)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]
    (table,) = read(pdf(page)).elements
    assert table.kind == "table"
    assert table.text.split("\n")[:3] == ["| Grade | Hotel | Meals |", "| --- | --- | --- |", "| A | 800 | 150 |"]


def test_bullets_become_list_items_with_their_hanging_lines() -> None:
    page = [
        Words(72, 100, "•"), Words(90, 100, "Receipts are handed in within thirty days after the trip has"),
        Words(90, 114, "ended, by the traveller."), Words(72, 132, "•"), Words(90, 132, "Later ones are not paid."),
    ]  # fmt: skip
    document = read(pdf(page))
    assert [element.kind for element in document.elements] == ["list_item", "list_item"]
    assert document.elements[0].text.endswith("after the trip has ended, by the traveller.")


def test_the_title_is_taken_from_the_metadata_when_it_says_something() -> None:
    page = [Words(72, 100, "Some text on the only page")]
    assert read(pdf(page, title="差旅报销制度")).title == "差旅报销制度"
    assert read(pdf(page, title="Microsoft Word - draft3.doc")).title == "report"


def test_every_element_points_into_the_text() -> None:
    document = read(pdf([Words(72, 100, "One"), Words(72, 200, "Two"), Words(72, 300, "三")]))
    for element in document.elements:
        assert document.text[element.location.start : element.location.end] == element.text


def test_no_word_is_lost_or_doubled_however_the_page_is_laid_out() -> None:
    random = Random(20260101)
    for number in range(150):
        words: list[Words] = []
        count, y = 0, 60.0
        while y < 650:
            across = random.random() < 0.3
            lowest = y
            for x in [55] if across else random.sample([50, 215, 380], random.randint(1, 3)):
                below = y + random.choice([0, 0, 5, 40])
                for _ in range(random.randint(1, 7)):
                    wide = random.randint(1, 11 if across else 3)
                    text = " ".join(f"w{count + place}x" for place in range(wide))
                    count += wide
                    below += random.choice([13, 14])
                    words.append(Words(x + random.choice([0, 0, 8]), below, text, random.choice([10, 10, 10, 11])))
                lowest = max(lowest, below)
            y = lowest + random.choice([4, 14, 30])
        found = re.findall(r"w(\d+)x", read(pdf(words)).text)
        assert sorted(map(int, found)) == list(range(count)), number
