"""The pipeline can be read in one go: how far it is from a run to the publication of a document."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.walk import MOST_FILES, MOST_HOPS, walk
from tests.walks import told_in_the_story


def test_the_way_from_a_run_to_the_publication_of_a_document_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = walk(tmp_path, lambda engine: monkeypatch.setattr("ingest.runs.pipeline.open_engine", engine))
    steps = [str(hop) for hop in found.hops]
    assert steps[0].startswith("Ingestor.run → ")
    assert steps[-1] == "Writer.publish → Catalog.publish in ingest/catalog/catalog.py"
    assert len(steps) <= MOST_HOPS, "\n".join(steps)
    assert len(found.files) <= MOST_FILES, found.files
    entered = {each.file for each in found.entered}
    assert "ingest/runs/rebuild.py" not in entered, "the rare path cuts through the plain one"


def test_the_story_says_how_far_it_is() -> None:
    assert told_in_the_story("tests/ingest/walk.py") == {(MOST_HOPS, MOST_FILES)}
