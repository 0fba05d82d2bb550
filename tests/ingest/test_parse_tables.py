"""The structure of tables in every format: header rows, no header, lines above it, tables side by side, single rows."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import openpyxl
import pytest
from docx import Document
from docx.oxml import OxmlElement
from pptx import Presentation
from pptx.util import Inches

from ingest.document import Element, ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.test_parse_office import saved
from tests.ingest.test_parse_opened import opened
from tests.ingest.test_parse_pdf_tables import read as read_pdf
from tests.ingest.tiny_pdf import Item, Stroke, Words, grid

Rows = Sequence[Sequence[object]]
LIMITS: Rows = [
    ("省份", "会议费上限", "", "", "备注"),
    ("", "一类会议", "二类会议", "三类会议", ""),
    ("江苏", 760, 650, 550, "含餐"),
    ("青海", 640, 540, 450, "含餐"),
]
MERGED = [(0, 0, 1, 0), (0, 1, 0, 3), (0, 4, 1, 4)]
"""The merged cells of `LIMITS`: the first row and column, the last row and column."""
JOINED = [
    "| 省份 | 会议费上限·一类会议 | 会议费上限·二类会议 | 会议费上限·三类会议 | 备注 |",
    "| --- | --- | --- | --- | --- |",
    "| 江苏 | 760 | 650 | 550 | 含餐 |",
    "| 青海 | 640 | 540 | 450 | 含餐 |",
]


def read(data: bytes | str, name: str) -> ParsedDocument:
    data = data.encode() if isinstance(data, str) else data
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))


def said(parsed: ParsedDocument) -> list[tuple[str, str]]:
    return [(element.kind, element.text) for element in parsed.elements]


def tables(parsed: ParsedDocument) -> list[Element]:
    return [element for element in parsed.elements if element.kind == "table"]


def xlsx(rows: Rows, merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    book = openpyxl.Workbook()
    for row, cells in enumerate(rows, 1):
        for column, value in enumerate(cells, 1):
            if value != "":
                book.active.cell(row, column, value)
    for top, left, bottom, right in merged:
        book.active.merge_cells(None, top + 1, left + 1, bottom + 1, right + 1)
    return saved(book)


def docx(rows: Rows, merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    document = Document()
    table = document.add_table(len(rows), len(rows[0]))
    for row, cells in enumerate(rows):
        for column, value in enumerate(cells):
            table.cell(row, column).text = str(value)
    for top, left, bottom, right in merged:
        text = table.cell(top, left).text
        table.cell(top, left).merge(table.cell(bottom, right)).text = text
    return saved(document)


def pptx(rows: Rows, merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    deck = Presentation()
    shapes = deck.slides.add_slide(deck.slide_layouts[6]).shapes
    table = shapes.add_table(len(rows), len(rows[0]), 0, 0, Inches(8), Inches(3)).table
    for row, cells in enumerate(rows):
        for column, value in enumerate(cells):
            table.cell(row, column).text = str(value)
    for top, left, bottom, right in merged:
        table.cell(top, left).merge(table.cell(bottom, right))
    return saved(deck)


def html(rows: Rows, merged: Sequence[tuple[int, int, int, int]] = (), tag: str = "td") -> bytes:
    spans = {(top, left): (bottom - top + 1, right - left + 1) for top, left, bottom, right in merged}
    covered = {
        (row, column)
        for top, left, bottom, right in merged
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
        if (row, column) != (top, left)
    }
    lines = []
    for row, cells in enumerate(rows):
        kept = [(column, value) for column, value in enumerate(cells) if (row, column) not in covered]
        lines.append("".join(
            f"<{tag} rowspan={spans.get((row, column), (1, 1))[0]} colspan={spans.get((row, column), (1, 1))[1]}>"
            f"{value}</{tag}>" for column, value in kept
        ))  # fmt: skip
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>".encode()


def ods(rows: Rows, merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    spans = {(top, left): (bottom - top + 1, right - left + 1) for top, left, bottom, right in merged}
    lines = []
    for row, cells in enumerate(rows):
        line = ""
        for column, value in enumerate(cells):
            down, across = spans.get((row, column), (1, 1))
            span = f'table:number-rows-spanned="{down}" table:number-columns-spanned="{across}"'
            line += f"<table:table-cell {span}><text:p>{value}</text:p></table:table-cell>"
        lines.append(f"<table:table-row>{line}</table:table-row>")
    sheet = f'<table:table table:name="S">{"".join(lines)}</table:table>'
    return opened("spreadsheet", f"<office:spreadsheet>{sheet}</office:spreadsheet>")


def rtf(rows: Rows) -> str:
    def escaped(value: object) -> str:
        return "".join(f"\\u{ord(character)}?" for character in str(value))

    lines = (f"\\intbl {''.join(escaped(cell) + chr(92) + 'cell ' for cell in cells)}\\row" for cells in rows)
    return "{\\rtf1\\ansi " + "\n".join(lines) + "\\pard after\\par}"


def csv(rows: Rows) -> str:
    return "\n".join(",".join(map(str, cells)) for cells in rows)


def markdown(rows: Rows) -> str:
    first, *rest = ["| " + " | ".join(map(str, cells)) + " |" for cells in rows]
    return "\n".join([first, "|" + " --- |" * len(rows[0]), *rest])


WRITERS: dict[str, Callable[[Rows], bytes | str]] = {
    "a.xlsx": xlsx, "a.docx": docx, "a.pptx": pptx, "a.html": html, "a.ods": ods, "a.rtf": rtf, "a.csv": csv,
    "a.md": markdown,
}  # fmt: skip
EVERY_FORMAT = pytest.mark.parametrize("name", list(WRITERS))


@pytest.mark.parametrize("writer", [xlsx, docx, pptx, html, ods])
def test_header_rows_under_a_merged_cell_are_joined(writer: Callable[..., bytes]) -> None:
    (table,) = tables(read(writer(LIMITS, MERGED), f"a.{writer.__name__}"))
    assert table.text.splitlines() == JOINED


def test_merged_header_cells_are_understood_where_the_format_cannot_merge() -> None:
    assert read(csv(LIMITS), "a.csv").text.splitlines() == JOINED


def test_a_header_may_have_three_rows() -> None:
    rows = [
        ("车间", "产量", "产量", "产量", "产量"),
        ("车间", "2025", "2025", "2026", "2026"),
        ("车间", "计划", "实际", "计划", "实际"),
        ("一车间", 10, 11, 12, 13),
    ]
    head = read(csv(rows), "a.csv").text.splitlines()[0]
    assert head == "| 车间 | 产量·2025·计划 | 产量·2025·实际 | 产量·2026·计划 | 产量·2026·实际 |"


def test_header_rows_that_html_marks_are_joined_without_merged_cells() -> None:
    page = (
        "<table><thead><tr><th>城市</th><th>旺季</th></tr><tr><th>名称</th><th>每晚</th></tr></thead>"
        "<tr><td>昆明</td><td>480</td></tr></table>"
    )
    assert read(page, "a.html").text.splitlines()[0] == "| 城市·名称 | 旺季·每晚 |"


def test_header_rows_that_word_repeats_on_each_page_are_joined() -> None:
    document = Document(io.BytesIO(docx([("城市", "旺季"), ("名称", "每晚"), ("昆明", 480), ("大理", 520)])))
    for row in document.tables[0].rows[:2]:
        row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    assert read(saved(document), "a.docx").text.splitlines()[0] == "| 城市·名称 | 旺季·每晚 |"


@EVERY_FORMAT
@pytest.mark.parametrize(
    "rows",
    [
        [("姓名", "电话"), ("陈晨", 8120), ("孙悦", 8130)],
        [("项目", "2025", "2026"), ("差旅", 1200, 1350), ("会议", 800, 900)],
        [("管径", "10mm", "20mm", "50mm"), ("壁厚", "1mm", "2mm", "3mm"), ("余量", "2mm", "3mm", "4mm")],
        [("部门", "职责"), ("采购人员", "比价"), ("仓库人员", "收货")],
        [("岗位名称", "薪资"), ("采购人员", 5000), ("仓库人员", 4500)],
        [("Item", "Cost"), ("Desk", 120), ("Chair", 80)],
        [("", "ms"), ("httpx", "12.6"), ("aiohttp", "2.5")],
        [("工序", "要求", "责任岗位"), ("下料", "按图", "班长"), ("焊接", "满焊", "焊工")],
        [("灯色", "含义"), ("红灯", "立即停机"), ("黄灯", "减速")],
        [("假别", "天数"), ("陪产假", "十五天"), ("丧假", "三天")],
        [("步骤", "动作"), ("1", "提出申请"), ("2", "部门审批"), ("3", "复核")],
        [("存期", "一年", "三年"), ("年利率", "1.5%", "2.1%"), ("罚息", "0.3%", "0.2%")],
        [("城市", "旺季"), ("三亚", "十月到次年四月"), ("昆明", "全年")],
        [("Command", "Effect"), ("start", "begins a run"), ("stop", "ends a run")],
        [("周期", "时段"), ("周一", "上午"), ("周二", "上午")],
    ],
)
def test_an_ordinary_table_keeps_its_first_row_as_header(name: str, rows: Rows) -> None:
    (table,) = tables(read(WRITERS[name](rows), name))
    assert table.text.splitlines()[0] == "| " + " | ".join(map(str, rows[0])) + " |"


@EVERY_FORMAT
@pytest.mark.parametrize(
    "rows",
    [
        [("消防中心", 6110), ("卫生站", 6120), ("门卫", 6119)],
        [("陪产假", "15天"), ("丧假", "3天"), ("产假", "158天")],
        [("合同编号", "HT-88"), ("签订日期", "2026-04-01"), ("联系人", "周舟")],
        [("赵一", "财务部", "8101"), ("钱二", "采购部", "8102")],
        [("红灯", "立即停机"), ("黄灯", "减速"), ("绿灯", "运行")],
        [("陪产假", "十五天"), ("丧假", "三天"), ("产假", "一百五十八天")],
        [("产地", "云南普洱"), ("处理法", "日晒"), ("烘焙程度", "中深")],
        [("怎样补卡？", "找考勤员"), ("怎样订餐？", "拨 6100")],
        [("1", "提出申请", "申请人"), ("2", "部门审批", "经理"), ("3", "复核", "财务部")],
        [("大厅甲", "10人", "3楼"), ("大厅乙", "20人", "5楼"), ("大厅丙", "50人", "8楼")],
        [("优", "90分以上", "3000元"), ("良", "80-89分", "800元"), ("中", "60-79分", "90元")],
        [("周舟", "北京", "采购"), ("方圆", "上海", "销售"), ("江河", "北京", "采购")],
        [("基本信息", "姓名", "周舟"), ("基本信息", "工号", "A12"), ("紧急联系", "电话", "6001")],
        [("Monday", "at home"), ("Tuesday", "Berlin"), ("Friday", "Hamburg")],
    ],
)
def test_a_table_without_a_header_keeps_every_row_as_data(name: str, rows: Rows) -> None:
    (table,) = tables(read(WRITERS[name](rows), name))
    header, _, *lines = table.text.splitlines()
    assert not header.strip("| ")
    assert lines == ["| " + " | ".join(map(str, cells)) + " |" for cells in rows]


@EVERY_FORMAT
def test_each_value_of_a_form_stands_beside_its_own_label(name: str) -> None:
    rows = [("设备名称", "空压机", "设备编号", "KY-3"), ("使用部门", "动力车间", "启用日期", "2024-05-01")]
    (table,) = tables(read(WRITERS[name](rows), name))
    assert table.text.splitlines()[2:] == [
        "| 设备名称 | 空压机 |", "| 设备编号 | KY-3 |", "| 使用部门 | 动力车间 |", "| 启用日期 | 2024-05-01 |",
    ]  # fmt: skip


@EVERY_FORMAT
def test_labels_of_things_make_a_form(name: str) -> None:
    rows = [("品牌", "南风", "型号", "NF-3"), ("内存", "16GB", "硬盘", "512GB"), ("颜色", "灰", "系统", "鸿蒙")]
    (table,) = tables(read(WRITERS[name](rows), name))
    assert table.text.splitlines()[2:5] == ["| 品牌 | 南风 |", "| 型号 | NF-3 |", "| 内存 | 16GB |"]


def test_a_header_that_is_repeated_among_the_rows_is_one() -> None:
    rows = [("鸟", "兽"), ("雁", "鹿"), ("鸟", "兽"), ("鹤", "狐")]
    (table,) = tables(read(csv([(*cells, "x") for cells in rows]), "a.csv"))
    assert table.text.splitlines()[0] == "| 鸟 | 兽 | x |"


def test_labels_that_html_marks_make_a_form() -> None:
    page = "<table><tr><th>颜色</th><td>灰</td></tr><tr><th>材质</th><td>铝</td></tr></table>"
    assert read(page, "a.html").text.splitlines() == ["|  |  |", "| --- | --- |", "| 颜色 | 灰 |", "| 材质 | 铝 |"]


def test_an_empty_header_in_markdown_is_none() -> None:
    assert read("|  |  |\n|---|---|\n| 甲 | 乙 |\n| 丙 | 丁 |", "a.md").text.splitlines()[2:] == [
        "| 甲 | 乙 |",
        "| 丙 | 丁 |",
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.xlsx", "a.ods", "a.xls"])
def test_the_header_is_found_below_the_lines_of_a_statement(name: str) -> None:
    rows: Rows = [
        ("银行流水", "", "", "", "", ""),
        ("户名", "南风公司", "", "", "", ""),
        ("账号", "6222 0001", "币种", "人民币", "", ""),
        ("------流水列表------", "", "", "", "", ""),
        ("日期", "摘要", "收入", "支出", "余额", "对方"),
        ("2026-03-02", "货款", 900, 0, 1900, "青禾"),
        ("2026-03-05", "房租", 0, 400, 1500, "大地"),
        ("合计", "", 900, 400, "", ""),
        ("#本单据由系统生成", "", "", "", "", ""),
    ]
    writers = {**WRITERS, "a.tsv": lambda rows: csv(rows).replace(",", "\t"), "a.xls": html}
    parsed = read(writers[name](rows), name)
    above, table, below = [(kind, text) for kind, text in said(parsed) if kind != "heading"]
    assert above == ("paragraph", "银行流水\n户名：南风公司\n账号：6222 0001；币种：人民币")
    assert table[1].splitlines() == [
        "| 日期 | 摘要 | 收入 | 支出 | 余额 | 对方 |",
        "| --- | --- | --- | --- | --- | --- |",
        "| 2026-03-02 | 货款 | 900 | 0 | 1900 | 青禾 |",
        "| 2026-03-05 | 房租 | 0 | 400 | 1500 | 大地 |",
        "| 合计 |  | 900 | 400 |  |  |",
    ]
    assert below == ("paragraph", "#本单据由系统生成")


@pytest.mark.parametrize(("name", "writer"), [("a.xlsx", xlsx), ("a.xls", html), ("a.ods", ods)])
def test_merged_lines_above_a_header_are_said_once(name: str, writer: Callable[..., bytes]) -> None:
    rows: Rows = [
        ("领料单汇总", "", "", ""),
        ("仓库：二号库", "", "制单：周舟", ""),
        ("物料", "规格", "单位", "数量"),
        ("轴承", "深沟", "个", 12),
        ("皮带", "三角", "条", 5),
    ]
    parsed = read(writer(rows, [(0, 0, 0, 3), (1, 0, 1, 1), (1, 2, 1, 3)]), name)
    above, table = [text for kind, text in said(parsed) if kind != "heading"]
    assert above == "领料单汇总\n仓库：二号库 制单：周舟"
    assert table.splitlines()[0] == "| 物料 | 规格 | 单位 | 数量 |"


@pytest.mark.parametrize("writer", [xlsx, docx, pptx, html, ods])
def test_a_merged_value_of_a_form_is_said_once(writer: Callable[..., bytes]) -> None:
    rows: Rows = [
        ("姓名", "周舟", "入职日期", "2024-05-01"),
        ("部门", "动力车间", "联系电话", 6001),
        ("家庭地址", "江州市南山路 5 号", "", ""),
    ]
    (table,) = tables(read(writer(rows, [(2, 1, 2, 3)]), f"a.{writer.__name__}"))
    assert table.text.splitlines()[-2:] == ["| 联系电话 | 6001 |", "| 家庭地址 | 江州市南山路 5 号 |"]


def test_the_lines_above_a_header_have_their_own_cells() -> None:
    rows: Rows = [("库存表", "", ""), ("物料", "规格", "数量"), ("轴承", "6204", 12), ("皮带", "B1200", 5)]
    caption, table = read(csv(rows), "a.csv").elements
    assert (caption.kind, caption.text, caption.location.cells) == ("caption", "库存表", "A1:C1")
    assert table.location.cells == "A2:C4"


@pytest.mark.parametrize(("name", "writer"), [("a.xlsx", xlsx), ("a.ods", ods), ("a.csv", csv)])
def test_one_blank_column_parts_two_tables_with_headers_of_their_own(name: str, writer: Callable[..., bytes]) -> None:
    rows: Rows = [
        ("会议室", "楼层", "", "设备", "保管人", "电话"),
        ("梅厅", 3, "", "投影仪", "高明", 7001),
        ("兰厅", 5, "", "音响", "许静", 7002),
    ]
    first, second = tables(read(writer(rows), name))
    assert (first.location.cells, second.location.cells) == ("A1:B3", "D1:F3")
    assert second.text.splitlines()[0] == "| 设备 | 保管人 | 电话 |"


def test_a_title_across_two_tables_stands_above_both() -> None:
    rows: Rows = [
        ("三月通讯录", "", "", "", ""),
        ("姓名", "分机", "", "姓名", "分机"),
        ("方圆", 6001, "", "秦川", 6003),
        ("江河", 6002, "", "", ""),
    ]
    parsed = read(xlsx(rows, [(0, 0, 0, 4)]), "a.xlsx")
    assert [text for _, text in said(parsed)][1:] == [
        "三月通讯录",
        "| 姓名 | 分机 |\n| --- | --- |\n| 方圆 | 6001 |\n| 江河 | 6002 |",
        "| 姓名 | 分机 |\n| --- | --- |\n| 秦川 | 6003 |",
    ]


def test_a_blank_column_that_only_makes_space_parts_nothing() -> None:
    rows: Rows = [
        ("姓名", "部门", "", "电话", "备注"),
        ("方圆", "财务部", "", 6001, "周一休"),
        ("江河", "采购部", "", 6002, "周二休"),
    ]
    (table,) = tables(read(xlsx(rows), "a.xlsx"))
    assert table.text.splitlines()[2] == "| 方圆 | 财务部 | 6001 | 周一休 |"
    rows = [
        ("月份", "收入", "备注", "", "支出", "备注"),
        ("一月", 90, "好", "", 40, "房租"),
        ("二月", 80, "中", "", 30, "水电"),
    ]
    (table,) = tables(read(xlsx(rows), "a.xlsx"))
    assert table.location.cells == "A1:F3"
    (table,) = tables(read(xlsx([("甲", "", "乙", "", "丙"), (1, "", 2, "", 3)]), "a.xlsx"))
    assert table.location.cells == "A1:E2"


def test_a_row_alone_is_text() -> None:
    assert said(read("| 夜间门岗 | 5566 转 2 |\n|---|---|", "a.md")) == [("paragraph", "夜间门岗：5566 转 2")]
    assert said(read(docx([("夜间门岗", "5566 转 2")]), "a.docx")) == [("paragraph", "夜间门岗：5566 转 2")]
    assert said(read(html([("请随手关灯",)]), "a.html")) == [("paragraph", "请随手关灯")]


def test_a_ruled_form_in_a_pdf_and_the_title_across_a_table() -> None:
    cells = [
        ("Project name", "North depot", "Project number", "XM-7"),
        ("Owner", "Han Xue", "Start date", "2026-03-01"),
    ]
    page: list[Item] = [*grid([70, 170, 270, 370, 470], [100, 120, 140])]
    for row, texts in enumerate(cells):
        page += [Words(75 + 100 * column, 114 + 20 * row, text) for column, text in enumerate(texts)]
    (form,) = tables(read_pdf(page))
    assert form.text.splitlines()[2:] == [
        "| Project name | North depot |",
        "| Project number | XM-7 |",
        "| Owner | Han Xue |",
        "| Start date | 2026-03-01 |",
    ]
    page = [
        Stroke(70, 100, 270, 100), Stroke(70, 120, 270, 120), Stroke(70, 140, 270, 140), Stroke(70, 160, 270, 160),
        Stroke(70, 180, 270, 180), Stroke(70, 100, 70, 180), Stroke(170, 120, 170, 180), Stroke(270, 100, 270, 180),
        Words(130, 114, "Rooms by floor"), Words(75, 134, "Floor"), Words(175, 134, "Rooms"),
        Words(75, 154, "First"), Words(175, 154, "12"), Words(75, 174, "Second"), Words(175, 174, "30"),
    ]  # fmt: skip
    title, table = read_pdf(page).elements
    assert (title.kind, title.text) == ("caption", "Rooms by floor")
    assert table.text == "| Floor | Rooms |\n| --- | --- |\n| First | 12 |\n| Second | 30 |"
