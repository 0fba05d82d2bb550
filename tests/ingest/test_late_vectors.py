"""Words first, vectors after: what readers find between the two, and what comes of it when something comes between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from assistant.retrieve import CurrentRetriever
from ingest.access import OPERATOR, Reader
from ingest.catalog.records import Document
from ingest.catalog.waiting import WaitingVectors
from ingest.document import Hit, document_id
from ingest.errors import UnavailableError
from ingest.index.edge import EdgeIndex
from ingest.runs import late_vectors
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.runs.stages import EMBEDDING
from ingest.sources.folder import FolderSource
from ingest.store import Store
from ingest.verify.problems import Verification
from ingest.verify.verifier import Verifier
from tests.embedding_server import EmbeddingServer, embedding_server
from tests.ingest.filled_home import publish, reference
from tests.ingest.inline_engine import InlineEngine

pytestmark = pytest.mark.usefixtures("inline")

_RULE = "各部门应当按照本办法执行，并在每个季度结束以后十个工作日之内提交书面报告。" * 6


class Home:
    """A home whose embedder is a server, the documents in its folder, and what a reader finds."""

    def __init__(self, settings: Settings, server: EmbeddingServer, store: Store, folder: Path) -> None:
        self.settings, self.server, self.store, self.folder = settings, server, store, folder

    def write(self, name: str, parts: int = 1, text: str = "") -> str:
        """A document of so many passages. Returns its id."""
        paragraphs = [f"{name}号文件第{part}条 {text}{_RULE}" for part in range(parts)]
        path = self.folder / f"{name}.txt"
        path.write_text("\n\n".join(paragraphs), encoding="utf-8")
        return document_id("local", str(path))

    def run(self) -> Report:
        return Ingestor(self.store, self.settings).run(FolderSource([self.folder]))

    def run_aside(self) -> threading.Thread:
        thread = threading.Thread(target=self.run)
        thread.start()
        return thread

    def hits(self, query: str) -> list[Hit]:
        return CurrentRetriever(self.store.open_versions).retrieve(query, reader=OPERATOR, limit=40).hits

    def document(self, identity: str) -> Document:
        found = self.store.catalog.document(identity)
        assert found is not None
        return found

    def vectors(self, identity: str) -> list[bool]:
        """Of each passage of the current revision, whether its vector is in the index."""
        stored = self.store.index.embeddings(identity, self.document(identity).revision or 0)
        return [each.dense is not None for each in stored]

    def verified(self, *, repair: bool = False, thorough: bool = False) -> Verification:
        ingestor = Ingestor(self.store, self.settings)
        return Verifier(self.store, self.settings, ingestor).verify(repair=repair, thorough=thorough)

    def embedded_texts(self) -> list[str]:
        """The passages that were sent to be embedded, without the queries of searches."""
        return [text for request in self.server.requests for text in request["input"] if _RULE in text]


@pytest.fixture
def home(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(late_vectors, "_BATCH_CHUNKS", 2)
    with embedding_server() as (server, url):
        ours = settings.model_copy(update={"embedding_url": url, "embedding_model": "qwen3-embedding"})
        with closing(Store.open(ours, command="test")) as store:
            server.requests.clear()  # asked for its dimension
            yield Home(ours, server, store, folder)


def _until(condition: Callable[[], object]) -> None:
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < 20.0, "it never came to be"
        time.sleep(0.02)


class _Gate:
    """Holds every answer of the embedding server back until it is opened."""

    def __init__(self, server: EmbeddingServer) -> None:
        self.asked, self._open = threading.Event(), threading.Event()
        server.answer = self._answer

    def open(self) -> None:
        self._open.set()

    def _answer(self, texts: list[str]) -> tuple[int, Any]:
        self.asked.set()
        self._open.wait(20.0)
        return EmbeddingServer.vectors(texts)


def test_a_document_is_found_by_its_words_while_its_vectors_are_being_made(home: Home) -> None:
    identity = home.write("甲一", parts=3)
    gate = _Gate(home.server)
    run = home.run_aside()
    assert gate.asked.wait(20.0)

    home.server.answer = EmbeddingServer.vectors  # for the query of this search; the run is still waiting
    hits = home.hits("甲一号文件")
    assert {hit.chunk.document_id for hit in hits} == {identity}
    assert [hit.dense_score for hit in hits] == [None] * 3
    assert all(hit.sparse_score for hit in hits)
    assert (home.document(identity).state, home.document(identity).waiting) == ("ready", 3)
    assert home.verified().problems == [], "the run brings them"
    _until(lambda: home.store.runs.runs()[0].report.waiting == 3)
    assert home.store.runs.runs()[0].report.done == 1

    gate.open()
    run.join()
    assert home.document(identity).waiting == 0
    assert all(hit.dense_score is not None for hit in home.hits("甲一号文件"))
    report = home.store.runs.runs()[0].report
    assert (report.new, report.chunks, report.embedded, report.waiting) == (1, 3, 3, 0)
    assert home.verified(thorough=True).problems == []


def test_an_embedding_server_that_is_away_costs_no_document_its_words(home: Home) -> None:
    ids = [home.write(name, parts) for name, parts in (("甲一", 1), ("乙二", 3))]
    home.server.answer = lambda texts: (501, {})
    with pytest.raises(UnavailableError):
        home.run()
    [run] = home.store.runs.runs()
    assert (run.state, run.report.new, run.report.waiting) == ("failed", 2, 4)
    assert [home.document(each).waiting for each in ids] == [1, 3]

    verified = home.verified()
    assert {(problem.code, problem.hides) for problem in verified.problems} == {("vectors_waiting", False)}
    assert verified.searchable == 2

    home.server.answer = home.server.vectors
    home.server.requests.clear()
    report = home.run()
    assert (report.unchanged, report.new, report.chunks, report.embedded, report.waiting) == (2, 0, 0, 4, 0)
    assert [home.vectors(each) for each in ids] == [[True], [True] * 3]
    home.server.requests.clear()
    home.run()
    assert home.server.requests == [], "nothing waits any more"


def test_a_repair_makes_the_vectors_that_wait(home: Home) -> None:
    identity = home.write("甲一", parts=2)
    home.server.answer = lambda texts: (501, {})
    with pytest.raises(UnavailableError):
        home.run()
    home.server.answer = home.server.vectors
    [problem] = home.verified(repair=True).problems
    assert (problem.code, problem.repaired) == ("vectors_waiting", True)
    assert home.vectors(identity) == [True, True]
    assert home.document(identity).revision == 1, "nothing was read again"


def test_a_vector_that_is_lost_is_still_damage(home: Home) -> None:
    identity = home.write("甲一", parts=2)
    home.run()
    [chunk, _] = home.store.index.chunks(identity, 1)
    [embedding, _] = home.store.index.embeddings(identity, 1)
    home.store.index.write([chunk], [type(embedding)(None, embedding.sparse)])
    assert [problem.code for problem in home.verified().problems] == ["vectors_missing"]


class _Killed(BaseException):
    """Nothing catches it, as nothing catches a signal."""


@pytest.mark.parametrize(
    ("owner", "step"),
    [(EdgeIndex, "add_vectors"), (EdgeIndex, "flush"), (WaitingVectors, "record")],
    ids=["add", "flush", "record"],
)
@pytest.mark.parametrize("call", [1, pytest.param(2, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_run_that_is_killed_in_the_second_pass_is_gone_on_with(
    home: Home, monkeypatch: pytest.MonkeyPatch, owner: type, step: str, call: int, before: bool
) -> None:
    ids = [home.write(name, parts) for name, parts in (("甲一", 1), ("乙二", 5), ("丙三", 2))]
    home.server.answer = lambda texts: (501, {})
    with pytest.raises(UnavailableError):
        home.run()
    home.server.answer = home.server.vectors
    home.server.requests.clear()
    made: Callable[..., Any] = getattr(owner, step)
    calls = 0

    def killed(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and before:
            raise _Killed
        result = made(*arguments, **named)
        if calls == call:
            raise _Killed
        return result

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, killed)
        with pytest.raises(_Killed):
            home.run()
    assert {hit.chunk.document_id for hit in home.hits("号文件")} == set(ids)
    waiting = {each: home.document(each).waiting for each in ids}
    assert all(home.vectors(each).count(False) <= waiting[each] for each in ids), "the catalog never says too little"
    assert not any(problem.hides for problem in home.verified().problems)

    report = home.run()
    assert (report.unchanged, report.waiting) == (3, 0)
    assert [home.vectors(each) for each in ids] == [[True], [True] * 5, [True] * 2]
    assert [home.document(each).waiting for each in ids] == [0, 0, 0]
    assert len(home.embedded_texts()) <= 8 + 2, "at most one batch is made twice"
    assert home.verified(thorough=True).problems == []


def test_what_happens_to_a_document_between_the_passes_is_not_undone(home: Home) -> None:
    kept, deleted, closed = (home.write(name, 2) for name in ("甲一", "乙二", "丙三"))
    replaced = home.write("丁四", 2)
    catalog, index = home.store.catalog, home.store.index
    newer = reference(str(home.folder / "丁四.txt"))

    def meanwhile(texts: list[str]) -> tuple[int, Any]:
        home.server.answer = home.server.vectors
        catalog.delete([deleted])
        index.retire(deleted, first=1, last=1)
        index.set_access(closed, ["group:hr"])
        publish(home.store, newer, ["丁四号文件另有规定。"], digest="newer")
        index.retire(replaced, first=1, last=1)
        return home.server.vectors(texts)

    home.server.answer = meanwhile
    home.run()
    assert home.vectors(kept) == home.vectors(closed) == [True, True]
    assert catalog.document(deleted) is None
    assert index.chunks(deleted, 1) == index.chunks(replaced, 1) == []
    assert (home.document(replaced).revision, home.document(replaced).waiting) == (2, 0)
    assert [chunk.text for chunk in index.chunks(replaced, 2)] == ["丁四号文件另有规定。"]
    assert {chunk.access for chunk in index.chunks(closed, 1)} == {("group:hr",)}
    stranger = Reader(frozenset({"everyone"}))
    found = CurrentRetriever(home.store.open_versions).retrieve("丙三号文件", reader=stranger, limit=40).hits
    assert closed not in {hit.chunk.document_id for hit in found}


def test_changed_and_moved_documents_keep_the_vectors_that_they_have(home: Home) -> None:
    changed, moved = home.write("甲一", 4), home.write("乙二", 4)
    answered = 0

    def twice(texts: list[str]) -> tuple[int, Any]:
        nonlocal answered
        answered += 1
        return home.server.vectors(texts) if answered <= 3 else (501, {})

    home.server.answer = twice  # four passages of the first and two of the second document get vectors
    with pytest.raises(UnavailableError):
        home.run()
    waiting = [home.document(each).waiting for each in (changed, moved)]
    assert sorted(waiting) == [0, 2]

    text = (home.folder / "甲一.txt").read_text(encoding="utf-8")
    (home.folder / "甲一.txt").write_text(f"{text}\n\n另有一条新的规定。{_RULE}", encoding="utf-8")
    (home.folder / "乙二.txt").rename(home.folder / "戊五.txt")
    home.server.answer = home.server.vectors
    home.server.requests.clear()
    report = home.run()
    assert (report.changed, report.moved, report.waiting) == (1, 1, 0)
    now = document_id("local", str(home.folder / "戊五.txt"))
    assert home.vectors(now) == [True] * 4
    assert all(home.vectors(changed))
    # Two that waited, the new passage, and the title that a moved document may have from its name.
    assert len(home.embedded_texts()) < 8
    assert home.verified(thorough=True).problems == []


def test_short_documents_get_their_vectors_before_long_ones(home: Home) -> None:
    for name, parts in (("甲一", 9), ("乙二", 1), ("丙三", 4)):
        home.write(name, parts)
    home.run()
    order = [text.split("号文件")[0].split("\n")[-1] for text in home.embedded_texts()]
    assert order == ["乙二"] + ["丙三"] * 4 + ["甲一"] * 9


def test_a_document_that_cannot_be_embedded_is_found_by_words_and_tried_less_and_less_often(home: Home) -> None:
    good, bad = home.write("甲一"), home.write("乙二", 3, text="拒收。")
    home.server.answer = lambda texts: (400, {}) if "拒收" in "".join(texts) else home.server.vectors(texts)
    report = home.run()
    assert (report.new, report.failed, report.waiting) == (1, 1, 0)
    assert [failure.code for failure in report.failures] == ["embedding_refused"]
    found = home.document(bad)
    assert (found.state, found.error_code, found.waiting) == ("failed", "embedding_refused", 3)
    assert bad in {hit.chunk.document_id for hit in home.hits("乙二号文件")}
    codes = {problem.code: problem.hides for problem in home.verified().problems}
    assert codes == {"vectors_waiting": False, "not_embedded": False}

    def due() -> float:
        failure = home.store.catalog.known("local")[str(home.folder / "乙二.txt")].failure
        assert failure is not None
        return failure.retry_at - time.time()

    assert due() <= 0, "the first time, the next run tries again"
    again = home.run()
    assert (again.unchanged, again.failed) == (1, 1)
    assert due() > 200
    home.server.requests.clear()
    assert home.run().failed == 1
    assert home.server.requests == [], "it is not due"

    home.server.answer = home.server.vectors
    home.store.catalog.retry([bad])
    home.run()
    assert (home.document(bad).state, home.document(bad).waiting) == ("ready", 0)
    assert home.vectors(bad) == [True] * 3
    assert home.vectors(good) == [True]


def test_a_newer_text_that_cannot_be_read_does_not_keep_the_older_one_from_its_vectors(home: Home) -> None:
    identity = home.write("甲一", 2)
    home.server.answer = lambda texts: (501, {})
    with pytest.raises(UnavailableError):
        home.run()
    (home.folder / "甲一.txt").write_bytes(b"")
    home.server.answer = home.server.vectors
    assert home.run().failed == 1
    assert (home.document(identity).state, home.document(identity).revision) == ("failed", 1)
    assert home.vectors(identity) == [True, True]
    assert [problem.code for problem in home.verified().problems] == ["not_updated"]


def test_another_version_does_not_take_over_before_its_vectors_are_in(home: Home) -> None:
    identity = home.write("甲一", 2)
    home.run()
    finer = home.settings.model_copy(update={"chunk_tokens": 64})
    wanted = Ingestor(home.store, finer)
    home.server.answer = lambda texts: (501, {})
    with pytest.raises(UnavailableError):
        wanted.run(FolderSource([home.folder]))
    building = wanted.building()
    assert building is not None
    assert building.lacking == 1
    assert home.store.current().catalog.version == home.store.catalog.version

    home.server.answer = home.server.vectors
    wanted.run(FolderSource([home.folder]))
    assert wanted.building() is None
    current = home.store.current()
    assert current.catalog.version != home.store.catalog.version
    found = current.catalog.document(identity)
    assert found is not None
    stored = current.index.embeddings(identity, found.revision or 0)
    assert len(stored) > 2
    assert all(each.dense is not None for each in stored)


def test_a_model_that_makes_no_vectors_is_never_started(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.embedding.from_settings.packaged_file", lambda: None)
    (folder / "a.txt").write_text("员工每年享有十天年假。", encoding="utf-8")
    opened: list[str] = []

    def noted(settings: Any, stage: Any, **named: Any) -> Any:
        opened.append(stage.name)
        return InlineEngine(settings, stage, **named)

    monkeypatch.setattr("ingest.runs.pipeline.open_engine", noted)
    with closing(Store.open(settings, command="test")) as store:
        report = Ingestor(store, settings).run(FolderSource([folder]))
    assert (report.new, report.waiting) == (1, 0)
    assert EMBEDDING.name not in opened
