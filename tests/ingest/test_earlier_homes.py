"""A home that an earlier release made opens, answers and needs nothing anew.

Each archive in `homes/` is a home as that release left it: a document in English and one in Chinese, ingested from
`/srv/documents`.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from api.settings import Settings
from api.workspace import Workspace
from assistant.retrieve import Retriever
from ingest.access import OPERATOR

HOMES = sorted((Path(__file__).parent / "homes").glob("*.tar.xz"))


@pytest.mark.parametrize("archive", HOMES, ids=[home.name.partition(".")[0] for home in HOMES])
def test_a_home_made_by_an_earlier_release_answers_and_needs_nothing_anew(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    workspace = Workspace.open(Settings(home=tmp_path / "earlier"), command="test")
    try:
        assert workspace.ingestor.building() is None, "the documents would have to be read again"
        store = workspace.store
        retriever = Retriever(store.index, store.catalog, store.embedder)
        found = {
            query: retriever.retrieve(query, reader=OPERATOR, limit=1).hits[0].chunk.text
            for query in ("How many days of annual leave?", "一线城市的住宿费上限")
        }
        documents = workspace.documents(OPERATOR)
    finally:
        workspace.close()
    assert "17 days" in found["How many days of annual leave?"]
    assert "650 元" in found["一线城市的住宿费上限"]
    assert [(document.title, document.revision) for document in documents] == [("Handbook", 1), ("差旅制度", 1)]


def test_there_is_a_home_to_open() -> None:
    assert HOMES
