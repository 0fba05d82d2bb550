"""Marks on the letters of a Word document: a line through them, and where they lead."""

from __future__ import annotations

import io

import pytest
from docx import Document

from tests.ingest.tiny_word import read, related, run, texts, word

STYLES = (
    "<w:style w:type='paragraph' w:styleId='Old'><w:name w:val='Old'/><w:rPr><w:strike/></w:rPr></w:style>"
    "<w:style w:type='paragraph' w:styleId='Older'><w:name w:val='Older'/><w:basedOn w:val='Old'/></w:style>"
    "<w:style w:type='character' w:styleId='Gone'><w:name w:val='Gone'/><w:rPr><w:dstrike/></w:rPr></w:style>"
    "<w:style w:type='character' w:styleId='Circle'><w:name w:val='Circle'/><w:basedOn w:val='Circle'/>"
    "<w:rPr><w:strike w:val='true'/></w:rPr></w:style>"
)
PORTAL = "https://oa.example.com/fees"


def marked(text: str, properties: str) -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


@pytest.mark.parametrize(
    ("properties", "struck"),
    [
        ("<w:strike/>", True),
        ("<w:strike w:val='1'/>", True),
        ("<w:dstrike/>", True),
        ("<w:rStyle w:val='Gone'/>", True),
        ("<w:rStyle w:val='Circle'/>", True),
        ("<w:strike w:val='false'/>", False),
        ("<w:strike w:val='0'/>", False),
        ("<w:rStyle w:val='Gone'/><w:dstrike w:val='0'/>", False),
        ("<w:rStyle w:val='unknown'/>", False),
    ],
)
def test_text_with_a_line_through_it_is_left_out(properties: str, struck: bool) -> None:
    parsed = read(
        word(f"<w:p>{run('The limit is ')}{marked('300 ', properties)}{run('450 euros.')}</w:p>", styles=STYLES)
    )
    assert texts(parsed) == ["The limit is 450 euros." if struck else "The limit is 300 450 euros."]


@pytest.mark.parametrize("style", ["Old", "Older"])
def test_a_paragraph_whose_style_strikes_it_through_is_left_out(style: str) -> None:
    kept = marked("kept", "<w:strike w:val='0'/>")
    parsed = read(word(
        f"<w:p><w:pPr><w:pStyle w:val='{style}'/></w:pPr>{run('two days ')}{kept}</w:p>",
        f"<w:p>{run('three days')}</w:p>",
        styles=STYLES,
    ))  # fmt: skip
    assert texts(parsed) == ["kept", "three days"]


def table(rows: list[list[str]]) -> str:
    cells = ("".join(f"<w:tc><w:p>{cell}</w:p></w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def test_struck_text_is_left_out_of_tables_boxes_notes_and_headers() -> None:
    old = marked("old ", "<w:strike/>")
    data = word(
        table([[f"{old}{run('fee')}", run("city")], [f"{old}{run('80')}", run("Hangzhou")]]),
        f"<w:p>{run('A box')}<w:r><w:rPr><w:strike/></w:rPr><w:pict><v:shape><v:textbox><w:txbxContent><w:p>{old}"
        f"{run('in the box')}</w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>",
        f"<w:p>{run('A note')}<w:r><w:footnoteReference w:id='2'/></w:r></w:p>",
        footnotes=f"<w:footnotes><w:footnote w:id='2'><w:p>{old}{run('at the foot')}</w:p></w:footnote></w:footnotes>",
    )
    document = Document(io.BytesIO(data))
    header = document.sections[0].header.paragraphs[0]
    header.add_run("old ").font.strike = True
    header.add_run("valid from May")
    changed = io.BytesIO()
    document.save(changed)
    assert texts(read(changed.getvalue())) == [
        "valid from May", "| fee | city |\n| --- | --- |\n| 80 | Hangzhou |", "A box", "in the box", "A note[1]",
        "[1] at the foot",
    ]  # fmt: skip


def link(text: str, identity: str = "web1") -> str:
    return f"<w:hyperlink r:id='{identity}'>{run(text)}</w:hyperlink>"


def field(instruction: str, *result: str) -> str:
    mark = "<w:r><w:fldChar w:fldCharType='{}'/></w:r>"
    said = f"<w:r><w:instrText xml:space='preserve'>{instruction}</w:instrText></w:r>"
    return f"{mark.format('begin')}{said}{mark.format('separate')}{''.join(result)}{mark.format('end')}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f"{link('the portal')}{run(' today')}", f"Use the portal ({PORTAL}) today"),
        (f"{link('the ')}<w:bookmarkEnd w:id='1'/>{link('portal')}", f"Use the portal ({PORTAL})"),
        (link(PORTAL), f"Use {PORTAL}"),
        (link("Anna", "post"), "Use Anna (anna@example.com)"),
        ("<w:hyperlink w:anchor='_Toc1'><w:r><w:t>chapter 2</w:t></w:r></w:hyperlink>", "Use chapter 2"),
        (f"<w:ins w:id='4'>{link('the portal')}</w:ins>", f"Use the portal ({PORTAL})"),
        (f"<w:hyperlink r:id='web1'>{marked('page 1', '<w:strike/>')}</w:hyperlink>{run('nothing')}", "Use nothing"),
        (field(f' HYPERLINK "{PORTAL}" \\o "Fees" ', run("the "), run("portal")), f"Use the portal ({PORTAL})"),
        (field(f" hyperlink {PORTAL} ", run("the portal")), f"Use the portal ({PORTAL})"),
        (field(f' HYPERLINK "{PORTAL}" \\l "top" ', run("the portal")), f"Use the portal ({PORTAL}#top)"),
        (field(f' HYPERLINK "{PORTAL}" ', field(" DATE ", run("today"))), f"Use today ({PORTAL})"),
        (field(' HYPERLINK \\l "_Toc1" ', run("chapter 2")), "Use chapter 2"),
        (field(' HYPERLINK "rules.docx" ', run("the rules")), "Use the rules (rules.docx)"),
        (f"<w:fldSimple w:instr=' HYPERLINK &quot;{PORTAL}&quot; '>{run('the portal')}</w:fldSimple>",
         f"Use the portal ({PORTAL})"),
        (link("the portal", "unknown"), "Use the portal"),
    ],
)  # fmt: skip
def test_a_link_says_where_it_leads(written: str, expected: str) -> None:
    data = word(f"<w:p>{run('Use ')}{written}</w:p>")
    assert texts(read(related(data, {"web1": PORTAL, "post": "mailto:anna@example.com"}))) == [expected]


