"""Pictures in web pages, Markdown, notebooks, mails, e-books, open documents, RTF, headers of Word: read where they
stand, or counted.
"""

from __future__ import annotations

import base64
import io
import json
import zipfile
from email.message import EmailMessage

from docx import Document
from PIL import Image, ImageDraw, ImageFont

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings


def picture(text: str) -> bytes:
    image = Image.new("L", (420, 120), 255)
    ImageDraw.Draw(image).text((60, 40), text, fill=0, font=ImageFont.load_default(32))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def in_page(text: str) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture(text)).decode()}"


def read(data: str | bytes, name: str, **settings: bool) -> ParsedDocument:
    content = data.encode() if isinstance(data, str) else data
    return parse(Reference("local", name, name, len(content), 0, content=content), IngestSettings(**settings))


def texts(document: ParsedDocument) -> list[str]:
    return [element.text for element in document.elements]


def test_a_picture_in_the_address_itself_is_read_behind_its_paragraph_or_in_its_cell() -> None:
    rows = f"<tr><th>Part</th><th>Plate</th></tr><tr><td>Pump</td><td><img src='{in_page('Serial 4711')}'></td></tr>"
    page = f"<p>Before <img src='{in_page('Desk 8301')}' alt='Desk'> it</p><p>After it</p><table>{rows}</table>"
    found = texts(read(page, "a.html"))
    assert found.index("Desk 8301") < found.index("After it")
    assert found[-1].splitlines()[-1] == "| Pump | Serial 4711 |"


def test_a_picture_outside_a_page_is_counted_once_unless_it_is_an_icon_or_hidden() -> None:
    images = "<img src='a.png'><img src='a.png'><img src='https://e.com/b.jpg'>"
    unseen = "<img width=1 src='p.gif'><div hidden><img src='h.png'></div><nav><img src='n.png'></nav>"
    assert read(f"<p>Words of it</p>{images}{unseen}", "a.html").notes == {"pictures_not_read": 2}
    assert read("Words of it\n\n![plan](plan.png)", "a.md").notes == {"pictures_not_read": 1}


def test_a_damaged_address_and_ocr_that_is_off_are_counted() -> None:
    page = "<p>Words of it</p><img src='data:image/png;base64,!'><img src='data:text/html,x'>"
    assert read(page, "a.html").notes == {"pictures_not_read": 2}
    page = f"<p>Words of it</p><img src='{in_page('Desk 8301')}'>"
    assert read(page, "a.html", ocr_embedded=False).notes == {"pictures_not_read": 1}


def test_drawings_in_an_address_are_read_without_ocr() -> None:
    svg = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E%3Ctext%3EDesk 8301%3C/text%3E%3C/svg%3E"
    document = read(f'<p>Words of it</p><img src="{svg}">', "a.html", ocr=False)
    assert (texts(document)[-1], document.notes) == ("Desk 8301", {})


def test_a_picture_of_markdown_whose_address_stands_below_is_read() -> None:
    document = read(f"# Desk\n\n![plate][one]\n\nAfter it\n\n[one]: <{in_page('Serial 4711')}>\n", "a.md")
    found = texts(document)
    assert found.index("Serial 4711") < found.index("After it")


def test_a_plot_of_a_notebook_is_read_behind_its_cell() -> None:
    plot = {"data": {"image/png": base64.b64encode(picture("Serial 4711")).decode()}}
    cells = [{"cell_type": "code", "source": "plot()", "outputs": [plot]}, {"cell_type": "markdown", "source": "After"}]
    assert texts(read(json.dumps({"nbformat": 4, "cells": cells}), "a.ipynb")) == ["plot()", "Serial 4711", "After"]


def test_a_picture_that_the_body_of_a_mail_shows_is_read_in_its_place_and_others_behind_it() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Desk"
    mail.set_content("see the page")
    mail.add_alternative("<p>Before it</p><img src='cid:one'><p>After it</p>", subtype="html")
    page = mail.get_payload()[1]
    page.add_related(picture("Desk 8301"), "image", "png", cid="<one>")
    page.add_related(picture("Serial 4711"), "image", "png", cid="<two>")
    document = read(mail.as_bytes(), "a.eml")
    assert texts(document) == ["Desk", "Before it", "Desk 8301", "After it", "Serial 4711"]
    assert document.notes == {}
    assert read(mail.as_bytes(), "a.eml", ocr=False).notes == {"pictures_not_read": 2}


