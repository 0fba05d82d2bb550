"""The thread that brings uploads in: what is noted while a round of it begins is done in the next."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.errors import UnavailableError
from ingest.runs.pipeline import Ingestor
from ingest.store import Store
from ingest.uploads.intake import Intake
from ingest.uploads.register import Wanted


def _accept(intake: Intake, path: str) -> str:
    with intake.originals.receive() as incoming:
        incoming.write(f"Rules of {path}.".encode())
        incoming.finish()
        return intake.accept(incoming, Wanted(path), None).document_id


def _round_with(intake: Intake, at_line: int, meanwhile: Callable[[], object]) -> None:
    """A round of the intake, halted before its line number `at_line` (from 0) until `meanwhile` is done elsewhere, or
    waits for the round itself."""
    lines = 0
    other = threading.Thread(target=meanwhile)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if frame.f_code is not Intake._bring_in.__code__:
            return None
        if event == "line":
            if lines == at_line:
                other.start()
                other.join(1.0)
            lines += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        intake._bring_in()
    finally:
        sys.settrace(before)
    if other.ident is None:
        other.start()
    other.join()


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("at_line", range(6))
def test_the_bytes_of_a_document_that_is_deleted_while_a_round_begins_go_with_the_next(
    store: Store, settings: Settings, at_line: int
) -> None:
    settings = settings.model_copy(update={"keep_deleted_days": 0.0})
    intake = Intake(store, Ingestor(store, settings), settings)
    identity = _accept(intake, "house.txt")
    intake._bring_in()
    assert [document.id for document in store.catalog.documents(OPERATOR)] == [identity]

    _round_with(intake, at_line, lambda: intake.remove(identity, None))
    intake._bring_in()
    assert [path for path in (settings.home / "originals").rglob("*") if path.is_file()] == []
    assert store.index.count() == 0


@pytest.mark.usefixtures("inline")
def test_what_a_round_that_failed_had_to_do_is_done_by_the_next(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"keep_deleted_days": 0.0})
    intake = Intake(store, Ingestor(store, settings), settings)
    identity = _accept(intake, "house.txt")
    intake._bring_in()
    intake.remove(identity, None)

    def fail(*_: object, **asked: object) -> None:
        raise UnavailableError("database_unavailable", "The database does not answer.")

    with monkeypatch.context() as away:
        away.setattr(Ingestor, "run", fail)
        with pytest.raises(UnavailableError):
            intake._bring_in()
    intake._bring_in()
    assert [path for path in (settings.home / "originals").rglob("*") if path.is_file()] == []
    assert store.index.count() == 0


@pytest.mark.usefixtures("inline")
def test_a_removal_that_a_crash_cut_short_is_finished_by_the_next_start(store: Store, settings: Settings) -> None:
    intake = Intake(store, Ingestor(store, settings), settings)
    identity = _accept(intake, "house.txt")
    intake._bring_in()
    intake.uploads.remove(identity)  # and that was the end of the process
    Intake(store, Ingestor(store, settings), settings)._bring_in()
    assert store.catalog.documents(OPERATOR) == []
