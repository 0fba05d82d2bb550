"""What was accepted is ingested, and what was deleted stays away, whatever happens to the server in between."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.errors import UnavailableError
from ingest.home.database import open_database
from ingest.home.originals import Originals
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.store import Store
from ingest.uploads.intake import Intake
from ingest.uploads.register import Receipt, Stock, Uploads, Wanted
from ingest.uploads.source import PushSource
from tests.api.command_line import serving

pytestmark = pytest.mark.usefixtures("inline_module")

TEXT = "员工每年享有十五天年假，未休的年假在次年三月底作废。".encode()
DAY = 24 * 3600.0


def accept(intake: Intake, path: str, data: bytes = TEXT) -> Receipt:
    """Take an upload as the route does."""
    with intake.originals.receive() as incoming:
        incoming.write(data)
        incoming.finish()
        return intake.accept(incoming, Wanted(path), None)


@pytest.fixture
def intake(store: Store, settings: Settings) -> Intake:
    return Intake(store, Ingestor(store, settings), settings)


@pytest.mark.slow
def test_an_upload_that_was_answered_survives_the_end_of_the_server(tmp_path: Path) -> None:
    headers = {"content-type": "application/octet-stream"}
    with serving(tmp_path / "home") as (url, process), httpx.Client(base_url=url, trust_env=False) as client:
        for number in range(3):
            asked = {"path": f"{number}.txt"}
            response = client.post("/v1/documents", params=asked, content=TEXT, headers=headers)
            assert response.status_code == 202
        process.kill()
    with serving(tmp_path / "home") as (url, _), httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        deadline = time.monotonic() + 120
        found: set[str] = set()
        while len(found) < 3 and time.monotonic() < deadline:
            time.sleep(0.3)
            hits = client.post("/v1/search", json={"query": "年假"}).json()["hits"]
            found = {hit["uri"] for hit in hits}
        assert found == {"0.txt", "1.txt", "2.txt"}


@pytest.mark.slow
def test_the_documented_steps_bring_uploads_into_a_new_home(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "ingestion.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", guide, re.S)
    old, new = tmp_path / "old", tmp_path / "new"
    asked = {"path": "人事/年假.txt", "title": "年假制度", "access": ["group:hr", "user:ceo"]}
    with serving(old) as (url, _), httpx.Client(base_url=url, trust_env=False) as client:
        headers = {"content-type": "application/octet-stream"}
        identity = client.post("/v1/documents", params=asked, content=TEXT, headers=headers).json()["document_id"]
    with serving(new) as (url, _):
        environment = {**os.environ, "OLD_HOME": str(old), "SERVER": url}
        subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)
        with closing(sqlite3.connect(new / "youju.db")) as database:
            (row,) = database.execute("SELECT document_id, uri, title, access FROM uploads")
    assert (row[0], row[1], row[2]) == (identity, asked["path"], asked["title"])
    assert json.loads(row[3]) == asked["access"]


def test_what_an_earlier_process_accepted_is_brought_in_at_the_start(intake: Intake, store: Store) -> None:
    receipt = accept(intake, "a.txt")  # and that was its end
    assert intake.standing(receipt.document_id).state == "queued"
    intake.start()
    try:
        wait_for(intake, receipt, "ready")
    finally:
        intake.close()
    assert [document.uri for document in store.catalog.documents(OPERATOR)] == ["a.txt"]


def test_a_document_that_is_deleted_while_it_is_brought_in_does_not_come_back(
    intake: Intake, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = accept(intake, "a.txt")
    flush = store.index.flush

    def delete_first() -> None:
        """Its chunks are written, and in a moment it would be published."""
        monkeypatch.undo()
        intake.remove(receipt.document_id, None)
        flush()

    monkeypatch.setattr(store.index, "flush", delete_first)
    source = PushSource(intake.uploads, intake.originals)
    Ingestor(store, settings).run(source)
    assert store.catalog.documents(OPERATOR) == []
    Ingestor(store, settings).run(source)
    assert store.index.count() == 0


def test_bytes_go_when_nothing_refers_to_them_and_not_before(store: Store, settings: Settings) -> None:
    originals = Originals(settings.home)
    uploads = Uploads(store.database, originals)
    with originals.receive() as incoming:
        incoming.write(TEXT)
        incoming.finish()
        receipt = uploads.accept(incoming, Wanted("a.txt"))
    assert receipt.digest is not None
    assert uploads.sweep(lambda: (), older_than_seconds=0) == 0
    uploads.remove(receipt.document_id)
    assert uploads.sweep(lambda: {receipt.digest}, older_than_seconds=0) == 0  # a published revision was made from them
    assert uploads.sweep(lambda: (), older_than_seconds=0) == 1
    assert not originals.path(receipt.digest).exists()


def test_the_bytes_of_a_removed_document_are_kept_for_some_days(
    intake: Intake, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    receipt = accept(intake, "a.txt")
    kept = intake.originals.path(receipt.digest or "")
    intake.uploads.remove(receipt.document_id)
    with caplog.at_level(logging.INFO):
        assert intake.uploads.sweep(lambda: (), older_than_seconds=7 * DAY) == 0
        assert kept.read_bytes() == TEXT
        days_ago(store, 8)
        assert intake.uploads.sweep(lambda: (), older_than_seconds=7 * DAY) == 1
    assert not kept.exists()
    assert f"Removed the original {receipt.digest}" in caplog.text


def test_the_bytes_of_a_replaced_document_are_kept_for_some_days(intake: Intake, store: Store) -> None:
    old = accept(intake, "a.txt")
    new = accept(intake, "a.txt", b"something else")
    days_ago(store, 8)
    assert intake.uploads.sweep(lambda: (), older_than_seconds=9 * DAY) == 0
    assert intake.uploads.sweep(lambda: (), older_than_seconds=7 * DAY) == 1
    assert not intake.originals.path(old.digest or "").exists()
    assert intake.originals.path(new.digest or "").exists()


def test_bytes_that_are_uploaded_again_meanwhile_begin_anew(intake: Intake, store: Store) -> None:
    intake.uploads.remove(accept(intake, "a.txt").document_id)
    days_ago(store, 8)
    again = accept(intake, "b.txt")
    assert intake.uploads.sweep(lambda: (), older_than_seconds=0) == 0
    intake.uploads.remove(again.document_id)
    assert intake.uploads.sweep(lambda: (), older_than_seconds=7 * DAY) == 0
    assert intake.uploads.stock(()) == Stock(kept=0, unwanted=1, unknown=0, missing=0)


def test_bytes_that_no_deletion_named_stay_and_are_counted(intake: Intake, store: Store) -> None:
    receipt = accept(intake, "a.txt")
    stray = intake.originals.path("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(TEXT)
    assert intake.uploads.sweep(lambda: (), older_than_seconds=0) == 0
    assert stray.exists()
    assert intake.uploads.stock(()) == Stock(kept=1, unwanted=0, unknown=1, missing=0)
    intake.originals.path(receipt.digest or "").unlink()
    assert intake.uploads.stock(()) == Stock(kept=0, unwanted=0, unknown=1, missing=1)


def test_bytes_that_cannot_be_removed_are_tried_again_and_hold_up_no_others(
    intake: Intake, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = accept(intake, "a.txt"), accept(intake, "b.txt", b"something else")
    for receipt in (first, second):
        intake.uploads.remove(receipt.document_id)
    stuck = intake.originals.path(first.digest or "")
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == stuck:
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    assert intake.uploads.sweep(lambda: (), older_than_seconds=0) == 1
    assert "Permission denied" in caplog.text
    monkeypatch.undo()
    assert intake.uploads.sweep(lambda: (), older_than_seconds=0) == 1
    assert not stuck.exists()


def test_a_server_that_runs_on_removes_the_bytes_when_their_time_is_over(
    intake: Intake, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.uploads.intake._SWEEP_SECONDS", 0.3)  # a day
    receipt = accept(intake, "a.txt")
    kept = intake.originals.path(receipt.digest or "")
    intake.uploads.remove(receipt.document_id)
    intake.start()
    try:
        time.sleep(1)
        assert kept.exists()
        days_ago(store, 8)
        deadline = time.monotonic() + 30
        while kept.exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        intake.close()


def test_another_database_removes_nothing(intake: Intake, settings: Settings, tmp_path: Path) -> None:
    receipt = accept(intake, "a.txt")
    other = open_database(Settings(home=tmp_path / "other"))
    uploads = Uploads(other, intake.originals)
    assert uploads.sweep(lambda: (), older_than_seconds=0) == 0
    other.dispose()
    assert intake.originals.path(receipt.digest or "").read_bytes() == TEXT


def test_a_home_that_does_not_keep_the_bytes_forgets_none_that_are_to_be_removed(
    intake: Intake, store: Store, tmp_path: Path
) -> None:
    receipt = accept(intake, "a.txt")
    intake.uploads.remove(receipt.document_id)
    beside = Uploads(store.database, Originals(tmp_path / "beside"))
    assert beside.sweep(lambda: (), older_than_seconds=0) == 0
    assert intake.uploads.sweep(lambda: (), older_than_seconds=0) == 1
    assert not intake.originals.path(receipt.digest or "").exists()


def test_an_upload_whose_bytes_could_not_be_kept_was_not_accepted(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "replace", refuse)
        with pytest.raises(UnavailableError) as raised:
            accept(intake, "a.txt")
    assert raised.value.code == "home_full"
    assert (intake.uploads.all(), intake.uploads.waiting()) == ([], 0)


def test_an_upload_that_broke_off_leaves_nothing_for_long(store: Store, settings: Settings) -> None:
    originals = Originals(settings.home)

    def broken_off() -> None:
        with originals.receive() as incoming:
            incoming.write(TEXT)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        broken_off()
    assert list((settings.home / "originals" / "incoming").iterdir()) == []
    left = settings.home / "originals" / "incoming" / "crashed.part"
    left.write_bytes(TEXT)
    uploads = Uploads(store.database, originals)
    uploads.sweep(lambda: (), older_than_seconds=0)
    assert left.exists()  # it may be another process's
    os.utime(left, (1, 1))
    uploads.sweep(lambda: (), older_than_seconds=0)
    assert list(left.parent.iterdir()) == []


def test_a_run_that_fails_is_tried_again(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    tries: list[float] = []

    def broken(source: PushSource, **asked: object) -> Report:
        tries.append(time.monotonic())
        if len(tries) == 2:
            ended.set()
        raise OSError("the disk is away")

    monkeypatch.setattr(intake._ingestor, "run", broken)
    accept(intake, "a.txt")
    intake.start()
    try:
        assert ended.wait(20)
    finally:
        intake.close()
    assert tries[1] - tries[0] >= 1.9


def days_ago(store: Store, days: float) -> None:
    """Make every deletion and replacement so many days old."""
    with store.database.begin() as connection:
        connection.execute(sa.text("UPDATE unwanted_originals SET since = :since"), {"since": time.time() - days * DAY})


def wait_for(intake: Intake, receipt: Receipt, state: str) -> None:
    deadline = time.monotonic() + 120
    while intake.standing(receipt.document_id).state != state:
        assert time.monotonic() < deadline
        time.sleep(0.1)