def test_a_picture_of_an_electronic_book_is_read_in_its_chapter() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", '<c><r full-path="o/a.opf"/></c>')
        listed = '<manifest><item id="a" href="t/a.xhtml"/></manifest><spine><itemref idref="a"/></spine>'
        archive.writestr("o/a.opf", f"<package>{listed}</package>")
        body = "<p>Before it</p><img src='../i/a%20b.png'/><p>After it</p>"
        archive.writestr("o/t/a.xhtml", f"<html><body>{body}</body></html>")
        archive.writestr("o/i/a b.png", picture("Serial 4711"))
    assert texts(read(stream.getvalue(), "a.epub")) == ["Before it", "Serial 4711", "After it"]


def test_pictures_on_open_sheets_are_read_with_their_cells() -> None:
    odf = 'xmlns:{0}="urn:oasis:names:tc:opendocument:xmlns:{1}:1.0"'
    kinds = {"office": "office", "table": "table", "text": "text", "draw": "drawing"}
    names = " ".join(odf.format(*kind) for kind in kinds.items()) + ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    image = '<draw:frame><draw:image xlink:href="{}"/></draw:frame>'
    cell = "<table:table-cell>{}</table:table-cell>"
    row = f"<table:table-row>{cell.format('<text:p>Part</text:p>')}{cell}</table:table-row>"
    shapes = f"<table:shapes>{image.format('Pictures/b.png')}{image.format('Pictures/gone.png')}</table:shapes>"
    table = f'<table:table table:name="Stock">{shapes}{row.format(image.format("./Pictures/a.png"))}</table:table>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", f"<office:document-content {names}><office:body><office:spreadsheet>{table}"
                         "</office:spreadsheet></office:body></office:document-content>")  # fmt: skip
        archive.writestr("Pictures/a.png", picture("Serial 4711"))
        archive.writestr("Pictures/b.png", picture("Desk 8301"))
    document = read(stream.getvalue(), "a.ods")
    places = [(element.text, element.location.sheet, element.location.cells) for element in document.elements[-2:]]
    assert places == [("Desk 8301", "Stock", None), ("Serial 4711", "Stock", "B1:B1")]
    assert document.notes == {"pictures_not_read": 1}


def test_a_picture_in_a_cell_of_an_open_text_is_the_text_of_the_cell() -> None:
    odf = 'xmlns:{0}="urn:oasis:names:tc:opendocument:xmlns:{1}:1.0"'
    kinds = {"office": "office", "table": "table", "text": "text", "draw": "drawing"}
    names = " ".join(odf.format(*kind) for kind in kinds.items()) + ' xmlns:xlink="http://www.w3.org/1999/xlink"'
    shown = '<draw:frame><draw:image xlink:href="Pictures/a.png"/></draw:frame>'
    rows = [("Part", "Plate"), ("Pump", shown)]
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    table = "".join(f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>" for row in rows)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        body = f"<office:body><office:text><table:table>{table}</table:table></office:text></office:body>"
        archive.writestr("content.xml", f"<office:document-content {names}>{body}</office:document-content>")
        archive.writestr("Pictures/a.png", picture("Serial 4711"))
    assert texts(read(stream.getvalue(), "a.odt"))[-1].splitlines()[-1] == "| Pump | Serial 4711 |"


def test_pictures_of_rich_text_are_read_once_in_their_place_or_in_their_cell() -> None:
    def drawn(text: str) -> str:
        digits = picture(text).hex()
        lines = "\n".join(digits[start : start + 120] for start in range(0, len(digits), 120))
        twin = "{\\nonshppict{\\pict\\wmetafile8 0100090000}}"
        return f"{{\\*\\shppict{{\\pict\\pngblip {lines}}}}}{twin}"

    row = "\\pard\\intbl Part\\cell Plate\\cell\\row \\pard\\intbl Pump\\cell {}\\cell\\row"
    words = f"{{\\rtf1 Before it{drawn('Desk 8301')}\\par After it\\par {row.format(drawn('Serial 4711'))}\\pard\\par}}"
    document = read(words, "a.rtf")
    assert texts(document)[:3] == ["Before it", "Desk 8301", "After it"]
    assert document.elements[3].text.splitlines()[-1] == "| Pump | Serial 4711 |"
    assert document.notes == {}
    assert read("{\\rtf1 Words{\\pict\\pngblip 89504e47}\\par}", "a.rtf").notes == {"pictures_not_read": 1}


def test_a_picture_in_the_header_of_a_word_document_is_read() -> None:
    word = Document()
    word.add_paragraph("Words of the body")
    word.sections[0].header.paragraphs[0].add_run().add_picture(io.BytesIO(picture("Northwind Trading")))
    stream = io.BytesIO()
    word.save(stream)
    assert sorted(texts(read(stream.getvalue(), "a.docx"))) == ["Northwind Trading", "Words of the body"]
