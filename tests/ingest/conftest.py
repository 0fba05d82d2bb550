"""What tests of ingestion begin with: an empty folder for documents, and what brings them into an empty home."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import Settings
from ingest.runs.pipeline import Ingestor
from ingest.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    (tmp_path / "docs").mkdir()
    return tmp_path / "docs"


@pytest.fixture
def ingestor(store: Store, settings: Settings) -> Ingestor:
    """Over the test's empty home."""
    return Ingestor(store, settings)
