"""A home that an earlier release made opens and answers, and the next run builds the index of today beside its own.

Each archive in `homes/` is a home as that release left it: a document in English and one in Chinese, ingested from
`/srv/documents`.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.settings import Settings
from api.workspace import Workspace
from assistant.retrieve import CurrentRetriever
from ingest.access import OPERATOR
from ingest.catalog.tables import index_versions
from ingest.document import Hit, Reference
from ingest.settings import MINILM
from ingest.sources import NOTHING_KNOWN
from ingest.versions.open_versions import OpenVersion

HOMES = sorted((Path(__file__).parent / "homes").glob("*.tar.xz"))
EACH_HOME = pytest.mark.parametrize("archive", HOMES, ids=[home.name.partition(".")[0] for home in HOMES])
QUESTIONS = {"How many days of annual leave?": "17 days", "一线城市的住宿费上限": "650 元"}
DOCUMENTS = {
    "/srv/documents/handbook.md": "# Handbook\n\nAnnual leave is 17 days a year.\n",
    "/srv/documents/差旅.md": "# 差旅制度\n\n一线城市的住宿费上限为每晚 650 元。\n",
}


class Documents:
    """The documents as they were, in place of the folder, which is on another machine."""

    name = "local"

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        for uri, text in DOCUMENTS.items():
            content = text.encode()
            yield Reference(self.name, uri, Path(uri).name, len(content), 0, content=content)

    def covers(self, uri: str) -> bool:
        return uri in DOCUMENTS

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        return reference


def opened(archive: Path, folder: Path) -> Workspace:
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return Workspace.open(Settings(home=folder / "earlier"), command="test")


def answering(workspace: Workspace) -> OpenVersion:
    return workspace.store.open_versions.current()


def first_hit(workspace: Workspace, query: str) -> Hit:
    retriever = CurrentRetriever(workspace.store.open_versions)
    return retriever.retrieve(query, reader=OPERATOR, limit=1).hits[0]


@EACH_HOME
def test_a_home_made_by_an_earlier_release_answers_from_the_index_that_it_has(archive: Path, tmp_path: Path) -> None:
    with closing(opened(archive, tmp_path)) as workspace:
        waiting = workspace.ingestor.building()
        stored = workspace.store.open_versions.versions.current()
        embedder = answering(workspace).embedder
        found = {query: first_hit(workspace, query) for query in QUESTIONS}
        documents = workspace.documents(OPERATOR)
    assert waiting is not None
    assert (waiting.version, waiting.current, waiting.lacking) == (None, 1, 2)
    assert stored.settings["embedding_model"] is None, "it was made with what was shipped then"
    assert embedder.dense.name.startswith(f"{MINILM}-")
    assert embedder.name == stored.embedder
    assert all(part in found[query].chunk.text for query, part in QUESTIONS.items())
    assert found["How many days of annual leave?"].dense_score is not None, "its vectors are as good as they were"
    assert found["一线城市的住宿费上限"].dense_score is None, "MiniLM made none for Chinese"
    assert [(document.title, document.revision) for document in documents] == [("Handbook", 1), ("差旅制度", 1)]


@EACH_HOME
@pytest.mark.usefixtures("inline")
def test_the_next_run_builds_the_index_of_today_beside_it_which_then_answers(archive: Path, tmp_path: Path) -> None:
    with closing(opened(archive, tmp_path)) as workspace:
        report = workspace.ingestor.run(Documents())
        versions = workspace.store.open_versions.versions.all()
        building = workspace.ingestor.building()
        embedder = answering(workspace).embedder.dense.name
        found = {query: first_hit(workspace, query) for query in QUESTIONS}
        retriever = CurrentRetriever(workspace.store.open_versions)
        crossing = retriever.retrieve("upper limit for accommodation", reader=OPERATOR, limit=2).hits
    assert (report.failed, report.rebuilt) == (0, 2)
    assert [(version.id, version.state) for version in versions] == [(1, "kept"), (2, "current")]
    assert versions[0].embedder != versions[1].embedder
    assert building is None
    assert embedder.startswith("multilingual-e5-small-")
    assert all(part in found[query].chunk.text for query, part in QUESTIONS.items())
    assert all(hit.dense_score is not None for hit in found.values())
    by_words = [hit.chunk.title for hit in crossing if hit.sparse_score is not None]
    assert by_words == ["差旅制度"], "what the index of today is built for"


@pytest.mark.usefixtures("inline")
def test_an_index_of_the_model_that_was_shipped_before_is_kept_up_with_it_and_can_be_gone_back_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Workspace.open(settings.model_copy(update={"embedding_model": MINILM}), command="test")) as workspace:
        workspace.ingestor.run(Documents())
        kept = dict(workspace.store.open_versions.versions.current().settings)
        with workspace.store.database.begin() as connection:  # as an installation that had set nothing left it
            connection.execute(sa.update(index_versions).values(settings={**kept, "embedding_model": None}))
    with closing(Workspace.open(settings, command="test")) as workspace:
        versions = workspace.store.open_versions
        assert answering(workspace).problem is None
        with versions.for_run(settings) as (current, building):
            assert building is not None
            assert (current.settings.embedding_model, building.settings.embedding_model) == (MINILM, None)
            names = (current.embedder.dense.name, building.embedder.dense.name)
        assert names[0].startswith(f"{MINILM}-")
        assert names[1].startswith("multilingual-e5-small-")
        assert workspace.ingestor.run(Documents()).rebuilt == 2
        assert answering(workspace).embedder.dense.name.startswith("multilingual-e5-small-")
        versions.switch(1)
        monkeypatch.setitem(DOCUMENTS, "/srv/documents/parking.md", "# Parking\n\nCars are parked behind the hall.\n")
        workspace.ingestor.run(Documents())
        hit = first_hit(workspace, "Where may I leave my car?")
        assert answering(workspace).embedder.dense.name.startswith(f"{MINILM}-")
    assert "behind the hall" in hit.chunk.text
    assert hit.dense_score is not None


def test_there_is_a_home_to_open() -> None:
    assert HOMES
