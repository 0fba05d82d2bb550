"""What of a chunk is quoted, and where it stands: characters, cells, page and boxes."""

from __future__ import annotations

from dataclasses import replace

from assistant.quote import Quotes
from assistant.terms import terms
from ingest.document import Box, Chunk, Element, Location, ParsedDocument
from ingest.settings import IngestSettings
from ingest.split import split
from tests.canned_retrieval import passage

TABLE = "| 城市 | 住宿标准 |\n| --- | --- |\n| 上海 | 650 元 |\n| 成都 | 450 元 |"


def quoted(chunk: Chunk, statement: str, question: str = "") -> tuple[str, Location]:
    return Quotes(chunk).best(statement, terms(question))[:2]


def placed(text: str, start: int = 0, **place: object) -> Chunk:
    chunk = passage(text)
    return replace(chunk, location=replace(chunk.location, start=start, end=start + len(text), **place))


def test_the_row_that_answers_is_quoted_and_not_the_header() -> None:
    assert quoted(passage(TABLE), "住宿标准见表", "城市的住宿标准是多少？")[0] == "| 上海 | 650 元 |"
    assert quoted(passage(TABLE), "成都的住宿标准是 450 元")[0] == "| 成都 | 450 元 |"


def test_a_row_is_quoted_whole_and_before_the_line_that_announces_the_table() -> None:
    chunk = passage("住宿标准见下表。\n\n| 城市 | 住宿标准 |\n| --- | --- |\n| 上海 | 650 元。须有发票。 |")
    assert quoted(chunk, "上海的住宿标准为 650 元")[0] == "| 上海 | 650 元。须有发票。 |"


def test_a_table_of_a_header_alone_is_quoted_by_it() -> None:
    assert quoted(passage("| 城市 | 住宿标准 |"), "城市的住宿标准")[0] == "| 城市 | 住宿标准 |"


def test_start_and_end_are_those_of_the_quote_in_the_document() -> None:
    text = "年假为十五天。病假须提供证明。"
    quote, location = quoted(placed(text, start=100), "病假须证明")
    assert (quote, location.start, location.end) == ("病假须提供证明。", 107, 115)


def test_a_quote_is_found_in_the_document_though_a_part_of_a_table_repeats_the_header() -> None:
    rows = "\n".join(f"| X{number} | {number} 元 |" for number in range(100, 200))
    text = f"价目如下。\n\n| 型号 | 价格 |\n| --- | --- |\n{rows}"
    table = Element("table", text[7:], Location(start=7, end=len(text), sheet="价目", cells="A1:B101"))
    parsed = ParsedDocument("xlsx", "价格表", (Element("paragraph", text[:5], Location(end=5)), table), text)
    passages = split(parsed, IngestSettings(), lambda texts: [len(each) for each in texts])
    parts = [part for part in passages if "X177" in part.text]
    assert parts[0].text.startswith("| 型号 |")
    quote, location = quoted(replace(passage("x"), text=parts[0].text, location=parts[0].location), "X177 卖 177 元")
    assert quote == text[location.start : location.end] == "| X177 | 177 元 |"
    assert location.cells == "A79:B79"


def test_a_row_has_its_own_cells() -> None:
    _, location = quoted(placed(TABLE, cells="B2:C4", sheet="差旅"), "成都的住宿标准是 450 元")
    assert location.cells == "B4:C4"
    _, unknown = quoted(placed(TABLE, cells="B2:C9"), "成都的住宿标准是 450 元")
    assert unknown.cells == "B2:C9"


def test_of_a_box_for_each_paragraph_the_quotes_own_is_marked() -> None:
    first, second = Box(2, 0.1, 0.1, 0.9, 0.3), Box(3, 0.1, 0.1, 0.9, 0.2)
    chunk = placed("年假为十五天。\n\n病假须提供证明。", boxes=(first, second), page=2)
    _, location = quoted(chunk, "病假须证明")
    assert (location.page, location.boxes) == (3, (second,))


def test_a_box_is_cut_in_proportion_with_a_line_to_spare() -> None:
    sentences = [f"第{number}条规定须由经理批准。" for number in "一二三四五六七八九十"]
    chunk = placed("".join(sentences), boxes=(Box(1, 0.1, 0.2, 0.9, 0.7),))
    _, location = quoted(chunk, "第三条规定")
    [box] = location.boxes
    assert (round(box.y0, 2), round(box.y1, 2)) == (0.28, 0.37)
    assert (box.x0, box.x1) == (0.1, 0.9)


def test_a_tables_box_is_cut_by_rows() -> None:
    _, location = quoted(placed(TABLE, boxes=(Box(1, 0.1, 0.3, 0.9, 0.6),)), "上海的住宿标准是 650 元")
    assert [(round(box.y0, 3), round(box.y1, 3)) for box in location.boxes] == [(0.375, 0.525)]


def test_boxes_that_are_not_one_for_each_paragraph_are_one_column() -> None:
    pages = (Box(1, 0.1, 0.5, 0.9, 0.9), Box(2, 0.1, 0.1, 0.9, 0.5))
    text = "".join(f"第{number}条规定须由经理批准。" for number in "一二三四五六七八九十")
    assert [box.page for box in quoted(placed(text, boxes=pages, page=1), "第九条规定")[1].boxes] == [2]
    assert quoted(placed(text, boxes=pages, page=1), "第九条规定")[1].page == 2
