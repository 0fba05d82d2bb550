"""What Word documents say outside their paragraphs: tracked changes, text boxes, notes, comments, pictures, numbers."""

from __future__ import annotations

import io
import zipfile

from docx import Document
from docx.oxml import parse_xml
from docx.shared import Inches
from PIL import Image, ImageDraw, ImageFont

from tests.ingest.tiny_word import NAMES, read, run, texts, word


def test_tracked_changes_are_read_as_accepted() -> None:
    parsed = read(word(
        f"<w:p>{run('The fee is ')}<w:del w:id='1'><w:r><w:delText>80</w:delText></w:r></w:del>"
        f"<w:ins w:id='2'>{run('95')}</w:ins>{run(' euros.')}</w:p>",
        f"<w:p><w:moveFrom w:id='3'>{run('moved away')}</w:moveFrom>"
        f"<w:moveTo w:id='4'>{run('moved here')}</w:moveTo></w:p>",
        f"<w:tbl><w:tr><w:tc><w:p>{run('kept')}</w:p></w:tc></w:tr>"
        f"<w:tr><w:trPr><w:del w:id='5'/></w:trPr><w:tc><w:p>{run('deleted row')}</w:p></w:tc></w:tr>"
        f"<w:tr><w:trPr><w:ins w:id='6'/></w:trPr><w:tc><w:p>{run('added row')}</w:p></w:tc></w:tr></w:tbl>",
    ))  # fmt: skip
    assert texts(parsed) == ["The fee is 95 euros.", "moved here", "kept", "added row"]


def test_a_text_box_follows_the_paragraph_that_holds_it_and_is_said_once() -> None:
    box = f"<w:txbxContent><w:p>{run('Inside the box')}</w:p></w:txbxContent>"
    parsed = read(word(
        f"<w:p>{run('Before')}<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:wsp><wps:txbx>{box}"
        f"</wps:txbx></wps:wsp></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict>"
        f"</mc:Fallback></mc:AlternateContent></w:r></w:p>",
        f"<w:p>{run('After')}</w:p>",
    ))  # fmt: skip
    assert texts(parsed) == ["Before", "Inside the box", "After"]


def test_content_controls_formulas_ruby_and_fields_are_text_and_contents_lists_are_not() -> None:
    parsed = read(word(
        "<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj></w:sdtPr>"
        f"<w:sdtContent><w:p>{run('Chapter one 7')}</w:p></w:sdtContent></w:sdt>",
        f"<w:sdt><w:sdtContent><w:p>{run('Filled into a form')}</w:p></w:sdtContent></w:sdt>",
        f"<w:p>{run('Energy is ')}<m:oMath><m:r><m:t>E=mc²</m:t></m:r></m:oMath></w:p>",
        "<w:p><w:r><w:ruby><w:rt><w:r><w:t>とうきょう</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>東京</w:t></w:r></w:rubyBase>"
        f"</w:ruby></w:r><w:fldSimple w:instr='DATE'>{run(' 2025-03-01')}</w:fldSimple></w:p>",
        f"<w:p>{run('Seen')}<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden words</w:t></w:r></w:p>",
    ))  # fmt: skip
    assert texts(parsed) == ["Filled into a form", "Energy is E=mc²", "東京 2025-03-01", "Seen"]


NOTES = {
    "footnotes": f"<w:footnotes><w:footnote w:type='separator' w:id='-1'><w:p>{run('-----')}</w:p></w:footnote>"
    f"<w:footnote w:id='2'><w:p>{run(' Subject to approval.')}</w:p></w:footnote></w:footnotes>",
    "endnotes": f"<w:endnotes><w:endnote w:id='2'><w:p>{run('See annex B.')}</w:p></w:endnote></w:endnotes>",
    "comments": f"<w:comments><w:comment w:id='7' w:author='Wang'><w:p>{run('Is this still true?')}</w:p></w:comment>"
    "</w:comments>",
}
NOTED = (
    f"<w:p>{run('Bonuses are paid in May')}<w:r><w:footnoteReference w:id='2'/></w:r>{run(' or June')}"
    "<w:r><w:endnoteReference w:id='2'/></w:r><w:r><w:commentReference w:id='7'/></w:r></w:p>",
    f"<w:p>{run('Next paragraph')}</w:p>",
)


