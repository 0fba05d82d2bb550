"""Documents that cannot be read: each is refused with a stable code and a way out, and none takes the run along."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from pathlib import Path

import openpyxl
import pytest
from docx import Document

from ingest.document import Reference
from ingest.errors import DocumentError
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_pdf import Words, pdf


def code(data: bytes, name: str, settings: IngestSettings | None = None) -> str:
    """The code that this content is refused with."""
    reference = Reference("local", name, name, len(data), 0, content=data)
    with pytest.raises(DocumentError) as caught:
        parse(reference, settings or IngestSettings(ocr=False))
    assert caught.value.hint
    assert name in caught.value.message
    return caught.value.code


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return stream.getvalue()


def word(text: str) -> bytes:
    stream = io.BytesIO()
    document = Document()
    document.add_paragraph(text)
    document.save(stream)
    return stream.getvalue()


def test_nothing_at_all_is_empty() -> None:
    assert code(b"", "a.docx") == "empty"


@pytest.mark.parametrize(
    ("data", "name"), [(b" \n\t ", "a.txt"), (b"<html></html>", "a.html"), (pdf([]), "a.pdf"), (word(""), "a.docx")]
)
def test_a_document_without_words_has_no_text(data: bytes, name: str) -> None:
    assert code(data, name) == "no_text"


@pytest.mark.parametrize(
    ("data", "name", "settings", "says"),
    [
        (pdf([]), "a.pdf", IngestSettings(ocr=False), "YOUJU_OCR=true"),
        (pdf([]), "a.pdf", IngestSettings(ocr=True), "shows words"),
        (word(""), "a.docx", IngestSettings(ocr=True), "shows words"),
        (b"x" * (1024 * 1024 + 1), "big.txt", IngestSettings(max_file_mb=1), "YOUJU_MAX_FILE_MB"),
    ],
)
def test_a_hint_names_a_setting_only_where_that_helps(
    data: bytes, name: str, settings: IngestSettings, says: str
) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(Reference("local", name, name, len(data), 0, content=data), settings)
    assert says in caught.value.hint
    assert ("YOUJU" in caught.value.hint) is ("YOUJU" in says)


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.png", "a.pdf", "a.heic"])
def test_words_under_the_name_of_a_picture_or_a_pdf_are_no_document(name: str) -> None:
    assert code(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n", name) == "corrupt"


def test_a_web_page_under_the_name_of_a_pdf_is_read_as_one() -> None:
    page = b"<!doctype html><html><body><p>Every employee has ten days of leave.</p></body></html>"
    parsed = parse(Reference("local", "a.pdf", "a.pdf", len(page), 0, content=page), IngestSettings(ocr=False))
    assert parsed.kind == "html"


def test_a_missing_file_and_one_too_large(tmp_path: Path) -> None:
    missing = Reference("local", "gone.txt", "gone.txt", 1, 0, path=tmp_path / "gone.txt")
    with pytest.raises(DocumentError) as caught:
        parse(missing, IngestSettings())
    assert caught.value.code == "file_missing"
    assert code(b"x" * (1024 * 1024 + 1), "big.txt", IngestSettings(max_file_mb=1)) == "too_large"


def test_a_folder_in_place_of_a_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(Reference("local", "d", "d.txt", 1, 0, path=tmp_path), IngestSettings())
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize("name", ["a.docx", "a.pdf", "a.xlsx"])
def test_noise_under_a_known_name_is_corrupt(name: str) -> None:
    assert code(bytes(range(256)) * 40, name) == "corrupt"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.7z.001", b"7z\xbc\xaf'\x1c" + bytes(90)),
        ("a.part1.rar", b"Rar!\x1a\x07\x00" + bytes(90)),
        ("a.7z.002", bytes(range(256)) * 9),
        ("a.z01", bytes(range(256)) * 9),
        ("notes.txt.gz", gzip.compress(b"notes" * 99, mtime=0)),
        ("notes.tar.zst", b"\x28\xb5\x2f\xfd" + bytes(range(256))),
    ],
)
def test_a_packed_file_and_a_volume_of_an_archive_say_how_to_pack_them_again(name: str, data: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings())
    assert caught.value.code == "unsupported"
    assert "one zip" in caught.value.hint
    assert ("one of several volumes" in caught.value.message) == (not name.startswith("notes"))


def test_noise_under_another_name_is_unsupported() -> None:
    assert code(bytes(range(256)) * 40, "a.bin") == "unsupported"
    assert code(zipped(readme_txt=b"hello"), "a.zip") == "unsupported"


def test_a_file_cut_off_in_the_middle_is_corrupt() -> None:
    whole = word("text " * 1000)
    assert code(whole[: len(whole) // 2], "a.docx") == "corrupt"
    assert code(b"%PDF-1.7\n1 0 obj\n<</Type", "a.pdf") == "corrupt"


def test_a_pdf_that_lost_its_end_is_still_read() -> None:
    whole = pdf([Words(72, 100, "Recovered from the remains")])
    cut = whole[: whole.index(b"startxref")]
    reference = Reference("local", "a.pdf", "a.pdf", len(cut), 0, content=cut)
    assert parse(reference, IngestSettings(ocr=False)).text == "Recovered from the remains"


def test_a_page_count_of_millions_is_not_believed() -> None:
    data = pdf([Words(72, 100, "One page")]).replace(b"/Count 1/", b"/Count 213804087/")
    reference = Reference("local", "a.pdf", "a.pdf", len(data), 0, content=data)
    assert parse(reference, IngestSettings(ocr=False)).text == "One page"


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() -> None:
    bomb = zipped(Content="", word__document_xml=b"\0" * (320 << 20))
    assert len(bomb) < 1 << 20
    assert code(bomb, "bomb.docx") == "too_large"


def test_an_archive_that_lies_about_its_sizes_is_refused() -> None:
    bomb = bytearray(zipped(word__document_xml=b"A" * 100_000))
    for place in range(len(bomb) - 4):
        if bomb[place : place + 4] == (100_000).to_bytes(4, "little"):
            bomb[place : place + 4] = (10).to_bytes(4, "little")
    assert code(bytes(bomb), "liar.docx") == "corrupt"


def test_entities_in_office_files_and_in_xml_are_refused() -> None:
    entities = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]><a>&z;</a>'
    assert code(zipped(xl__workbook_xml=entities), "bomb.xlsx") == "unsafe"
    assert code(entities, "bomb.xml") == "unsafe"


def test_a_sheet_of_five_million_cells_is_refused() -> None:
    book = openpyxl.Workbook()
    for place in range(1, 2_300):
        book.active.cell(place, place, 1)
    stream = io.BytesIO()
    book.save(stream)
    assert code(stream.getvalue(), "wide.xlsx") == "too_large"


def test_errors_and_documents_cross_to_another_process() -> None:
    data = b"# A\n\nb"
    parsed = parse(Reference("local", "a.md", "a.md", len(data), 0, content=data), IngestSettings())
    assert pickle.loads(pickle.dumps(parsed)) == parsed
    with pytest.raises(DocumentError) as caught:
        parse(Reference("local", "a.md", "a.md", 0, 0, content=b""), IngestSettings())
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.code, again.message, again.hint) == (caught.value.code, caught.value.message, caught.value.hint)
