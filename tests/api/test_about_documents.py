"""What a document says of itself, and what could not be taken from it: kept with it, listed, and in the index."""

from __future__ import annotations

import io
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from docx import Document

from api.settings import Settings
from ingest.store import Store
from tests.api.command_line import json_here, run_here


def letter() -> bytes:
    """A mail from Li Na, with an attachment that nobody can read."""
    message = EmailMessage()
    message["Subject"], message["From"], message["Date"] = (
        "Lift maintenance", "Li Na <li@example.com>", "Thu, 05 Nov 2026 09:00:00 +0800",
    )  # fmt: skip
    message.set_content("The lift stands still on Friday morning.")
    message.add_attachment(bytes(range(256)) * 40, maintype="application", subtype="octet-stream", filename="noise.bin")
    return message.as_bytes()


def policy(author: str) -> bytes:
    document = Document()
    document.add_heading("门禁制度", 1)
    document.add_paragraph("门禁卡遗失须在当日报告保卫处。")
    document.core_properties.author = author
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


@pytest.fixture
def home(tmp_path: Path, inline: None) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "电梯.eml").write_bytes(letter())
    (folder / "门禁.docx").write_bytes(policy("韩雪"))
    assert run_here(tmp_path / "home", "ingest", str(folder)).returncode == 0
    return tmp_path / "home"


def listed(home: Path) -> dict[str, Any]:
    return {Path(each["uri"]).name: each for each in json_here(home, "documents")["documents"]}


def test_author_dates_and_what_was_not_taken_are_listed(home: Path) -> None:
    documents = listed(home)
    mail, word = documents["电梯.eml"], documents["门禁.docx"]
    assert (mail["author"], mail["created"][:10], mail["notes"]) == ("Li Na", "2026-11-05", {"parts_not_read": 1})
    assert (word["author"], word["pages"], word["notes"]) == ("韩雪", None, {})
    said = run_here(home, "documents").stdout
    assert said.count("not taken") == 1
    assert "1 parts not read" in said


def test_they_follow_the_document_and_stand_in_the_index(home: Path) -> None:
    changed = home.parent / "docs" / "门禁.docx"
    changed.write_bytes(policy("周宁"))
    assert run_here(home, "ingest", str(changed.parent)).returncode == 0
    document = listed(home)["门禁.docx"]
    assert document["author"] == "周宁"
    with closing(Store.open(Settings(home=home), command="test")) as store:
        chunks = store.index.chunks(document["document_id"], document["revision"])
    assert [chunk.about.author for chunk in chunks] == ["周宁"]


def test_a_workbook_says_which_formulas_have_no_value(tmp_path: Path) -> None:
    """By worker processes, as in a run of a user."""
    book = openpyxl.Workbook()
    for row in (("产品", "含税价"), ("恒温槽", "=VLOOKUP(A2,[1]价目!A:B,2,0)"), ("真空泵", "=INDIRECT(A9)")):
        book.active.append(row)
    folder = tmp_path / "docs"
    folder.mkdir()
    book.save(folder / "报价.xlsx")
    assert run_here(tmp_path / "home", "ingest", str(folder)).returncode == 0
    assert listed(tmp_path / "home")["报价.xlsx"]["notes"] == {"formulas_without_value": 2}