def test_a_picture_that_is_a_link_says_where_it_leads() -> None:
    names = "xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main'"
    drawing = f"<w:drawing><a:hlinkClick {names} r:id='web1'/><a:hlinkClick {names} r:id='web1'/></w:drawing>"
    data = related(word(f"<w:p>{run('Portal')}<w:r>{drawing}</w:r></w:p>"), {"web1": PORTAL})
    assert texts(read(data)) == ["Portal", PORTAL]


def test_links_in_tables_lists_headings_and_notes_say_where_they_lead() -> None:
    data = word(
        f"<w:p><w:pPr><w:pStyle w:val='ListBullet'/></w:pPr>{link('fees')}</w:p>",
        table([[run("System"), run("Owner")], [link("fees"), run("Finance")]]),
        f"<w:p>{run('A note')}<w:r><w:footnoteReference w:id='2'/></w:r></w:p>",
        footnotes=f"<w:footnotes><w:footnote w:id='2'><w:p>{link('fees', 'foot1')}</w:p></w:footnote></w:footnotes>",
    )
    data = related(related(data, {"web1": PORTAL}), {"foot1": f"{PORTAL}/note"}, "footnotes")
    assert texts(read(data)) == [
        f"fees ({PORTAL})", f"| System | Owner |\n| --- | --- |\n| fees ({PORTAL}) | Finance |", "A note[1]",
        f"[1] fees ({PORTAL}/note)",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["paragraph", "character"])
def test_text_whose_style_hides_it_is_left_out(kind: str) -> None:
    style = f'<w:style w:type="{kind}" w:styleId="s"><w:name w:val="s"/><w:rPr><w:vanish/></w:rPr></w:style>'
    seen = '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>seen</w:t></w:r>'
    of_paragraph = f'<w:p><w:pPr><w:pStyle w:val="s"/></w:pPr>{run("secret")}{seen}</w:p>'
    of_letters = f'<w:p>{run("seen")}<w:r><w:rPr><w:rStyle w:val="s"/></w:rPr><w:t>secret</w:t></w:r></w:p>'
    assert texts(read(word(of_paragraph if kind == "paragraph" else of_letters, styles=style))) == ["seen"]


def test_a_hidden_picture_and_a_hidden_box_are_left_out() -> None:
    box = f"<w:pict><v:shape><v:textbox><w:txbxContent><w:p>{run('secret')}</w:p></w:txbxContent></v:textbox></v:shape>"
    hidden = f"<w:r><w:rPr><w:vanish/></w:rPr>{box}</w:pict></w:r>"
    assert texts(read(word(f"<w:p>{run('seen')}{hidden}</w:p>"))) == ["seen"]
