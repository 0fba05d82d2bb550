"""Verification over a home that was damaged behind the catalog's back: what is named, and what is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.settings import Settings
from ingest.errors import DocumentError
from ingest.home.originals import Originals
from ingest.runs.exclusive import exclusively
from ingest.runs.pipeline import Ingestor
from ingest.settings import IngestSettings
from ingest.sources.folder import FolderSource
from ingest.sources.settings import FolderSettings
from ingest.store import Store
from ingest.uploads.register import Uploads, Wanted
from ingest.verify.problems import Verification, VerifyProgress
from ingest.verify.verifier import Verifier
from tests.ingest.filled_home import publish, reference, write

A, B, C = (reference(f"/docs/{name}.txt") for name in "abc")


def verify(store: Store, settings: IngestSettings, **options: bool) -> Verification:
    return Verifier(store, settings, Ingestor(store, settings)).verify(**options)


def found(report: Verification) -> list[tuple[str, str]]:
    return [(problem.uri, problem.code) for problem in report.problems]


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    publish(store, A, ["员工每年享有十天年假。", "病假需要医院证明。"])
    publish(store, B, ["访客必须在前台登记。"])
    publish(store, C, ["会议室需要提前预约。"])
    return store


def test_a_home_in_order_is_all_searchable(filled: Store, settings: Settings) -> None:
    report = verify(filled, settings)
    assert report.problems == []
    assert (report.documents, report.searchable, report.chunks, report.orphans) == (3, 3, 4, 0)
    assert report.sentence() == "3 of 3 documents are searchable."
    assert report.complete


def test_an_empty_home_has_nothing_to_complain_about(store: Store, settings: Settings) -> None:
    assert verify(store, settings).sentence() == "0 of 0 documents are searchable."


def test_a_document_that_cannot_be_found_is_named_with_the_reason(filled: Store, settings: Settings) -> None:
    filled.index.retire(B.document_id, first=1, last=1)
    report = verify(filled, settings)
    assert found(report) == [("/docs/b.txt", "chunks_missing")]
    assert report.sentence() == "2 of 3 documents are searchable; this one is not, because"
    assert report.hidden[0].message == "1 of its 1 passages are missing from the index."


def test_documents_that_failed_are_named_and_old_revisions_count_as_searchable(
    filled: Store, settings: Settings
) -> None:
    error = DocumentError("encrypted", "It is protected.", "Give the password.")
    filled.catalog.record_failure(C, error, "pipeline")
    filled.catalog.record_failure(reference("/docs/new.pdf"), error, "pipeline")
    report = verify(filled, settings)
    assert found(report) == [("/docs/c.txt", "not_updated"), ("/docs/new.pdf", "failed")]
    assert "It is protected. Give the password. [encrypted]" in report.problems[1].message
    assert (report.documents, report.searchable) == (4, 3)


def test_a_document_that_was_given_up_is_no_problem(filled: Store, settings: Settings) -> None:
    lost = reference("/docs/lost.pdf")
    filled.catalog.record_failure(lost, DocumentError("corrupt", "It is damaged."), "pipeline")
    filled.catalog.drop([lost.document_id])
    report = verify(filled, settings)
    assert (found(report), report.documents) == ([], 3)


def test_what_an_interrupted_run_left_is_named(filled: Store, settings: Settings) -> None:
    write(filled, reference("/docs/half.txt"), ["写到一半。"])
    write(filled, A, ["员工每年享有十五天年假。"], digest="newer")
    report = verify(filled, settings)
    assert sorted(found(report)) == [
        ("/docs/a.txt", "orphans"),
        ("/docs/half.txt", "orphans"),
        ("/docs/half.txt", "pending"),
    ]
    assert (report.orphans, report.documents, report.searchable) == (2, 4, 3)


def test_chunks_of_deleted_and_of_unknown_documents_are_orphans(filled: Store, settings: Settings) -> None:
    filled.catalog.delete([B.document_id])
    assert found(verify(filled, settings)) == [], "they wait for being retired"
    filled.catalog.record_retired(filled.catalog.retirements())
    stranger = publish(filled, reference("/elsewhere/x.txt"), ["没有人认识它。"])
    with filled.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM documents WHERE id = ?", (stranger[0].document_id,))
    report = verify(filled, settings)
    assert sorted(found(report)) == [("/docs/b.txt", "orphans"), ("/elsewhere/x.txt", "orphans")]
    assert (report.documents, report.searchable, report.orphans) == (2, 2, 2)


def test_a_revision_that_waits_for_being_retired_is_no_orphan(filled: Store, settings: Settings) -> None:
    publish(filled, A, ["员工每年享有十五天年假。"], digest="newer")
    report = verify(filled, settings)
    assert (found(report), report.chunks) == ([], 5)


def test_what_a_run_is_working_on_is_not_complained_about(filled: Store, settings: Settings) -> None:
    with exclusively(filled, settings, "local"):
        write(filled, reference("/docs/new.txt"), ["正在写入。"])
        write(filled, A, ["员工每年享有十五天年假。"], digest="newer")
        report = verify(filled, settings)
    assert found(report) == []
    assert (report.documents, report.busy) == (3, ("local",))


def test_what_sources_have_and_the_catalog_lacks_is_named(store: Store, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    for name in ("new", "same", "changed"):
        (folder / f"{name}.txt").write_text("员工每年享有十天年假。")
    settings = settings.model_copy(update={"sources": (FolderSettings(name="shared", type="folder", path=folder),)})
    listed = {Path(each.uri).stem: each for each in FolderSource([folder], "shared").references()}
    publish(store, listed["same"], ["员工每年享有十天年假。"])
    publish(store, listed["changed"], ["员工每年享有十天年假。"])
    publish(store, reference(f"{folder}/gone.txt", source="shared"), ["员工每年享有十天年假。"])
    (folder / "changed.txt").write_text("员工每年享有二十天年假。")

    report = verify(store, settings)
    assert [(Path(uri).stem, code) for uri, code in found(report)] == [
        ("changed", "changed"),
        ("gone", "gone"),
        ("new", "not_ingested"),
    ]
    assert (report.documents, report.searchable) == (4, 3)
    assert found(verify(store, settings, ask_sources=False)) == []


def test_a_source_that_cannot_be_listed_is_named_and_nothing_else_is_made_of_it(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    away = FolderSettings(name="mount", type="folder", path=tmp_path / "away")
    settings = settings.model_copy(update={"sources": (away,)})
    publish(store, reference(f"{tmp_path}/away/a.txt", source="mount"), ["员工每年享有十天年假。"])
    report = verify(store, settings)
    assert found(report) == [("mount", "path_missing")]
    assert report.sentence() == "1 of 1 documents are searchable."


def test_an_upload_that_no_run_brought_in_is_named(filled: Store, settings: Settings) -> None:
    originals = Originals(settings.home)
    with originals.receive() as incoming:
        incoming.write("访客必须登记。".encode())
        incoming.finish()
        Uploads(filled.database, originals).accept(incoming, Wanted("hr/visitors.txt"))
    assert found(verify(filled, settings)) == [("hr/visitors.txt", "not_ingested")]


def test_files_that_are_gone_or_changed_are_named(store: Store, settings: Settings, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("changed.txt", "gone.txt", "same.txt")]
    for file in files:
        file.write_text("员工每年享有十天年假。")
    for each in FolderSource(files).references():
        publish(store, each, ["员工每年享有十天年假。"])
    files[0].write_text("员工每年享有二十天年假。")
    files[1].unlink()
    report = verify(store, settings)
    assert [(Path(uri).name, code) for uri, code in found(report)] == [("changed.txt", "changed"), ("gone.txt", "gone")]
    assert (report.documents, report.searchable) == (3, 3)


def test_progress_goes_from_stage_to_stage(filled: Store, settings: Settings) -> None:
    seen: list[VerifyProgress] = []
    Verifier(filled, settings, Ingestor(filled, settings)).verify(on_progress=seen.append)
    assert list(dict.fromkeys(progress.stage for progress in seen)) == ["documents", "index", "sources"]
    last = [progress for progress in seen if progress.stage == "documents"][-1]
    assert (last.done, last.total, last.problems) == (3, 3, 0)


def test_a_verification_can_be_broken_off(filled: Store, settings: Settings) -> None:
    stop = threading.Event()

    def stop_soon(progress: VerifyProgress) -> None:
        if progress.done == 1:
            stop.set()

    report = Verifier(filled, settings, Ingestor(filled, settings)).verify(on_progress=stop_soon, stop=stop)
    assert not report.complete
    assert report.documents == 2
    assert report.sentence() == "The verification was broken off after 2 documents."


def test_documents_that_are_replaced_all_the_time_raise_no_false_alarm(store: Store, settings: Settings) -> None:
    documents = [reference(f"/docs/{number}.txt") for number in range(40)]
    for document in documents:
        publish(store, document, ["第一版：员工每年享有十天年假。"] * 3)
    over = threading.Event()

    def replace_all() -> None:
        version = 1
        while not over.is_set():
            version += 1
            for document in documents:
                publish(
                    store, document, [f"第{version}版：员工每年享有十天年假。"] * (1 + version % 4), digest=f"{version}"
                )
            for retirement in (due := store.catalog.retirements()):
                store.index.retire(retirement.document_id, first=retirement.first, last=retirement.last)
            store.catalog.record_retired(due)

    with exclusively(store, settings, "local"):
        replacing = threading.Thread(target=replace_all)
        replacing.start()
        try:
            reports = [verify(store, settings) for _ in range(2)]
        finally:
            over.set()
            replacing.join()
    assert [found(report) for report in reports] == [[], []]
    assert [report.documents for report in reports] == [40, 40]
