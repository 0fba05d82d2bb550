"""XML that declares entities, wherever it hides them, in documents of every kind: refused, or not unpacked."""

from __future__ import annotations

import bz2
import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.errors import DocumentError
from ingest.parse.containers import zip_kind
from ingest.parse.text.xml_entities import declares_entities
from tests.ingest.peak_memory import peak_mb

LAUGHS = "<!ENTITY a0 '" + "ha" * 50 + "'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 8))
BLOWUP = f"<!ENTITY a7 '{'x' * 100_000}'>"
OUTSIDE = "<!ENTITY a7 SYSTEM 'file:///etc/passwd'>"
ATTACKS = {"laughs": LAUGHS, "blowup": BLOWUP, "outside": OUTSIDE}
MEBIBYTE = 1 << 20

_KINDS = {
    "a.docx": ("word/document.xml", "w:document"),
    "a.pptx": ("ppt/presentation.xml", "p:presentation"),
    "a.xlsx": ("xl/worksheets/sheet1.xml", "worksheet"),
    "a.odt": ("content.xml", "office:document-content"),
    "a.epub": ("chapter.xhtml", "html"),
}
_MIMES = {"a.odt": "application/vnd.oasis.opendocument.text", "a.epub": "application/epub+zip"}
_PARSE = """
from ingest.document import Reference
path = Path(sys.argv[1])
try:
    document = parse(Reference("s", path.name, path.name, path.stat().st_size, 0, path=path), IngestSettings(ocr=False))
    answer = ["read", "root:" in document.text or "hahaha" in document.text]
except DocumentError as error:
    answer = [error.code, False]
"""
_IMPORTS = """
import openpyxl, docx, pptx
from ingest.errors import DocumentError
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
"""


def zipped(members: dict[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def document(name: str, part: bytes) -> bytes:
    """A document of the kind of `name`, whose main part is this."""
    inside, _ = _KINDS[name]
    mime: dict[str, bytes | str] = {"mimetype": _MIMES[name]} if name in _MIMES else {"[Content_Types].xml": "<Types/>"}
    return zipped(mime | {inside: part, "META-INF/container.xml": "<c/>"})


def workbook(sheet: bytes) -> bytes:
    """A workbook of Excel whose one sheet is this part."""
    import openpyxl

    written = io.BytesIO()
    openpyxl.Workbook().save(written)
    with zipfile.ZipFile(written) as archive:
        parts: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    return zipped(parts | {"xl/worksheets/sheet1.xml": sheet})


def attack(entities: str, root: str, before: str = "") -> str:
    return f"{before}<!DOCTYPE {root} [{entities}]><{root} b='&a7;'>&a7;</{root}>"


@pytest.mark.parametrize("name", _KINDS)
@pytest.mark.parametrize("kind", ATTACKS)
@pytest.mark.parametrize(
    "before",
    ["", " " * 2 * MEBIBYTE, f"<!--{'-x' * MEBIBYTE}-->", f"<?x {'y' * 2 * MEBIBYTE}?>", "<!-- <a> ' -->" * 100_000],
    ids=["at once", "blanks", "comment", "instruction", "comments"],
)
def test_entities_behind_whatever_stands_before_the_first_tag_are_found(name: str, kind: str, before: str) -> None:
    part = attack(ATTACKS[kind], _KINDS[name][1], before).encode()
    with pytest.raises(DocumentError) as caught:
        zip_kind(document(name, part), name)
    assert (caught.value.code, bool(caught.value.hint)) == ("unsafe", True)


@pytest.mark.parametrize("block_bytes", [1, 7, 1000, MEBIBYTE])
@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
        "<!DOCTYPE a [<!ENTITY % b 'c'> %b;]><a/>",
        "\n<!-- ' --><!DOCTYPE a SYSTEM '<a>\"' [\n<!ELEMENT a ANY><!ATTLIST a b CDATA \"'<x>\"><!ENTITY b 'c'>]><a/>",
        "<?b <a> ' ?><!DOCTYPE a PUBLIC \"<a '\" '<a' [<!-- <a> --><?c <a>?>]<!ENTITY b 'c'>]><a/>",
        "<!DOCTYPE a><!ENTITY b 'c'><a/>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_entities_are_found_in_every_encoding_and_between_blocks(block_bytes: int, text: str, encoding: str) -> None:
    text = text.lstrip() if encoding in ("utf-16-le", "utf-16-be") else text
    assert declares_entities(blocks(text.encode(encoding), block_bytes))


@pytest.mark.parametrize(
    "data",
    [
        b'<?xml version="1.0" encoding="UTF-7"?>+ADw-!DOCTYPE a +AFsAPA-!ENTITY b "c"+AD4AXQA+-<a/>',
        b'<?xml version="1.0" encoding="ISO-2022-JP"?><a/>',
        b'<?xml version="1.0"' + b" " * 70_000 + b'encoding="UTF-7"?><a/>',
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>".encode("utf-32"),
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>".encode("utf-32-be"),
        '<?xml version="1.0" encoding="cp037"?><a/>'.encode("cp037"),
    ],
)
def test_encodings_that_would_hide_them_are_refused(data: bytes) -> None:
    assert declares_entities(blocks(data, MEBIBYTE))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<", b"<a/>", b"\x89PNG\r\n\x1a\n<!ENTITY", b"plain <!ENTITY", b" " * MEBIBYTE, b"<!-- never ended",
        b"<a><!ENTITY b 'c'></a>", b"<a>&lt;!ENTITY</a>", b"<!-- <!ENTITY b 'c'> --><a/>", b"<!DOCTYPE html><html/>",
        "<?xml version='1.0' encoding='GB18030'?><文/>".encode("gb18030"), "<文><!ENTITY".encode(),
        "<文/>".encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<x:a xmlns:x="y"/>',
        b'<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd"><html/>',
    ],
)  # fmt: skip
def test_what_declares_none_is_left_alone(data: bytes) -> None:
    assert not declares_entities(blocks(data, MEBIBYTE))


