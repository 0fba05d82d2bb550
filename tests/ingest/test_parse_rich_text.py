"""Rich text (RTF): what is struck through, where links lead, and headings that were typed by hand."""

from __future__ import annotations

import pytest

from ingest.parse.mail.attachments import Allowance
from ingest.parse.readers import read as read_kind
from ingest.settings import IngestSettings
from tests.ingest.tiny_word import read, texts

PORTAL = "https://oa.example.com/fees"


def rich(body: str) -> bytes:
    def escaped(letter: str) -> str:
        return letter if letter.isascii() else f"\\u{ord(letter)}?"

    return ("{\\rtf1\\ansi\\uc1 " + "".join(map(escaped, body)) + "}").encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (r"Two {\strike old }new days\par", "Two new days"),
        (r"Two \strike old \strike0 new days\par", "Two new days"),
        (r"Two {\striked1 old }{\striked0 new} days\par", "Two new days"),
        (r"Two \strike old \plain new days\par", "Two new days"),
        (r"Two {\deleted old }{\v hidden }new days\par", "Two new days"),
        (r"Two {\b \strike old \'a9 {\i old }}new days\par", "Two new days"),
    ],
)
def test_struck_through_text_of_rich_text_is_left_out(body: str, expected: str) -> None:
    assert texts(read(rich(body), "a.rtf")) == [expected]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (r'{\field{\*\fldinst HYPERLINK "%s"}{\fldrslt the portal}}', f"Use the portal ({PORTAL}) now"),
        (r'{\field{\*\fldinst { HYPERLINK "%s" }{\lang1033 }}{\fldrslt {\ul the }{\b portal}}}',
         f"Use the portal ({PORTAL}) now"),
        (r'{\field{\*\fldinst HYPERLINK "%s" \\\\l "top"}{\fldrslt the portal}}', f"Use the portal ({PORTAL}#top) now"),
        (r'{\field\fldedit{\*\fldinst HYPERLINK "%s"}{\fldrslt https://oa.example.com/fees}}', f"Use {PORTAL} now"),
        (r'{\field{\*\fldinst HYPERLINK "%s"}{\fldrslt {\strike old}}}', "Use  now"),
        (r'{\field{\*\fldinst HYPERLINK \\\\l "top"}{\fldrslt chapter 2}}', "Use chapter 2 now"),
        (r"{\field{\*\fldinst PAGE}{\fldrslt 7}}", "Use 7 now"),
    ],
)  # fmt: skip
def test_links_of_rich_text_say_where_they_lead(field: str, expected: str) -> None:
    written = field.replace("%s", PORTAL).replace("\\\\\\\\", "\\\\")
    assert texts(read(rich(f"Use {written} now\\par"), "a.rtf")) == [expected]


def test_headings_typed_by_hand_in_rich_text_are_headings() -> None:
    text = r"\pard 本仓库的货物按批次堆放，出库须由保管员和领料人共同核对。\par "
    sections = "".join(rf"\pard{{\b {name}}}\par {text}" for name in ("一、收货", "二、发货"))
    parsed = read(rich(rf"\pard\qc{{\fs40 仓库办法}}\par {sections}"), "a.rtf")
    assert [(e.level, e.text) for e in parsed.elements if e.kind == "heading"] == [
        (1, "仓库办法"), (2, "一、收货"), (2, "二、发货"),
    ]  # fmt: skip
    assert parsed.elements[-1].location.heading_path == ("仓库办法", "二、发货")


def test_objects_in_rich_text_are_counted() -> None:
    body = r"See the sheet{\object\objemb{\*\objdata 0105}{\result{\pict 00}}}\par"
    _, found = read_kind(rich(body), "a.rtf", IngestSettings(), Allowance())
    assert [element.text for element in found.elements] == ["See the sheet"]
    assert found.notes == {"pictures_not_read": 1, "embedded_objects": 1}


def test_layout_tables_and_boxes_of_rich_text_are_paragraphs() -> None:
    box = r"\pard\intbl Log in first.\cell\row\pard\par "
    columns = r"\pard\intbl Left one.\par Left two.\cell Right one.\par Right two.\cell\row\pard\par "
    table = r"\pard\intbl City\cell Limit\cell\row\intbl Sanya\par (island)\cell 500\cell\row\pard\par "
    parsed = read(("{\\rtf1\\ansi " + f"{box}A{chr(92)}par {columns}B{chr(92)}par {table}" + "}").encode(), "a.rtf")
    assert [e.text for e in parsed.elements] == [
        "Log in first.", "A", "Left one.", "Left two.", "Right one.", "Right two.", "B",
        "| City | Limit |\n| --- | --- |\n| Sanya (island) | 500 |",
    ]  # fmt: skip


