"""Charts in Word, Excel and PowerPoint: titles, names of axes, and numbers as they are shown."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from pptx import Presentation
from pptx.chart.data import BubbleChartData, CategoryChartData, XyChartData
from pptx.chart.xmlwriter import ChartXmlWriter
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from ingest.parse.office.charts import read_chart
from ingest.parse.office.ooxml import xml
from tests.ingest.tiny_word import read, related, run, word

DRAWN = (
    '<w:r><w:drawing><c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" r:id="{}"/>'
    "</w:drawing></w:r>"
)
TITLE = "<c:title><c:tx><c:rich><a:p><a:r><a:t>{}</a:t></a:r></a:p></c:rich></c:tx></c:title>"
SHARES = "|  | 占比 |\n| --- | --- |\n| 一月 | 46% |\n| 二月 | 100% |"


def shares(title: str = "各月占比") -> str:
    data = CategoryChartData(number_format="0%")
    data.categories = ["一月", "二月"]
    data.add_series("占比", (0.46, 1))
    written = ChartXmlWriter(XL_CHART_TYPE.COLUMN_CLUSTERED, data).xml.replace("<c:autoTitleDeleted", "<c:x")
    return written.replace("<c:chart>", f"<c:chart>{TITLE.format(title)}")


def slides(*charts: tuple[Any, Any]) -> bytes:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    for kind, data in charts:
        chart = slide.shapes.add_chart(kind, 0, 0, Inches(4), Inches(3), data).chart
        if kind == XL_CHART_TYPE.XY_SCATTER:
            chart.category_axis.has_title = chart.value_axis.has_title = True
            chart.category_axis.axis_title.text_frame.text = "温度"
            chart.value_axis.axis_title.text_frame.text = "产量（吨）"
    stream = io.BytesIO()
    deck.save(stream)
    return stream.getvalue()


def test_a_chart_in_a_word_document_is_a_table_where_it_stands() -> None:
    data = word(f"<w:p>{run('之前')}{DRAWN.format('c1')}</w:p>", f"<w:p>{run('之后')}</w:p>")
    parsed = read(related(data, {"c1": "chart1.xml"}, chart1__xml=shares().encode()))
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("paragraph", "之前"), ("caption", "各月占比"), ("table", SHARES), ("paragraph", "之后"),
    ]  # fmt: skip
    assert parsed.notes == {}


def test_charts_side_by_side_in_a_layout_table_are_tables_of_their_own() -> None:
    cells = "".join(f"<w:tc><w:p>{DRAWN.format(name)}</w:p></w:tc>" for name in ("c1", "c2"))
    data = word(f"<w:tbl><w:tblPr/><w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid><w:tr>{cells}</w:tr></w:tbl>")
    files = {"c1": "chart1.xml", "c2": "chart2.xml"}
    parsed = read(related(data, files, chart1__xml=shares("左").encode(), chart2__xml=shares("右").encode()))
    assert [e.text for e in parsed.elements] == ["左", SHARES, "右", SHARES]


def test_a_chart_that_is_used_again_is_read_once() -> None:
    data = word(f"<w:p>{DRAWN.format('c1')}{DRAWN.format('c1')}</w:p>")
    parsed = read(related(data, {"c1": "chart1.xml"}, chart1__xml=shares().encode()))
    assert [e.text for e in parsed.elements] == ["各月占比", SHARES]


def test_a_chart_without_numbers_or_that_is_damaged_is_counted() -> None:
    without = re.sub("(?s)<c:numCache>.*?</c:numCache>|<c:strCache>.*?</c:strCache>", "", shares())
    data = word(f"<w:p>{run('之前')}{DRAWN.format('c1')}{DRAWN.format('c2')}</w:p>")
    files = {"c1": "chart1.xml", "c2": "chart2.xml"}
    parsed = read(related(data, files, chart1__xml=without.encode(), chart2__xml=b"<c:chart"))
    assert ([e.text for e in parsed.elements], parsed.notes) == (["之前", "各月占比"], {"parts_not_read": 2})


def test_points_with_two_measures_name_their_axes() -> None:
    scattered, bubbles = XyChartData(), BubbleChartData(number_format="0.0")
    scattered.add_series("甲").add_data_point(1.5, 20)
    scattered.add_series("乙").add_data_point(2, 30)
    bubbles.add_series("丙").add_data_point(0.1, 2, 5)
    data = slides((XL_CHART_TYPE.XY_SCATTER, scattered), (XL_CHART_TYPE.BUBBLE, bubbles))
    assert [e.text for e in read(data, "a.pptx").elements] == [
        "温度 / 产量（吨）",
        "|  | 温度 | 产量（吨） |\n| --- | --- | --- |\n| 甲 | 1.5 | 20 |\n| 乙 | 2 | 30 |",
        "|  | X | Y | Size |\n| --- | --- | --- | --- |\n| 丙 | 0.1 | 2.0 | 5.0 |",
    ]


def test_categories_of_several_levels_are_joined() -> None:
    data = CategoryChartData()
    for year in ("2025", "2026"):
        quarters = data.add_category(year)
        quarters.add_sub_category("Q1")
        quarters.add_sub_category("Q2")
    data.add_series("产量", (1, 2, 3, 4))
    table = read(slides((XL_CHART_TYPE.COLUMN_CLUSTERED, data)), "a.pptx").elements[0].text
    assert [line.split(" | ")[0] for line in table.split("\n")[2:]] == [
        "| 2025·Q1",
        "| 2025·Q2",
        "| 2026·Q1",
        "| 2026·Q2",
    ]


def test_plots_of_one_chart_along_the_same_categories_are_one_table() -> None:
    bars, lines = (
        xml(shares().encode()),
        xml(shares().replace("占比", "累计").replace("barChart", "lineChart").encode()),
    )
    bars.find(".//{*}barChart").addnext(lines.find(".//{*}lineChart"))
    assert read_chart(bars).tables == ([["", "占比", "累计"], ["一月", "46%", "46%"], ["二月", "100%", "100%"]],)


def test_a_chart_of_cells_says_only_what_the_cells_do_not() -> None:
    book = openpyxl.Workbook()
    sheet, hidden = book.worksheets[0], book.create_sheet("it's hidden")
    for each in (sheet, hidden):
        for row in (["月份", "产量"], ["一月", 5], ["二月", 7]):
            each.append(row)
        chart = BarChart()
        chart.title, chart.y_axis.title = f"{each.title} 每月产量", "吨"
        chart.add_data(Reference(each, min_col=2, min_row=1, max_row=3), titles_from_data=True)
        sheet.add_chart(chart, "E5")
    hidden.sheet_state = "hidden"
    stream = io.BytesIO()
    book.save(stream)
    parsed = read(_with_cached(stream.getvalue()), "a.xlsx")
    assert [(e.text, e.location.cells) for e in parsed.elements][-3:] == [
        ("Sheet 每月产量\n吨", "E5:E5"),
        ("it's hidden 每月产量\n吨", "E5:E5"),
        ("| 产量 |\n| --- |\n| 5 |\n| 7 |", "E5:E5"),
    ]


def _with_cached(data: bytes) -> bytes:
    """The workbook with the numbers that Excel keeps in its charts, which openpyxl does not write."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w") as new:
        for member in old.namelist():
            part = old.read(member)
            if member.startswith("xl/charts/"):
                part = part.replace(
                    b"</numRef>", b'<numCache><pt idx="0"><v>5</v></pt><pt idx="1"><v>7</v></pt></numCache></numRef>'
                )
                part = part.replace(b"</strRef>", '<strCache><pt idx="0"><v>产量</v></pt></strCache></strRef>'.encode())
            new.writestr(member, part)
    return changed.getvalue()