def test_footnotes_and_endnotes_follow_the_paragraph_that_refers_to_them() -> None:
    assert texts(read(word(*NOTED, **NOTES))) == [
        "Bonuses are paid in May[1] or June[2]", "[1] Subject to approval.", "[2] See annex B.", "Next paragraph",
    ]  # fmt: skip


def test_comments_are_read_only_where_the_setting_asks_for_them() -> None:
    assert "still true" not in read(word(*NOTED, **NOTES)).text
    assert "Comment (Wang): Is this still true?" in texts(read(word(*NOTED, **NOTES), comments=True))


def test_chinese_numbers_of_articles_are_part_of_the_text() -> None:
    levels = "".join(
        f"<w:lvl w:ilvl='{level}'><w:start w:val='1'/><w:numFmt w:val='{kind}'/><w:lvlText w:val='{text}'/></w:lvl>"
        for level, (kind, text) in enumerate([("chineseCountingThousand", "第%1条"), ("decimal", "（%2）")])
    )
    numbering = f"<w:abstractNum w:abstractNumId='77'>{levels}</w:abstractNum>"
    document = Document()
    root = document.part.numbering_part.element
    root.insert(0, parse_xml(numbering.replace(">", f" {NAMES}>", 1)))
    root.append(parse_xml(f"<w:num {NAMES} w:numId='77'><w:abstractNumId w:val='77'/></w:num>"))
    for number in range(12):
        paragraph = document.add_paragraph(f"条文{number}")
        properties = f"<w:numPr {NAMES}><w:ilvl w:val='{int(number == 1)}'/><w:numId w:val='77'/></w:numPr>"
        paragraph._p.get_or_add_pPr().append(parse_xml(properties))
    stream = io.BytesIO()
    document.save(stream)
    found = texts(read(stream.getvalue()))
    assert found[0].startswith("第一条")
    assert found[1].startswith("（1）")
    assert found[-1].startswith("第十一条")


def test_nested_lists_keep_every_item_in_order() -> None:
    document = Document()
    for style, text in [("", "first"), (" 2", "under first"), (" 3", "deeper"), ("", "second")]:
        document.add_paragraph(text, style=f"List Bullet{style}")
    stream = io.BytesIO()
    document.save(stream)
    parsed = read(stream.getvalue())
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("list_item", text) for text in ("first", "under first", "deeper", "second")
    ]


def picture(words: str) -> io.BytesIO:
    image = Image.new("RGB", (500, 90), "white")
    ImageDraw.Draw(image).text((20, 20), words, fill=0, font=ImageFont.load_default(36))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream


def test_pictures_are_read_in_their_place_once_and_only_where_asked_for() -> None:
    document = Document()
    document.add_paragraph("Before the picture")
    document.add_picture(picture("Voltage 230"), width=Inches(4))
    document.add_picture(picture("Voltage 230"), width=Inches(4))
    document.add_paragraph("After the picture")
    stream = io.BytesIO()
    document.save(stream)
    assert texts(read(stream.getvalue(), ocr=True)) == ["Before the picture", "Voltage 230", "After the picture"]
    assert "Voltage" not in read(stream.getvalue(), ocr=True, ocr_embedded=False).text
    assert "Voltage" not in read(stream.getvalue(), ocr=False).text


def renamed(data: bytes, old: bytes, new: bytes, suffixes: tuple[str, ...] = ("[Content_Types].xml",)) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(changed, "w") as copy:
        for member in archive.namelist():
            text = archive.read(member)
            copy.writestr(member, text.replace(old, new) if member.endswith(suffixes) else text)
    return changed.getvalue()


def test_templates_files_with_macros_and_strict_files_are_read_like_any_other() -> None:
    plain = word(f"<w:p>{run('The same words')}</w:p>")
    main = b"vnd.openxmlformats-officedocument.wordprocessingml.document.main"
    for variant in (
        b"vnd.openxmlformats-officedocument.wordprocessingml.template.main",
        b"vnd.ms-word.document.macroEnabled.main",
        b"vnd.ms-word.template.macroEnabledTemplate.main",
    ):
        assert read(renamed(plain, main, variant), "a.docm").text == "The same words"
    strict = plain
    for family in (b"officeDocument", b"wordprocessingml", b"drawingml"):
        ours, theirs = b"http://schemas.openxmlformats.org/%s/2006" % family, b"http://purl.oclc.org/ooxml/%s" % family
        strict = renamed(strict, ours, theirs, (".xml", ".rels"))
    assert strict != plain
    assert read(strict).text == "The same words"
