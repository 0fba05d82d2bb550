"""Drawings in Office files: SVG pictures are read by their letters, and texts and links of VML shapes are read."""

from __future__ import annotations

import io
import re
import zipfile

import openpyxl
import pptx
import pytest
from docx import Document
from docx.oxml import parse_xml
from openpyxl.drawing.image import Image as SheetImage
from PIL import Image

from tests.ingest.test_parse_html_marks import texts
from tests.ingest.test_parse_page_pictures import picture
from tests.ingest.tiny_word import NAMES, read, word

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><text>Desk 8301</text></svg>'
OUTLINED = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_BLIP = (
    '<a:extLst><a:ext uri="{96DAC541-7B7A-43D3-8B79-37D633B846F1}"><asvg:svgBlip '
    'xmlns:asvg="http://schemas.microsoft.com/office/drawing/2016/SVG/main" '
    f'xmlns:r="{_RELATIONS}" r:embed="rId900"/></a:ext></a:extLst>'
)


def in_word(shown: bytes) -> bytes:
    document, stream = Document(), io.BytesIO()
    document.add_paragraph("Words")
    document.add_picture(io.BytesIO(shown))
    document.save(stream)
    return stream.getvalue()


def in_slides(shown: bytes) -> bytes:
    deck, stream = pptx.Presentation(), io.BytesIO()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Words"
    slide.shapes.add_picture(io.BytesIO(shown), 0, 0)
    deck.save(stream)
    return stream.getvalue()


def in_sheet(shown: bytes) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"] = "Words"
    book.active.add_image(SheetImage(Image.open(io.BytesIO(shown))), "C3")
    book.save(stream)
    return stream.getvalue()


def in_open_text(*files: bytes) -> bytes:
    """An ODT with a frame that has the same picture in several formats."""
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for name, long in (("office", "office"), ("text", "text"), ("draw", "drawing"))
    )
    images = "".join(f'<draw:image xlink:href="Pictures/{place}"/>' for place in range(len(files)))
    body = f"<text:p>Words</text:p><text:p><draw:frame>{images}</draw:frame></text:p>"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        content = f"<office:body><office:text>{body}</office:text></office:body>"
        names += ' xmlns:xlink="http://www.w3.org/1999/xlink"'
        archive.writestr("content.xml", f"<office:document-content {names}>{content}</office:document-content>")
        for place, data in enumerate(files):
            archive.writestr(f"Pictures/{place}", data)
    return stream.getvalue()


def with_svg(data: bytes, part: str, svg: bytes) -> bytes:
    """The same Office file with an SVG for its picture, as Office stores it beside a picture of pixels."""
    folder, name = part.rsplit("/", 1)
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == part:
                content = re.sub(rb"(<a:blip [^>]*?)/>", rb"\1>" + _BLIP.encode() + b"</a:blip>", content)
                assert b"svgBlip" in content
            elif member == f"{folder}/_rels/{name}.rels":
                added = f'<Relationship Id="rId900" Type="{_RELATIONS}/image" Target="/media/a.svg"/></Relationships>'
                content = content.replace(b"</Relationships>", added.encode())
            elif member == "[Content_Types].xml":
                added = '<Default Extension="svg" ContentType="image/svg+xml"/></Types>'
                content = content.replace(b"</Types>", added.encode())
            new.writestr(member, content)
        new.writestr("media/a.svg", svg)
    return changed.getvalue()


@pytest.mark.parametrize(
    ("made", "part", "name"),
    [
        (in_word, "word/document.xml", "a.docx"),
        (in_slides, "ppt/slides/slide1.xml", "a.pptx"),
        (in_sheet, "xl/drawings/drawing1.xml", "a.xlsx"),
        (in_open_text, "", "a.odt"),
    ],
)
def test_an_svg_is_read_by_its_letters_and_what_stands_in_for_it_if_it_has_none(made, part: str, name: str) -> None:
    shown = picture("Serial 4711")

    def both(svg: bytes) -> bytes:
        return with_svg(made(shown), part, svg) if part else made(svg, shown)

    lettered = read(both(SVG), name)
    assert texts(lettered)[-2:] == ["Words", "Desk 8301"]
    assert not lettered.notes
    assert texts(read(both(SVG), name, ocr=True))[-2:] == ["Words", "Desk 8301"]
    assert read(both(OUTLINED), name).notes == {"pictures_not_read": 1}
    assert texts(read(both(OUTLINED), name, ocr=True))[-2:] == ["Words", "Serial 4711"]


