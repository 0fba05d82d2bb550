"""Open formats: OpenDocument texts, spreadsheets and presentations, and e-books."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.test_parse_word import picture

NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for short, long in {
        "office": "office", "text": "text", "table": "table", "draw": "drawing", "style": "style",
        "presentation": "presentation", "fo": "xsl-fo-compatible", "svg": "svg-compatible",
    }.items()
) + ' xmlns:xlink="http://www.w3.org/1999/xlink"'  # fmt: skip


def read(data: bytes, name: str, **settings: Any) -> ParsedDocument:
    reference = Reference("local", name, name, len(data), 0, content=data)
    return parse(reference, IngestSettings(**{"ocr": False, **settings}))


def zipped(members: dict[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_opendocument_text_keeps_headings_lists_and_tables() -> None:
    names = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"' for short in ("office", "text", "table")
    )
    content = (
        f"<office:document-content {names}><office:body><office:text>"
        '<text:h text:outline-level="2">Rooms</text:h><text:p>Two<text:s text:c="2"/>words</text:p>'
        "<text:list><text:list-item><text:p>First item</text:p></text:list-item></text:list><table:table>"
        '<table:table-row><table:table-cell table:number-columns-spanned="2"><text:p>wide</text:p></table:table-cell>'
        "<table:covered-table-cell/></table:table-row><table:table-row><table:table-cell><text:p>1</text:p>"
        "</table:table-cell><table:table-cell><text:p>2</text:p></table:table-cell></table:table-row></table:table>"
        "</office:text></office:body></office:document-content>"
    )
    parsed = read(zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content}), "a.odt")
    assert [(e.kind, e.text, e.level) for e in parsed.elements] == [
        ("heading", "Rooms", 2), ("paragraph", "Two  words", None), ("list_item", "First item", None),
        ("table", "| wide | wide |\n| --- | --- |\n| 1 | 2 |", None),
    ]  # fmt: skip


def test_the_chapters_of_an_epub_are_read_in_the_order_of_its_spine() -> None:
    parsed = read(
        zipped({
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfile full-path="OPS/book.opf"/></container>',
            "OPS/book.opf": (
                '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Field guide</dc:title><manifest>'
                '<item id="b" href="two.xhtml"/><item id="a" href="one.xhtml"/></manifest>'
                '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
            ),
            "OPS/one.xhtml": "<html><body><h1>Birds</h1><p>They fly about.</p></body></html>",
            "OPS/two.xhtml": "<html><body><h1>Fish</h1><p>They swim about.</p></body></html>",
        }),
        "guide.epub",
    )  # fmt: skip
    assert [element.text for element in parsed.elements] == ["Birds", "They fly about.", "Fish", "They swim about."]
    assert parsed.title == "Field guide"


def opened(kind: str, body: str, styles: str = "", **parts: bytes) -> bytes:
    content = (
        f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )
    mime = f"application/vnd.oasis.opendocument.{kind}"
    return zipped(
        {"mimetype": mime, "content.xml": content, **{f"Pictures/{name}": part for name, part in parts.items()}}
    )


def test_notes_boxes_and_pictures_follow_their_paragraph_and_comments_are_left_out() -> None:
    note = (
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>On request.</text:p>"
        "</text:note-body></text:note>"
    )
    body = (
        f"<office:text><text:p>Paid in May{note} or June"
        "<office:annotation><text:p>Really?</text:p></office:annotation>"
        "<draw:frame><draw:text-box><text:p>In a box</text:p></draw:text-box></draw:frame>"
        '<draw:frame><draw:image xlink:href="Pictures/p.png"/></draw:frame></text:p><text:p>Next</text:p></office:text>'
    )
    data = opened("text", body, **{"p.png": picture("Order 5512").getvalue()})
    assert [e.text for e in read(data, "a.odt").elements] == [
        "Paid in May[1] or June",
        "[1] On request.",
        "In a box",
        "Next",
    ]
    assert "5512" in read(data, "a.odt", ocr=True).text


def test_sheets_of_an_open_spreadsheet_have_names_headers_and_cells() -> None:
    def cell(text: str, more: str = "") -> str:
        return f"<table:table-cell {more}><text:p>{text}</text:p></table:table-cell>"

    body = (
        '<office:spreadsheet><table:table table:name="价格"><table:table-row table:number-rows-repeated="2"/>'
        f"<table:table-row>{cell('产品')}{cell('单价')}</table:table-row>"
        f"<table:table-row>{cell('显微镜')}{cell('9,800.00')}<table:table-cell table:number-columns-repeated='1020'/>"
        "</table:table-row><table:table-row table:number-rows-repeated='1048570'><table:table-cell/></table:table-row>"
        '</table:table><table:table table:name="old" table:style-name="gone"><table:table-row>'
        f"{cell('not to be found')}</table:table-row></table:table></office:spreadsheet>"
    )
    hidden = '<style:style style:name="gone" style:family="table"><style:table-properties table:display="false"/>'
    hidden += "</style:style>"
    heading, table = read(opened("spreadsheet", body, hidden), "a.ods").elements
    assert (heading.text, table.location.sheet, table.location.cells) == ("价格", "价格", "A3:B4")
    assert table.text == "| 产品 | 单价 |\n| --- | --- |\n| 显微镜 | 9,800.00 |"


def test_slides_of_an_open_presentation_have_numbers_titles_and_notes() -> None:
    def frame(text: str, kind: str = "outline") -> str:
        inner = f"<draw:text-box><text:p>{text}</text:p></draw:text-box>"
        return f'<draw:frame presentation:class="{kind}">{inner}</draw:frame>'

    body = (
        f"<office:presentation><draw:page>{frame('增长 12%')}{frame('第三季度', 'title')}"
        f"<presentation:notes>{frame('Say more', 'notes')}</presentation:notes></draw:page>"
        f"<draw:page>{frame('Thanks')}</draw:page></office:presentation>"
    )
    parsed = read(opened("presentation", body), "a.odp")
    assert [(e.text, e.location.slide, e.location.heading_path) for e in parsed.elements] == [
        ("第三季度", 1, ()), ("增长 12%", 1, ("第三季度",)), ("Say more", 1, ("第三季度",)), ("Thanks", 2, ()),
    ]  # fmt: skip


def test_templates_of_open_documents_are_documents() -> None:
    data = opened("text-template", "<office:text><text:p>Dear customer</text:p></office:text>")
    assert (read(data, "a.ott").kind, read(data, "a.ott").text) == ("odt", "Dear customer")


LETTERS = (
    '<style:style style:name="T1" style:family="text"><style:text-properties style:text-line-through-style="solid"/>'
    '</style:style><style:style style:name="T2" style:family="text" style:parent-style-name="T1"/>'
    '<style:style style:name="T3" style:family="text" style:parent-style-name="T1"><style:text-properties '
    'style:text-line-through-style="none"/></style:style>'
    '<style:style style:name="T4" style:family="text"><style:text-properties style:text-line-through-type="double"/>'
    '</style:style><style:style style:name="P1" style:family="paragraph"><style:text-properties '
    'style:text-line-through-style="solid"/></style:style>'
    '<style:style style:name="C1" style:family="table-cell"><style:text-properties '
    'style:text-line-through-style="solid"/></style:style>'
    '<style:style style:name="loop" style:family="text" style:parent-style-name="loop"/>'
)


def span(style: str, text: str) -> str:
    return f'<text:span text:style-name="{style}">{text}</text:span>'


def texts(kind: str, name: str, body: str, styles: str = LETTERS) -> list[str]:
    return [element.text for element in read(opened(kind, body, styles), name).elements]


def test_struck_through_text_of_open_documents_is_left_out() -> None:
    body = (
        f"<office:text><text:p>Two {span('T1', 'old ')}{span('T2', 'older ')}{span('T4', 'oldest ')}"
        f"{span('T3', 'new ')}{span('loop', 'days')}</text:p>"
        f'<text:p text:style-name="P1">gone {span("T3", "kept")}</text:p>'
        f"<table:table><table:table-row><table:table-cell><text:p>{span('T1', 'old')}fee</text:p></table:table-cell>"
        "</table:table-row></table:table></office:text>"
    )
    assert texts("text", "a.odt", body) == ["Two new days", "kept", "fee"]
    sheet = (
        '<office:spreadsheet><table:table table:name="S"><table:table-row><table:table-cell><text:p>Fee</text:p>'
        "</table:table-cell><table:table-cell><text:p>Old</text:p></table:table-cell></table:table-row><table:table-row>"
        '<table:table-cell><text:p>80</text:p></table:table-cell><table:table-cell table:style-name="C1"><text:p>95'
        "</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>"
    )
    assert "80" in texts("spreadsheet", "a.ods", sheet)[-1]
    assert "95" not in texts("spreadsheet", "a.ods", sheet)[-1]
    slide = (
        f"<office:presentation><draw:page><text:p>Now {span('T1', 'then')}</text:p></draw:page></office:presentation>"
    )
    assert texts("presentation", "a.odp", slide) == ["Now"]


def test_links_of_open_documents_say_where_they_lead() -> None:
    portal = "https://oa.example.com/fees"
    link = f'<text:a xlink:href="{portal}">'
    body = (
        f"<office:text><text:p>Use {link}the </text:a>{link}{span('T3', 'portal')}</text:a>, not "
        '<text:a xlink:href="#chapter">chapter 2</text:a></text:p><text:list><text:list-item>'
        f"<text:p>{link}{portal}</text:a></text:p></text:list-item></text:list>"
        "<text:p>See<text:note><text:note-citation>1</text:note-citation>"
        f"<text:note-body><text:p>{link}fees</text:a></text:p></text:note-body></text:note></text:p></office:text>"
    )
    assert texts("text", "a.odt", body) == [
        f"Use the portal ({portal}), not chapter 2", portal, "See[1]", f"[1] fees ({portal})",
    ]  # fmt: skip


def test_headings_typed_by_hand_in_an_open_text_are_headings() -> None:
    styles = (
        '<style:style style:name="H" style:family="paragraph"><style:paragraph-properties fo:text-align="center"/>'
        '<style:text-properties fo:font-size="20pt" style:font-size-asian="20pt"/></style:style>'
        '<style:style style:name="B" style:family="text"><style:text-properties style:font-weight-asian="bold"/>'
        "</style:style>"
    )
    text = "<text:p>本仓库的货物按批次堆放，出库须由保管员和领料人共同核对。</text:p>"
    sections = "".join(f"<text:p>{span('B', name)}</text:p>{text}" for name in ("一、收货", "二、发货"))
    data = opened("text", f'<office:text><text:p text:style-name="H">仓库办法</text:p>{sections}</office:text>', styles)
    parsed = read(data, "a.odt")
    assert [(e.level, e.text) for e in parsed.elements if e.kind == "heading"] == [
        (1, "仓库办法"), (2, "一、收货"), (2, "二、发货"),
    ]  # fmt: skip
    assert parsed.title == "仓库办法"


def test_a_comment_on_a_cell_is_no_part_of_what_it_shows() -> None:
    comment = "<office:annotation><text:p>checked by Ann</text:p></office:annotation>"
    cells = f"<table:table-cell>{comment}<text:p>12</text:p></table:table-cell><table:table-cell><text:p>x</text:p>"
    rows = f"<table:table-row>{cells}</table:table-cell></table:table-row>" * 2
    sheet = f"<office:spreadsheet><table:table table:name='S'>{rows}</table:table></office:spreadsheet>"
    assert "Ann" not in read(opened("spreadsheet", sheet), "a.ods").text


def test_a_chapter_that_an_e_book_names_and_does_not_have_is_counted() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", '<c><r full-path="a.opf"/></c>')
        items = "".join(f'<item id="{name}" href="{name}.xhtml"/>' for name in "ab")
        spine = '<itemref idref="a"/><itemref idref="b"/><itemref idref="c"/>'
        archive.writestr("a.opf", f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>")
        archive.writestr("a.xhtml", "<html><body><p>第一章</p></body></html>")
    data = stream.getvalue()
    parsed = parse(Reference("local", "a.epub", "a.epub", len(data), 0, content=data), IngestSettings(ocr=False))
    assert (parsed.text, parsed.notes) == ("第一章", {"parts_not_read": 2})
