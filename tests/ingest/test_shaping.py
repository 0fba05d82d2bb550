"""What shapes an index is listed once, and its fingerprint stays what it was."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.runs.stages import identity
from ingest.settings import IngestSettings
from ingest.shaping import CHUNK_SETTINGS, EMBEDDING_SETTINGS, LATER_SETTINGS, SHAPING_SETTINGS, STAGE_VERSIONS
from ingest.versions.fingerprint import fingerprint, restored, shaping

NOT_SHAPING = {
    # where state lives
    "home", "database_url", "keep_deleted_days", "qdrant_url", "qdrant_api_key", "qdrant_collection",
    "qdrant_timeout_seconds",
    # how the embedder is reached
    "embedding_api_key", "hub",
    # where and how fast stages run
    "engine", "ray_address", "ray_shared_files", "ray_gpus", "embed_workers", "parse_workers",
    # which documents are read at all
    "parse_timeout_seconds", "parse_memory_mb", "max_file_mb", "passwords", "sources",
}  # fmt: skip
"""Settings that change neither the chunks nor the vectors of a document that is read."""

ANOTHER: dict[str, Any] = {
    "chunk_tokens": 64,
    "chunk_overlap_tokens": 3,
    "ocr": False,
    "ocr_embedded": False,
    "comments": True,
    "ocr_pictures": 3,
    "ocr_picture_seconds": 5.0,
    "embedding_model": "another",
    "embedding_url": "http://127.0.0.1:9/v1",
    "embedding_languages": ("zh", "en"),
    "embedding_query_prompt": "query: ",
}


def test_every_setting_shapes_the_index_or_is_known_not_to() -> None:
    unsorted = set(IngestSettings.model_fields) - set(SHAPING_SETTINGS) - NOT_SHAPING
    assert unsorted == set(), "add each to ingest/shaping.py, or to NOT_SHAPING here"
    assert set(SHAPING_SETTINGS) & NOT_SHAPING == set()
    assert (set(SHAPING_SETTINGS) | NOT_SHAPING) <= set(IngestSettings.model_fields)


@pytest.mark.parametrize("name", [*CHUNK_SETTINGS, "embedding_languages"])
def test_another_setting_that_shapes_chunks_is_another_fingerprint(name: str) -> None:
    settings = IngestSettings()
    assert fingerprint(settings, "e") != fingerprint(settings.model_copy(update={name: ANOTHER[name]}), "e")


@pytest.mark.parametrize("stage", STAGE_VERSIONS)
def test_another_version_of_a_stage_is_another_fingerprint(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, said = fingerprint(IngestSettings(), "e"), identity(IngestSettings())
    monkeypatch.setitem(STAGE_VERSIONS, stage, "another")
    assert fingerprint(IngestSettings(), "e") != before
    assert identity(IngestSettings()) != said


def test_what_shapes_an_index_is_kept_with_it_and_restored() -> None:
    assert set(ANOTHER) == set(SHAPING_SETTINGS) == {*EMBEDDING_SETTINGS, *CHUNK_SETTINGS}
    settings = IngestSettings().model_copy(update=ANOTHER)
    assert restored(IngestSettings(), shaping(settings)).model_dump(include=set(SHAPING_SETTINGS)) == ANOTHER


def test_a_home_made_before_opens_without_being_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a fingerprint is part of every index: these were made before the settings were listed here."""
    monkeypatch.setitem(STAGE_VERSIONS, "parser", "3")
    monkeypatch.setitem(STAGE_VERSIONS, "splitter", "2")
    later = {name: IngestSettings.model_fields[name].default for name in LATER_SETTINGS}
    languages = IngestSettings().model_copy(update=ANOTHER | later)
    assert fingerprint(IngestSettings(), "embedder") == (
        "f31d0d038fd810df37e2263f8c7e2a1effece95ec9c8fec1eced6eb712adee25"
    )
    assert fingerprint(languages, "qwen3@remote+bm25") == (
        "f62f5d78cf934555badb1a28e0a794ad24d61726fc8e378383e2c8ea57a54d49"
    )
    assert identity(IngestSettings()).startswith("parser 3, splitter 2, embedder ")
