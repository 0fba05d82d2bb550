"""A citation that was given before its document was moved still opens, as long as the document says the same."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from ingest.sources.folder import FolderSource


@pytest.mark.usefixtures("inline")
def test_an_old_citation_opens_the_moved_document(tmp_path: Path, settings: Settings) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "rules.md").write_text(
        "# House rules\n\n## Visitors\n\nVisitors sign the book.\n\n## Keys\n\nKeys stay here."
    )
    with closing(Workspace.open(settings, command="test")) as workspace:
        workspace.ingestor.run(FolderSource([docs]))
        client = TestClient(create_app(workspace), base_url="http://127.0.0.1")
        [before] = client.get("/v1/documents").json()["documents"]
        old = client.get(f"/v1/documents/{before['document_id']}").json()["passages"][-1]
        cited = f"/v1/documents/{before['document_id']}/passages/{old['chunk_id']}"
        assert client.get(cited).json()["passage"]["text"] == old["text"]

        (docs / "rules.md").rename(docs / "house-rules.md")
        assert workspace.ingestor.run(FolderSource([docs])).moved == 1
        opened = client.get(cited).json()
        assert opened["passage"]["text"] == old["text"]
        assert opened["document"]["uri"] == str(docs / "house-rules.md")

        (docs / "house-rules.md").write_text("# House rules\n\nAll new.")
        workspace.ingestor.run(FolderSource([docs]))
        assert client.get(cited).json()["error"]["code"] == "unknown_passage"
        assert client.get(f"/v1/documents/{before['document_id']}/passages/nonsense").status_code == 404


@pytest.mark.usefixtures("inline")
def test_opening_a_citation_reads_its_passage_and_the_neighbours_alone(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "long.md").write_text("\n\n".join(f"## Part {n}\n\n{f'Rule {n} holds. ' * 60}" for n in range(30)))
    with closing(Workspace.open(settings, command="test")) as workspace:
        workspace.ingestor.run(FolderSource([tmp_path / "long.md"]))
        client = TestClient(create_app(workspace), base_url="http://127.0.0.1")
        [document] = client.get("/v1/documents").json()["documents"]
        passages = client.get(f"/v1/documents/{document['document_id']}").json()["passages"]
        read: list[str] = []
        index = workspace.store.index
        # Read as the index gives it: what is counted is how much a citation costs.
        monkeypatch.setattr(index, "fetch", lambda ids, fetch=index.fetch: (read.extend(ids), fetch(ids))[1])
        monkeypatch.setattr(index, "chunks", lambda *_: pytest.fail("all chunks of the document were read"))
        for at in (0, 1, 15, len(passages) - 1):
            read.clear()
            path = f"/v1/documents/{document['document_id']}/passages/{passages[at]['chunk_id']}"
            opened = client.get(path).json()
            assert opened["passage"] == passages[at]
            assert opened["before"] == passages[max(0, at - 2) : at]
            assert opened["after"] == passages[at + 1 : at + 3]
            assert len(read) <= 5
