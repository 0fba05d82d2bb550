"""Old workbooks (XLS): charts, the texts of shapes, and objects of other programs."""

from __future__ import annotations

import io
import struct

import olefile
import pytest

from ingest.parse.office.ole_storage import whole_file
from tests.ingest.test_parse_embedded_objects import packed
from tests.ingest.tiny_ole import old_workbook, ole
from tests.ingest.tiny_word import read, texts
from tests.ingest.tiny_xls import Cell, old_book, record

ROWS = [["月份", "产量", "销量"], ["一月", 120.0, 80.5], ["二月", 150.0, 90.0]]
CELLS = {at: {column: Cell(content) for column, content in enumerate(row)} for at, row in enumerate(ROWS)}
TABLE = "| 月份 | 产量 | 销量 |\n| --- | --- | --- |\n| 一月 | 120 | 80.5 |\n| 二月 | 150 | 90 |"
BEGIN, END = record(0x1033, b""), record(0x1034, b"")
HERE, ELSEWHERE = 0, 1
PERCENT = 9


def letters(text: str) -> bytes:
    return struct.pack("<HBB", 0, len(text), 1) + text.encode("utf-16-le")


def link(purpose: int, formula: bytes = b"", format_: int = 0) -> bytes:
    return record(0x1051, struct.pack("<BBHHH", purpose, 2, bool(format_), format_, len(formula)) + formula)


def cells(book: int, first: int, last: int, column: int) -> bytes:
    return struct.pack("<B5H", 0x3B, book, first, last, column, column)


def series(name: str | bytes, values: bytes, places: bytes, *, format_: int = 0, is_part: bool = False) -> bytes:
    named = record(0x100D, letters(name)) if isinstance(name, str) else b""
    links = link(0, b"" if isinstance(name, str) else name) + named + link(1, values, format_) + link(2, places)
    return record(0x1003, bytes(12)) + BEGIN + links + (record(0x104A, bytes(2)) if is_part else b"") + END


def titled(text: str, what: int) -> bytes:
    said = link(0) + record(0x100D, letters(text)) + record(0x1027, struct.pack("<HHH", what, 0, 0))
    return record(0x1025, bytes(32)) + BEGIN + said + END


