"""Documents of other programs inside Office files are read like attachments of a mail. Other objects are counted."""

from __future__ import annotations

import io
import struct
import zipfile

import openpyxl
import pytest
from pptx import Presentation
from pptx.enum.shapes import PROG_ID
from pptx.util import Inches

from ingest.parse.office.embedded_objects import attachment_of
from tests.ingest.tiny_ole import old_workbook, ole
from tests.ingest.tiny_word import read, related, run, word

OBJECT = '<w:r><w:object><o:OLEObject Type="Embed" ProgID="Package" r:id="{}"/></w:object></w:r>'


def workbook(*rows: list[str]) -> bytes:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(stream)
    return stream.getvalue()


def packed(name: str, content: bytes, unicode_name: str = "") -> bytes:
    """The stream `Ole10Native` of a file that was put in as an icon."""
    label = name.encode("gb18030") + b"\0"
    data = b"\x02\0" + label + b"C:\\" + label + struct.pack("<II", 3, len(label)) + label
    data += struct.pack("<I", len(content)) + content
    for said in (unicode_name, unicode_name, unicode_name) if unicode_name else ():
        data += struct.pack("<I", len(said)) + said.encode("utf-16-le")
    return struct.pack("<I", len(data)) + data


def test_a_workbook_inside_a_word_document_is_read_below_its_name() -> None:
    data = word(f"<w:p>{run('见附表')}{OBJECT.format('o1')}</w:p>", f"<w:p>{run('同上')}{OBJECT.format('o1')}</w:p>")
    inner = workbook(["城市", "限额"], ["三亚", "500"])
    parsed = read(related(data, {"o1": "表.xlsx"}, 表__xlsx=inner))
    assert [e.text for e in parsed.elements][2:] == [
        "Attachment: 表.xlsx", "Sheet", "| 城市 | 限额 |\n| --- | --- |\n| 三亚 | 500 |",
    ]  # fmt: skip
    assert parsed.notes == {}


@pytest.mark.parametrize("name", ["制度.txt", "C:\\资料\\制度.txt"])
def test_a_file_that_was_put_in_as_an_icon_has_its_name(name: str) -> None:
    data = word(f"<w:p>{run('附件')}{OBJECT.format('o1')}</w:p>")
    inner = ole({"\x01Ole10Native": packed(name, "出差标准为每晚五百元。".encode())})
    parsed = read(related(data, {"o1": "oleObject1.bin"}, oleObject1__bin=inner))
    assert [e.text for e in parsed.elements] == ["附件", "Attachment: 制度.txt", "出差标准为每晚五百元。"]


def test_the_unicode_name_of_a_file_counts_more() -> None:
    stream = packed("???.txt", b"words", "Übersicht €.txt")
    found = attachment_of(ole({"\x01Ole10Native": stream}), "oleObject1.bin")
    assert found is not None
    assert (found.name, found.data) == ("Übersicht €.txt", b"words")


def test_documents_inside_a_container_are_found() -> None:
    book = attachment_of(ole({"Workbook": old_workbook([["城市"]])}), "oleObject1.bin")
    newer = attachment_of(ole({"Package": b"PK\x03\x04" + bytes(5000)}), "oleObject2.bin")
    portable = attachment_of(ole({"CONTENTS": b"%PDF-1.7" + bytes(5000)}), "oleObject3.bin")
    assert [each.name for each in (book, newer, portable) if each] == ["oleObject1.xls", "oleObject2", "oleObject3.pdf"]


def test_objects_that_are_no_documents_are_counted() -> None:
    objects = "".join(OBJECT.format(name) for name in ("o1", "o2", "o3", "o4"))
    files = {"o1": "formula.bin", "o2": "cut.bin", "o3": "damaged.bin"}
    data = related(
        word(f"<w:p>{run('公式')}{objects}</w:p>"),
        files,
        formula__bin=ole({"Equation Native": b"x"}),
        cut__bin=ole({"\x01Ole10Native": packed("a.txt", b"words")[:20]}),
        damaged__bin=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    )
    parsed = read(data)
    assert ([e.text for e in parsed.elements], parsed.notes) == (["公式"], {"embedded_objects": 4})


def test_an_object_on_a_slide_is_read() -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_ole_object(
        io.BytesIO(workbook(["甲", "乙"], ["1", "2"])), PROG_ID.XLSX, 0, 0, Inches(1), Inches(1)
    )
    stream = io.BytesIO()
    deck.save(stream)
    parsed = read(stream.getvalue(), "a.pptx")
    assert parsed.elements[0].text.startswith("Attachment: ")
    assert parsed.elements[-1].text == "| 甲 | 乙 |\n| --- | --- |\n| 1 | 2 |"


def test_an_object_on_a_visible_sheet_is_read() -> None:
    base = "http://schemas.openxmlformats.org"
    relations = (
        f'<Relationships xmlns="{base}/package/2006/relationships"><Relationship Id="o1" Target="../embeddings/a.xlsx" '
        f'Type="{base}/officeDocument/2006/relationships/package"/></Relationships>'
    )
    changed = io.BytesIO(workbook(["外", "表"], ["3", "4"]))
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr("xl/worksheets/_rels/sheet1.xml.rels", relations)
        archive.writestr("xl/embeddings/a.xlsx", workbook(["内", "表"], ["5", "6"]))
    parsed = read(changed.getvalue(), "b.xlsx")
    assert [e.text for e in parsed.elements][2:] == [
        "Attachment: a.xlsx", "Sheet", "| 内 | 表 |\n| --- | --- |\n| 5 | 6 |",
    ]  # fmt: skip