def blocks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_small_workbook_with_entities_behind_a_mebibyte_takes_little(tmp_path: Path, kind: str) -> None:
    cell = "<sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>&a7;</t></is></c></row></sheetData>"
    root = f"<worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>{cell}</worksheet>"
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook(f"{' ' * MEBIBYTE}<!DOCTYPE worksheet [{ATTACKS[kind]}]>{root}".encode()))
    answer, megabytes = peak_mb(_IMPORTS, _PARSE, path)
    assert answer == ["unsafe", False]
    assert megabytes < 64


_PARSE_ALL = """
answer = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    reference = Reference("s", path.name, path.name, path.stat().st_size, 0, path=path)
    try:
        text = parse(reference, IngestSettings(ocr=False)).text
        answer[path.name] = "root:" in text or "haha" in text or "xxxx" in text
    except DocumentError as error:
        answer[path.name] = False
"""
_ALL_IMPORTS = f"""{_IMPORTS}
from ingest.document import Reference
for name in ("a.html", "a.eml", "a.xml"):
    parse(Reference("s", name, name, 19, 0, content=b"<html>words</html>"), IngestSettings(ocr=False))
"""


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_text_with_entities_is_not_unpacked(tmp_path: Path, kind: str) -> None:
    roots = {"a.xml": "a", "a.html": "html", "a.xhtml": "html", "a.svg": "svg", "a.rss": "rss", "a.fodt": "a"}
    for name, root in roots.items():
        text = f"<{root} b='&a7;'>words {'&a7;' * 1000}</{root}>"
        (tmp_path / name).write_text(f"<?xml version='1.0'?><!DOCTYPE {root} [{ATTACKS[kind]}]>{text}")
    page = (tmp_path / "a.html").read_text()
    (tmp_path / "a.eml").write_text(f"From: a@e.com\nSubject: s\nContent-Type: text/html\n\n{page}")
    answer, megabytes = peak_mb(_ALL_IMPORTS, _PARSE_ALL, tmp_path)
    assert answer == dict.fromkeys([*roots, "a.eml"], False)
    assert megabytes < 64


def test_parts_that_are_packed_in_an_unusual_way_are_not_unpacked(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("word/document.xml", b"x" * (128 << 20))
        archive.writestr("[Content_Types].xml", b"<Types/>")
    data = bytearray(stream.getvalue())
    for at in (data.find(b"PK\x01\x02") + 24, 22):
        data[at : at + 4] = struct.pack("<L", 10)  # it says of itself that it is small
    path = tmp_path / "a.docx"
    path.write_bytes(data)
    answer, megabytes = peak_mb(_IMPORTS, _PARSE, path)
    assert answer[0] == "unsafe"
    assert megabytes < 64
    assert len(bz2.compress(b"x")) < path.stat().st_size < 4096


@pytest.mark.parametrize("name", ["a.docx", "a.odt"])
def test_a_document_of_ever_so_many_parts_is_refused_before_they_are_listed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<HHHHHLL", 1, 0, 0, 0, 0, 0, 0) + b"a"
    count = 400_000
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 1, 1, len(entry) * count, 4, 0)
    path.write_bytes(b"PK\x03\x04" + entry * count + end)
    answer, megabytes = peak_mb(_IMPORTS, _PARSE, path)
    assert answer == ["too_large", False]
    assert megabytes < 64
