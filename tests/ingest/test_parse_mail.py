"""Mail and what is attached to it: read by the same readers, below the attachment's name, each at its own cost."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage
from typing import Any

import openpyxl
from docx import Document

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings


def read(data: bytes, name: str = "mail.eml", **settings: Any) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False, **settings))


def mail(subject: str = "Quarterly figures", body: str | None = "Please find them attached.") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "Li Fang <li@example.com>", "all@example.com"
    if body is not None:
        message.set_content(body)
    return message


def attach(message: EmailMessage, data: bytes, name: str, kind: str = "application/octet-stream") -> None:
    main, sub = kind.split("/")
    message.add_attachment(data, maintype=main, subtype=sub, filename=name)


def word(*paragraphs: str, heading: str = "") -> bytes:
    document = Document()
    if heading:
        document.add_heading(heading, 1)
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Costs"
    for row in (("Item", "Cost"), ("Desk", 120)):
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_attachments_are_read_by_the_reader_of_their_kind_below_their_name() -> None:
    message = mail()
    attach(message, word("Revenue grew by 12 percent.", heading="营收"), "报告.docx")
    attach(message, workbook(), "costs.bin")
    parsed = read(message.as_bytes())
    by_text = {element.text: element.location for element in parsed.elements}
    assert by_text["Revenue grew by 12 percent."].heading_path == ("Attachment: 报告.docx", "营收")
    assert by_text["| Item | Cost |\n| --- | --- |\n| Desk | 120 |"].heading_path == ("Attachment: costs.bin", "Costs")
    assert by_text["| Item | Cost |\n| --- | --- |\n| Desk | 120 |"].sheet == "Costs"
    assert by_text["| Item | Cost |\n| --- | --- |\n| Desk | 120 |"].cells == "A1:B2"
    assert by_text["Please find them attached."].heading_path == ()


def test_an_attachment_that_cannot_be_read_costs_one_line() -> None:
    message = mail()
    attach(message, word("whole")[:3000], "broken.docx")
    attach(message, bytes(range(256)) * 20, "program.exe")
    attach(message, b"", "nothing.txt")
    attach(message, b"the last one is fine", "notes.txt")
    parsed = read(message.as_bytes())
    lines = [element.text for element in parsed.elements if "was not read" in element.text]
    assert [line.split(". ")[1].split(":")[0] for line in lines] == ["broken.docx", "program.exe"]
    assert "No text was found in this attachment." in parsed.text
    assert parsed.elements[-1].text == "the last one is fine"


def test_the_files_of_an_attached_archive_are_attachments_too() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("报价/价格.txt", "每台三千元。")
        archive.writestr("空.txt", "")
        archive.writestr("inner.zip", zipped("deep.md", "# Deep\n\nStill read."))
    message = mail()
    attach(message, packed.getvalue(), "资料.zip")
    text = read(message.as_bytes()).text
    assert "Attachment: 资料.zip\n\nAttachment: 报价/价格.txt\n\n每台三千元。" in text
    assert "Attachment: 空.txt\n\nNo text was found in this attachment." in text
    assert text.endswith("Attachment: deep.md\n\nDeep\n\nStill read.")


def test_a_packed_attachment_needs_its_password_and_a_bomb_is_not_unpacked() -> None:
    message = mail()
    attach(message, zipped("bomb.txt", "0" * 400_000_000), "bomb.zip")
    assert "would unpack to 381 MiB" in read(message.as_bytes()).text
    locked = bytearray(zipped("a.txt", "words"))
    for start in (locked.find(b"PK\x03\x04") + 6, locked.find(b"PK\x01\x02") + 8):
        locked[start] |= 1  # says that it is encrypted
    message = mail()
    attach(message, bytes(locked), "locked.zip")
    text = read(message.as_bytes()).text
    assert text.endswith("Attachment: a.txt\n\nThis attachment was not read. It is protected by a password.")


def zipped(name: str, text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return packed.getvalue()


def test_a_mail_with_nothing_but_an_attachment_is_a_document() -> None:
    message = EmailMessage()
    attach(message, "合同正文，共三条。".encode("gb18030"), "合同.txt", "text/plain")
    parsed = read(message.as_bytes())
    assert [element.text for element in parsed.elements] == ["Attachment: 合同.txt", "合同正文，共三条。"]


def test_a_forwarded_mail_keeps_its_own_attachments() -> None:
    inner = mail("The contract", "See the file.")
    attach(inner, b"Clause one.", "contract.txt", "text/plain")
    outer = mail("Fwd: The contract", "For your information.")
    outer.add_attachment(inner)
    found = {element.text: element.location.heading_path for element in read(outer.as_bytes()).elements}
    assert found["See the file."] == ("Attachment: The contract.eml", "The contract")
    assert found["Clause one."] == ("Attachment: The contract.eml", "Attachment: contract.txt")


def test_mails_in_mails_end_somewhere() -> None:
    message = mail("the innermost")
    for number in range(12):
        outer = mail(f"number {number}")
        outer.add_attachment(message)
        message = outer
    parsed = read(message.as_bytes())
    assert "documents deep inside others" in parsed.elements[-1].text
    assert "the innermost" not in parsed.text


def test_of_a_body_in_two_forms_only_one_is_read_and_logos_are_not_attachments() -> None:
    message = mail(body="Plain words for old programs")
    message.add_alternative("<h1>News</h1><p>Formatted words</p><img src='cid:logo'>", subtype="html")
    part = message.get_payload()[1]
    part.add_related(b"\x89PNG....", "image", "png", cid="<logo>")
    attach(message, b"agenda", "agenda.txt", "text/plain")
    parsed = read(message.as_bytes())
    assert [element.text for element in parsed.elements][2:] == [
        "News", "Formatted words", "Attachment: agenda.txt", "agenda",
    ]  # fmt: skip


def test_an_attached_page_is_decoded_as_the_mail_says() -> None:
    message = mail()
    message.add_attachment("<p>Très cher été</p>", subtype="html", charset="iso-8859-1", filename="page.html")
    assert "Très cher été" in read(message.as_bytes()).text


def test_malformed_headers_and_wrong_charsets_lose_nothing_else() -> None:
    raw = (
        b"From: =?nonsense?Q?=ff=fe?= <a@b\nSubject: \xb2\xe2\xca\xd4\nTo: ;;;@@\nDate: yesterday\nMIME-Version: 1.0\n"
        b"Content-Type: text/plain; charset=no-such-charset\nContent-Transfer-Encoding: 8bit\n\n"
        + "内容完好，没有丢失任何一个字。".encode("gb18030")
    )
    assert "内容完好，没有丢失任何一个字。" in read(raw).text


def test_attachments_that_are_not_read_are_counted() -> None:
    message = mail()
    attach(message, bytes(range(256)) * 40, "noise.bin")
    attach(message, word("Read."), "a.docx")
    assert read(message.as_bytes()).notes == {"parts_not_read": 1}
    assert read(mail().as_bytes()).notes == {}
