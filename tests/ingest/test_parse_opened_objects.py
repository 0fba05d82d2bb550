"""OpenDocument: charts, formulas and documents inside a document, layout tables, hidden text and hidden slides."""

from __future__ import annotations

import pytest

from tests.ingest.test_parse_opened import NAMES, opened, read, zipped

CHART_NAMES = NAMES + "".join(
    f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for short, long in {"chart": "chart", "number": "datastyle"}.items()
)
OBJECT = '<draw:frame><draw:object xlink:href="./{}"/><draw:image xlink:href="./ObjectReplacements/{}"/></draw:frame>'
SHARE = (
    '<number:percentage-style style:name="N1"><number:number number:decimal-places="1" number:min-integer-digits="1"/>'
    "<number:text>%</number:text></number:percentage-style>"
    '<style:style style:name="y" style:family="chart" style:data-style-name="N1"/>'
)
CELL = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
NUMBER = '<table:table-cell office:value-type="float" office:value="{0}"><text:p>{0}</text:p></table:table-cell>'
ROW = "<table:table-row>{}</table:table-row>"
TEXT_TABLE = "<table:table>{}</table:table>"


def chart(sheet: str = "local-table", kind: str = "bar", rows: str = "") -> str:
    rows = rows or ROW.format(CELL.format("") + CELL.format("占比")) + "".join(
        ROW.format(CELL.format(month) + NUMBER.format(value)) for month, value in (("一月", "0.46"), ("二月", "NaN"))
    )
    series = (
        f'<chart:series chart:values-cell-range-address="{sheet}.$B$2:.$B$3" chart:label-cell-address="{sheet}.$B$1">'
        f'<chart:domain table:cell-range-address="{sheet}.$A$2:.$A$3"/></chart:series>'
    )
    return (
        f"<office:document-content {CHART_NAMES}><office:automatic-styles>{SHARE}</office:automatic-styles>"
        f'<office:body><office:chart><chart:chart chart:class="chart:{kind}">'
        "<chart:title><text:p>各月占比</text:p></chart:title>"
        '<chart:plot-area><chart:axis chart:dimension="x"><chart:title><text:p>月份</text:p></chart:title></chart:axis>'
        f'<chart:axis chart:dimension="y" chart:style-name="y"/>{series}</chart:plot-area>'
        f'<table:table table:name="local-table">{rows}</table:table></chart:chart></office:chart></office:body>'
        "</office:document-content>"
    )


