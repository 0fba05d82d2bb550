"""`kill -9` while another index is being built: readers see the old one whole or the new one whole."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.runs.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.ingest.killed_build import CHUNK_TOKENS
from tests.ingest.killed_run import write_version

_ROOT = Path(__file__).parents[2]
_DOCUMENTS, _KILLS = 60, 6


def _contents(store: Store) -> dict[str, list[tuple[int, str]]]:
    """The passages of every document, and a check that nothing else is in the index."""
    found = {
        document.uri: [
            (chunk.position, chunk.text) for chunk in store.index.chunks(document.id, document.revision or 0)
        ]
        for document in store.catalog.documents(OPERATOR)
    }
    assert store.index.count() == sum(len(chunks) for chunks in found.values())
    return found


def _build(folder: Path, home: Path, complaints: Path, *, kill_after: float | None) -> bool:
    """Run the building process; whether it was killed before it had finished."""
    command = [sys.executable, "-m", "tests.ingest.killed_build", str(folder), str(home), str(complaints)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        begun = process.stdout.readline()
        try:
            _, errors = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return True
    assert (begun, process.returncode) == ("begins\n", 0), errors
    return False


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_build_that_is_killed_again_and_again_ends_like_one_that_never_was(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    folder, home, complaints = tmp_path / "docs", tmp_path / "home", tmp_path / "complaints.txt"
    folder.mkdir()
    for number in range(_DOCUMENTS):
        write_version(folder / f"甲{number:02d}.txt", 0, chance.randint(1, 5))
    with closing(Store.open(Settings(home=home), command="test")) as store:
        Ingestor(store, Settings(home=home)).run(FolderSource([folder]))
    killed = sum(_build(folder, home, complaints, kill_after=chance.uniform(0.5, 8.0)) for _ in range(_KILLS))
    assert killed >= 2, "the machine was too fast for the kills to hit"
    assert not _build(folder, home, complaints, kill_after=None)
    assert not complaints.exists(), complaints.read_text(encoding="utf-8")[:2000]
    settings = Settings(home=home, chunk_tokens=CHUNK_TOKENS)
    with closing(Store.open(settings, command="test")) as store:
        assert [version.state for version in store.open_versions.versions.all()] == ["kept", "current"]
        rebuilt = _contents(store)
        before = _contents(store.at(store.open_versions._opened(store.open_versions.versions.get(1))))
    assert sum(map(len, rebuilt.values())) > sum(map(len, before.values()))
    undisturbed = Settings(home=tmp_path / "undisturbed", chunk_tokens=CHUNK_TOKENS)
    with closing(Store.open(undisturbed, command="test")) as store:
        Ingestor(store, undisturbed).run(FolderSource([folder]))
        assert rebuilt == _contents(store)
