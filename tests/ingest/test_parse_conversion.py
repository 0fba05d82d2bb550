"""Old Office formats through LibreOffice: what becomes of its failures, and, where it is installed, the real thing."""

from __future__ import annotations

import http.server
import io
import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from openpyxl.styles import Font
from pptx import Presentation
from pptx.util import Inches

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse.office import conversion
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.test_parse_images import encoded, picture

OLD_WORD = b"\xdb\xa5\x2d\x00" + b"the head of a document of Word 2"
REAL = shutil.which("soffice") or shutil.which("libreoffice")
needs_libreoffice = pytest.mark.skipif(REAL is None, reason="LibreOffice is not installed")


def read(data: bytes, name: str) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))


def saved(document: Any) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def word(*paragraphs: str) -> bytes:
    document = Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    return saved(document)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH, beside those of the system's own tools: no LibreOffice in it yet."""
    folder, tools = tmp_path / "bin", tmp_path / "tools"
    folder.mkdir()
    tools.mkdir()
    for tool in ("sh", "sleep", "cp", "mkdir", "env", "cat"):
        (tools / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{tools}")
    return folder


def install(folder: Path, script: str) -> None:
    program = folder / "soffice"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)


def code(data: bytes = OLD_WORD, name: str = "old.doc") -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read(data, name)
    return caught.value


def test_without_libreoffice_it_is_said_what_to_install(programs: Path) -> None:
    error = code()
    assert error.code == "needs_libreoffice"
    assert "libreoffice-writer-nogui" in error.hint


def test_what_libreoffice_gives_is_read_and_the_kind_stays_that_of_the_file(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "result.docx").write_bytes(word("Converted words"))
    install(
        programs, f'mkdir converted; cp {tmp_path}/result.docx converted/document.docx; echo "$@" > {tmp_path}/said'
    )
    parsed = read(OLD_WORD, "old.doc")
    said = (tmp_path / "said").read_text(encoding="utf-8")
    assert (parsed.kind, parsed.text) == ("doc", "Converted words")
    assert "--headless" in said
    assert "-env:UserInstallation=file:///" in said
    assert not Path(said.split("file://")[1].split("/profile")[0]).exists()


