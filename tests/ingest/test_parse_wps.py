"""The files of WPS Office (`.wps`, `.et`, `.dps`) are those of the families of Word, Excel and PowerPoint."""

from __future__ import annotations

import io
import os
import shutil
import stat
from pathlib import Path

import openpyxl
import pytest
from docx import Document
from pptx import Presentation

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from ingest.sources.web.kinds import is_readable, name_of
from tests.ingest.tiny_ole import old_workbook, ole

RATES = [["城市", "住宿标准"], ["北京", "800"], ["三亚", "500"]]


def read(data: bytes, name: str) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))


def saved(document: object) -> bytes:
    stream = io.BytesIO()
    document.save(stream)  # type: ignore[attr-defined]
    return stream.getvalue()


def word(text: str) -> bytes:
    document = Document()
    document.add_paragraph(text)
    return saved(document)


@pytest.mark.parametrize("name", ["差旅标准.et", "差旅标准.ett", "差旅标准"])
def test_a_table_of_wps_is_read_as_an_old_workbook(name: str) -> None:
    parsed = read(ole({"Workbook": old_workbook(RATES, "住宿"), "ETExtData": b"x"}), name)
    assert parsed.kind == "xls"
    assert "| 三亚 | 500 |" in parsed.text
    assert parsed.elements[-1].location.sheet == "住宿"


def test_newer_files_of_wps_are_read_as_office_files() -> None:
    book = openpyxl.Workbook()
    for row in RATES:
        book.active.append(row)
    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = "季度总结"
    assert read(word("会议纪要"), "纪要.wps").kind == "docx"
    assert "| 北京 | 800 |" in read(saved(book), "标准.et").text
    assert read(saved(deck), "总结.dps").text.startswith("季度总结")


def test_text_that_is_called_a_file_of_wps_is_what_its_marks_say() -> None:
    page = "<html><body><table><tr><th>城市</th></tr><tr><td>北京</td></tr></table></body></html>".encode()
    assert read(page, "导出.et").kind == "html"
    assert read("城市,标准,备注\n北京,800,含税\n上海,800,含税\n成都,500,含税\n".encode(), "导出.ett").kind == "csv"


@pytest.mark.parametrize(
    ("streams", "name", "kind", "newer"),
    [
        ({"WordDocument": b"\xec\xa5"}, "通知.wps", "doc", "docx"),
        ({"WordDocument": b"\xec\xa5"}, "公文模板.wpt", "doc", "docx"),
        ({"MatOST": b"x"}, "letter.wps", "works", "docx"),
        ({"MN0": b"x"}, "letter.wps", "works", "docx"),
        ({"CONTENTS": b"CHNKWKS text"}, "letter.wps", "works", "docx"),
    ],
)
def test_what_wps_and_works_call_alike_is_told_apart_by_its_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streams: dict[str, bytes], name: str, kind: str, newer: str
) -> None:
    (tmp_path / "result").write_bytes(word("转换后的正文"))
    program = tmp_path / "bin" / "soffice"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\n[ -f document.{kind} ] && mkdir converted && cp {tmp_path}/result converted/document.{newer}\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{Path(shutil.which('sh') or '/bin/sh').parent}")
    parsed = read(ole(streams), name)
    assert (parsed.kind, parsed.text) == (kind, "转换后的正文")


def test_a_show_of_wps_goes_through_libreoffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DocumentError, match="PPT files are read through LibreOffice") as caught:
        read(ole({"PowerPoint Document": b"x"}), "汇报.dps")
    assert caught.value.code == "needs_libreoffice"


@pytest.mark.parametrize("name", ["a.wps", "a.dpt"])
def test_noise_that_is_called_a_file_of_wps_is_damaged(name: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(bytes(range(256)), name)
    assert caught.value.code == "corrupt"


def test_sites_offer_files_of_wps_as_documents() -> None:
    assert is_readable("https://example.com/notice.wps", "application/octet-stream")
    assert name_of("https://example.com/notice.wps", "application/msword") == "notice.wps"
    assert name_of("https://example.com/download", "application/kset") == "download.et"
