"""Failed documents: listed, tried again, given up."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from ingest.document import Reference
from ingest.errors import DocumentError
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


def test_only_what_failed_is_read_to_try_it_again(tmp_path: Path) -> None:
    def broken(name: str) -> Reference:
        return Reference("local", name, name, 1, 1)

    said: list[str] = []
    with closing(Workspace.open(Settings(home=tmp_path), command="test")) as workspace:
        catalog = workspace.store.catalog
        for name in ("bad.txt", "worse.txt"):
            catalog.record_failure(broken(name), DocumentError("corrupt", "It is broken.", "Mend it."), "pipeline")
        catalog.drop([broken("worse.txt").document_id])
        sa.event.listen(sa.Engine, "before_cursor_execute", listener := lambda *heard: said.append(heard[2]))
        try:
            client = TestClient(create_app(workspace), base_url="http://127.0.0.1")
            answers = [
                client.post("/v1/documents/failed/retry", json=body).json()
                for body in ({"documents": ["worse.txt", broken("bad.txt").document_id]}, {"all": True})
            ]
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", listener)
    assert answers == [{"changed": 2}, {"changed": 2}]
    lists = [statement for statement in said if statement.startswith("SELECT") and "ORDER BY documents" in statement]
    assert lists
    assert all("error_code IS NOT NULL" in statement for statement in lists)
