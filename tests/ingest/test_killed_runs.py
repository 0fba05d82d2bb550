"""`kill -9` in the middle of ingestion: readers never see a broken document, and the next run finishes the work."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.ingest.killed_run import write_version

_SCRIPT = Path(__file__).with_name("killed_run.py")
_DOCUMENTS = 24


def _edit(folder: Path, round_: int, chance: random.Random) -> None:
    """Change a third of the documents, in length too; remove one and bring back another."""
    for number in range(_DOCUMENTS):
        file = folder / f"甲{number:02d}.txt"
        if round_ == 0 or chance.random() < 0.34:
            write_version(file, round_, chance.randint(1, 5))
    (folder / f"甲{chance.randrange(_DOCUMENTS):02d}.txt").unlink(missing_ok=True)


def _contents(home: Path) -> dict[str, list[tuple[str, int, object]]]:
    """Everything in the index that is current, and a check that nothing else is left in it."""
    with closing(Store.open(Settings(home=home), command="test")) as store:
        documents = store.catalog.documents(OPERATOR)
        found = {
            document.uri: [
                (chunk.text, chunk.position, (chunk.location, chunk.title, chunk.language, chunk.access))
                for chunk in store.index.chunks(document.id, document.revision or 0)
            ]
            for document in documents
        }
        assert store.index.count() == sum(len(chunks) for chunks in found.values())
    return found


def _run(folder: Path, home: Path, complaints: Path, *, kill_after: float | None) -> bool:
    """Run the ingesting process; whether it was killed before it had finished."""
    command = [sys.executable, str(_SCRIPT), str(folder), str(home), str(complaints)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            _, errors = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return True
    assert process.returncode == 0, errors
    return False


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_kills_leave_an_index_like_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    folder, home, complaints = tmp_path / "docs", tmp_path / "home", tmp_path / "complaints.txt"
    folder.mkdir()
    _edit(folder, 0, chance)
    _run(folder, home, complaints, kill_after=None)
    killed = 0
    for round_ in range(1, 11):
        _edit(folder, round_, chance)
        killed += _run(folder, home, complaints, kill_after=chance.uniform(1.0, 3.5))
    assert killed >= 5, "the machine was too fast for the kills to hit"
    assert not _run(folder, home, complaints, kill_after=None)
    assert not complaints.exists(), complaints.read_text(encoding="utf-8")[:2000]

    undisturbed = Settings(home=tmp_path / "undisturbed")
    with closing(Store.open(undisturbed, command="test")) as store:
        Ingestor(store, undisturbed).run(FolderSource([folder]))
    assert _contents(home) == _contents(undisturbed.home)