def test_libreoffice_gets_a_profile_of_its_own_without_macros_and_links_and_no_secrets(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOUJU_API_KEY", "not for others")
    install(programs, f"env > {tmp_path}/environment; cp profile/user/registrymodifications.xcu {tmp_path}/profile")
    assert code().code == "corrupt"
    environment = (tmp_path / "environment").read_text(encoding="utf-8")
    assert "not for others" not in environment
    assert "https_proxy=http://127.0.0.1:9" in environment
    assert "DisableMacrosExecution" in (tmp_path / "profile").read_text(encoding="utf-8")


def test_a_conversion_that_gives_nothing_is_corrupt_and_says_what_libreoffice_said(programs: Path) -> None:
    install(programs, 'echo "Error: source file could not be loaded"')
    error = code()
    assert error.code == "corrupt"
    assert "source file could not be loaded" in error.message


def test_a_conversion_that_hangs_is_ended_with_all_it_started(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "_SECONDS", 0.5)
    install(programs, f"sleep 300 & echo $! > {tmp_path}/child; sleep 300")
    started = time.monotonic()
    assert code().code == "timeout"
    assert time.monotonic() - started < 20
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _runs(child):
        time.sleep(0.05)
    assert not _runs(child)


def test_a_libreoffice_that_the_system_ends_is_tried_again(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "result.docx").write_bytes(word("Second try"))
    succeed = f"mkdir converted; cp {tmp_path}/result.docx converted/document.docx"
    install(programs, f"test -e {tmp_path}/once && {succeed} && exit; echo > {tmp_path}/once; kill -9 $$")
    assert read(OLD_WORD, "old.doc").text == "Second try"
    install(programs, f"echo x >> {tmp_path}/more; exit 137")
    error = code()
    assert error.code == "too_large"
    assert "memory" in error.hint
    assert (tmp_path / "more").read_text(encoding="utf-8") == "x\nx\n"


def test_a_warning_about_java_is_no_reason(programs: Path) -> None:
    install(programs, 'echo "Error: source file could not be loaded"; echo "Warning: failed to launch javaldx - java"')
    assert "source file could not be loaded" in code().message


def _runs(process: int) -> bool:
    """Whether it is there and no zombie, which only waits to be collected."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_program_that_does_not_start_is_no_libreoffice(programs: Path) -> None:
    (programs / "soffice").write_bytes(b"\x7fELF nonsense")
    (programs / "soffice").chmod(0o755)
    assert code().code == "needs_libreoffice"


class _Visits(http.server.BaseHTTPRequestHandler):
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tempting_server() -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that notes who asks it for anything."""
    handler = type("Visits", (_Visits,), {"seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", handler.seen  # type: ignore[attr-defined]
        server.shutdown()


def old_format(data: bytes, suffix: str, old: str, folder: Path) -> bytes:
    """The same document in an old format, written by LibreOffice itself."""
    (folder / f"new.{suffix}").write_bytes(data)
    command = [REAL or "", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", old,
               "--outdir", str(folder), str(folder / f"new.{suffix}")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120, env={**os.environ, "HOME": str(folder)})
    return (folder / f"new.{old}").read_bytes()


def rules() -> bytes:
    """A Word document with all that must survive, and a picture."""
    document = Document()
    document.add_heading("差旅规定", 1)
    price = document.add_paragraph("每晚不超过 ")
    price.add_run("999 元").font.strike = True
    price.add_run("800 元。")
    price.add_run("内部").font.hidden = True
    link(document.add_paragraph("见"), "门户", "https://it.example.com/a")
    table = document.add_table(2, 3)
    for row, cells in enumerate((("城市", "标准", ""), ("北京", "800", "含早"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    document.add_paragraph("发票", style="List Bullet")
    document.add_picture(io.BytesIO(encoded(picture("Invoice 2026", width=300, height=100), "png")))
    document.core_properties.title = "差旅规定"
    return saved(document)


def link(paragraph: Any, words: str, target: str) -> None:
    relation = paragraph.part.relate_to(target, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    node = OxmlElement("w:hyperlink")
    node.set(qn("r:id"), relation)
    run = paragraph.add_run(words)._r
    paragraph._p.append(node)
    node.append(run)


@pytest.mark.slow
@needs_libreoffice
@pytest.mark.parametrize("name", ["规定.doc", "规定.wps", "规定.wpt"])
def test_an_old_word_file_is_read_as_the_newer_one(tmp_path: Path, name: str) -> None:
    parsed = read(old_format(rules(), "docx", "doc", tmp_path), name)
    assert parsed.kind == "doc"
    assert [(element.kind, element.text) for element in parsed.elements] == [
        ("heading", "差旅规定"), ("paragraph", "每晚不超过 800 元。"), ("paragraph", "见门户 (https://it.example.com/a)"),
        ("table", "| 城市 | 标准 | 标准 |\n| --- | --- | --- |\n| 北京 | 800 | 含早 |"), ("list_item", "发票"),
    ]  # fmt: skip
    assert parsed.notes == read(rules(), "规定.docx").notes


@pytest.mark.slow
@needs_libreoffice
def test_old_slides_are_read_with_notes_links_and_tables(tmp_path: Path) -> None:
    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "季度总结"
    slide.placeholders[1].text = "要点一\n要点二"
    run = slide.placeholders[1].text_frame.paragraphs[0].add_run()
    run.text, run.hyperlink.address = "链接", "https://x.example.com/"
    slide.notes_slide.notes_text_frame.text = "备注内容"
    table = slide.shapes.add_table(2, 2, 0, Inches(4), Inches(4), Inches(1)).table
    for row, cells in enumerate((("城市", "标准"), ("北京", "800"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    parsed = read(old_format(saved(deck), "pptx", "ppt", tmp_path), "总结.dps")
    assert parsed.kind == "ppt"
    assert parsed.text.startswith("季度总结")
    for text in ("要点一链接 (https://x.example.com/)", "要点二", "备注内容", "| 北京 | 800 |"):
        assert text in parsed.text


@pytest.mark.slow
@needs_libreoffice
def test_an_old_workbook_that_libreoffice_wrote_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["城市", "标准", "日期", "合计"], ["北京", 800, 46086, "=B2*2"], ["上海", 700, 46087, "=B3*2"]):
        book.active.append(row)
    book.active["B2"].number_format, book.active["C2"].number_format = "[$￥-804]#,##0", "yyyy-mm-dd"
    book.active["A2"].hyperlink = "https://it.example.com/b"
    book.active["A3"].font = Font(strike=True)
    parsed = read(old_format(saved(book), "xlsx", "xls", tmp_path), "标准.et")
    assert parsed.kind == "xls"
    assert parsed.text.endswith(
        "| 北京 (https://it.example.com/b) | ￥800 | 2026-03-05 | 1600 |\n|  | 700 | 46087 | 1400 |"
    )


@pytest.mark.slow
@needs_libreoffice
def test_several_are_converted_at_once_each_with_a_profile_of_its_own(tmp_path: Path) -> None:
    documents = []
    for number in range(3):
        (folder := tmp_path / str(number)).mkdir()
        documents.append(old_format(word(f"Document {number}"), "docx", "doc", folder))
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda data: read(data, "a.doc").text, documents))
    assert found == ["Document 0", "Document 1", "Document 2"]


@pytest.mark.slow
@needs_libreoffice
def test_a_document_that_links_to_the_network_is_read_without_it(
    tmp_path: Path, tempting_server: tuple[str, list[str]]
) -> None:
    address, seen = tempting_server
    page = (
        f'<html><head><link rel="stylesheet" href="{address}/style.css"></head><body><p>Offline words</p>'
        f'<img src="{address}/picture.png"><iframe src="{address}/frame"></iframe></body></html>'
    )
    result, _ = conversion.converted(page.encode(), "doc", "page.doc")
    assert "Offline words" in read(result, "page.docx").text
    assert seen == []


@pytest.mark.slow
@needs_libreoffice
def test_noise_with_the_head_of_an_old_file_ends_in_an_error_or_in_text(tmp_path: Path) -> None:
    document = old_format(word("words " * 500), "docx", "doc", tmp_path)
    for cut in (len(document) // 3, len(document) // 2):
        with pytest.raises(DocumentError) as caught:
            read(document[:cut], "cut.doc")
        assert caught.value.code in ("corrupt", "no_text")
