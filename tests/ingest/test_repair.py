"""Repair over a home that a real run filled, and that was damaged behind the catalog's back in every way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.document import Embedding, document_id
from ingest.index.server import ServerIndex
from ingest.runs.exclusive import exclusively
from ingest.runs.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from ingest.store import Store
from ingest.verify.problems import Verification, VerifyProgress
from ingest.verify.verifier import Verifier
from tests.ingest.filled_home import publish, reference

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
    pytest.mark.usefixtures("inline"),
]

NAMES = ("readers", "lost", "gap", "vector", "terms", "fine", "failed")


@pytest.fixture(params=["edge", pytest.param("server", marks=pytest.mark.slow)])
def home(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Store]:
    store = Store.open(settings, command="test")
    if request.param == "server":
        from qdrant_client import QdrantClient

        store.index.close()
        dimension = store.embedder.dense.dimension
        server = ServerIndex.open(QdrantClient(":memory:"), collection="youju", dimension=dimension)
        store = replace(store, index=server)
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.md").write_text(
            f"# {name}\n\nThe {name} gate opens at seven.\n\n# 年假\n\n{name} 部门的员工每年享有十天年假。\n"
        )
    (folder / "failed.md").write_text("")
    return folder


def identity(folder: Path, name: str) -> str:
    return document_id("local", str(folder / f"{name}.md"))


def damage(store: Store, folder: Path) -> None:
    """Each document in its own way, and a chunk of one that nobody knows."""
    index = store.index
    index.set_access(identity(folder, "readers"), ["user:nobody"])
    index.retire(identity(folder, "lost"), first=1, last=1)
    index.remove([index.chunks(identity(folder, "gap"), 1)[0].id])
    chunk, stored = index.chunks(identity(folder, "vector"), 1)[0], index.embeddings(identity(folder, "vector"), 1)[0]
    assert stored.dense is not None
    index.write([chunk], [Embedding(None, stored.sparse)])
    chunk, stored = index.chunks(identity(folder, "terms"), 1)[1], index.embeddings(identity(folder, "terms"), 1)[1]
    index.write([replace(chunk, text="完全不同的一句话。")], [stored])
    stranger = "11111111-2222-3333-0000-000100000000"
    index.write([replace(chunk, id=stranger, document_id=stranger, uri="/nowhere.md")], [stored])


def codes(report: Verification) -> dict[str, tuple[str, bool]]:
    return {Path(problem.uri).stem: (problem.code, problem.repaired) for problem in report.problems}


def test_every_damage_is_named_and_mended(home: Store, settings: Settings, folder: Path) -> None:
    ingestor = Ingestor(home, settings)
    ingestor.run(FolderSource([folder]))
    verifier = Verifier(home, settings, ingestor)
    assert codes(verifier.verify()) == {"failed": ("failed", False)}
    untouched = home.catalog.document(identity(folder, "fine"))
    damage(home, folder)
    expected = {
        "failed": "failed",
        "gap": "chunks_missing",
        "lost": "chunks_missing",
        "nowhere": "orphans",
        "readers": "access_differs",
        "terms": "vectors_differ",
        "vector": "vectors_missing",
    }
    named = verifier.verify()
    assert codes(named) == {stem: (code, False) for stem, code in expected.items()}
    assert named.sentence() == "1 of 7 documents are searchable; these 6 are not, because"

    mended = verifier.verify(repair=True)
    assert codes(mended) == {stem: (code, stem != "failed") for stem, code in expected.items()}
    assert mended.sentence() == "6 of 7 documents are searchable; this one is not, because"
    assert codes(verifier.verify(thorough=True)) == {"failed": ("failed", False)}
    assert home.catalog.document(identity(folder, "fine")) == untouched
    assert len(list(home.index.inventory())) == sum(document.chunks for document in home.catalog.documents(OPERATOR))


@pytest.mark.slow
def test_what_cannot_be_read_again_stays_as_it_is(store: Store, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "docs" / "a.txt"
    file.parent.mkdir()
    file.write_text("\n\n".join(f"第{number}条 " + "员工每年享有十天年假。" * 60 for number in range(4)))
    ingestor = Ingestor(store, settings)
    ingestor.run(FolderSource([file.parent]))
    chunks = store.index.chunks(document_id("local", str(file)), 1)
    store.index.remove([chunks[-1].id])
    file.parent.rename(tmp_path / "away")

    report = Verifier(store, settings, ingestor).verify(repair=True)
    assert {problem.code: problem.repaired for problem in report.problems} == {"chunks_missing": False, "gone": False}
    assert store.index.chunks(document_id("local", str(file)), 1) == chunks[:-1]
    (tmp_path / "away").rename(file.parent)
    assert Verifier(store, settings, ingestor).verify(repair=True).problems[0].repaired
    assert Verifier(store, settings, ingestor).verify().problems == []


def test_a_repair_says_where_a_run_was_in_its_way(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.verify.repair._PATIENCE_SECONDS", 0.0)
    document = reference("/docs/a.txt")
    publish(store, document, ["员工每年享有十天年假。"])
    store.index.set_access(document.document_id, ["user:nobody"])
    verifier = Verifier(store, settings, Ingestor(store, settings))
    with exclusively(store, settings, "another source"):
        (problem,) = verifier.verify(repair=True).problems
    assert (problem.code, problem.repaired) == ("access_differs", False)
    assert "Not repaired: " in problem.message
    assert verifier.verify(repair=True).problems[0].repaired


@pytest.mark.slow
def test_a_repair_that_is_broken_off_leaves_documents_as_they_were(
    store: Store, settings: Settings, folder: Path
) -> None:
    ingestor = Ingestor(store, settings)
    (folder / "failed.md").unlink()
    ingestor.run(FolderSource([folder]))
    store.index.remove([store.index.chunks(identity(folder, "gap"), 1)[0].id])
    stop = threading.Event()

    def stop_at_repair(progress: VerifyProgress) -> None:
        if progress.stage == "repair":
            stop.set()

    verifier = Verifier(store, settings, ingestor)
    assert not verifier.verify(repair=True, on_progress=stop_at_repair, stop=stop).complete
    assert verifier.verify(repair=True).problems[0].repaired
    assert verifier.verify().sentence() == "6 of 6 documents are searchable."
