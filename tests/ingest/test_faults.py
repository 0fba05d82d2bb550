"""Faults at every seam of a run: whatever fails, readers see whole documents, and the next run finishes."""

from __future__ import annotations

import errno
import re
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ResponseHandlingException
from sqlalchemy import event

from api.settings import Settings
from assistant.retrieve import Retriever
from ingest.access import OPERATOR
from ingest.catalog.catalog import Catalog
from ingest.catalog.records import Publication, Retirement
from ingest.document import Chunk, Embedding
from ingest.errors import ConfigurationError, UnavailableError
from ingest.index import Index
from ingest.index.server import ServerIndex
from ingest.runs.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from ingest.store import Store

_PARAGRAPH = "差旅费用应当在返回后十个工作日之内报销，逾期需要部门负责人书面说明。" * 8
_NAMES = ("年假制度", "报销办法", "访客登记", "机房巡检", "合同归档")
_MARK = re.compile(r"第(\d+)版第(\d+)段共(\d+)段")
_WRITES = ("write", "flush", "retire", "set_access")


class FaultyIndex:
    """An index of which the operation number `at` (from 0) fails, before it does anything or after it has done it.

    It also knows what was written or removed and not flushed yet, and what was removed at all.
    """

    def __init__(self, index: Index, at: int | None, *, late: bool) -> None:
        self._index = index
        self._at = at
        self._late = late
        self.operations = 0
        self.unflushed: set[str] = set()
        self.removed: set[tuple[str, int, int]] = set()

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._index, name)
        return self._counted(operation) if name in _WRITES else operation

    def write(self, chunks: Sequence[Chunk], embeddings: Sequence[Embedding]) -> None:
        self.unflushed |= {chunk.document_id for chunk in chunks}
        self._counted(self._index.write)(chunks, embeddings)

    def retire(self, document_id: str, *, first: int, last: int) -> None:
        self.unflushed.add(document_id)
        self.removed.add((document_id, first, last))
        self._counted(self._index.retire)(document_id, first=first, last=last)

    def flush(self) -> None:
        self._counted(self._index.flush)()
        self.unflushed.clear()

    def _counted(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            fails = self.operations == self._at
            self.operations += 1
            if fails and not self._late:
                raise UnavailableError("index_failed", "The disk failed.")
            result = operation(*arguments, **named)
            if fails:
                raise UnavailableError("index_failed", "The disk failed.")
            return result

        return run


class FaultyCommits:
    """Of a database the commit number `at` (from 0) fails, before or after it reached the disk."""

    def __init__(self, engine: sa.Engine, at: int | None, *, late: bool) -> None:
        self.commits = 0
        self._at = at
        self._late = late
        event.listen(engine, "commit", self._commit)

    def _commit(self, connection: sa.Connection) -> None:
        if connection.get_execution_options().get("reads_only"):
            return
        fails = self.commits == self._at
        self.commits += 1
        if fails and self._late:
            connection.connection.dbapi_connection.execute("COMMIT")
        if fails:
            raise UnavailableError("database_unavailable", "The disk failed.")


class FaultyRenames:
    """Of the renames of files the number `at` (from 0) fails, before or after it was done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, *, late: bool) -> None:
        self.renames = 0
        self._at = at
        self._late = late
        for name in ("rename", "replace"):
            monkeypatch.setattr(Path, name, self._faulty(getattr(Path, name)))

    def _faulty(self, rename: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def run(path: Path, target: Path) -> Path:
            fails = self.renames == self._at
            self.renames += 1
            if fails and not self._late:
                raise OSError(errno.EIO, "The disk failed")
            done = rename(path, target)
            if fails:
                raise OSError(errno.EIO, "The disk failed")
            return done

        return run


class LostServer:
    """A Qdrant client whose server goes away at the request number `at` (from 0), and stays away until it is back."""

    def __init__(self, client: QdrantClient, at: int) -> None:
        self.requests = 0
        self.is_back = False
        self._client = client
        self._at = at

    def __getattr__(self, name: str) -> Any:
        known = getattr(self._client, name)
        return self._counted(known) if callable(known) else known

    def _counted(self, request: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            self.requests += 1
            if self.requests > self._at and not self.is_back:
                raise ResponseHandlingException(ConnectionRefusedError("Connection refused"))
            return request(*arguments, **named)

        return run


@pytest.fixture
def before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inline: None) -> Path:
    """A folder `docs` that was ingested into `home`, and has changed since."""
    monkeypatch.setattr("ingest.runs.writer._RETIRE_AFTER_SECONDS", 0.0)
    monkeypatch.setattr("ingest.runs.pipeline._BATCH_SECONDS", 0.05)
    docs = tmp_path / "docs"
    docs.mkdir()
    for number, name in enumerate(_NAMES):
        _write(docs / f"{name}.txt", 1, parts=number + 1)
    with closing(_open(tmp_path)) as store:
        _run(tmp_path, store)
    _change(docs)
    return tmp_path


def _change(docs: Path) -> None:
    """Edits, a move, a deletion, an addition."""
    _write(docs / "年假制度.txt", 2, parts=4)
    _write(docs / "合同归档.txt", 2, parts=1)
    (docs / "二部").mkdir()
    (docs / "报销办法.txt").rename(docs / "二部" / "报销办法.txt")
    (docs / "访客登记.txt").unlink()
    _write(docs / "停车规定.txt", 2, parts=2)


def _write(file: Path, version: int, *, parts: int) -> None:
    file.write_text(
        "\n\n".join(f"{file.stem} 第{version}版第{n}段共{parts}段。{_PARAGRAPH}" for n in range(1, parts + 1))
    )


def _open(root: Path) -> Store:
    return Store.open(Settings(home=root / "home"), command="test")


def _run(root: Path, store: Store) -> None:
    Ingestor(store, Settings(home=root / "home")).run(FolderSource([root / "docs"]))


def _seen(store: Store) -> dict[str, tuple[int, int]]:
    """Version and length of what a reader finds of each document, by its name; whole ones only, or this fails."""
    retriever = Retriever(store.index, store.catalog, store.embedder)
    found: dict[str, tuple[int, int]] = {}
    for name in (*_NAMES, "停车规定"):
        marks: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
        for hit in retriever.retrieve(name, reader=OPERATOR, limit=40).hits:
            if Path(hit.chunk.uri).stem == name:
                marks[hit.chunk.uri] += _MARK.findall(hit.chunk.text)
        assert len(marks) <= 1, f"{name} is there more than once"
        for parts in marks.values():
            assert len({(version, total) for version, _, total in parts}) == 1, f"{name} is mixed"
            version, _, total = parts[0]
            assert sorted(int(number) for _, number, _ in parts) == list(range(1, int(total) + 1)), f"{name}: {parts}"
            found[f"{name}.txt"] = (int(version), int(total))
    return found


_OLD = {f"{name}.txt": (1, number + 1) for number, name in enumerate(_NAMES)}
_NEW = {"年假制度.txt": (2, 4), "报销办法.txt": (1, 2), "机房巡检.txt": (1, 4), "合同归档.txt": (2, 1)}
_NEW["停车规定.txt"] = (2, 2)


def _check_between(store: Store) -> None:
    """Each document is the old one or the new one; only what was deleted or added may be missing."""
    seen = _seen(store)
    for name in {*_OLD, *_NEW}:
        allowed = {_OLD.get(name), _NEW.get(name)}
        assert seen.get(name) in allowed, f"{name} is {seen.get(name)}, not one of {allowed}"


def _check_finished(root: Path) -> None:
    """The next run, undisturbed, leaves exactly the new documents, and nothing else in the index."""
    with closing(_open(root)) as store:
        _check_between(store)
        _run(root, store)
        _check_new(store)


def _check_new(store: Store) -> None:
    assert _seen(store) == _NEW
    assert store.index.count() == sum(document.chunks for document in store.catalog.documents(OPERATOR))
    assert store.catalog.retirements() == []
    assert store.catalog.unpublished("local") == []


def _chunks(store: Store) -> dict[tuple[str, int], Chunk]:
    """By document and position; without their revisions, since a number that was withdrawn is not given out again."""
    documents = store.catalog.documents(OPERATOR)
    chunks = [chunk for each in documents for chunk in store.index.chunks(each.id, each.revision or 0)]
    return {(chunk.document_id, chunk.position): replace(chunk, id="", revision=0) for chunk in chunks}


def _copies(root: Path) -> Iterator[Path]:
    """The same state again and again: a fault leaves its traces."""
    kept = root / "kept"
    shutil.copytree(root / "home", kept)
    while True:
        shutil.rmtree(root / "home")
        shutil.copytree(kept, root / "home")
        yield root


def _undisturbed(root: Path) -> dict[tuple[str, int], Chunk]:
    """What a run leaves that nothing fails in. The home is as before then."""
    shutil.copytree(root / "home", root / "beside")
    with closing(_open(root)) as store:
        _run(root, store)
        chunks = _chunks(store)
    shutil.rmtree(root / "home")
    (root / "beside").rename(root / "home")
    return chunks


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_fault_of_the_index_at_any_operation_breaks_no_document(before: Path, late: bool) -> None:
    undisturbed = _undisturbed(before)
    for at, root in enumerate(_copies(before)):
        with closing(_open(root)) as store:
            faulty = FaultyIndex(store.index, at, late=late)
            with suppress(UnavailableError):
                _run(root, replace(store, index=faulty))
                assert faulty.operations == at, "the fault was swallowed"
                break
            _check_between(store)
        _check_finished(root)
        with closing(_open(root)) as store:
            assert _chunks(store) == undisturbed, "not the same texts and payloads"
    assert at > 5


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_fault_of_the_database_at_any_commit_breaks_no_document(before: Path, late: bool) -> None:
    undisturbed = _undisturbed(before)
    for at, root in enumerate(_copies(before)):
        with closing(_open(root)) as store:
            faulty = FaultyCommits(store.database, at, late=late)
            with suppress(UnavailableError, sa.exc.SQLAlchemyError, sqlite3.Error):
                _run(root, store)
            if faulty.commits <= at:
                break
        _check_finished(root)
        with closing(_open(root)) as store:
            assert _chunks(store) == undisturbed, "not the same texts and payloads"
    assert at > 5


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_fault_of_a_rename_loses_no_part_of_the_index(
    before: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    monkeypatch.setattr("ingest.index.edge.COMPACT_AFTER", 1)
    monkeypatch.setattr("ingest.runs.pipeline._BATCH_SECONDS", 60.0)  # one batch, however busy the machine is
    with closing(_open(before)) as store, monkeypatch.context() as faults:
        faulty = FaultyRenames(faults, 0, late=late)
        _run(before, store)
        assert faulty.renames == 2, "compacted after the words and not named the current one, then once more"
        _check_new(store)
        # What is written now must count, too, whichever of the two copies it goes to.
        (before / "docs" / "访客登记.txt").write_text("访客登记 第3版第1段共1段。")
        _run(before, store)
    with closing(_open(before)) as store:
        assert _seen(store) == {**_NEW, "访客登记.txt": (3, 1)}
        (before / "docs" / "访客登记.txt").unlink()
        _run(before, store)
        _check_new(store)


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_new_home_that_cannot_be_named_is_made_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    for at in range(2):
        root = tmp_path / str(at)
        with monkeypatch.context() as faults:
            faulty = FaultyRenames(faults, at, late=late)
            with suppress(ConfigurationError):
                _open(root).close()
            assert faulty.renames > at
        with closing(_open(root)) as store:
            assert store.index.count() == 0


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning")
@pytest.mark.slow
def test_a_server_that_goes_away_at_any_request_breaks_no_document(before: Path) -> None:
    for at in range(0, 200, 3):
        root = before / str(at)
        root.mkdir()
        with closing(_open(root)) as store:
            client = LostServer(QdrantClient(":memory:"), 10_000)
            index = ServerIndex.open(client, collection="youju", dimension=store.embedder.dense.dimension)
            store = replace(store, index=index)
            docs = root / "docs"
            docs.mkdir()
            for number, name in enumerate(_NAMES):
                _write(docs / f"{name}.txt", 1, parts=number + 1)
            _run(root, store)
            _change(docs)
            client._at = client.requests + at
            with suppress(UnavailableError):
                _run(root, store)
                break
            client.is_back = True
            _check_between(store)
            _run(root, store)
            _check_new(store)
    assert at > 10


def test_nothing_is_published_and_nothing_forgotten_before_it_is_so_on_the_disk(
    before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[str] = []
    forgotten: list[Retirement] = []
    with closing(_open(before)) as store:
        watched = FaultyIndex(store.index, None, late=False)
        publish, record_retired = Catalog.publish, Catalog.record_retired

        def checked(self: Catalog, publications: Sequence[Publication]) -> None:
            ours = {publication.reference.document_id for publication in publications}
            assert not ours & watched.unflushed
            published.extend(ours)
            publish(self, publications)

        def removed(self: Catalog, retirements: Iterable[Retirement]) -> None:
            for each in (ours := list(retirements)):
                assert (each.document_id, each.first, each.last) in watched.removed
                assert each.document_id not in watched.unflushed
            forgotten.extend(ours)
            record_retired(self, ours)

        monkeypatch.setattr(Catalog, "publish", checked)
        monkeypatch.setattr(Catalog, "record_retired", removed)
        _run(before, replace(store, index=watched))
    assert len(published) == 4
    assert len(forgotten) == 4


def test_a_run_ends_before_the_disk_is_full_and_loses_nothing(before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(_open(before)) as store:
        with monkeypatch.context() as full:
            full.setattr("ingest.home.lock.shutil.disk_usage", lambda _: SimpleNamespace(free=10 * 2**20))
            with pytest.raises(UnavailableError) as raised:
                _run(before, store)
            assert raised.value.code == "home_full"
            _check_between(store)
        _run(before, store)
        _check_new(store)


def test_a_full_disk_stops_the_run_and_loses_nothing(before: Path) -> None:
    with closing(_open(before)) as store:
        with store.database.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        event.listen(
            store.database, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count={pages}")
        )
        store.database.dispose()
        for number in range(2000):
            (before / "docs" / f"{number}.txt").write_text(f"第{number}条")
        with pytest.raises(UnavailableError) as caught:
            _run(before, store)
        assert caught.value.code == "database_unavailable"
        _check_between(store)
    for number in range(2000):
        (before / "docs" / f"{number}.txt").unlink()
    _check_finished(before)


def test_a_disk_without_room_is_noticed_before_the_index_is_harmed(
    before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(_open(before)) as store:
        usage = shutil.disk_usage(before)
        monkeypatch.setattr("ingest.home.lock.shutil.disk_usage", lambda path: usage._replace(free=1000))
        with pytest.raises(UnavailableError) as caught:
            _run(before, store)
        assert caught.value.hint
        monkeypatch.undo()
        _check_between(store)


def test_a_locked_database_stops_the_run_and_loses_nothing(before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.home.database._BUSY_SECONDS", 0.2)
    with (
        closing(_open(before)) as store,
        closing(sqlite3.connect(before / "home" / "youju.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError) as caught:
            _run(before, store)
        assert caught.value.code == "database_unavailable"
        _check_between(store)
        other.execute("ROLLBACK")
    _check_finished(before)