def document(kind: str, body: str, styles: str = "", **parts: str) -> bytes:
    content = (
        f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles><office:body>"
        f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    members = {"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content}
    return zipped({**members, **{f"{name}/content.xml": part for name, part in parts.items()}})


def test_a_chart_in_a_text_is_a_table_with_its_own_numbers() -> None:
    body = f"<text:p>之前{OBJECT.format('C1', 'C1')}</text:p><text:p>之后</text:p>"
    parsed = read(document("text", body, C1=chart()), "a.odt")
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("paragraph", "之前"), ("caption", "各月占比\n月份"),
        ("table", "| 月份 | 占比 |\n| --- | --- |\n| 一月 | 46.0% |\n| 二月 |  |"), ("paragraph", "之后"),
    ]  # fmt: skip


def test_points_with_two_measures_are_rows() -> None:
    rows = ROW.format(CELL.format("") + CELL.format("甲")) + ROW.format(NUMBER.format("1.5") + NUMBER.format("0.2"))
    body = f"<draw:page>{OBJECT.format('C1', 'C1')}</draw:page>"
    parsed = read(document("presentation", body, C1=chart(kind="scatter", rows=rows)), "a.odp")
    assert parsed.elements[1].text == "|  | 月份 | Y |\n| --- | --- | --- |\n| 甲 | 1.5 | 20.0% |"


@pytest.mark.parametrize(("sheet", "repeats"), [("$限额", True), ("'$a b'", False)])
def test_a_chart_of_a_sheet_does_not_repeat_its_cells(sheet: str, repeats: bool) -> None:
    cells = ROW.format(CELL.format("月份") + CELL.format("占比")) + ROW.format(CELL.format("一月") + CELL.format("46%"))
    shapes = f"<table:shapes>{OBJECT.format('C1', 'C1')}</table:shapes>"
    sheets = f'<table:table table:name="限额">{shapes}{cells}</table:table>'
    sheets += f'<table:table table:name="二">{cells}</table:table>'
    parsed = read(document("spreadsheet", sheets, C1=chart(sheet)), "a.ods")
    kinds = [e.kind for e in parsed.elements if e.location.sheet == "限额"]
    assert kinds == ["heading", "table", "caption"] + ([] if repeats else ["table"])


def test_formulas_documents_and_what_is_missing() -> None:
    names = ("F1", "D1", "X1", "D1")
    said = "<mi>E</mi><mo>=</mo><mi>m</mi><annotation>E=m</annotation>"
    math = f'<math xmlns="http://www.w3.org/1998/Math/MathML">{said}</math>'
    text = "<office:body><office:text><text:p>内文</text:p></office:text></office:body>"
    inner = f"<office:document-content {NAMES}>{text}</office:document-content>"
    body = "".join(f"<text:p>{OBJECT.format(name, name)}</text:p>" for name in names)
    parsed = read(
        document("text", body, F1=math, D1=inner),
        "a.odt",
    )
    assert [e.text for e in parsed.elements] == ["E=m", "Attachment: D1.odt", "内文"]
    assert parsed.notes == {"embedded_objects": 1}


def test_layout_tables_are_unwrapped_and_marked_rows_are_the_header() -> None:
    columns = "".join(CELL.format(f"{side}一。</text:p><text:p>{side}二。") for side in "左右")
    box = TEXT_TABLE.format(ROW.format(CELL.format("提示：先登录。")))
    head = f"<table:table-header-rows>{ROW.format(CELL.format('1') + CELL.format('2'))}</table:table-header-rows>"
    marked = TEXT_TABLE.format(head + ROW.format(CELL.format("甲") + CELL.format("乙")))
    nested = TEXT_TABLE.format(ROW.format(f"<table:table-cell>{marked}</table:table-cell>" + CELL.format("旁")))
    parsed = read(document("text", TEXT_TABLE.format(ROW.format(columns)) + box + nested), "a.odt")
    assert [e.text for e in parsed.elements] == [
        "左一。", "左二。", "右一。", "右二。", "提示：先登录。", "| 1 | 2 |\n| --- | --- |\n| 甲 | 乙 |", "旁",
    ]  # fmt: skip


def test_a_cell_keeps_its_notes_and_leaves_out_its_comments() -> None:
    body = "<text:note-body><text:p>注</text:p></text:note-body>"
    note = f"<text:note><text:note-citation>1</text:note-citation>{body}</text:note>"
    comment = "<office:annotation><text:p>批注</text:p></office:annotation>"
    cell = f"<table:table-cell><text:p>甲{note}{comment}</text:p>{comment}</table:table-cell>"
    rows = ROW.format(CELL.format("项") + CELL.format("值")) + ROW.format(cell + CELL.format("9"))
    assert read(document("text", TEXT_TABLE.format(rows)), "a.odt").elements[-1].text.endswith("| 甲[1] 注 | 9 |")


def test_hidden_text_sections_and_slides_are_left_out() -> None:
    styles = (
        '<style:style style:name="T1" style:family="text"><style:text-properties text:display="none"/></style:style>'
        '<style:style style:name="D1" style:family="drawing-page">'
        '<style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
    )
    body = (
        '<text:p>见<text:span text:style-name="T1">密</text:span>面'
        '<text:hidden-text text:is-hidden="true">密</text:hidden-text></text:p>'
        '<text:p>整段<text:hidden-paragraph text:is-hidden="true"/></text:p>'
        '<text:section text:display="none"><text:p>密</text:p></text:section>'
    )
    assert [e.text for e in read(opened("text", f"<office:text>{body}</office:text>", styles), "a.odt").elements] == [
        "见面"
    ]
    frame = "<draw:frame><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
    pages = (
        f'<draw:page draw:style-name="D1">{frame.format("密")}</draw:page><draw:page>{frame.format("见")}</draw:page>'
    )
    parsed = read(opened("presentation", f"<office:presentation>{pages}</office:presentation>", styles), "a.odp")
    assert [(e.text, e.location.slide) for e in parsed.elements] == [("见", 2)]


def test_a_sheet_takes_what_a_style_says_from_the_style_above_it() -> None:
    styles = (
        '<style:style style:name="Struck" style:family="table-cell"><style:text-properties '
        'style:text-line-through-type="single"/></style:style>'
        '<style:style style:name="ce1" style:family="table-cell" style:parent-style-name="Struck"/>'
    )
    struck = '<table:table-cell table:style-name="ce1"><text:p>600</text:p></table:table-cell>'
    cells = ROW.format(CELL.format("旧") + CELL.format("新")) + ROW.format(struck + CELL.format("800"))
    parsed = read(document("spreadsheet", f'<table:table table:name="a">{cells}</table:table>', styles), "a.ods")
    assert parsed.elements[-1].text == "| 旧 | 新 |\n| --- | --- |\n|  | 800 |"
