"""Another embedder, splitter or parser: the new index is built beside the old one, which goes on answering."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from api.settings import Settings
from assistant.retrieve import CurrentRetriever
from ingest.access import OPERATOR, Reader
from ingest.document import document_id
from ingest.errors import OwnedError, RequestError
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.shaping import STAGE_VERSIONS
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.embedding_server import embedding_server

pytestmark = pytest.mark.usefixtures("inline")

_PARAGRAPH = "差旅费用应当在返回后十个工作日之内报销，逾期需要部门负责人书面说明。" * 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(4):
        text = "\n\n".join(f"甲{number}号文件第{part}条 {_PARAGRAPH}" for part in range(4))
        (folder / f"甲{number}.txt").write_text(text, encoding="utf-8")
    return folder


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Store, Ingestor]]:
    with closing(Store.open(settings, command="test")) as store:
        yield store, Ingestor(store, settings)


class _Readers:
    """Threads that search for the documents without pause, and what was wrong with what they found."""

    def __init__(self, store: Store, names: list[str]) -> None:
        self.complaints: list[str] = []
        self.seen: set[tuple[int, ...]] = set()
        self._retriever = CurrentRetriever(store.open_versions)
        self._names = names
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(2)]

    def __enter__(self) -> _Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def come_to_see(self, revisions: int) -> bool:
        """Whether they have found so many revisions; those that are slow get some seconds for it."""
        deadline = time.monotonic() + 10
        while len({first for first, *_ in self.seen.copy()}) != revisions and time.monotonic() < deadline:
            time.sleep(0.05)
        return len({first for first, *_ in self.seen.copy()}) == revisions

    def _read(self) -> None:
        while not self._stop.is_set():
            for name in self._names:
                hits = self._retriever.retrieve(f"{name}号文件", reader=OPERATOR, limit=100).hits
                chunks = [hit.chunk for hit in hits if Path(hit.chunk.uri).stem == name]
                places = sorted(chunk.position for chunk in chunks)
                revisions = {chunk.revision for chunk in chunks}
                self._stop.wait(0.01)  # the run wants a processor, too
                self.seen.add((*revisions, len(chunks)))
                if len(revisions) != 1 or places != list(range(len(places))):
                    self.complaints.append(f"{name}: revisions {revisions}, passages {places}")


def _found(store: Store, query: str, reader: Reader = OPERATOR) -> set[str]:
    hits = CurrentRetriever(store.open_versions).retrieve(query, reader=reader, limit=50).hits
    return {Path(hit.chunk.uri).stem for hit in hits}


def _states(store: Store) -> list[tuple[int, str]]:
    return [(version.id, version.state) for version in store.open_versions.versions.all()]


def _id(file: Path) -> str:
    return document_id("local", str(file))


def test_other_passages_are_built_beside_the_old_ones_and_can_be_gone_back_on(
    folder: Path, settings: Settings, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "乙.txt").write_text("乙号文件：访客必须登记。", encoding="utf-8")
    with _opened(settings) as (store, ingestor):
        ingestor.run(FolderSource([folder]))
        ingestor.run(FolderSource([elsewhere]))
        before = store.index.count()
    finer = settings.model_copy(update={"chunk_tokens": 64})
    with _opened(finer) as (store, ingestor):
        names = [f"甲{number}" for number in range(4)]
        with _Readers(store, names) as readers:
            # A run that does not even cover the others rebuilds all of the source.
            report = ingestor.run(FolderSource([elsewhere]))
            assert (report.unchanged, report.rebuilt, report.failed, report.done) == (1, 5, 0, report.found)
            assert readers.come_to_see(2)
        assert readers.complaints == []
        assert _states(store) == [(1, "kept"), (2, "current")]
        assert store.current().index.count() > before
        assert _found(store, "乙号文件") >= {"乙"}

        # Gone back, it stays, kept up to date as it was made, until the settings change again.
        (folder / "甲0.txt").unlink()
        ingestor.run(FolderSource([folder]))
        store.open_versions.switch(1)
        assert "甲0" not in _found(store, "甲0号文件")
        (folder / "甲1.txt").write_text("甲1号文件只剩一句。", encoding="utf-8")
        report = ingestor.run(FolderSource([folder]))
        assert (report.changed, report.rebuilt) == (1, 0)
        assert _states(store) == [(1, "current"), (2, "kept")]
        assert store.current().index.count() < before
        with pytest.raises(RequestError):
            store.open_versions.drop(1, busy=False)
        store.open_versions.drop(2, busy=False)
        assert _states(store) == [(1, "current")]
    kept = {entry.name for entry in (settings.home / "index").iterdir() if entry.is_dir()}
    assert len(kept) == 1
    coarser = settings.model_copy(update={"chunk_tokens": 512})
    with _opened(coarser) as (store, ingestor):
        assert ingestor.run(FolderSource([folder])).rebuilt == 4
        assert _states(store) == [(1, "kept"), (3, "current")]


@pytest.mark.slow
def test_another_embedder_answers_once_it_has_all_and_the_old_one_until_then(folder: Path, settings: Settings) -> None:
    with _opened(settings) as (store, ingestor):
        ingestor.run(FolderSource([folder]))
    with embedding_server() as (server, url):
        remote = settings.model_copy(update={"embedding_url": url, "embedding_model": "qwen3-embedding"})
        server.answer = lambda texts: (400, {}) if "甲2" in "".join(texts) else server.vectors(texts)
        with _opened(remote) as (store, ingestor), _Readers(store, ["甲0", "甲1", "甲2", "甲3"]) as readers:
            report = ingestor.run(FolderSource([folder]))
            assert (report.rebuilt, [failure.code for failure in report.failures]) == (3, ["embedding_refused"])
            assert _states(store) == [(1, "current"), (2, "building")]
            building = ingestor.building()
            assert building is not None
            assert (building.version, building.documents, building.lacking, building.failed) == (2, 4, 1, 1)

            # Meanwhile the old one is kept up to date, who may read holds at once, and what is deleted is gone.
            (folder / "甲3.txt").unlink()
            (folder / "新.txt").write_text("新号文件：门禁卡遗失应立即报告。", encoding="utf-8")
            ingestor.run(FolderSource([folder]))
            assert _states(store)[0] == (1, "current")
            assert "新" in _found(store, "新号文件")
            assert "甲3" not in _found(store, "甲3号文件")
            readers.complaints.clear()  # one of them was deleted

            server.answer = server.vectors
            assert [Path(d.uri).stem for d in store.catalog.of(2).documents(OPERATOR, failed=True)] == ["甲2"]
            assert store.catalog.retry([_id(folder / "甲2.txt")]) == 1
            assert ingestor.run(FolderSource([folder])).rebuilt == 1
            assert _states(store) == [(1, "kept"), (2, "current")]
        assert [each for each in readers.complaints if not each.startswith("甲3")] == []
        with _opened(remote) as (store, _):
            assert store.embedder.name.startswith("qwen3-embedding")
            assert store.index.count() == sum(d.chunks for d in store.catalog.documents(OPERATOR))
            store.open_versions.switch(1)
            assert store.current().embedder.name.startswith("multilingual-e5-small-")
            assert "新" in _found(store, "新号文件")
        with _opened(settings) as (store, ingestor):
            assert _states(store) == [(1, "current"), (2, "kept")]
            assert ingestor.run(FolderSource([folder])).unchanged == 4


def test_another_parser_takes_over_the_vectors_of_what_did_not_change(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedding_server() as (_, url):
        remote = settings.model_copy(update={"embedding_url": url, "embedding_model": "qwen3-embedding"})
        with _opened(remote) as (store, ingestor):
            first = ingestor.run(FolderSource([folder]))
        monkeypatch.setitem(STAGE_VERSIONS, "parser", "another")
        with _opened(remote) as (store, ingestor):
            stop = threading.Event()

            def stop_soon(report: Report) -> None:
                if report.rebuilt:
                    stop.set()

            ingestor.run(FolderSource([folder]), on_progress=stop_soon, stop=stop)
            assert _states(store) == [(1, "current"), (2, "building")]
            report = ingestor.run(FolderSource([folder]))
            assert report.embedded == 0
            assert _states(store) == [(1, "kept"), (2, "current")]
            assert store.current().index.count() == first.chunks


def test_a_change_before_there_is_anything_in_it_takes_nothing_over(folder: Path, settings: Settings) -> None:
    with _opened(settings):
        pass
    finer = settings.model_copy(update={"chunk_tokens": 64})
    with _opened(finer) as (store, ingestor):
        assert ingestor.building() is None
        report = ingestor.run(FolderSource([folder / "甲0.txt"]))
        assert (report.new, report.rebuilt) == (1, 0)
        assert _states(store) == [(2, "current")]


def test_a_file_that_is_gone_and_was_given_to_another_run_holds_up_the_switch_and_is_named(
    folder: Path, settings: Settings
) -> None:
    with _opened(settings) as (store, ingestor):
        ingestor.run(FolderSource([folder]))
    (folder / "甲0.txt").unlink()
    with _opened(settings.model_copy(update={"chunk_tokens": 64})) as (store, ingestor):
        report = ingestor.run(FolderSource([folder / "甲1.txt"]))
        assert [(failure.uri, failure.code) for failure in report.failures] == [
            (str(folder / "甲0.txt"), "file_missing")
        ]
        assert _states(store) == [(1, "current"), (2, "building")]
        with pytest.raises(OwnedError):
            store.open_versions.drop(2, busy=True)
        assert ingestor.run(FolderSource([folder])).deleted == 1
        assert _states(store) == [(1, "kept"), (2, "current")]


def test_a_folder_that_is_empty_while_an_index_is_built_loses_nothing(folder: Path, settings: Settings) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "乙.txt").write_text("乙号文件：访客必须登记。", encoding="utf-8")
    with _opened(settings) as (store, ingestor):
        ingestor.run(FolderSource([folder, elsewhere]))
    for file in folder.iterdir():
        file.unlink()
    with _opened(settings.model_copy(update={"chunk_tokens": 64})) as (store, ingestor):
        report = ingestor.run(FolderSource([folder]))
        assert (report.deleted, [failure.code for failure in report.failures]) == (0, ["many_deletions"])
        assert _states(store) == [(1, "current"), (2, "building")]
        assert _found(store, "甲0号文件") >= {"甲0"}


def test_the_old_index_is_searched_by_words_where_its_model_is_gone(folder: Path, settings: Settings) -> None:
    with embedding_server() as (_, url):
        remote = settings.model_copy(update={"embedding_url": url, "embedding_model": "qwen3-embedding"})
        with _opened(remote) as (store, ingestor):
            ingestor.run(FolderSource([folder]))
    with _opened(settings) as (store, ingestor):
        # Its server is gone: what a search would say is that, until the new index is built.
        assert ingestor.run(FolderSource([folder])).rebuilt == 4
        assert _states(store) == [(1, "kept"), (2, "current")]
        assert "甲0" in _found(store, "甲0号文件")


def test_a_home_of_an_earlier_release_keeps_its_index(folder: Path, settings: Settings) -> None:
    with _opened(settings) as (store, ingestor):
        first = ingestor.run(FolderSource([folder]))
        with store.database.begin() as connection:
            connection.exec_driver_sql("UPDATE index_versions SET folder = '', fingerprint = '', embedder = ''")
    with _opened(settings) as (store, ingestor):
        assert ingestor.building() is None
        assert store.index.count() == first.chunks
        assert store.open_versions.current().embedder.name == store.open_versions.versions.current().embedder
        with store.database.begin() as connection:
            connection.exec_driver_sql("UPDATE index_versions SET folder = '', fingerprint = ''")
    # The settings changed with the release: it is found by the embedder that every installation has.
    with embedding_server() as (_, url):
        remote = settings.model_copy(update={"embedding_url": url, "embedding_model": "qwen3-embedding"})
        with _opened(remote) as (store, ingestor):
            assert store.index.count() == first.chunks
            assert "甲0" in _found(store, "甲0号文件")
            assert ingestor.building() is not None


def test_what_is_kept_with_an_index_has_no_secrets(settings: Settings) -> None:
    with embedding_server() as (_, url):
        secret = url.replace("http://", "http://user:hush@")
        remote = settings.model_copy(update={"embedding_url": secret, "embedding_model": "qwen3-embedding"})
        with _opened(remote) as (store, _):
            kept = store.open_versions.versions.current().settings
    assert "hush" not in repr(kept)
    assert kept["embedding_model"] == "qwen3-embedding"
