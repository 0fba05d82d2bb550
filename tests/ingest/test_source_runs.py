"""Configured sources through the whole chain: what a run brings in, keeps and removes."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from ingest.access import OPERATOR, Reader
from ingest.document import document_id
from ingest.errors import SourceError
from ingest.index import Index
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.sources.from_settings import open_source
from ingest.sources.settings import AccessRule, FolderSettings, FsspecSettings
from ingest.store import Store

_TEXTS = {"年假.txt": "员工每年享有十天年假。", "差旅/酒店.txt": "酒店每晚不超过六百元。"}


class StoppingIndex:
    """An index that sets `stop` once it was told the readers of so many documents."""

    def __init__(self, index: Index, stop: threading.Event, *, at: int) -> None:
        self._index, self._stop, self._at = index, stop, at
        self.told = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def set_access(self, document: str, access: Sequence[str]) -> None:
        self._index.set_access(document, access)
        self.told += 1
        if self.told == self._at:
            self._stop.set()


def pack(path: Path, members: Mapping[str, str]) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    path.write_bytes(stream.getvalue())


def run(ingestor: Ingestor, settings: Settings, source: FolderSettings | FsspecSettings) -> Report:
    return ingestor.run(open_source(source, settings))


def counts(report: Report) -> tuple[int, int, int, int, int]:
    return report.new, report.changed, report.unchanged, report.deleted, report.failed


def text_of(store: Store, uri: str) -> str:
    document = store.catalog.document(document_id("s", uri))
    assert document is not None
    assert document.revision is not None
    return "".join(chunk.text for chunk in store.index.chunks(document.id, document.revision))


@pytest.mark.slow
def test_the_life_of_an_archive(folder: Path, ingestor: Ingestor, settings: Settings, store: Store) -> None:
    source = FolderSettings(name="s", type="folder", path=folder)
    archive = folder / "规章.zip"
    pack(archive, _TEXTS)
    assert counts(run(ingestor, settings, source)) == (2, 0, 0, 0, 0)
    assert text_of(store, f"{archive}!/差旅/酒店.txt") == _TEXTS["差旅/酒店.txt"]
    assert counts(run(ingestor, settings, source)) == (0, 0, 2, 0, 0)

    pack(archive, {**_TEXTS, "年假.txt": "员工每年享有十五天年假。"})
    assert counts(run(ingestor, settings, source)) == (0, 1, 1, 0, 0)
    assert text_of(store, f"{archive}!/年假.txt") == "员工每年享有十五天年假。"

    whole = archive.read_bytes()
    archive.write_bytes(whole[:-30])
    report = run(ingestor, settings, source)
    assert counts(report) == (0, 0, 0, 0, 1)
    assert [(failure.uri, failure.code) for failure in report.failures] == [(str(archive), "corrupt")]
    assert text_of(store, f"{archive}!/年假.txt") == "员工每年享有十五天年假。"

    archive.write_bytes(whole)
    assert run(ingestor, settings, source).failed == 0
    assert [document.uri for document in store.catalog.documents(OPERATOR)] == [
        f"{archive}!/{name}" for name in sorted(_TEXTS)
    ]
    archive.unlink()
    (folder / "通知.txt").write_text("下周一停电。")  # a folder with nothing in it at all would rather be away
    assert counts(run(ingestor, settings, source)) == (1, 0, 0, 2, 0)
    assert [document.uri for document in store.catalog.documents(OPERATOR)] == [str(folder / "通知.txt")]


def test_a_changed_rule_changes_who_may_read_and_nothing_else(
    folder: Path, ingestor: Ingestor, settings: Settings, store: Store
) -> None:
    (folder / "a.txt").write_text("Salaries are paid on the tenth.")
    source = FolderSettings(name="s", type="folder", path=folder)
    run(ingestor, settings, source)
    rule = {"access": [{"glob": "*", "principals": ["group:hr"]}]}
    run(ingestor, settings, FolderSettings.model_validate({**source.model_dump(), **rule}))
    (document,) = store.catalog.documents(OPERATOR)
    assert document.access == ("group:hr",)


@pytest.mark.slow
def test_a_document_that_is_left_out_from_now_on_is_removed(
    folder: Path, ingestor: Ingestor, settings: Settings, store: Store
) -> None:
    for name in ("a.txt", "draft.txt"):
        (folder / name).write_text(f"This is {name}.")
    run(ingestor, settings, FolderSettings(name="s", type="folder", path=folder))
    report = run(ingestor, settings, FolderSettings(name="s", type="folder", path=folder, exclude=("draft*",)))
    assert counts(report) == (0, 0, 1, 1, 0)


@pytest.mark.usefixtures("inline")
def test_a_change_of_readers_can_be_cancelled_and_is_finished_by_the_next_run(
    folder: Path, settings: Settings, store: Store
) -> None:
    for number in range(20):
        (folder / f"{number}.txt").write_text(f"Rule {number}.")
    ingestor = Ingestor(store, settings)
    run(ingestor, settings, FolderSettings(name="s", type="folder", path=folder))
    stop = threading.Event()
    index = StoppingIndex(store.index, stop, at=5)
    rule = AccessRule(glob="**", principals=("group:hr",))
    others = FolderSettings(name="s", type="folder", path=folder, access=(rule,))
    Ingestor(replace(store, index=index), settings).run(open_source(others, settings), stop=stop)
    assert index.told == 5

    def readable() -> tuple[int, int]:
        hr = Reader(frozenset({"group:hr"}))
        query = store.embedder.embed_query("rule", "en")
        return len(store.catalog.documents(hr)), len(store.index.search(query, reader=hr, limit=50).sparse)

    assert readable() == (5, 5)
    assert run(ingestor, settings, others).changed == 15
    assert readable() == (20, 20)


@pytest.mark.slow
def test_files_of_a_server_are_fetched_only_when_they_change_and_leave_no_copy(
    folder: Path, ingestor: Ingestor, settings: Settings, store: Store
) -> None:
    (folder / "a.txt").write_text("Visitors sign in.")
    source = FsspecSettings(name="s", type="fsspec", url=f"file://{folder}")
    assert counts(run(ingestor, settings, source)) == (1, 0, 0, 0, 0)
    uri = f"file://{folder}/a.txt"
    assert text_of(store, uri) == "Visitors sign in."
    (document,) = store.catalog.documents(OPERATOR)
    assert document.path is None
    assert counts(run(ingestor, settings, source)) == (0, 0, 1, 0, 0)
    (folder / "a.txt").write_text("Visitors sign in at the gate.")
    assert counts(run(ingestor, settings, source)) == (0, 1, 0, 0, 0)
    folder.rename(folder.with_name("away"))
    with pytest.raises(SourceError):
        run(ingestor, settings, source)
    assert text_of(store, uri) == "Visitors sign in at the gate."