def table(*rows: str) -> bytes:
    """A table of rich text. A row is `what ends where: text | text`, as in `300v 600: a | b`; v goes on from above."""

    def written(row: str) -> str:
        look, _, cells = row.partition(": ")
        marks = {"v": r"\clvmrg", "w": r"\clmrg", "h": r"\trhdr"}
        edges = "".join(
            "".join(marks[mark] for mark in edge if mark in marks) + rf"\cellx{edge.rstrip('vwh')}"
            for edge in look.split()
        )
        texts = "".join(rf"\pard\intbl {cell.strip()}\cell" for cell in cells.split("|"))
        return rf"\trowd\trleft-100{edges}{texts}\row" + "\n"

    return rich("".join(map(written, rows)) + r"\pard end\par")


@pytest.mark.parametrize(
    "rows",
    [
        ("900 3000: 城市 | 限额", "900v 1990 3020:  | 处级 | 其他", "900 2000 3000: 三亚 | 500 | 400"),
        ("900 2000 3000w: 城市 | 限额 | ", "900v 2000 3000:  | 处级 | 其他", "900 2000 3000: 三亚 | 500 | 400"),
        ("900h 3000: 城市 | 限额", "900vh 2000 3000:  | 处级 | 其他", "900 2000 3000: 三亚 | 500 | 400"),
    ],
)
def test_merged_cells_of_rich_text_cover_their_columns(rows: tuple[str, ...]) -> None:
    lines = texts(read(table(*rows), "a.rtf"))[0].split("\n")
    assert lines == ["| 城市 | 限额·处级 | 限额·其他 |", "| --- | --- | --- |", "| 三亚 | 500 | 400 |"]


@pytest.mark.parametrize(
    "rows",
    [
        ("900: City | Limit", "900 2000: Sanya | 500"),  # more cells than places
        ("2000 900: City | Limit", "900 2000: Sanya | 500"),  # places that go back
    ],
)
def test_rows_of_rich_text_that_state_nonsense_are_read_as_they_stand(rows: tuple[str, ...]) -> None:
    assert texts(read(table(*rows), "a.rtf"))[0] == "| City | Limit |\n| --- | --- |\n| Sanya | 500 |"


def test_far_eastern_letters_may_have_looks_of_their_own() -> None:
    def letters(text: str, look: str) -> str:
        return "{\\hich\\af7\\loch\\fs22\\dbch" + look + "\\dbch " + text + "}\\par "

    body = "".join(
        letters(title, "\\afs32\\ab")
        + letters("货物应当分区存放，并由专人每日检查记录，发现问题立即上报主管部门处理。", "\\afs21")
        for title in ("仓储要求", "运输要求")
    )
    assert [(each.kind, each.level) for each in read(rich("\\fs22 " + body), "a.rtf").elements] == [
        ("heading", 1), ("paragraph", None), ("heading", 1), ("paragraph", None),
    ]  # fmt: skip


def test_a_style_named_heading_makes_headings() -> None:
    sheet = "{\\stylesheet{\\s0 Normal;}{\\s2\\sbasedon0\\fs28 heading 2;}}"
    parsed = read(rich(sheet + "\\pard\\s2 运费\\par \\pard\\s0 每单 8 元\\par"), "a.rtf")
    assert [(each.kind, each.level) for each in parsed.elements] == [("heading", 2), ("paragraph", None)]


def test_items_of_lists_are_known_by_their_marks_and_an_empty_one_says_nothing() -> None:
    def item(mark: str, text: str) -> str:
        return "\\pard{\\listtext\\pard\\plain " + mark + "\\tab}" + text + "\\par "

    body = item("\uf0b7", "{\\strike 纸质单据}") + item("\uf0b7", "电子发票") + item("2.", "交财务部")
    parsed = read(rich(body), "a.rtf")
    assert [(each.kind, each.text) for each in parsed.elements] == [
        ("list_item", "电子发票"),
        ("list_item", "2. 交财务部"),
    ]


NESTED = (
    r"{\pard\intbl\itap2 %s\nestcell %s\nestcell"
    r"{\*\nesttableprops\trowd\cellx900\cellx1800\nestrow}{\nonesttables\par}}"
)


def test_a_table_inside_a_cell_of_rich_text_is_not_taken_apart_into_columns() -> None:
    inner = NESTED % ("处级", "500") + NESTED % ("其他", "400")
    row = r"\trowd\cellx3000\cellx6000\pard\intbl %s\cell %s\cell\row"
    data = row % ("城市", "限额") + row % ("三亚", rf"按级别\par {inner}\pard\intbl 含税") + r"\pard 完\par"
    assert texts(read(rich(data), "a.rtf")) == [
        "| 城市 | 限额 |\n| --- | --- |\n| 三亚 | 按级别 处级 500 其他 400 含税 |", "完",
    ]  # fmt: skip


