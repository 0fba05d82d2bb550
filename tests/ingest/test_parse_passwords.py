"""Protected Office files: opened by the passwords of the settings, or refused with a way out."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage

import msoffcrypto
import openpyxl
import pytest
from docx import Document

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings

PASSWORD = "openn, sesame 芝麻"


def read(data: bytes, name: str, *passwords: str) -> ParsedDocument:
    settings = IngestSettings(ocr=False, passwords=passwords)  # type: ignore[arg-type]
    return parse(Reference("local", name, name, len(data), 0, content=data), settings)


def locked(document: object, password: str = PASSWORD) -> bytes:
    plain, protected = io.BytesIO(), io.BytesIO()
    document.save(plain)  # type: ignore[attr-defined]
    msoffcrypto.OfficeFile(plain).encrypt(password, protected)
    return protected.getvalue()


def document() -> bytes:
    written = Document()
    written.add_paragraph("Only for those who know")
    return locked(written)


def test_the_password_among_those_given_opens_the_document() -> None:
    parsed = read(document(), "secret.docx", "wrong", PASSWORD, "never tried")
    assert (parsed.kind, parsed.text) == ("docx", "Only for those who know")


@pytest.mark.parametrize("passwords", [(), ("wrong",), ("wrong", "wrong too")])
def test_without_its_password_it_is_refused_and_no_password_is_told(passwords: tuple[str, ...]) -> None:
    with pytest.raises(DocumentError) as caught:
        read(document(), "secret.docx", *passwords)
    assert caught.value.code == "encrypted"
    assert "YOUJU_PASSWORDS" in caught.value.hint
    assert not any(password in str(caught.value) + repr(caught.value.__cause__) for password in passwords)


def test_a_workbook_that_excel_opens_without_asking_is_opened() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "Structure protected"
    assert "Structure protected" in read(locked(book, "VelvetSweatshop"), "a.xlsx").text


def test_passwords_are_secrets_in_the_settings() -> None:
    assert PASSWORD not in repr(IngestSettings(passwords=(PASSWORD,)))  # type: ignore[arg-type]


def test_open_documents_with_a_password_are_known_as_such() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("META-INF/manifest.xml", "<m><file-entry><encryption-data/></file-entry></m>")
        archive.writestr("content.xml", b"\x07\x08 noise")
    with pytest.raises(DocumentError) as caught:
        read(stream.getvalue(), "a.odt")
    assert caught.value.code == "encrypted"


def test_an_attachment_is_opened_by_the_same_passwords() -> None:
    mail = EmailMessage()
    mail["Subject"] = "The file"
    mail.set_content("As discussed.")
    mail.add_attachment(document(), maintype="application", subtype="octet-stream", filename="a.docx")
    assert "Only for those who know" in read(mail.as_bytes(), "a.eml", PASSWORD).text
    assert "is protected by a password" in read(mail.as_bytes(), "a.eml").text
