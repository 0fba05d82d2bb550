"""The pipeline can be read in one go: how far it is from a run to the publication of a document."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.walk import files, hops, walk


def test_the_way_from_a_run_to_the_publication_of_a_document_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered = walk(tmp_path, lambda engine: monkeypatch.setattr("ingest.runs.pipeline.open_engine", engine))
    steps = [f"{hop.caller} → {hop.function} in {hop.file}" for hop in hops(entered)]
    assert steps[0].startswith("Ingestor.run → ")
    assert steps[-1] == "Writer.publish → Catalog.publish in ingest/catalog/catalog.py"
    assert len(steps) <= 45, "\n".join(steps)
    assert len(files(entered)) <= 20, files(entered)
    assert "ingest/runs/rebuild.py" not in {each.file for each in entered}, "the rare path cuts through the plain one"