def test_a_table_of_rich_text_that_only_lays_out_another_one_is_unwrapped() -> None:
    inner = NESTED % ("级别", "限额") + NESTED % ("处级", "500")
    data = rf"\trowd\cellx3000\cellx6000\pard\intbl 住宿标准\cell {inner}\pard\intbl 含税\cell\row\pard 完\par"
    assert texts(read(rich(data), "a.rtf")) == [
        "住宿标准", "| 级别 | 限额 |\n| --- | --- |\n| 处级 | 500 |", "含税", "完",
    ]  # fmt: skip


def test_tables_of_rich_text_with_an_empty_line_between_them_are_two() -> None:
    row = r"\trowd\cellx900\cellx1800\pard\intbl %s\cell %s\cell\row"
    data = row % ("City", "Limit") + row % ("Sanya", "500") + r"\pard\par" + row % ("Name", "Phone")
    parsed = read(rich(data + row % ("Li", "8301")), "a.rtf")
    assert [each.text.split("\n")[0] for each in parsed.elements] == ["| City | Limit |", "| Name | Phone |"]


@pytest.mark.parametrize(
    "box",
    [
        r"{\shp{\*\shpinst\shpleft9{\sp{\sn fLine}{\sv 1}}{\shptxt\pard Desk 8301\par}}"
        r"{\shprslt{\*\do{\dptxbxtext Desk 8301\par}}}}",
        r"{\*\do\dobxcolumn\dptxbx{\dptxbxtext\pard Desk 8301\par}\dpx9}",
        r"{\shpgrp{\*\shpinst{\shp{\*\shpinst{\shptxt\pard Desk 8301\par}}}}}",
        r"{\shp{\*\shpinst{\shptxt\pard Desk 8301}}}",
    ],
)  # fmt: skip
def test_a_text_box_of_rich_text_follows_its_paragraph(box: str) -> None:
    body = rf"\pard\outlinelevel0 Who{box} helps\par \pard Ask them.\par"
    parsed = read(rich(body), "a.rtf")
    assert [(each.kind, each.text) for each in parsed.elements] == [
        ("heading", "Who helps"), ("paragraph", "Desk 8301"), ("paragraph", "Ask them."),
    ]  # fmt: skip


def test_a_text_box_in_a_cell_of_rich_text_stays_in_it() -> None:
    row = r"\trowd\cellx900\cellx1800\pard\intbl %s\cell %s\cell\row"
    box = r"{\shp{\*\shpinst{\shptxt\pard (island)\par}}}"
    data = rich(row % ("City", "Limit") + row % (f"San{box}ya", "500") + r"\pard\par")
    assert texts(read(data, "a.rtf"))[0].split("\n")[-1] == "| Sanya (island) | 500 |"


def test_headers_and_footers_of_rich_text_are_read_once_and_those_of_unused_page_styles_never() -> None:
    margins = r"{\header\pard 公司制度\par}{\footer\pard 修订 3\par}"
    unused = r"{\*\pgdsctbl{\pgdsc0{\header\pard 旧页眉\par}}}"
    body = rf"{unused}{margins}\pard 第一节\par\sect{margins}\pard 第二节\par"
    assert texts(read(rich(body), "a.rtf")) == ["公司制度", "第一节", "修订 3", "第二节"]


def test_a_footnote_of_rich_text_follows_its_paragraph_and_leaves_it_a_heading() -> None:
    body = r"\pard\outlinelevel1 运费{\footnote\pard\plain{\super\chftn} 不含税。}标准\par \pard 每单 8 元\par"
    parsed = read(rich(body), "a.rtf")
    assert [(each.kind, each.text) for each in parsed.elements] == [
        ("heading", "运费[1]标准"), ("paragraph", "[1] 不含税。"), ("paragraph", "每单 8 元"),
    ]  # fmt: skip


def test_groups_that_are_not_known_and_what_is_in_them_are_left_out() -> None:
    unknown = r"{\*\unknown{\do{\dptxbxtext no}}{\shptxt no\par}}{\shprslt{\shptxt no\par}}"
    assert texts(read(rich(rf"\pard Read{unknown} this\par"), "a.rtf")) == ["Read this"]


def test_a_row_whose_end_is_missing_is_read() -> None:
    assert texts(read(rich(r"\pard\intbl City\cell Limit\cell\row\intbl Sanya\cell 500\cell"), "a.rtf")) == [
        "| City | Limit |\n| --- | --- |\n| Sanya | 500 |"
    ]
