"""What of a document's address readers are shown, and that no path of the server reaches them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.security.keys import EVERYBODY
from api.security.uris import uris_for
from api.settings import Settings
from api.workspace import Workspace
from ingest.access import OPERATOR
from ingest.sources.settings import FolderSettings, FsspecSettings, WebSettings
from tests.api.served import served

SOURCES = (
    FolderSettings(type="folder", name="policies", path=Path("/srv/docs")),
    FsspecSettings(type="fsspec", name="store", url="sftp://robot@files.internal/srv/share"),
    WebSettings(type="web", name="intranet", start=("https://intranet.example/",)),
)

KEY, READER_KEY = "operator-key-0123456789", "reader-key-0123456789"


@pytest.mark.parametrize(
    ("source", "uri", "shown"),
    [
        ("policies", "/srv/docs/hr/leave.pdf", "hr/leave.pdf"),
        ("policies", "/srv/docs/old.zip!/hr/leave.pdf", "old.zip!/hr/leave.pdf"),
        ("policies", "/srv/docs2/leave.pdf", "leave.pdf"),
        ("store", "sftp://files.internal/srv/share/hr/leave.pdf", "hr/leave.pdf"),
        ("store", "s3://before/leave.pdf", "leave.pdf"),
        ("local", "/home/li/机密/年假.md", "年假.md"),
        ("local", "C:\\Users\\li\\年假.md", "年假.md"),
        ("gone", "/mnt/share/a.zip!/inner/leave.pdf", "a.zip!/inner/leave.pdf"),
        ("intranet", "https://intranet.example/leave?x=1", "https://intranet.example/leave?x=1"),
        ("push", "hr/leave.pdf", "hr/leave.pdf"),
    ],
)
def test_a_reader_sees_the_path_in_the_source_and_the_operator_all_of_it(source: str, uri: str, shown: str) -> None:
    assert uris_for(EVERYBODY, SOURCES)(source, uri) == shown
    assert uris_for(OPERATOR, SOURCES)(source, uri) == uri


@pytest.mark.slow
def test_nothing_that_a_reader_is_answered_names_a_folder_of_the_server(tmp_path: Path) -> None:
    folder = tmp_path / "geheim"
    folder.mkdir()
    (folder / "leave.md").write_text("# Leave\n\nEvery employee has fifteen days of annual leave.")
    (folder / "broken.pdf").write_bytes(b"")
    source = FolderSettings(type="folder", name="policies", path=folder)
    settings = Settings(home=tmp_path / "home", api_key=KEY, reader_key=READER_KEY, sources=(source,))  # type: ignore[arg-type]
    with closing(Workspace.open(settings, command="test")) as workspace, served(create_app(workspace)) as url:
        with httpx.Client(base_url=url, headers={"x-api-key": KEY}, timeout=120, trust_env=False) as operator:
            operator.post("/v1/runs", json={"source": "policies"})
            uris = {document["uri"] for document in operator.get("/v1/documents").json()["documents"]}
        assert uris == {str(folder / "leave.md"), str(folder / "broken.pdf")}
        (folder / "leave.md").unlink()
        with httpx.Client(base_url=url, headers={"x-api-key": READER_KEY}, timeout=120, trust_env=False) as reader:
            question = {"question": "How many days of annual leave?"}
            asked = reader.post("/v1/ask", json=question)
            identity = asked.json()["citations"][0]["document_id"]
            chunk = asked.json()["citations"][0]["chunk_id"]
            answers = [
                asked,
                reader.post("/v1/ask", json={**question, "stream": True}),
                reader.get("/v1/search", params={"q": "annual leave"}),
                reader.get("/v1/documents"),
                reader.get(f"/v1/documents/{identity}"),
                reader.get(f"/v1/documents/{identity}/passages/{chunk}"),
                reader.get(f"/v1/documents/{identity}/original"),
                reader.post(
                    "/v1/chat/completions",
                    json={"model": "youju", "messages": [{"role": "user", "content": question["question"]}]},
                ),
            ]
        assert [answer.text for answer in answers if "geheim" in answer.text] == []
        assert asked.json()["citations"][0]["uri"] == "leave.md"