def stored(purpose: int, *columns: list[float | str]) -> bytes:
    found = record(0x1065, struct.pack("<H", purpose))
    for number, column in enumerate(columns):
        for row, value in enumerate(column):
            place = struct.pack("<HHH", row, number, 0)
            if isinstance(value, str):
                found += record(0x204, place + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
            else:
                found += record(0x203, place + struct.pack("<d", value))
    return found


def chart(*parts: bytes) -> bytes:
    titles = titled("月度产销", 1) + titled("月份", 3) + titled("吨", 2)
    body = record(0x1002, bytes(16)) + BEGIN + b"".join(parts) + titles + END
    return record(0x809, struct.pack("<HHHHII", 0x600, 0x20, 0, 0, 0, 6)) + body


def two_series(book: int) -> bytes:
    places = cells(book, 1, 2, 0)
    first, second = (struct.pack("<B3H", 0x3A, book, 0, column) for column in (1, 2))
    return series(first, cells(book, 1, 2, 1), places) + series(second, cells(book, 1, 2, 2), places)


STOP = record(0x0A, b"")
STORED = stored(1, [0.12, 0.15], [0.8, 0.9]) + stored(2, ["一月", "二月"], ["一月", "二月"])


def test_a_chart_of_visible_cells_gives_its_title_and_the_names_of_its_axes() -> None:
    parsed = read(old_book(CELLS, drawn=chart(two_series(HERE)) + STOP), "a.xls")
    assert texts(parsed) == ["Sheet1", TABLE, "月度产销\n月份 / 吨"]
    assert parsed.elements[2].location.sheet == "Sheet1"
    assert parsed.notes == {}


def test_the_numbers_of_a_chart_that_come_from_another_workbook_are_read_as_it_shows_them() -> None:
    places = cells(ELSEWHERE, 1, 2, 0)
    shown = [
        series(name, cells(ELSEWHERE, 1, 2, at), places, format_=PERCENT) for at, name in enumerate(("产量", "销量"))
    ]
    trend = series("趋势", cells(ELSEWHERE, 1, 2, 3), places, is_part=True)
    parsed = read(old_book({0: {0: Cell("见图")}}, drawn=chart(*shown, trend, STORED) + STOP), "a.xls")
    assert texts(parsed)[2:] == [
        "月度产销\n月份 / 吨",
        "| 月份 | 产量 | 销量 |\n| --- | --- | --- |\n| 一月 | 12% | 80% |\n| 二月 | 15% | 90% |",
    ]
    assert parsed.notes == {}


def test_the_points_of_a_scattered_chart_have_two_measures() -> None:
    points = stored(1, [3.0, 4.0]) + stored(2, [1.5, 2.5])
    parts = chart(series("试样", b"", b""), record(0x101B, bytes(6)), points)
    parsed = read(old_book({0: {0: Cell("见图")}}, drawn=parts + STOP), "a.xls")
    assert texts(parsed)[-1] == "|  | 月份 | 吨 |\n| --- | --- | --- |\n| 试样 | 1.5 | 3 |\n| 试样 | 2.5 | 4 |"


@pytest.mark.parametrize("hidden", [0, 1])
def test_a_chart_that_is_a_sheet_is_read_if_it_is_shown(hidden: int) -> None:
    parsed = read(old_book(CELLS, chart_sheet=(chart(two_series(HERE)) + STOP, hidden)), "a.xls")
    assert texts(parsed) == ["Sheet1", TABLE, *([] if hidden else ["月度产销\n月份 / 吨"])]
    assert hidden or parsed.elements[2].location.sheet == "Chart"


@pytest.mark.parametrize(
    "damaged",
    [
        series("x", cells(ELSEWHERE, 1, 2, 1), b""),  # no numbers are stored
        record(0x1003, bytes(12)) + BEGIN + record(0x1051, b"\1") + END,
        series("x", cells(HERE, 1, 2, 1)[:5], b""),
        b"".join(series("x", cells(ELSEWHERE, 0, 1, 1) + cells(HERE, 0, 65535, 1), b"") for _ in range(4)),
    ],
)
def test_a_chart_that_cannot_be_read_is_counted(damaged: bytes) -> None:
    parsed = read(old_book(CELLS, drawn=chart(damaged) + STOP), "a.xls")
    assert TABLE in texts(parsed)
    assert parsed.notes == {"parts_not_read": 1}


def shape(text: str, kind: int) -> bytes:
    middle = len(text) // 2
    pieces = [record(0x3C, b"\1" + part.encode("utf-16-le")) for part in (text[:middle], text[middle:])]
    about = record(0x5D, struct.pack("<HHHH", 0x15, 0x12, kind, 1) + bytes(14))
    return about + record(0x1B6, struct.pack("<10xHHI", len(text), 16, 0)) + b"".join(pieces) + record(0x3C, bytes(16))


def test_the_texts_of_shapes_are_read_and_those_of_comments_are_not() -> None:
    drawn = shape("价格不含税", 0x06) + shape("旧说明", 0x19) + shape("仅限本部", 0x1E)
    assert texts(read(old_book(CELLS, drawn=drawn), "a.xls"))[2:] == ["价格不含税", "仅限本部"]


def test_objects_of_other_programs_are_read_or_counted() -> None:
    objects = {
        "MBD001/\x01Ole10Native": packed("制度.txt", "出差标准为每晚五百元。".encode()),
        "MBD002/Equation Native": b"a formula",
        "LNK003/\x01Ole": b"linked",
    }
    parsed = read(old_book(CELLS, objects=objects), "a.xls")
    assert texts(parsed)[2:] == ["Attachment: 制度.txt", "出差标准为每晚五百元。"]
    assert parsed.notes == {"embedded_objects": 2}


def test_a_document_that_lies_in_pieces_in_a_storage_is_read() -> None:
    objects = {
        "MBD001/\x01CompObj": b"Microsoft Excel",
        "MBD001/Workbook": old_workbook([["城市", "限额"], ["三亚", "500"]]),
    }
    parsed = read(old_book(CELLS, objects=objects), "a.xls")
    assert texts(parsed)[2:] == ["Attachment: MBD001.xls", "Sheet1", "| 城市 | 限额 |\n| --- | --- |\n| 三亚 | 500 |"]
    assert parsed.notes == {}


def test_a_storage_becomes_a_container_with_the_same_streams() -> None:
    streams = {
        "MBD001/1Table": bytes(range(256)) * 40,
        "MBD001/\x01CompObj": b"Word",
        "MBD001/WordDocument": b"w" * 4096,
    }
    with olefile.OleFileIO(io.BytesIO(ole({"Workbook": b"", **streams}))) as outer:
        paths = [path for path in outer.listdir(streams=True, storages=True) if path[0] == "MBD001"]
        copied = whole_file(outer, paths, 1 << 20)
        assert whole_file(outer, paths, 1_000) is None, "more than it may have"
    assert copied is not None
    with olefile.OleFileIO(io.BytesIO(copied)) as inner:
        assert not inner.parsing_issues
        for path, content in streams.items():
            with inner.openstream(path.partition("/")[2]) as stream:
                assert stream.read().rstrip(b"\0") == content.rstrip(b"\0")
