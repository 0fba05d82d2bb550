"""Compaction of the embedded index: nothing is lost, searches go on, and an interruption changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ingest.access import OPERATOR
from ingest.document import Chunk, Embedding, SparseVector
from ingest.index import edge
from ingest.index.edge import EdgeIndex
from tests.ingest.test_index import DIMENSION, make_chunk

CHUNKS = 300
QUERY = Embedding(np.eye(DIMENSION, dtype=np.float32)[1], SparseVector((7, 11), (1.0, 1.0)))


@pytest.fixture(autouse=True)
def _worth_while_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "COMPACT_AFTER", CHUNKS)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EdgeIndex]:
    opened = EdgeIndex.open(tmp_path / "index", dimension=DIMENSION)
    opened.write(*_contents(CHUNKS))
    yield opened
    opened.close()


def _contents(count: int, first: int = 0) -> tuple[list[Chunk], list[Embedding]]:
    random = np.random.default_rng(first)
    chunks = [make_chunk(f"d{number}") for number in range(first, first + count)]
    vectors = random.normal(size=(count, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    terms = (7, 11, 13, 17)
    weights = random.uniform(0.5, 2.0, size=(count, len(terms)))
    return chunks, [
        Embedding(vector, SparseVector(terms, tuple(map(float, weight))))
        for vector, weight in zip(vectors, weights, strict=True)
    ]


def _ranking(index: EdgeIndex) -> tuple[list[str], list[str]]:
    legs = index.search(QUERY, reader=OPERATOR, limit=50)
    return [hit.chunk_id for hit in legs.dense], [hit.chunk_id for hit in legs.sparse]


def _never() -> bool:
    return False


def test_searches_find_the_same_before_and_after_and_when_opened_again(index: EdgeIndex, tmp_path: Path) -> None:
    before = _ranking(index)
    assert index.compact(interrupted=_never)
    assert _ranking(index) == before
    assert index.count() == CHUNKS
    assert index.chunks(make_chunk("d5").document_id, 1) == [make_chunk("d5")]
    index.close()
    again = EdgeIndex.open(tmp_path / "index", dimension=DIMENSION)
    assert _ranking(again) == before
    again.close()


def test_what_is_written_and_retired_afterwards_counts(index: EdgeIndex) -> None:
    assert index.compact(interrupted=_never)
    index.write(*_contents(10, first=CHUNKS))
    index.retire(make_chunk("d0").document_id, first=1, last=1)
    index.flush()
    assert index.count() == CHUNKS + 9
    assert not index.compact(interrupted=_never), "it has hardly grown"
    index.write(*_contents(CHUNKS, first=CHUNKS + 10))
    assert index.compact(interrupted=_never)
    assert index.count() == 2 * CHUNKS + 9
    assert index.chunks(make_chunk("d0").document_id, 1) == []


def test_an_interruption_leaves_everything_as_it_was(index: EdgeIndex, tmp_path: Path) -> None:
    before = _ranking(index)
    assert not index.compact(interrupted=lambda: True)
    assert _ranking(index) == before
    assert [entry.name for entry in (tmp_path / "index").iterdir() if entry.is_dir()] == ["1"]


def test_what_a_killed_process_left_of_a_copy_is_removed(index: EdgeIndex, tmp_path: Path) -> None:
    before = _ranking(index)
    index.close()
    (tmp_path / "index" / "2" / "segments").mkdir(parents=True)
    (tmp_path / "index" / "current.new").write_text("{")
    again = EdgeIndex.open(tmp_path / "index", dimension=DIMENSION)
    assert _ranking(again) == before
    assert not (tmp_path / "index" / "2").exists()
    again.close()


def test_what_replaces_and_what_changes_access_counts_as_growth_after_a_restart_too(
    index: EdgeIndex, tmp_path: Path
) -> None:
    assert index.compact(interrupted=_never)
    index.write(*_contents(CHUNKS // 2))
    index.flush()
    assert not index.compact(interrupted=_never), "half of what is worth while"
    index.close()
    again = EdgeIndex.open(tmp_path / "index", dimension=DIMENSION)
    for number in range(CHUNKS // 2):
        again.set_access(make_chunk(f"d{number}").document_id, ["group:staff"])
    assert again.compact(interrupted=_never)
    assert again.count() == CHUNKS
    again.close()


def test_writers_wait_and_nothing_of_theirs_is_lost(index: EdgeIndex) -> None:
    stop, written = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            first = CHUNKS + written[0]
            index.write(*_contents(5, first=first))
            index.retire(make_chunk(f"d{first}").document_id, first=1, last=1)
            index.set_access(make_chunk(f"d{first + 1}").document_id, [f"group:{first}"])
            index.remove([make_chunk(f"d{first + 2}").id])
            index.flush()
            written[0] += 5

    thread = threading.Thread(target=write)
    thread.start()
    while written[0] < 50:
        pass
    compacted = index.compact(interrupted=_never)
    at_once = written[0]
    while written[0] < at_once + 50:
        pass
    stop.set()
    thread.join()
    assert compacted
    assert index.count() == CHUNKS + written[0] // 5 * 3
    for first in range(CHUNKS, CHUNKS + written[0], 5):
        found = index.fetch([make_chunk(f"d{number}").id for number in range(first, first + 5)])
        expected = [make_chunk(f"d{number}").id for number in (first + 1, first + 3, first + 4)]
        assert sorted(found) == sorted(expected)
        assert found[expected[0]].access == (f"group:{first}",)


def test_a_disk_without_room_for_a_copy_leaves_everything_as_it_was(
    index: EdgeIndex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = _ranking(index)
    with monkeypatch.context() as full:
        full.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=2**20))
        assert not index.compact(interrupted=_never)
        assert "MiB are free" in caplog.text
        assert not index.compact(interrupted=_never)
        assert caplog.text.count("MiB are free") == 1, "it does not try again at once"
    assert _ranking(index) == before
    index.write(*_contents(CHUNKS, first=CHUNKS))
    assert index.compact(interrupted=_never)
    assert index.count() == 2 * CHUNKS


def test_what_is_compacted_lies_in_memory_no_more(index: EdgeIndex, tmp_path: Path) -> None:
    def changeable() -> list[Path]:
        index.flush()
        return [file for file in (tmp_path / "index").rglob("mutable_id_tracker.mappings") if file.stat().st_size]

    assert changeable()
    assert index.compact(interrupted=_never)
    assert changeable() == []


@pytest.mark.slow
def test_a_large_index_is_rewritten_in_parts_and_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rewritten() -> set[str]:
        return {file.parent.parent.name for file in (tmp_path / "parted").rglob("matrix.dat")}

    count, before = 13_000, set()  # two of these are more than a segment may have
    monkeypatch.setattr(edge, "COMPACT_AFTER", count)
    parted, whole = (EdgeIndex.open(tmp_path / name, dimension=DIMENSION) for name in ("parted", "whole"))
    for first in range(0, 3 * count, count):
        for index in (parted, whole):
            index.write(*_contents(count, first))
        assert parted.compact(interrupted=_never)
        assert before < (before := rewritten()), "what was rewritten before is not rewritten again"
    assert parted.count() == 3 * count
    assert list(parted.inventory()) == list(whole.inventory())
    found, expected = (index.search(QUERY, reader=OPERATOR, limit=50) for index in (parted, whole))
    assert [hit.chunk_id for hit in found.dense] == [hit.chunk_id for hit in expected.dense]
    # What is rewritten keeps its term weights in half precision; near ties may change places.
    assert [hit.score for hit in found.sparse] == pytest.approx([hit.score for hit in expected.sparse], rel=1e-3)
    parted.close()
    whole.close()


def test_what_was_removed_is_weighed_no_more(index: EdgeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "COMPACT_AFTER", 1)
    rare, removed = Embedding(None, SparseVector((7,), (1.0,))), CHUNKS // 5
    chunks, embeddings = _contents(CHUNKS)
    without = [Embedding(embedding.dense, SparseVector((11,), (1.0,))) for embedding in embeddings[removed + 9 :]]
    index.write(chunks[removed + 9 :], without)
    assert index.compact(interrupted=_never)
    index.remove([chunk.id for chunk in chunks[:removed]])
    index.write(*_contents(1, first=CHUNKS))
    assert index.compact(interrupted=_never)

    fresh = EdgeIndex.open(tmp_path / "fresh", dimension=DIMENSION)
    for part in ((chunks[removed:], embeddings[removed : removed + 9] + without), _contents(1, first=CHUNKS)):
        fresh.write(*part)
    found, expected = (each.search(rare, reader=OPERATOR, limit=5).sparse for each in (index, fresh))
    assert [hit.chunk_id for hit in found] == [hit.chunk_id for hit in expected]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], rel=1e-2)
    fresh.close()


def test_searches_go_on_all_the_while(index: EdgeIndex) -> None:
    before, problems, searches = _ranking(index), [], []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            try:
                if _ranking(index) != before:
                    problems.append("another ranking")
            except Exception as error:
                problems.append(repr(error))
            searches.append(1)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    compacted = index.compact(interrupted=_never)
    stop.set()
    for thread in threads:
        thread.join()
    assert compacted
    assert len(searches) > 10
    assert problems == []
