"""Failed documents on the command line: listed, tried again, given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.command_line import run_youju, youju_json


@pytest.mark.slow
def test_a_failed_document_is_listed_until_it_is_given_up(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "docs"
    folder.mkdir()
    broken = folder / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 this is none")
    (folder / "good.txt").write_text("访客必须在前台登记。")
    assert youju_json(home, "ingest", str(folder))["failed"] == 1

    [failed] = youju_json(home, "documents", "--failed")["documents"]
    assert failed["uri"] == str(broken)
    assert "1 documents will be tried again" in run_youju(home, "documents", "retry", "--all").stdout
    assert "1 documents are given up" in run_youju(home, "documents", "drop", str(broken)).stdout
    assert youju_json(home, "documents", "--failed")["documents"] == []
    assert [d["state"] for d in youju_json(home, "documents")["documents"]] == ["dropped", "ready"]
    assert youju_json(home, "ingest", str(folder))["failed"] == 0

    assert "1 documents will be tried again" in run_youju(home, "documents", "retry", failed["document_id"]).stdout
    assert youju_json(home, "ingest", str(folder))["failed"] == 1
    wrong = run_youju(home, "documents", "drop", str(folder / "good.txt"))
    assert wrong.returncode == 2
    assert "[unknown_document]" in wrong.stderr
    assert "[unknown_document]" in run_youju(home, "documents", "drop").stderr