def test_charts_of_the_newer_kinds_are_read() -> None:
    cx = "http://schemas.microsoft.com/office/drawing/2014/chartex"
    months = '<cx:lvl><cx:pt idx="0">期初</cx:pt><cx:pt idx="1">支出</cx:pt></cx:lvl>'
    numbers = '<cx:lvl formatCode="#,##0"><cx:pt idx="0">1200</cx:pt><cx:pt idx="1">-300</cx:pt></cx:lvl>'
    name = "<cx:tx><cx:txData><cx:v>{}</cx:v></cx:txData></cx:tx>"
    chart = xml(
        f'<cx:chartSpace xmlns:cx="{cx}"><cx:chartData><cx:data id="0"><cx:strDim type="cat">{months}</cx:strDim>'
        f'<cx:numDim type="val">{numbers}</cx:numDim></cx:data></cx:chartData>'
        f"<cx:chart><cx:title>{name.format('资金')}</cx:title><cx:plotArea><cx:plotAreaRegion>"
        f'<cx:series layoutId="waterfall">{name.format("万元")}<cx:dataId val="0"/></cx:series>'
        "</cx:plotAreaRegion></cx:plotArea></cx:chart></cx:chartSpace>".encode()
    )
    found = read_chart(chart)
    assert (found.caption, found.tables) == ("资金", ([["", "万元"], ["期初", "1,200"], ["支出", "-300"]],))


def test_a_chart_that_would_be_a_huge_table_is_refused() -> None:
    point = '<c:ser><c:val><c:numLit><c:pt idx="{}"><c:v>1</c:v></c:pt></c:numLit></c:val></c:ser>'
    many = "".join(point.format(number) for number in range(600))
    space = '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart><c:plotArea>'
    with pytest.raises(ValueError, match="more than 200000"):
        read_chart(xml(f"{space}<c:barChart>{many}</c:barChart></c:plotArea></c:chart></c:chartSpace>".encode()))
