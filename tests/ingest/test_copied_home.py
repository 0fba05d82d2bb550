"""A home that is copied while it is in use: the copy is a whole home of one moment, and nobody had to stop."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from api.settings import Settings
from assistant.retrieve import CurrentRetriever
from ingest.access import OPERATOR
from ingest.document import document_id
from ingest.errors import UnavailableError
from ingest.home.disk import copy_tree
from ingest.runs import pipeline
from ingest.runs.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from ingest.sources.settings import FolderSettings
from ingest.store import LEFT_OUT, Store
from ingest.uploads.intake import Intake
from ingest.uploads.register import Receipt, Wanted
from ingest.verify.verifier import Verifier

pytestmark = pytest.mark.usefixtures("inline")

DOCUMENTS = 24
_PARAGRAPH = "差旅费用应当在返回后十个工作日之内报销，逾期需要部门负责人书面说明。" * 12


def write_all(folder: Path, word: str, *, paragraphs: int) -> None:
    """Every document says `word` in every paragraph, so that a mix of two revisions shows."""
    for number in range(DOCUMENTS):
        text = "\n\n".join(f"{word} {place} {_PARAGRAPH}" for place in range(paragraphs))
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")


def words_of(store: Store, file: Path) -> set[str]:
    """The words in the current revision of a document. It must have all its chunks."""
    document = store.catalog.document(document_id("docs", str(file)))
    assert document is not None
    assert document.revision is not None
    chunks = store.index.chunks(document.id, document.revision)
    assert len(chunks) == document.chunks
    return {chunk.text.split()[0] for chunk in chunks if chunk.text[0].isascii()}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def other_home(settings: Settings, home: Path) -> Iterator[Store]:
    with closing(Store.open(settings.model_copy(update={"home": home}), command="test")) as opened:
        yield opened


@pytest.fixture
def settings(tmp_path: Path, folder: Path) -> Settings:
    return Settings(home=tmp_path / "home", sources=(FolderSettings(type="folder", name="docs", path=folder),))


@pytest.mark.slow
def test_a_home_that_is_copied_in_the_middle_of_a_run_is_whole_and_the_run_goes_on(
    folder: Path, store: Store, settings: Settings, ingestor: Ingestor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "_BATCH_DOCUMENTS", 2)  # many publications, each of a few documents
    write_all(folder, "old", paragraphs=3)
    assert ingestor.run(FolderSource([folder], name="docs")).new == DOCUMENTS
    write_all(folder, "new", paragraphs=4)
    retriever = CurrentRetriever(store.open_versions)
    copies, begun = [tmp_path / f"copy{number}" for number in range(2)], store.catalog.clock()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ingestor.run, FolderSource([folder], name="docs"))
        for number, home in enumerate(copies):
            until(lambda number=number: store.catalog.clock() > begun + number)  # type: ignore[misc]
            with store.still():
                chunks = store.index.count()
                copy_tree(settings.home, home, leave_out=LEFT_OUT)
                assert retriever.retrieve("差旅费用", reader=OPERATOR, limit=3).hits
                time.sleep(0.2)
                assert store.index.count() == chunks
                assert not running.done()
        ended = running.result(timeout=120)
    assert (ended.changed, ended.failed) == (DOCUMENTS, 0)
    assert all(words_of(store, folder / f"{number}.txt") == {"new"} for number in range(DOCUMENTS))

    seen = []
    for home in copies:
        with other_home(settings, home) as copy:
            words = [words_of(copy, folder / f"{number}.txt") for number in range(DOCUMENTS)]
            assert all(each in ({"old"}, {"new"}) for each in words)
            seen.append(words.count({"new"}))
            report = Verifier(copy, settings, Ingestor(copy, settings)).verify(ask_sources=False)
            assert (report.documents, report.searchable) == (DOCUMENTS, DOCUMENTS)
            again = Ingestor(copy, settings.model_copy(update={"home": home}))
            again.run(FolderSource([folder], name="docs"))
            report = Verifier(copy, settings, again).verify()
            assert report.problems == []
            assert all(words_of(copy, folder / f"{number}.txt") == {"new"} for number in range(DOCUMENTS))
    assert seen == sorted(seen)
    assert 0 < seen[0] < DOCUMENTS


def test_uploads_are_taken_in_during_a_copy_and_brought_in_after_it(store: Store, settings: Settings) -> None:
    intake = Intake(store, Ingestor(store, settings), settings)
    intake.start()
    with store.still():
        receipt = uploaded(intake, "hr/taxis.txt", "出租车费可以报销。")
        time.sleep(1.0)
        assert intake.standing(receipt.document_id).state in ("queued", "running")
    until(lambda: intake.standing(receipt.document_id).state == "ready")
    intake.close()


def test_bytes_that_the_copy_names_are_not_removed_before_it_is_made(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    forgetful = settings.model_copy(update={"keep_deleted_days": 0})
    intake = Intake(store, Ingestor(store, settings), forgetful)
    receipt = uploaded(intake, "hr/leave.txt", "员工每年享有十天年假。")
    intake.start()
    until(lambda: intake.standing(receipt.document_id).state == "ready")
    intake.close()
    original = intake.originals.path(receipt.digest or "")
    sweeping = Intake(store, Ingestor(store, settings), forgetful)
    with store.still():
        store.catalog.delete([receipt.document_id])
        intake.uploads.remove(receipt.document_id)
        sweeping.start()
        time.sleep(1.0)
        assert original.is_file()
        copy_tree(settings.home, tmp_path / "copy", leave_out=LEFT_OUT)
    until(lambda: not original.exists())
    sweeping.close()
    with other_home(settings, tmp_path / "copy") as copy:
        copied = Intake(copy, Ingestor(copy, settings), settings.model_copy(update={"home": tmp_path / "copy"}))
        assert copied.standing(receipt.document_id).state == "ready"
        kept = copied.originals.path(receipt.digest or "")
        assert kept.read_text(encoding="utf-8") == "员工每年享有十天年假。"


def uploaded(intake: Intake, uri: str, text: str) -> Receipt:
    with intake.originals.receive() as incoming:
        incoming.write(text.encode())
        incoming.finish()
        return intake.accept(incoming, Wanted(uri), None)


@contextmanager
def a_long_transaction(store: Store, settings: Settings) -> Iterator[None]:
    with closing(sqlite3.connect(settings.home / "youju.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE clock SET value = value + 1")
        yield


@contextmanager
def a_long_rewrite(store: Store, settings: Settings) -> Iterator[None]:
    with in_another_thread(lambda: store.index.still(10.0)):
        yield


@contextmanager
def another_copy(store: Store, settings: Settings) -> Iterator[None]:
    with in_another_thread(lambda: store.still()):
        yield


@contextmanager
def in_another_thread(held: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    entered, over = threading.Event(), threading.Event()

    def hold() -> None:
        with held():
            entered.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert entered.wait(10)
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(
    ("writing", "named"),
    [(a_long_transaction, "transaction"), (a_long_rewrite, "index"), (another_copy, "copied")],
)
def test_a_writer_that_does_not_yield_is_named_and_nothing_stays_held(
    store: Store,
    settings: Settings,
    writing: Callable[[Store, Settings], AbstractContextManager[None]],
    named: str,
) -> None:
    with writing(store, settings):
        began = time.monotonic()
        with pytest.raises(UnavailableError, match=named) as raised, store.still(timeout_seconds=0.3):
            pass
        assert raised.value.code == "home_busy"
        assert time.monotonic() - began < 10
    with in_another_thread(lambda: store.still(timeout_seconds=10.0)):
        pass
