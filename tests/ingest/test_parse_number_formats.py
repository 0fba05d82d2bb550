"""Numbers and dates are read as Excel, WPS and PowerPoint show them.

The values beside the formats are those that Excel shows. Dates have their normal form behind them where the shown one
is short or can be read in two ways.
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from typing import Any

import openpyxl
import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingest.document import Reference
from ingest.embedding.codes import with_codes
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_xls import Cell, old_book

DAY = 46086
"""The 5th of March 2026, a Thursday."""

SHOWN: list[tuple[float, str, str]] = [
    (1, "0%", "100%"),
    (0.0525, "0.00%", "5.25%"),
    (0.045, "0.0%", "4.5%"),
    (-0.5, "0.00%", "-50.00%"),
    (1234, "000000", "001234"),
    (70032, "00000000", "00070032"),
    (13800138000, "000-0000-0000", "138-0013-8000"),
    (1250000, '"￥"#,##0.00', "￥1,250,000.00"),
    (98000.5, "￥#,##0.00", "￥98,000.50"),
    (-7, '"￥"0.00', "-￥7.00"),
    (1999.5, "[$$-409]#,##0.00", "$1,999.50"),
    (1999.5, "[$€-2] #,##0.00", "€ 1,999.50"),
    (12, "0.00 USD", "12.00 USD"),
    (24, '0"个月"', "24个月"),
    (8.5, '0.0"折"', "8.5折"),
    (36, "0\\°\\C", "36°C"),
    (12.5, 'General"人"', "12.5人"),
    (12.5, "G/通用格式台", "12.5台"),
    (1.005, "0.00", "1.01"),
    (2.5, "0", "3"),
    (0.5, "#.00", ".50"),
    (12.5, "0.0?", "12.5"),
    (1e20, "#,##0", "100,000,000,000,000,000,000"),
    (1234567, "#,##0,", "1,235"),
    (1234567, '0.0,"K"', "1234.6K"),
    (1234567, '0.00,,"M"', "1.23M"),
    (12345678, "#,##0.0,,", "12.3"),
    (12345, '0!.0,"万"', "1.2万"),
    (1.5, "# ?/?", "1 1/2"),
    (0.3333, "# ??/??", "1/3"),
    (5, "# ?/?", "5"),
    (2.125, "# ?/8", "2 1/8"),
    (1.25, "?/?", "5/4"),
    (12345, "0.00E+00", "1.23E+04"),
    (0.00012, "0.0E+0", "1.2E-4"),
    (12345, "##0.0E+0", "12.3E+3"),
    (9.995, "0.00E+0", "1.00E+1"),
    (-5, "0;(0)", "(5)"),
    (0, '0;(0);"-"', "-"),
    (-5, "#,##0.00_);(#,##0.00)", "(5.00)"),
    (-7, '_ ￥* #,##0.00_ ;_ ￥* -#,##0.00_ ;_ ￥* "-"??_ ;_ @_ ', "￥-7.00"),
    (1234.5, '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ', "1,234.50"),
    (0, '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ', "-"),
    (150, '[>=100]0"高";0"低"', "150高"),
    (50, '[>=100]0"高";0"低"', "50低"),
    (-5, "[Red][<0]0;0", "5"),
    (-5, "[<100]0;0.0", "-5"),
    (7, "0.00_ ;[红色]-0.00 ", "7.00"),
    (1, '"是";;"否"', "是"),
    (0, '"是";;"否"', "否"),
    (1234, "[DBNum1][$-804]General", "一千二百三十四"),
    (1234, '[DBNum2][$-804]General"元"', "壹仟贰佰叁拾肆元"),
    (100010001, "[DBNum1]General", "一亿〇一万〇一"),
    (2026, "[DBNum1]0", "二〇二六"),
]  # fmt: skip

DATES: list[tuple[float, str, str]] = [
    (DAY, '[$-804]yyyy"年"m"月"d"日"', "2026年3月5日"),
    (DAY, '[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy', "2026年3月5日"),
    (DAY, "[$-x-sysdate]dddd, mmmm dd, yyyy", "2026年3月5日"),
    (DAY, "[$-409]mmmm d, yyyy;@", "March 5, 2026"),
    (DAY, '[DBNum1][$-804]yyyy"年"m"月"d"日"', "二〇二六年三月五日"),
    (DAY, "yyyy-mm-dd", "2026-03-05"),
    (DAY, "yyyy/m/d;@", "2026/3/5"),
    (DAY, "yyyymmdd", "20260305"),
    (DAY, 'yyyy"年"m"月"', "2026年3月"),
    (DAY, "d mmmm yyyy", "5 March 2026"),
    (DAY, "m/d/yy", "3/5/26 (2026-03-05)"),
    (DAY, "dd/mm/yyyy", "05/03/2026 (2026-03-05)"),
    (DAY, "dd-mmm", "05-Mar (2026-03-05)"),
    (DAY, "mmm-yy", "Mar-26 (2026-03-05)"),
    (DAY, 'm"月"d"日"', "3月5日 (2026-03-05)"),
    (DAY, "[$-804]aaaa", "星期四"),
    (DAY, "[$-804]dddd", "星期四"),
    (DAY + 0.6, "yyyy-mm-dd h:mm:ss", "2026-03-05 14:24:00"),
    (DAY + 0.6, "h:mm AM/PM", "2:24 PM"),
    (DAY + 0.6, '上午/下午h"时"mm"分"', "下午2时24分"),
    (0.5, "h:mm:ss", "12:00:00"),
    (1.5, "hh:mm:ss", "12:00:00"),
    (0.50001, "mm:ss.0", "00:00.9"),
    (1.510416666666667, "[h]:mm", "36:15"),
    (4.166666666666667, "[h]:mm", "100:00"),
    (1.5, "[mm]:ss", "2160:00"),
    (59, "yyyy-mm-dd", "1900-02-28"),
    (60, "yyyy-mm-dd", "1900-02-29"),
    (61, "yyyy-mm-dd", "1900-03-01"),
]  # fmt: skip


def rows(data: bytes, name: str) -> list[list[str]]:
    """The cells of the only table of a document, without its header."""
    found = parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))
    (table,) = [element for element in found.elements if element.kind == "table"]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.text.split("\n")[2:]]


def saved(book: Any) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def sheet(cells: list[tuple[Any, str]]) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["format", "shown"])
    for number, (value, code) in enumerate(cells, 2):
        book.active.cell(number, 1, "f")
        book.active.cell(number, 2, value).number_format = code
    return saved(book)


@pytest.mark.parametrize("table", [SHOWN, DATES], ids=["numbers", "dates"])
def test_a_workbook_is_read_as_excel_shows_it(table: list[tuple[float, str, str]]) -> None:
    found = [row[1] for row in rows(sheet([(value, code) for value, code, _ in table]), "a.xlsx")]
    assert found == [text for _, _, text in table]


@pytest.mark.parametrize("table", [SHOWN, DATES], ids=["numbers", "dates"])
def test_an_old_workbook_is_read_as_excel_shows_it(table: list[tuple[float, str, str]]) -> None:
    old = {0: {0: Cell("format"), 1: Cell("shown")}}
    old |= {number: {0: Cell("f"), 1: Cell(value, code)} for number, (value, code, _) in enumerate(table, 1)}
    assert [row[1] for row in rows(old_book(old), "a.xls")] == [text for _, _, text in table]


def test_dates_count_from_1904_where_the_workbook_says_so() -> None:
    day = DAY - 1462
    old = {0: {0: Cell("a"), 1: Cell("b")}, 1: {0: Cell("x"), 1: Cell(day, "yyyy-mm-dd")}}
    assert rows(old_book(old, epoch_1904=True), "a.xls") == [["x", "2026-03-05"]]
    book = openpyxl.load_workbook(io.BytesIO(sheet([(day, "yyyy-mm-dd")])))
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    assert rows(saved(book), "a.xlsx") == [["f", "2026-03-05"]]


def test_built_in_formats_have_their_chinese_meaning() -> None:
    def restated(number: int) -> bytes:
        with zipfile.ZipFile(io.BytesIO(sheet([(DAY + 0.6, "0.000")]))) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        styles = members["xl/styles.xml"]
        members["xl/styles.xml"] = re.sub(rb'(<xf numFmtId=")164(")', rb"\g<1>%d\2" % number, styles)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return stream.getvalue()

    expected = {
        10: "4608660.00%", 14: "2026/3/5", 20: "14:24", 22: "2026/3/5 14:24", 31: "2026年3月5日", 33: "14时24分00秒",
        56: "下午2时24分00秒", 57: "2026年3月", 58: "3月5日 (2026-03-05)",
    }  # fmt: skip
    for number, text in expected.items():
        assert rows(restated(number), "a.xlsx") == [["f", text]], number
        old = {0: {0: Cell("a"), 1: Cell("b")}, 1: {0: Cell("x"), 1: Cell(DAY + 0.6, number)}}
        assert rows(old_book(old), "a.xls") == [["x", text]], number


def test_texts_are_shown_by_the_section_for_texts() -> None:
    cells: list[tuple[Any, str]] = [
        ("北京", '@"市"'),
        ("北京", '0;-0;0;"["@"]"'),
        ("北京", "0.00"),
        (datetime.time(8, 30), "h:mm"),
    ]
    assert [row[1] for row in rows(sheet(cells), "a.xlsx")] == ["北京市", "[北京]", "北京", "8:30"]


def test_a_format_or_a_date_that_means_nothing_leaves_the_number() -> None:
    strange = [(12.5, "[>=100]0"), (12.5, "0" * 2_000), (-3, "yyyy-mm-dd"), (1e9, "yyyy-mm-dd")]
    assert [row[1] for row in rows(sheet(strange), "a.xlsx")] == ["12.5", "12.5", "-3", "1000000000"]


def test_what_is_shown_is_found_as_it_is_asked_for() -> None:
    found = with_codes(" ".join(text for _, _, text in (*SHOWN, *DATES))).split()
    for asked in ("001234", "00070032", "1250000", "24个月", "2026-03-05"):
        assert set(with_codes(asked).split()) & set(found), asked


def test_numbers_of_a_chart_are_read_as_the_chart_shows_them() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    shares = CategoryChartData(number_format="0%")
    shares.categories = [datetime.date(2026, 3, 1), datetime.date(2026, 4, 1)]
    shares.add_series("占比", (0.46, 1))
    shares.add_series("金额", (1250000, None), number_format='"￥"#,##0')
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(4), Inches(3), shares)
    assert rows(saved(deck), "a.pptx") == [["2026-03-01", "46%", "￥1,250,000"], ["2026-04-01", "100%", ""]]


def test_labels_of_a_chart_have_a_format_of_their_own() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    shares = CategoryChartData()
    shares.categories = ["药企", "高校"]
    shares.add_series("占比", (0.46, 0.54))
    plot = slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, Inches(4), Inches(3), shares).chart.plots[0]
    plot.has_data_labels = True
    plot.data_labels.number_format, plot.data_labels.number_format_is_linked = "0.0%", False
    assert rows(saved(deck), "a.pptx") == [["药企", "46.0%"], ["高校", "54.0%"]]
