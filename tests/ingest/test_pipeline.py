"""The chain of ingestion, from a folder to what the index and the catalog hold."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.catalog.catalog import Catalog
from ingest.catalog.records import Publication
from ingest.document import Chunk, Embedding, Location, Reference, SparseVector, chunk_id, document_id
from ingest.errors import ConfigurationError, DocumentError, OwnedError, SourceError
from ingest.home.lock import Ownership
from ingest.runs import stages as workers
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.sources import NOTHING_KNOWN
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.embedding_server import embedding_server

pytestmark = pytest.mark.usefixtures("inline")

_PARAGRAPH = "差旅费用应当在返回后十个工作日之内报销，逾期需要部门负责人书面说明。" * 8


def _texts(store: Store, file: Path) -> list[str]:
    identity = document_id("local", str(file))
    document = store.catalog.document(identity)
    assert document is not None
    assert document.revision is not None
    return [chunk.text for chunk in store.index.chunks(identity, document.revision)]


def _with_server(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"embedding_url": url, "embedding_model": "qwen3-embedding"})


def _counts(report: Report) -> tuple[int, int, int, int, int]:
    return report.new, report.changed, report.unchanged, report.deleted, report.failed


def test_a_run_does_only_what_changed(folder: Path, ingestor: Ingestor, store: Store) -> None:
    (folder / "一.txt").write_text("员工每年享有十天年假。")
    (folder / "二.txt").write_text("会议室需要提前预约。")
    assert _counts(ingestor.run(FolderSource([folder]))) == (2, 0, 0, 0, 0)
    assert _counts(ingestor.run(FolderSource([folder]))) == (0, 0, 2, 0, 0)

    (folder / "一.txt").write_text("员工每年享有十五天年假。")
    os.utime(folder / "二.txt", ns=(1, 1))
    (folder / "三.txt").write_text("访客必须登记。")
    assert _counts(ingestor.run(FolderSource([folder]))) == (1, 1, 1, 0, 0)
    assert _texts(store, folder / "一.txt") == ["员工每年享有十五天年假。"]

    (folder / "三.txt").unlink()
    assert _counts(ingestor.run(FolderSource([folder]))) == (0, 0, 2, 1, 0)
    assert store.catalog.document(document_id("local", str(folder / "三.txt"))) is None
    assert store.index.count() == 2


def test_a_document_that_is_listed_twice_is_brought_in_once(folder: Path, ingestor: Ingestor, store: Store) -> None:
    class Repeating(FolderSource):
        def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
            return chain(super().references(known), super().references(known))

    (folder / "一.txt").write_text("员工每年享有十天年假。")
    assert _counts(ingestor.run(Repeating([folder]))) == (1, 0, 0, 0, 0)
    assert _counts(ingestor.run(Repeating([folder]))) == (0, 0, 1, 0, 0)
    assert store.index.count() == 1


def test_shrinking_a_document_removes_its_tail(folder: Path, ingestor: Ingestor, store: Store) -> None:
    file = folder / "长.txt"
    file.write_text("\n\n".join(f"第{number}条 {_PARAGRAPH}" for number in range(6)))
    ingestor.run(FolderSource([folder]))
    assert store.index.count() > 1
    file.write_text("只剩一句。")
    ingestor.run(FolderSource([folder]))
    assert _texts(store, file) == ["只剩一句。"]
    assert store.index.count() == 1


def test_old_passages_stay_for_a_while_for_those_who_found_them_before_the_new_ones_were_published(
    folder: Path, ingestor: Ingestor, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "一.txt"
    file.write_text("员工每年享有十天年假。")
    ingestor.run(FolderSource([folder]))
    published, retired = [0.0], [0.0]
    publish, retire = Catalog.publish, store.index.retire

    def noted(self: Catalog, publications: Sequence[Publication]) -> None:
        published[0] = time.monotonic()
        publish(self, publications)

    def removed(identity: str, *, first: int, last: int) -> None:
        retired[0] = time.monotonic()
        retire(identity, first=first, last=last)

    monkeypatch.setattr(Catalog, "publish", noted)
    monkeypatch.setattr(store.index, "retire", removed)
    file.write_text("员工每年享有十五天年假。")
    ingestor.run(FolderSource([folder]))
    assert retired[0] - published[0] >= 0.9
    assert store.index.count() == 1


def test_a_document_that_fails_is_reported_keeps_its_last_revision_and_is_tried_again(
    folder: Path, ingestor: Ingestor, store: Store
) -> None:
    good, bad = folder / "good.txt", folder / "bad.txt"
    good.write_text("访客必须登记。")
    bad.write_text("门禁卡遗失应立即报告。")
    ingestor.run(FolderSource([folder]))
    bad.write_text("")
    for _ in range(2):
        report = ingestor.run(FolderSource([folder]))
        assert report.failed == 1
        assert [(failure.uri, failure.code) for failure in report.failures] == [(str(bad), "empty")]
    assert _texts(store, bad) == ["门禁卡遗失应立即报告。"]
    bad.write_text("门禁卡遗失应在一小时内报告。")
    assert _counts(ingestor.run(FolderSource([folder]))) == (0, 1, 1, 0, 0)
    assert store.catalog.documents(OPERATOR, failed=True) == []


def test_a_document_that_was_deleted_may_return(folder: Path, ingestor: Ingestor, store: Store) -> None:
    file = folder / "一.txt"
    (folder / "二.txt").write_text("会议室需要提前预约。")
    for _ in range(2):
        file.write_text("员工每年享有十天年假。")
        ingestor.run(FolderSource([folder]))
        assert _texts(store, file) == ["员工每年享有十天年假。"]
        file.unlink()
        assert ingestor.run(FolderSource([folder])).deleted == 1
    assert store.index.count() == 1


def test_a_missing_path_changes_nothing(folder: Path, ingestor: Ingestor, store: Store) -> None:
    (folder / "一.txt").write_text("员工每年享有十天年假。")
    ingestor.run(FolderSource([folder]))
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(SourceError) as raised:
        ingestor.run(FolderSource([folder]))
    assert raised.value.code == "path_missing"
    assert store.index.count() == 1


def test_a_source_that_lost_most_of_its_documents_deletes_nothing_until_it_is_allowed(
    folder: Path, ingestor: Ingestor, store: Store
) -> None:
    for number in range(15):
        (folder / f"{number}.txt").write_text(f"第{number}号通知。")
    ingestor.run(FolderSource([folder]))
    for number in range(12):
        (folder / f"{number}.txt").unlink()
    report = ingestor.run(FolderSource([folder]))
    assert (report.deleted, [failure.code for failure in report.failures]) == (0, ["many_deletions"])
    assert store.index.count() == 15
    assert ingestor.run(FolderSource([folder]), allow_deletions=True).deleted == 12
    assert store.index.count() == 3


def test_a_run_only_deletes_under_the_paths_it_was_given(folder: Path, ingestor: Ingestor) -> None:
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "一.txt").write_text(f"{name} 的通知。")
    ingestor.run(FolderSource([folder / "a"]))
    assert ingestor.run(FolderSource([folder / "b"])).deleted == 0


def test_a_run_that_is_stopped_is_finished_by_the_next(folder: Path, ingestor: Ingestor, store: Store) -> None:
    for number in range(40):
        (folder / f"{number:02d}.txt").write_text(f"第{number}号通知。{_PARAGRAPH}")
    stop = threading.Event()

    def stop_soon(report: Report) -> None:
        if report.chunks or report.done >= 3:
            stop.set()

    ingestor.run(FolderSource([folder]), on_progress=stop_soon, stop=stop)
    ingestor.run(FolderSource([folder]))
    assert len([d for d in store.catalog.documents(OPERATOR) if d.state == "ready"]) == 40


def test_two_runs_at_once_are_refused(folder: Path, ingestor: Ingestor, settings: Settings) -> None:
    with Ownership.take(settings.home, "ingest", "run.lock"), pytest.raises(OwnedError):
        ingestor.run(FolderSource([folder]))


def test_what_an_interrupted_run_had_written_is_not_left_behind(folder: Path, ingestor: Ingestor, store: Store) -> None:
    file = folder / "一.txt"
    file.write_text("员工每年享有十天年假。")
    ingestor.run(FolderSource([folder]))
    identity = document_id("local", str(file))
    (chunk,) = store.index.chunks(identity, 1)
    _write_unpublished(store, FolderSource([folder]), chunk)
    assert store.index.count() == 2
    ingestor.run(FolderSource([folder]))
    assert store.index.count() == 1
    assert _texts(store, file) == ["员工每年享有十天年假。"]


def test_nor_of_a_document_that_came_back_and_is_gone_again(folder: Path, ingestor: Ingestor, store: Store) -> None:
    file = folder / "一.txt"
    file.write_text("员工每年享有十天年假。")
    ingestor.run(FolderSource([folder]))
    (chunk,) = store.index.chunks(document_id("local", str(file)), 1)
    file.unlink()
    ingestor.run(FolderSource([folder]))
    assert store.index.count() == 0

    file.write_text("员工每年享有十五天年假。")
    _write_unpublished(store, FolderSource([folder]), chunk)
    file.unlink()
    assert store.index.count() == 1
    ingestor.run(FolderSource([folder]))
    assert store.index.count() == 0


def test_nor_of_a_document_that_was_deleted_meanwhile(folder: Path, ingestor: Ingestor, store: Store) -> None:
    file = folder / "一.txt"
    file.write_text("员工每年享有十天年假。")
    ingestor.run(FolderSource([folder]))
    (chunk,) = store.index.chunks(document_id("local", str(file)), 1)
    (reference,) = FolderSource([folder]).references()
    store.catalog.take_revision(reference, "another digest")
    store.catalog.delete([chunk.document_id])
    store.catalog.record_retired(store.catalog.retirements())
    late = replace(chunk, id=chunk_id(chunk.document_id, 2, 0), revision=2)
    store.index.write([late], [Embedding(None, SparseVector((7,), (1.0,)))])
    file.unlink()
    ingestor.run(FolderSource([folder]))
    assert store.index.count() == 0


def _write_unpublished(store: Store, source: FolderSource, chunk: Chunk) -> None:
    """Leave what a run leaves that is killed before it publishes what it has written."""
    (reference,) = source.references()
    revision = store.catalog.take_revision(reference, "another digest")
    written = replace(chunk, id=chunk_id(chunk.document_id, revision, 0), revision=revision)
    store.index.write([written], [Embedding(None, SparseVector((7,), (1.0,)))])


def test_naming_other_languages_for_the_embedder_reads_the_documents_again(
    folder: Path, ingestor: Ingestor, store: Store, settings: Settings
) -> None:
    (folder / "一.txt").write_text("员工每年享有十天年假。")
    ingestor.run(FolderSource([folder]))
    wider = Ingestor(store, settings.model_copy(update={"embedding_languages": ("zh", "en")}))
    building = wider.building()
    assert building is not None
    assert (building.version, building.documents, building.lacking) == (None, 1, 1)


def test_changing_how_documents_are_cut_reads_them_again(
    folder: Path, ingestor: Ingestor, store: Store, settings: Settings
) -> None:
    (folder / "长.txt").write_text("\n\n".join(f"第{number}条 {_PARAGRAPH}" for number in range(6)))
    ingestor.run(FolderSource([folder]))
    before = store.index.count()
    finer = Ingestor(store, settings.model_copy(update={"chunk_tokens": 64}))
    assert ingestor.building() is None
    assert finer.building() is not None
    assert finer.run(FolderSource([folder])).rebuilt == 1
    assert store.current().index.count() > before
    assert store.index.count() == before
    assert finer.building() is None


def test_a_passage_that_the_embedding_server_refuses_costs_its_document_only(folder: Path, settings: Settings) -> None:
    with embedding_server() as (server, url), closing(Store.open(_with_server(settings, url), command="test")) as store:
        server.answer = lambda texts: (400, {}) if "拒收" in "".join(texts) else server.vectors(texts)
        for name, text in {"一": "访客必须登记。", "二": "这一篇会被拒收。", "三": "会议室需要预约。"}.items():
            (folder / f"{name}.txt").write_text(text)
        ingestor = Ingestor(store, _with_server(settings, url))
        report = ingestor.run(FolderSource([folder]))
        assert _counts(report) == (2, 0, 0, 0, 1)
        assert [(failure.uri, failure.code) for failure in report.failures] == [
            (str(folder / "二.txt"), "embedding_refused")
        ]
        assert _texts(store, folder / "一.txt") == ["访客必须登记。"]
        assert _texts(store, folder / "三.txt") == ["会议室需要预约。"]

        server.answer = server.vectors
        # Its words were searchable since the first run.
        assert _counts(ingestor.run(FolderSource([folder]))) == (0, 1, 2, 0, 0)
        assert store.index.count() == 3

        (folder / "四.txt").write_text("门禁卡遗失应立即报告。")
        server.answer = lambda texts: (401, {})
        with pytest.raises(ConfigurationError):
            ingestor.run(FolderSource([folder]))


def test_an_embedder_that_fails_unforeseen_fails_for_the_document_it_fails_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def embed_documents(texts: Sequence[str]) -> np.ndarray:
        if any(text.endswith("odd") for text in texts):
            raise RuntimeError("out of range")
        return np.ones((len(texts), 3), dtype=np.float32)

    dense = SimpleNamespace(embed_documents=embed_documents)
    monkeypatch.setattr(workers, "open_embedder", lambda _: SimpleNamespace(dense=dense))
    chunks = [
        Chunk(f"{uri}{n}", document_id("local", uri), 1, n, "local", uri, uri, "en", text, Location(), ("everyone",))
        for uri, texts in {"a": ["x", "y"], "b": ["x", "odd"], "c": ["z"]}.items()
        for n, text in enumerate(texts)
    ]
    results = workers.make_chunk_embedder(settings)(chunks)
    assert [result.code if isinstance(result, DocumentError) else "" for result in results] == [
        "", "", "embedding_failed", "embedding_failed", "",
    ]  # fmt: skip


def test_a_document_that_the_index_refuses_costs_itself_only(
    folder: Path, ingestor: Ingestor, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = store.index.write

    def picky(chunks: Sequence[Chunk], embeddings: Sequence[Embedding]) -> None:
        if any("拒收" in chunk.text for chunk in chunks):
            raise DocumentError("text_not_unicode", "It holds halves of characters.", "Save it again.")
        write(chunks, embeddings)

    monkeypatch.setattr(store.index, "write", picky)
    for name, text in {"一": "访客必须登记。", "二": "这一篇会被拒收。", "三": "会议室需要预约。"}.items():
        (folder / f"{name}.txt").write_text(text)
    report = ingestor.run(FolderSource([folder]))
    assert _counts(report) == (2, 0, 0, 0, 1)
    assert [failure.code for failure in report.failures] == ["text_not_unicode"]
    assert report.chunks == store.index.count() == 2