RUN = "<w:p><w:r><w:t>前</w:t></w:r><w:r><w:pict>{}</w:pict></w:r></w:p>"
BOX = "<v:textbox><w:txbxContent><w:p><w:r><w:t>填写申请</w:t></w:r></w:p></w:txbxContent></v:textbox>"


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (f'<v:shape href="https://corp.example/form">{BOX}</v:shape>', ["填写申请 (https://corp.example/form)"]),
        (f'<v:group href="https://corp.example/form"><v:shape>{BOX}</v:shape></v:group>',
         ["填写申请 (https://corp.example/form)"]),
        ('<v:group><v:rect alt="门" href="https://corp.example/d"/><v:rect href="https://corp.example/e"/></v:group>',
         ["门 (https://corp.example/d)", "https://corp.example/e"]),
        ('<v:shape href="#place" alt="图"/>', []),
        ('<v:shape><v:textpath string="安全第一"/></v:shape>', ["安全第一"]),
    ],
)  # fmt: skip
def test_texts_and_links_of_vml_shapes_are_read(shape: str, said: list[str]) -> None:
    assert texts(read(word(RUN.format(shape)))) == ["前", *said]


def test_a_click_on_a_text_box_leads_where_its_last_text_says() -> None:
    document, stream = Document(), io.BytesIO()
    link = document.part.relate_to("https://corp.example/form", f"{_RELATIONS}/hyperlink", is_external=True)
    drawn = (
        f'<w:p {NAMES} xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:wp="http://schemas.'
        'openxmlformats.org/drawingml/2006/wordprocessingDrawing"><w:r><w:drawing><wp:inline><wp:docPr id="1" '
        f'name="a" descr="框"><a:hlinkClick r:id="{link}"/></wp:docPr><wps:wsp><wps:txbx>{BOX[11:-12]}</wps:txbx>'
        "</wps:wsp></wp:inline></w:drawing></w:r></w:p>"
    )
    document.element.body.insert(0, parse_xml(drawn))
    document.save(stream)
    assert texts(read(stream.getvalue())) == ["填写申请 (https://corp.example/form)"]


def test_text_boxes_of_headers_are_read_and_watermarks_and_page_numbers_are_not() -> None:
    document, stream = Document(), io.BytesIO()
    document.add_paragraph("正文")
    header, footer = document.sections[0].header, document.sections[0].footer
    for margin, shape in (
        (header, f"<v:shape>{BOX.replace('填写申请', '安全环保部')}</v:shape>"),
        (header, '<v:shape id="PowerPlusWaterMarkObject1"><v:textpath string="机密"/></v:shape>'),
        (footer, f"<v:shape>{BOX.replace('填写申请', '- 3 -')}</v:shape>"),
    ):
        margin._element.append(parse_xml(f"<w:p {NAMES}><w:r><w:pict>{shape}</w:pict></w:r></w:p>"))
    document.save(stream)
    assert sorted(texts(read(stream.getvalue()))) == ["安全环保部", "正文"]


def test_a_picture_in_word_that_is_only_linked_is_counted() -> None:
    assert read(word(RUN.format('<v:shape><v:imagedata r:id="rId99"/></v:shape>'))).notes == {"pictures_not_read": 1}


def test_a_film_of_the_web_in_word_is_counted() -> None:
    film = "http://schemas.microsoft.com/office/word/2012/wordprocessingDrawing"
    shown = RUN.format(f'<wp15:webVideoPr xmlns:wp15="{film}" embeddedHtml="" h="9" w="16"/>')
    assert read(word(shown)).notes == {"parts_not_read": 1}


def test_films_in_opendocument_files_are_counted() -> None:
    content = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:xlink="http://www.w3.org/1999/xlink">'
        "<office:body><office:presentation><draw:page><draw:frame><draw:text-box><text:p>操作演示</text:p>"
        '</draw:text-box></draw:frame><draw:frame><draw:plugin xlink:href="Media/a.mp4"/></draw:frame></draw:page>'
        "</office:presentation></office:body></office:document-content>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.presentation")
        archive.writestr("content.xml", content)
    parsed = read(stream.getvalue(), "film.odp")
    assert (texts(parsed), parsed.notes) == (["操作演示"], {"parts_not_read": 1})
