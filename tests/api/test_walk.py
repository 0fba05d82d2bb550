"""An answer can be read in one go: how far it is from a question to the last event of its stream."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.walk import MOST_FILES, MOST_HOPS, walk
from tests.walks import told_in_the_story


def test_the_way_from_a_question_to_the_last_event_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = walk(tmp_path, lambda engine: monkeypatch.setattr("ingest.runs.pipeline.open_engine", engine))
    steps = [str(hop) for hop in found.hops]
    assert steps[0].startswith("Envelope.__call__ → ")
    assert len(steps) <= MOST_HOPS, "\n".join(steps)
    assert len(found.files) <= MOST_FILES, found.files


def test_the_walk_leads_through_the_event_loop_and_through_all_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = walk(tmp_path, lambda engine: monkeypatch.setattr("ingest.runs.pipeline.open_engine", engine))
    where = {hop.function: hop.thread for hop in found.hops}
    assert where["ask"] == where["Assistant.answer"] == where["AskBody.of"] == "server"
    assert where["RewordingRetriever.retrieve"].startswith("retrieval")
    assert where["Gatherer.gather"].startswith("reading")
    # Behind the doors: the model's stream, and the search.
    entered = {each.function: each.thread for each in found.entered}
    assert entered["ServerChatModel.answer"] == "server"
    assert entered["CurrentRetriever.retrieve"].startswith("retrieval")
    assert entered["Catalog.clock"].startswith("retrieval")


def test_the_story_says_how_far_it_is() -> None:
    assert told_in_the_story("tests/api/walk.py") == {(MOST_HOPS, MOST_FILES)}
