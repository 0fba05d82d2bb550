"""What cells show beside their values: links, struck-through text, and nothing where there is only a colour."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font, PatternFill

from ingest.document import ParsedDocument, Reference
from ingest.parse.mail.attachments import Allowance
from ingest.parse.parsed import parse
from ingest.parse.readers import read as read_kind
from ingest.settings import IngestSettings
from tests.ingest.test_parse_opened import opened
from tests.ingest.tiny_xls import Cell, old_book

STRUCK_STYLES = (
    '<style:style style:name="gone" style:family="table-cell"><style:text-properties'
    ' style:text-line-through-style="solid"/></style:style><style:style style:name="old" style:family="text">'
    '<style:text-properties style:text-line-through-style="solid"/></style:style>'
)


def read(data: bytes, name: str) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))


def tables(parsed: ParsedDocument) -> list[tuple[str | None, list[str]]]:
    """The cells that each table covers, and its lines."""
    return [(e.location.cells, e.text.split("\n")) for e in parsed.elements if e.kind == "table"]


def saved(book: Any) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def xlsx(far: tuple[int, int] | None = None, content: object = None) -> bytes:
    book = openpyxl.Workbook()
    for row in (("岗位", "班次"), ("锅炉工", "甲"), ("电工", "乙")):
        book.active.append(row)
    if far is not None:
        book.active.cell(far[0] + 1, far[1] + 1, content).fill = PatternFill("solid", fgColor="FFFF00")
    return saved(book)


def xls(far: tuple[int, int], content: str | None = None) -> bytes:
    rows = {
        number: {column: Cell(text) for column, text in enumerate(row)}
        for number, row in enumerate([("岗位", "班次"), ("锅炉工", "甲"), ("电工", "乙")])
    }
    rows.setdefault(far[0], {})[far[1]] = Cell(content)
    return old_book(rows)


def cell(text: str, more: str = "") -> str:
    return f"<table:table-cell {more}>{f'<text:p>{text}</text:p>' if text else ''}</table:table-cell>"


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


def ods(rows: str, styles: str = STRUCK_STYLES) -> bytes:
    body = f'<office:spreadsheet><table:table table:name="a">{rows}</table:table></office:spreadsheet>'
    return opened("spreadsheet", body, styles)


def far_ods(far: tuple[int, int], content: str = "") -> bytes:
    rows = row(cell("岗位"), cell("班次")) + row(cell("锅炉工"), cell("甲")) + row(cell("电工"), cell("乙"))
    rows += row(cell(""), more=f'table:number-rows-repeated="{far[0] - 3}"')
    return ods(rows + row(cell("", f'table:number-columns-repeated="{far[1]}"'), cell(content)))


@pytest.mark.parametrize(
    ("made", "name", "far"),
    [
        (xlsx, "a.xlsx", (1_048_575, 8)), (xlsx, "a.xlsx", (3, 16_383)), (xls, "a.xls", (65_535, 8)),
        (xls, "a.xls", (3, 255)), (far_ods, "a.ods", (1_048_575, 8)), (far_ods, "a.ods", (4, 16_383)),
    ],
)  # fmt: skip
def test_a_colour_far_away_makes_no_sheet_large(made: Callable[..., bytes], name: str, far: tuple[int, int]) -> None:
    lines = ["| 岗位 | 班次 |", "| --- | --- |", "| 锅炉工 | 甲 |", "| 电工 | 乙 |"]
    assert tables(read(made(far), name)) == [("A1:B3", lines)]


@pytest.mark.parametrize(
    ("made", "name", "far", "where"),
    [
        (xlsx, "a.xlsx", (1_048_575, 16_383), "XFD1048576:XFD1048576"),
        (xls, "a.xls", (65_535, 255), "IV65536:IV65536"),
        (far_ods, "a.ods", (1_048_575, 16_383), "XFD1048576:XFD1048576"),
    ],
)  # fmt: skip
def test_a_single_note_far_away_is_read_in_its_place(
    made: Callable[..., bytes], name: str, far: tuple[int, int], where: str
) -> None:
    parsed = read(made(far, "备注"), name)
    assert [cells for cells, _ in tables(parsed)] == ["A1:B3"]
    assert (parsed.elements[-1].text, parsed.elements[-1].location.cells) == ("备注", where)


def test_tables_keep_their_cells_behind_blank_rows_and_columns() -> None:
    book = openpyxl.Workbook()
    for top, left in ((1, 1), (40, 1), (40, 60)):
        for number in range(4):
            book.active.cell(top + number // 2, left + number % 2, f"{top} {left} {number}")
    assert [cells for cells, _ in tables(read(saved(book), "a.xlsx"))] == ["A1:B2", "A40:B41", "BH40:BI41"]


def test_a_title_that_is_merged_over_a_whole_row_is_no_large_sheet() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "班次表"
    book.active.merge_cells("A1:XFD1")
    for number in range(400):
        book.active.append([f"锅炉房值班员第{number}班", number])
    caption, table = read(saved(book), "a.xlsx").elements[1:]
    assert (caption.text, table.location.cells) == ("班次表", "A2:B401")


def test_hidden_rows_and_columns_do_not_cut_a_table() -> None:
    book = openpyxl.Workbook()
    for line in (["a", "b", "c", "d"], [1, 2, 3, 4], [5, "secret", 7, 8], [9, 10, 11, 12]):
        book.active.append(line)
    book.active.row_dimensions[3].hidden = True
    book.active.column_dimensions.group("B", "C", hidden=True)
    lines = ["| a | d |", "| --- | --- |", "| 1 | 4 |", "| 9 | 12 |"]
    assert tables(read(saved(book), "a.xlsx")) == [("A1:D4", lines)]
    old = {number: {column: Cell(f"{number}{column}") for column in range(3)} for number in range(2)}
    assert tables(read(old_book(old, hidden_column=1), "a.xls"))[0][1] == [
        "| 00 | 02 |",
        "| --- | --- |",
        "| 10 | 12 |",
    ]
    collapsed = ods(
        '<table:table-column/><table:table-column table:visibility="collapse"/>'
        + row(cell("a"), cell("b"), cell("c"))
        + row(cell("1"), cell("2"), cell("3"), more='table:visibility="collapse"')
        + row(cell("4"), cell("5"), cell("6"))
    )
    assert tables(read(collapsed, "a.ods")) == [("A1:C3", ["| a | c |", "| --- | --- |", "| 4 | 6 |"])]


def test_links_of_cells_say_where_they_lead() -> None:
    book = openpyxl.Workbook()
    for line in (["系统", "入口"], ["报销", "点击进入"], ["合同", None], ["考勤", None], ["目录", "见下页"]):
        book.active.append(line)
    book.active["B2"].hyperlink = "https://fee.example.cn/login"
    book.active["B3"] = '=HYPERLINK("https://oa.example.cn/"&A3,"打开")'
    book.active["B4"] = '=HYPERLINK("https://hr.example.cn")'
    book.active["B5"].hyperlink = "#Sheet2!A1"
    expected = [
        "| 报销 | 点击进入 (https://fee.example.cn/login) |", "| 合同 | 打开 (https://oa.example.cn/合同) |",
        "| 考勤 | https://hr.example.cn |", "| 目录 | 见下页 |",
    ]  # fmt: skip
    assert tables(read(saved(book), "a.xlsx"))[0][1][2:] == expected


def test_a_link_formula_keeps_its_stored_words() -> None:
    book = openpyxl.Workbook()
    book.active.append(["系统", "入口"])
    book.active.append(["合同", '=HYPERLINK("https://oa.example.cn","x")'])
    with zipfile.ZipFile(io.BytesIO(saved(book))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    stored = members[name].replace(b"<v></v>", "<v>打开审批</v>".encode())
    members[name] = stored.replace(b'<c r="B2"', b'<c r="B2" t="str"')
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert "| 合同 | 打开审批 (https://oa.example.cn) |" in read(stream.getvalue(), "a.xlsx").text


def test_links_of_old_and_open_workbooks_say_where_they_lead() -> None:
    expected = ["| 报销 | 点击 (https://fee.example.cn) |"]
    old = {0: {0: Cell("系统"), 1: Cell("入口")}, 1: {0: Cell("报销"), 1: Cell("点击")}}
    assert tables(read(old_book(old, links=[(1, 1, "https://fee.example.cn")]), "a.xls"))[0][1][2:] == expected
    link = '<text:a xlink:href="https://fee.example.cn">点击</text:a>'
    assert (
        tables(read(ods(row(cell("系统"), cell("入口")) + row(cell("报销"), cell(link))), "a.ods"))[0][1][2:]
        == expected
    )
    formula = cell("点击", 'table:formula=\'of:=HYPERLINK("https://fee.example.cn";"点击")\'')
    assert (
        tables(read(ods(row(cell("系统"), cell("入口")) + row(cell("报销"), formula)), "a.ods"))[0][1][2:] == expected
    )


KEPT = ["| 项目 | 标准 |", "| --- | --- |", "| 早班 | 每小时 40 元 |", "| 夜班 | 50 |"]


def test_struck_through_cells_and_words_are_left_out() -> None:
    book = openpyxl.Workbook()
    rich = CellRichText(
        TextBlock(InlineFont(strike=True), "每小时 30 元"), TextBlock(InlineFont(b=True), "每小时 40 元")
    )
    for line in (["项目", "标准"], ["早班", rich], ["中班", 45], ["夜班", 50]):
        book.active.append(line)
    for place in ("A3", "B3"):
        book.active[place].font = Font(strike=True)
    assert tables(read(saved(book), "a.xlsx")) == [("A1:B4", KEPT)]


def test_struck_through_words_among_shared_texts_are_left_out() -> None:
    book = openpyxl.Workbook()
    for line in (["项目", "标准"], ["早班", "x"], ["夜班", 50]):
        book.active.append(line)
    with zipfile.ZipFile(io.BytesIO(saved(book))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    members["xl/sharedStrings.xml"] = (
        f'<sst xmlns="{main}"><si><r><rPr><strike/></rPr><t>每小时 30 元</t></r><r><rPr><strike val="0"/></rPr>'
        "<t>每小时 40 元</t></r></si></sst>"
    ).encode()
    name = "xl/worksheets/sheet1.xml"
    inline = b'<c r="B2" t="inlineStr"><is><t>x</t></is></c>'
    assert inline in members[name]
    members[name] = members[name].replace(inline, b'<c r="B2" t="s"><v>0</v></c>')
    part = b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    types = "[Content_Types].xml"
    members[types] = members[types].replace(b"</Types>", part + b'spreadsheetml.sharedStrings+xml"/></Types>')
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert tables(read(stream.getvalue(), "a.xlsx")) == [("A1:B3", KEPT)]


def test_words_that_are_not_struck_through_stay_in_a_cell_that_is() -> None:
    book = openpyxl.Workbook()
    own = TextBlock(InlineFont(b=True), "每小时 40 元")
    for line in (["项目", "标准"], ["早班", CellRichText("每小时 30 元", own)], ["夜班", 50]):
        book.active.append(line)
    book.active["B2"].font = Font(strike=True)
    assert tables(read(saved(book), "a.xlsx")) == [("A1:B3", KEPT)]
    old = {
        0: {0: Cell("项目"), 1: Cell("标准")},
        1: {0: Cell("早班"), 1: Cell("每小时 30 元每小时 40 元", struck=True, turns_at=8)},
        2: {0: Cell("夜班"), 1: Cell(50)},
    }
    assert tables(read(old_book(old), "a.xls")) == [("A1:B3", KEPT)]


def test_struck_through_text_of_old_and_open_workbooks_is_left_out() -> None:
    old = {
        0: {0: Cell("项目"), 1: Cell("标准")},
        1: {0: Cell("早班"), 1: Cell("每小时 40 元，原为每小时 30 元", turns_at=8)},
        2: {0: Cell("中班", struck=True), 1: Cell(45, struck=True)},
        3: {0: Cell("夜班"), 1: Cell(50)},
    }
    assert tables(read(old_book(old), "a.xls")) == [("A1:B4", KEPT)]
    words = '<text:span text:style-name="old">每小时 30 元</text:span>每小时 40 元'
    open_rows = (
        row(cell("项目"), cell("标准")) + row(cell("早班"), cell(words))
        + row(cell("中班", 'table:style-name="gone"'), cell("45", 'table:style-name="gone"'))
        + row(cell("夜班"), cell("50"))
    )  # fmt: skip
    assert tables(read(ods(open_rows), "a.ods")) == [("A1:B4", KEPT)]


def test_values_of_an_open_spreadsheet_are_read_as_they_are_shown() -> None:
    def value(kind: str, attribute: str, text: str = "") -> str:
        return cell(text, f'office:value-type="{kind}" office:{attribute}')

    rows = row(cell("a"), cell("b"), cell("c"), cell("d"), cell("e")) + row(
        value("date", 'date-value="2026-03-05"', "3/5/26"), value("date", 'date-value="2026-03-05"', "2026年3月5日"),
        value("float", 'value="1234"', "001234"), value("percentage", 'value="1"'),
        value("time", 'time-value="PT36H15M00S"'),
    )  # fmt: skip
    shown = "| 3/5/26 (2026-03-05) | 2026年3月5日 | 001234 | 100% | 36:15:00 |"
    assert tables(read(ods(rows), "a.ods"))[0][1][2] == shown


def test_sheets_of_an_open_spreadsheet_may_have_the_same_name() -> None:
    second = '</table:table><table:table table:name="a">' + row(cell("c"), cell("d"))
    found = read(ods(row(cell("a"), cell("b")) + second), "a.ods").elements
    assert [element.text for element in found if element.kind == "paragraph"] == ["a：b", "c：d"]


def test_a_workbook_of_excel_2003_as_xml_is_read_as_it_is_shown() -> None:
    def cell(kind: str, text: str, more: str = "") -> str:
        return f'<Cell {more}><Data ss:Type="{kind}">{text}</Data></Cell>'

    name = "urn:schemas-microsoft-com:office:spreadsheet"
    styles = "".join(
        f'<Style ss:ID="{name}"><NumberFormat ss:Format="{code}"/></Style>'
        for name, code in (("p", "Percent"), ("c", "000000"), ("d", "m/d/yy"))
    )
    styles += '<Style ss:ID="s"><Font ss:StrikeThrough="1"/></Style>'
    head = "".join(cell("String", text) for text in ("编号", "比例", "日期", "入口"))
    struck = "".join(cell("String", text, 'ss:StyleID="s"') for text in ("旧", "旧"))
    row = (
        cell("Number", "1234", 'ss:StyleID="c"') + cell("Number", "1", 'ss:StyleID="p"')
        + cell("DateTime", "2026-03-05T00:00:00.000", 'ss:StyleID="d"')
        + cell("String", "点击", 'ss:HRef="https://fee.example.cn"')
    )  # fmt: skip
    data = (
        f'<?xml version="1.0"?><Workbook xmlns="{name}" xmlns:ss="{name}"><Styles>{styles}</Styles>'
        f'<Worksheet ss:Name="a"><Table><Row>{head}</Row><Row>{struck}</Row><Row>{row}</Row>'
        '<Row ss:Index="1000000"><Cell ss:StyleID="p"/></Row></Table></Worksheet></Workbook>'
    )
    assert tables(read(data.encode(), "a.xls")) == [
        (
            "A1:D3",
            ["| 编号 | 比例 | 日期 | 入口 |", "| --- | --- | --- | --- |",
             "| 001234 | 100.00% | 3/5/26 (2026-03-05) | 点击 (https://fee.example.cn) |"],
        )
    ]  # fmt: skip


def test_columns_and_styles_of_a_workbook_of_excel_2003_are_followed() -> None:
    def row(*cells: str) -> str:
        kinds = ("Number" if cell.isdecimal() else "String" for cell in cells)
        stated = zip(kinds, cells, strict=True)
        return f"<Row>{''.join(f'<Cell><Data ss:Type={kind!r}>{cell}</Data></Cell>' for kind, cell in stated)}</Row>"

    name = "urn:schemas-microsoft-com:office:spreadsheet"
    styles = (
        '<Style ss:ID="m"><NumberFormat ss:Format="0&quot;个月&quot;"/></Style>'
        '<Style ss:ID="b" ss:Parent="m"><Font ss:Bold="1"/></Style>'
    )
    struck = '<S xmlns="http://www.w3.org/TR/REC-html40">旧</S>新品'
    columns = '<Column/><Column ss:StyleID="b"/><Column ss:Hidden="1" ss:Span="1"/>'
    table = row("货品", "期限", "成本", "密级") + row("阀", "24", "9", "内部") + row(struck, "36", "8", "内部")
    data = (
        f'<?xml version="1.0"?><Workbook xmlns="{name}" xmlns:ss="{name}"><Styles>{styles}</Styles>'
        f'<Worksheet ss:Name="a"><Table>{columns}{table}</Table></Worksheet></Workbook>'
    )
    assert tables(read(data.encode(), "a.xls"))[0][1] == [
        "| 货品 | 期限 |", "| --- | --- |", "| 阀 | 24个月 |", "| 新品 | 36个月 |",
    ]  # fmt: skip


def test_formulas_of_excel_2003_without_a_value_are_computed() -> None:
    def cell(text: object, more: str = "") -> str:
        kind = "Number" if isinstance(text, (int, float)) else "String"
        return f"<Cell{more}><Data ss:Type='{kind}'>{text}</Data></Cell>"

    def formula(stated: str, more: str = "") -> str:
        return f'<Cell ss:Formula="{stated}"{more}></Cell>'

    rows = [
        *("".join(map(cell, row)) for row in [("品名", "单价", "数量", "金额")]),
        cell("泵") + cell(320) + cell(4) + formula("=RC[-2]*RC[-1]", ' ss:StyleID="m"'),
        cell("阀") + cell(85.5) + cell(12) + formula("=RC2*R3C[-1]*Rate"),
        cell("合计") + formula("=SUM(R[-2]C:R[-1]C)", ' ss:Index="4"'),
        cell("R1C1") + formula("=OFFSET(RC[-1],1,1)", ' ss:Index="4"'),
    ]
    data = (
        '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Styles><Style ss:ID="m"><NumberFormat '
        'ss:Format="Standard"/></Style></Styles><Names><NamedRange ss:Name="Rate" ss:RefersTo="=K!R1C1"/></Names>'
        f"<Worksheet ss:Name='S'><Table>{''.join(f'<Row>{row}</Row>' for row in rows)}</Table></Worksheet>"
        f"<Worksheet ss:Name='K'><Table><Row>{cell(2)}</Row></Table></Worksheet></Workbook>"
    ).encode()
    kind, found = read_kind(data, "a.xml", IngestSettings(), Allowance())
    assert kind == "xml"
    assert found.elements[1].text.split("\n")[2:] == [
        "| 泵 | 320 | 4 | 1,280.00 |",
        "| 阀 | 85.5 | 12 | 2052 |",
        "| 合计 |  |  | 3332 |",
        "| R1C1 |  |  | =OFFSET(C5,1,1) |",
    ]
    assert found.notes == {"formulas_without_value": 1}
