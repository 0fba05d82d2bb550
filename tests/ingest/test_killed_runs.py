"""`kill -9` in the middle of ingestion: readers never see a broken document, and the next run finishes the work."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.document import chunk_id
from ingest.runs.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from tests.ingest.killed_run import MARK, open_store, write_version

# The simulator says that payload indexes, which a real server needs, do nothing in it.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
]

_SCRIPT = Path(__file__).with_name("killed_run.py")
_DOCUMENTS = 24
_SPANS = {"begins": 10.0, "vectors": 5.0}
"""So many seconds at most after each line that a run prints it is killed. Its processes take some seconds to start."""
_ENGLISH = "The warehouse in building seven opens at nine and closes at five, version {}."


def _edit(folder: Path, round_: int, chance: random.Random) -> None:
    """Change some documents, in length too; move one, remove one, and bring back whatever is missing now and then."""
    for number in range(_DOCUMENTS):
        name = f"甲{number:02d}.txt"
        file = next(folder.rglob(name), folder / name)
        if round_ == 0 or chance.random() < 0.2:
            write_version(file, round_, chance.randint(1, 5))
    files = sorted(folder.rglob("甲*.txt"))
    moved, removed = chance.sample(files, 2)
    elsewhere = folder / f"部门{chance.randrange(4)}"
    elsewhere.mkdir(exist_ok=True)
    moved.rename(elsewhere / moved.name)
    removed.unlink()
    if round_ % 20 == 0:
        (folder / "warehouse.md").write_text(_ENGLISH.format(round_), encoding="utf-8")


def _contents(engine: str, home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the index that is current, and a check that nothing else is left in it."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with closing(open_store(engine, home)) as store:
        for document in store.catalog.documents(OPERATOR):
            chunks = store.index.chunks(document.id, document.revision or 0)
            vectors = store.index.embeddings(document.id, document.revision or 0)
            places = [chunk_id(document.id, document.revision or 0, place) for place in range(document.chunks)]
            assert [chunk.id for chunk in chunks] == places
            found[document.id] = [
                (document.uri, c.position, c.text, c.location, c.title, c.language, c.access, v.sparse, v.dense)
                for c, v in zip(chunks, vectors, strict=True)
            ]
        assert store.index.count() == sum(len(chunks) for chunks in found.values())
    return found


def _same_vector(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return (one is None and other is None) or (one is not None and other is not None and float(one @ other) > 0.9999)


def _run(arguments: list[str], *, kill_after: float | None, since: str = "begins") -> bool:
    """Run the ingesting process; whether it was killed before it had finished, so many seconds after its run `begins`,
    or after all documents of the run were published and their `vectors` began to follow.
    """
    command = [sys.executable, str(_SCRIPT), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        begun = process.stdout.readline() == "begins\n"
        waits = begun and (since == "begins" or process.stdout.readline() == f"{since}\n")
        if waits and kill_after is not None:
            time.sleep(kill_after)
            if process.poll() is None:
                process.kill()
                process.communicate()
                return True
        _, errors = process.communicate()
    assert begun, errors
    assert process.returncode == 0, errors
    return False


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("engine", "kills"), [("edge", 200), ("server", 20)])
def test_kills_at_random_leave_an_index_like_that_of_an_undisturbed_run(
    tmp_path: Path, engine: str, kills: int
) -> None:
    chance = random.Random(20261122)
    folder, home, complaints = tmp_path / "docs", tmp_path / "home", tmp_path / "complaints.txt"
    folder.mkdir()
    _edit(folder, 0, chance)
    arguments = [engine, str(folder), str(home), str(complaints)]
    _run(arguments, kill_after=None)
    killed = rounds = killed_late = 0
    while killed < kills:
        rounds += 1
        assert rounds < 3 * kills, "the machine is too fast for the kills to hit"
        _edit(folder, rounds, chance)
        # One in five is left to finish: what is gone would add up to more than a run deletes without being told to.
        since = chance.choice(("begins", "vectors"))
        after = chance.uniform(0.0, _SPANS[since])
        hit = _run(arguments, kill_after=after if rounds % 5 else None, since=since)
        killed += hit
        killed_late += hit and since == "vectors"
        assert not complaints.exists(), f"after {rounds}: {complaints.read_text(encoding='utf-8')[:2000]}"
    assert killed_late > 0, "no kill fell among the vectors"
    assert not _run(arguments, kill_after=None)
    assert not complaints.exists(), complaints.read_text(encoding="utf-8")[:2000]

    undisturbed = Settings(home=tmp_path / "undisturbed")
    with closing(open_store(engine, undisturbed.home)) as store:
        Ingestor(store, undisturbed).run(FolderSource([folder]))
    ours, theirs = _contents(engine, home), _contents(engine, undisturbed.home)
    assert {key: [each[:-1] for each in chunks] for key, chunks in ours.items()} == {
        key: [each[:-1] for each in chunks] for key, chunks in theirs.items()
    }
    marks = [MARK.findall(text) for chunks in ours.values() for uri, _, text, *_ in chunks if uri.endswith(".txt")]
    assert {len(found) for found in marks} == {1}, "each part is a chunk, or a mix could not be seen"
    pairs = [(a[-1], b[-1]) for key in ours for a, b in zip(ours[key], theirs[key], strict=True)]
    assert all(_same_vector(*pair) for pair in pairs)
    assert any(vector is not None for vector, _ in pairs)
