"""A run that was suspended for so long that another took its source over harms nothing when it wakes up."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.errors import UnavailableError
from ingest.index import Index
from ingest.runs.lease import Lease
from ingest.runs.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from ingest.store import Store


class SuspendedIndex:
    """An index whose caller is suspended before the first removal of chunks, until `wake` is set."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.asleep, self.wake = threading.Event(), threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def retire(self, document_id: str, *, first: int, last: int) -> None:
        self.asleep.set()
        assert self.wake.wait(60)
        self._index.retire(document_id, first=first, last=last)


@pytest.mark.usefixtures("inline")
def test_a_run_that_wakes_up_while_it_recovers_removes_nothing_that_was_published_since(
    folder: Path, store: Store, settings: Settings
) -> None:
    store = replace(store, ownership=None)  # as with a Qdrant server: several processes may work on one index
    file = folder / "一.txt"
    file.write_text("员工每年享有十天年假。")
    source = FolderSource([folder])
    Ingestor(store, settings).run(source)
    file.write_text("员工每年享有十五天年假。")
    (reference,) = source.references()
    store.catalog.take_revision(reference, hashlib.sha256(file.read_bytes()).hexdigest())  # by a run that was killed

    index = SuspendedIndex(store.index)

    def run() -> None:
        with suppress(UnavailableError):  # as soon as it learns of it
            Ingestor(replace(store, index=index), settings).run(source)

    suspended = threading.Thread(target=run)
    suspended.start()
    assert index.asleep.wait(60)
    taken = Lease.take(store.database, "source:local", "another", sole=True)
    assert taken is not None
    taken.release()
    assert Ingestor(store, settings).run(source).changed == 1
    index.wake.set()
    suspended.join(60)
    assert not suspended.is_alive()

    (document,) = store.catalog.documents(OPERATOR)
    assert document.revision is not None
    assert [chunk.text for chunk in store.index.chunks(document.id, document.revision)] == ["员工每年享有十五天年假。"]
    assert Ingestor(store, settings).run(source).unchanged == 1
    assert store.index.count() == 1
