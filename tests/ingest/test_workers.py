"""The stages as the engines know them: what is tried again in parts, and what goes along to other machines."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from api.settings import Settings
from ingest.document import Candidate, Chunk, Embedding, Location, SparseVector, document_id
from ingest.errors import DocumentError
from ingest.runs.stages import EMBEDDING, PREPARING, identity
from ingest.sources.folder import FolderSource

_CRASHED = DocumentError("worker_crashed", "The process that worked on it crashed.", "Look at the log.")


def _chunk(uri: str, number: int) -> Chunk:
    location = Location()
    return Chunk(f"{uri}{number}", document_id("local", uri), 1, number, "local", uri, "", "en", "x", location, ())


def _candidate(file: Path) -> Candidate:
    [reference] = FolderSource([file]).references()
    return Candidate(reference)


def test_a_batch_that_crashed_is_embedded_by_document_and_only_the_guilty_one_fails() -> None:
    division = EMBEDDING.division
    assert division is not None
    batch = [_chunk("a", 0), _chunk("a", 1), _chunk("b", 0), _chunk("c", 0)]
    parts = division.split(batch)
    assert [[chunk.uri for chunk in part] for part in parts] == [["a", "a"], ["b"], ["c"]]
    good = Embedding(None, SparseVector((1,), (1.0,)))
    merged = division.merge([(parts[0], _CRASHED), (parts[1], [good]), (parts[2], [good])])
    assert merged[2:] == [good, good]
    for failure in merged[:2]:
        assert isinstance(failure, DocumentError)
        assert (failure.code, failure.hint) == ("embedding_failed", "Look at the log.")


def test_what_to_do_about_slow_embedding_does_not_speak_of_parsing(settings: Settings) -> None:
    limits = EMBEDDING.limits(settings)
    hints = limits.time_hint + limits.memory_hint + limits.crash_hint
    assert "PARSE" not in hints
    assert "damaged" not in hints
    assert "YOUJU_PARSE_TIMEOUT_SECONDS" in PREPARING.limits(settings).time_hint


def test_a_document_goes_elsewhere_with_its_bytes_and_gives_the_same_there(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "rule.txt"
    file.write_text("Visitors sign in at the gate.")
    assert PREPARING.carry is not None
    carried = PREPARING.carry(_candidate(file), settings)
    assert carried.reference.path == file
    prepare = PREPARING.make(settings)
    here = prepare(_candidate(file))
    file.unlink()
    assert prepare(carried) == here
    assert here.passages is not None


def test_a_file_too_large_to_read_is_refused_without_sending_it(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "large.txt"
    with file.open("wb") as written:
        written.truncate(2 << 20)
    small = settings.model_copy(update={"max_file_mb": 1})
    assert PREPARING.carry is not None
    carried = PREPARING.carry(_candidate(file), small)
    assert carried.at_hand is not None
    assert carried.at_hand.content is None
    with pytest.raises(DocumentError) as raised:
        PREPARING.make(small)(carried)
    assert raised.value.code == "too_large"


def test_what_cannot_be_read_here_is_not_sent(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "rule.txt"
    file.write_text("x")
    candidate = _candidate(file)
    file.unlink()
    assert PREPARING.carry is not None
    with pytest.raises(DocumentError, match="was gone"):
        PREPARING.carry(candidate, settings)
    os.mkfifo(file)
    with pytest.raises(DocumentError) as raised:
        PREPARING.carry(candidate, settings)
    assert raised.value.code == "unsupported"
    content = replace(candidate, at_hand=replace(candidate.reference, path=None, content=b"y"))
    assert PREPARING.carry(content, settings) is content


def test_the_identity_of_a_stage_names_what_decides_its_results(settings: Settings) -> None:
    assert "multilingual-e5-small" in identity(settings)
    assert identity(settings) == EMBEDDING.identity(settings) == PREPARING.identity(settings)
