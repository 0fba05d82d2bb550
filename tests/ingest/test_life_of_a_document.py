"""What happens to a document over many runs: edited, moved, reassigned, failing, given up."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from api.settings import Settings
from ingest.access import OPERATOR, Reader
from ingest.document import Reference, document_id
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.sources import NOTHING_KNOWN
from ingest.sources.folder import FolderSource
from ingest.store import Store

pytestmark = pytest.mark.usefixtures("inline")

_SECTIONS = [
    f"## Section {number}\n\nThe {thing} of building {number} is checked every {number + 2} days by the facility team."
    for number, thing in enumerate(["heating", "lift", "roof", "alarm", "garage", "garden", "kitchen", "archive"])
]


def _ingest(ingestor: Ingestor, folder: Path) -> Report:
    return ingestor.run(FolderSource([folder]))


def _searchable(store: Store, uri: Path) -> list[str] | None:
    document = store.catalog.document(document_id("local", str(uri)))
    if document is None or document.revision is None:
        return None
    return [chunk.text for chunk in store.index.chunks(document.id, document.revision)]


def _vectors(store: Store, uri: Path) -> np.ndarray:
    document = store.catalog.document(document_id("local", str(uri)))
    assert document is not None
    assert document.revision is not None
    return np.stack([e.dense for e in store.index.embeddings(document.id, document.revision) if e.dense is not None])


def test_one_changed_line_of_a_long_document_is_all_that_is_embedded(
    folder: Path, ingestor: Ingestor, store: Store
) -> None:
    file = folder / "maintenance.md"
    file.write_text("# Maintenance\n\n" + "\n\n".join(_SECTIONS))
    first = _ingest(ingestor, folder)
    assert first.embedded == first.chunks >= len(_SECTIONS)

    file.write_text("# Maintenance\n\n" + "\n\n".join(_SECTIONS).replace("every 5 days", "every day"))
    second = _ingest(ingestor, folder)
    assert (second.changed, second.chunks, second.embedded) == (1, first.chunks, 1)
    texts = _searchable(store, file)
    assert texts is not None
    assert sum("every day" in text for text in texts) == 1
    assert store.index.count() == first.chunks

    file.write_text(file.read_text().replace("## Section 6", "## Wing 6"))  # a heading is embedded with its text
    third = _ingest(ingestor, folder)
    assert (third.changed, third.chunks, third.embedded) == (1, first.chunks, 1)

    fresh = store.embedder.embed_documents(store.index.chunks(document_id("local", str(file)), 3))
    expected = np.stack([embedding.dense for embedding in fresh if embedding.dense is not None])
    assert np.sum(_vectors(store, file) * expected, axis=1).min() > 0.9999


def test_an_index_that_grows_is_brought_to_the_disk_in_the_middle_of_a_run(
    folder: Path, ingestor: Ingestor, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.index.edge.COMPACT_AFTER", 30)
    monkeypatch.setattr("ingest.runs.pipeline._BATCH_DOCUMENTS", 20)
    copies = set()
    for number in range(60):
        (folder / f"{number}.txt").write_text(f"第{number}号库房的钥匙由值班人员保管。")

    def note(report: Report) -> None:
        copies.update(file.read_text() for file in settings.home.glob("index/*/current"))

    report = ingestor.run(FolderSource([folder]), on_progress=note)
    assert (report.new, report.failed, store.index.count()) == (60, 0, 60)
    assert len(copies) >= 2, "it was compacted before the end"
    for number in range(60):
        assert _searchable(store, folder / f"{number}.txt") == [f"第{number}号库房的钥匙由值班人员保管。"]


def test_a_moved_document_is_not_embedded_again_and_its_old_identity_leads_to_it(
    folder: Path, ingestor: Ingestor, store: Store
) -> None:
    before, after = folder / "old" / "rules.md", folder / "new" / "deeper" / "rules.md"
    before.parent.mkdir()
    before.write_text("# House rules\n\n" + "\n\n".join(_SECTIONS))
    (folder / "other.txt").write_text("会议室需要提前预约。")
    first = _ingest(ingestor, folder)

    after.parent.mkdir(parents=True)
    before.rename(after)
    report = _ingest(ingestor, folder)
    assert (report.moved, report.new, report.deleted, report.embedded) == (1, 0, 0, 0)
    assert report.done == report.found == 2
    old = store.catalog.document(document_id("local", str(before)))
    assert old is not None
    assert old.uri == str(after)
    assert [document.uri for document in store.catalog.documents(OPERATOR)] == [str(after), str(folder / "other.txt")]
    assert store.index.count() == first.chunks

    after.rename(before)
    assert _ingest(ingestor, folder).moved == 1
    back = store.catalog.document(document_id("local", str(after)))
    assert back is not None
    assert back.uri == str(before)


def test_a_folder_that_was_renamed_needs_no_leave_to_delete(folder: Path, ingestor: Ingestor, store: Store) -> None:
    (folder / "a").mkdir()
    for number in range(15):
        (folder / "a" / f"{number}.md").write_text(f"# Rule {number}\n\nVisitors of group {number} sign the book.")
    _ingest(ingestor, folder)
    (folder / "a").rename(folder / "b")
    report = _ingest(ingestor, folder)
    assert (report.moved, report.deleted, report.failures) == (15, 0, [])
    assert len(store.catalog.documents(OPERATOR)) == 15


def test_a_folder_that_lists_nothing_any_more_is_taken_for_one_that_is_not_mounted(
    folder: Path, ingestor: Ingestor, store: Store
) -> None:
    for name in "abc":
        (folder / f"{name}.txt").write_text(f"Rule {name} of the house.")
    _ingest(ingestor, folder)
    mounted = folder.rename(folder.with_name("mounted"))
    folder.mkdir()
    report = _ingest(ingestor, folder)
    assert [failure.code for failure in report.failures] == ["many_deletions"]
    assert len(store.catalog.documents(OPERATOR)) == 3

    folder.rmdir()
    mounted.rename(folder)
    assert _ingest(ingestor, folder).unchanged == 3
    for file in folder.iterdir():
        file.unlink()
    assert ingestor.run(FolderSource([folder]), allow_deletions=True).deleted == 3


def test_a_copy_is_a_document_of_its_own(folder: Path, ingestor: Ingestor, store: Store) -> None:
    (folder / "a.md").write_text("# Leave\n\nEmployees have ten days.")
    _ingest(ingestor, folder)
    shutil.copy(folder / "a.md", folder / "b.md")
    report = _ingest(ingestor, folder)
    assert (report.new, report.moved, report.unchanged) == (1, 0, 1)
    assert _searchable(store, folder / "a.md") == _searchable(store, folder / "b.md")


class Ruled:
    """A folder whose documents a given group may read."""

    name = "local"

    def __init__(self, folder: Path, group: str) -> None:
        self._inner = FolderSource([folder])
        self._access = (group,)

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        for each in self._inner.references(known):
            yield Reference(each.source, each.uri, each.name, each.size, each.mtime_ns, each.path, access=self._access)

    def covers(self, uri: str) -> bool:
        return self._inner.covers(uri)

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        return reference


@pytest.mark.parametrize("touched", [False, True])
def test_new_access_rules_hold_at_once_and_embed_nothing(
    folder: Path, ingestor: Ingestor, store: Store, touched: bool
) -> None:
    file = folder / "salaries.md"
    file.write_text("# Salaries\n\nSalaries are paid on the 25th.")
    ingestor.run(Ruled(folder, "everyone"))
    if touched:
        os.utime(file, ns=(1, 1))
    report = ingestor.run(Ruled(folder, "group:finance"))
    assert (report.found, report.changed, report.unchanged, report.embedded, report.chunks) == (1, 1, 0, 0, 0)

    query = store.embedder.embed_query("when are salaries paid", "en")
    identity = document_id("local", str(file))
    for principal, hits in (("everyone", 0), ("group:finance", 1)):
        reader = Reader(frozenset({principal}))
        assert len(store.index.search(query, reader=reader, limit=5).dense) == hits
        assert len(store.catalog.documents(reader)) == hits
    assert store.catalog.standing([identity])[identity].access == ("group:finance",)
    assert ingestor.run(Ruled(folder, "group:finance")).unchanged == 1


def test_a_run_that_is_stopped_while_it_changes_readers_says_so_of_those_alone_that_it_reached(
    folder: Path, ingestor: Ingestor, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        (folder / f"{name}.md").write_text(f"# {name}\n\nSalaries are paid on the 25th.")
    ingestor.run(Ruled(folder, "everyone"))
    stop, set_access = threading.Event(), store.index.set_access

    def stopped(document_id: str, access: Sequence[str]) -> None:
        set_access(document_id, access)
        stop.set()

    with monkeypatch.context() as cancelled:
        cancelled.setattr(store.index, "set_access", stopped)
        assert ingestor.run(Ruled(folder, "group:finance"), stop=stop).changed == 1
    assert sorted(document.access for document in store.catalog.documents(OPERATOR)) == [
        ("everyone",), ("everyone",), ("group:finance",),
    ]  # fmt: skip
    assert ingestor.run(Ruled(folder, "group:finance")).changed == 2
    query = store.embedder.embed_query("when are salaries paid", "en")
    assert store.index.search(query, reader=Reader(frozenset({"everyone"})), limit=5).dense == ()


def test_a_document_that_goes_on_failing_is_listed_but_tried_ever_later(
    folder: Path, ingestor: Ingestor, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "broken.pdf"
    file.write_bytes(b"%PDF-1.4 this is none")
    clock = [1_000_000.0]
    monkeypatch.setattr("ingest.runs.changes.time.time", lambda: clock[0])
    tries = 0

    def tried() -> bool:
        nonlocal tries
        report = _ingest(ingestor, folder)
        assert (report.found, report.failed) == (1, 1)
        assert report.failures[0].code == "corrupt"
        [document] = store.catalog.documents(OPERATOR, failed=True)
        assert document.uri == str(file)
        before, tries = tries, _attempts(store, file)
        return tries > before

    assert tried()
    assert tried()  # the machine may have been to blame: the next run tries again
    assert not tried()
    clock[0] += 301
    assert tried()
    clock[0] += 301
    assert not tried()

    file.write_text("<html><body><p>Now it is a page about the canteen.</p></body></html>")
    assert _ingest(ingestor, folder).new == 1
    assert store.catalog.documents(OPERATOR, failed=True) == []


def _attempts(store: Store, file: Path) -> int:
    with store.database.connect() as connection:
        found = connection.exec_driver_sql("SELECT attempts FROM documents WHERE uri = ?", (str(file),)).scalar()
    return int(found or 0)


def test_a_failed_document_can_be_tried_at_once_or_given_up(folder: Path, ingestor: Ingestor, store: Store) -> None:
    file = folder / "broken.pdf"
    identity = document_id("local", str(file))
    file.write_bytes(b"%PDF-1.4 this is none")
    for _ in range(3):
        _ingest(ingestor, folder)
    assert _attempts(store, file) == 2

    assert store.catalog.retry([identity]) == 1
    _ingest(ingestor, folder)
    assert _attempts(store, file) == 1

    assert store.catalog.drop([identity]) == 1
    report = _ingest(ingestor, folder)
    assert (report.failed, report.failures, report.unchanged) == (0, [], 1)
    assert store.catalog.documents(OPERATOR, failed=True) == []
    document = store.catalog.document(identity)
    assert document is not None
    assert document.state == "dropped"

    file.write_bytes(b"%PDF-1.4 this is none either")
    assert _ingest(ingestor, folder).failed == 1
    assert len(store.catalog.documents(OPERATOR, failed=True)) == 1


def test_what_was_removed_is_gone_before_anything_new_is_read(folder: Path, ingestor: Ingestor, store: Store) -> None:
    for name in ("kept", "removed"):
        (folder / f"{name}.txt").write_text(f"The {name} file speaks of the canteen.")
    _ingest(ingestor, folder)
    (folder / "removed.txt").unlink()
    (folder / "added.txt").write_text("The garage opens at seven, and nobody has to pay for it.")
    stop, progress = threading.Event(), []

    def on_progress(report: Report) -> None:
        progress.append(report.deleted)
        if report.deleted:
            stop.set()

    ingestor.run(FolderSource([folder]), on_progress=on_progress, stop=stop)
    assert 1 in progress
    assert [Path(document.uri).name for document in store.catalog.documents(OPERATOR) if document.revision] == [
        "kept.txt"
    ]
    assert _ingest(ingestor, folder).new == 1


def test_what_may_have_been_moved_stays_until_its_new_form_is_there(
    folder: Path, ingestor: Ingestor, store: Store
) -> None:
    (folder / "rules.txt").write_text("Visitors sign the book.")
    (folder / "other.txt").write_text("The garage opens at seven.")
    _ingest(ingestor, folder)
    (folder / "new").mkdir()
    (folder / "rules.txt").unlink()
    (folder / "new" / "rules.txt").write_text("Visitors sign the book and wear a badge.")
    seen: list[set[str]] = []

    def on_progress(_: Report) -> None:
        ready = [document for document in store.catalog.documents(OPERATOR) if document.revision]
        seen.append({str(Path(document.uri).relative_to(folder)) for document in ready})

    report = ingestor.run(FolderSource([folder]), on_progress=on_progress)
    assert (report.new, report.deleted) == (1, 1)
    assert all(names & {"rules.txt", "new/rules.txt"} for names in seen), "there was a moment without it"
    assert [Path(document.uri).parent.name for document in store.catalog.documents(OPERATOR)] == ["new", "docs"]


@pytest.mark.slow
def test_a_slow_document_does_not_hold_back_those_before_it(folder: Path, store: Store, settings: Settings) -> None:
    (folder / "a.txt").write_text("会议室需要提前预约。")
    # What reads Markdown is loaded with the first such document, which takes a second.
    (folder / "b.md").write_text("# 长\n\n" + "长" * 300_000)
    seen: list[int] = []
    Ingestor(store, settings).run(FolderSource([folder]), on_progress=lambda report: seen.append(report.new))
    assert 1 in seen
    assert seen[-1] == 2
