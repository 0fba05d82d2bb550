"""The way of one document through our code, from `Ingestor.run` to the UPDATE that publishes it, counted.

    python -m tests.ingest.walk

It ingests one small text file into a home of its own, without worker processes, prints every hop with its thread, and
in the end one JSON object: `hops`, `files`, and `functions`, which counts all of ours that were entered on the way.

**A hop** is the first call of a function of ours by the chain: by a function of a module of `ingest/runs` that a
document passes through, in whatever thread. Each function is counted once, and so is the first function of a thread.
`files` are those that these functions are in. A function of any other room (the catalog, the index, a source, a
parser; also the lease and the record of runs) is a door: entering it is a hop, what it calls in turn is the affair of
that room. Not on the way are the factories of stages, which start a worker, and the threads that renew the lease and
keep the record. Comprehensions and what `dataclass` writes are no functions of ours.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType
from typing import Any

import sqlalchemy as sa

from api.settings import Settings
from ingest.runs import pipeline
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.ingest.inline_engine import InlineEngine

_ROOT = Path(pipeline.__file__).parents[2]
_PACKAGES = tuple(f"{_ROOT / name}/" for name in ("ingest", "assistant", "api"))
_CHAIN = "ingest/runs/"
_DOORS = ("ingest/runs/records.py", "ingest/runs/lease.py")
_BESIDE = ("lease ", "record of run ")
"""How the names of threads begin that no document passes through."""


@dataclass(frozen=True, slots=True)
class Entered:
    """The first call of a function. `caller` is None for the first function of a thread. Files are below the root."""

    file: str
    function: str
    caller: str | None
    caller_file: str | None
    thread: str

    @property
    def is_hop(self) -> bool:
        """Whether the chain has called it."""
        caller = self.file if self.caller_file is None else self.caller_file
        return caller.startswith(_CHAIN) and caller not in _DOORS


class Walk:
    """Notes which functions of ours are entered, in all threads that are started meanwhile, until it is over."""

    def __init__(self) -> None:
        self.entered: list[Entered] = []
        self.is_over = False
        self._seen: set[CodeType] = set()
        self._noting = threading.Lock()

    def note(self, frame: FrameType, what: str, _: Any) -> None:
        """For `sys.setprofile`."""
        if what != "call" or self.is_over or not _is_ours(frame):
            return
        thread = threading.current_thread().name
        with self._noting:
            if frame.f_code in self._seen or thread.startswith(_BESIDE):
                return
            self._seen.add(frame.f_code)
            caller = frame.f_back
            while caller is not None and not _is_ours(caller):
                caller = caller.f_back
            called_by = (None, None) if caller is None else (caller.f_code.co_qualname, _file(caller))
            self.entered.append(Entered(_file(frame), frame.f_code.co_qualname, *called_by, thread))

    def stop_at_publication(self, database: sa.Engine) -> None:
        """Have the walk be over as soon as the statement is run that makes a revision current."""

        def look(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("UPDATE documents SET") and " revision=" in statement:
                self.is_over = True

        sa.event.listen(database, "before_cursor_execute", look)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what this thread and those started by it enter, to the end of the context."""
        sys.setprofile(self.note)
        threading.setprofile(self.note)
        try:
            yield
        finally:
            threading.setprofile(None)  # type: ignore[arg-type] # None ends it
            sys.setprofile(None)

    def engine(self, *arguments: Any, **named: Any) -> InlineEngine:
        """Starts no process, and notes nothing of what a worker does before its first item."""
        sys.setprofile(None)
        try:
            return InlineEngine(*arguments, **named)
        finally:
            sys.setprofile(self.note)


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_PACKAGES) and not frame.f_code.co_name.startswith("<")


def _file(frame: FrameType) -> str:
    return Path(frame.f_code.co_filename).relative_to(_ROOT).as_posix()


def walk(folder: Path, set_engine: Callable[[Callable[..., InlineEngine]], None]) -> list[Entered]:
    """What is entered on the way of one new document; its home is made in `folder`. The first is `Ingestor.run`.

    `set_engine` is to have the pipeline open its engines with what it is given.
    """
    documents = folder / "docs"
    documents.mkdir()
    (documents / "leave.txt").write_text("Employees have ten days of annual leave.", encoding="utf-8")
    settings = Settings(home=folder / "home")
    found = Walk()
    set_engine(found.engine)
    with closing(Store.open(settings, command="walk")) as store:
        found.stop_at_publication(store.database)
        ingestor, source = pipeline.Ingestor(store, settings), FolderSource([documents])
        with found.noting():
            report = ingestor.run(source)
    if report.new != 1 or not found.is_over:
        raise RuntimeError(f"the document was not published: {report}")
    return found.entered


def hops(entered: list[Entered]) -> list[Entered]:
    """The hops, in the order in which they were made."""
    return [each for each in entered[1:] if each.is_hop]


def files(entered: list[Entered]) -> set[str]:
    """The files that the walk leads through."""
    return {entered[0].file} | {each.file for each in hops(entered)}


def main() -> None:
    with TemporaryDirectory() as folder:
        entered = walk(Path(folder), lambda engine: setattr(pipeline, "open_engine", engine))
    for number, hop in enumerate(hops(entered), start=1):
        print(f"{number:3} {hop.thread:10} {hop.caller or 'begins'} → {hop.function}  {hop.file}")
    print(json.dumps({"hops": len(hops(entered)), "files": len(files(entered)), "functions": len(entered)}))


if __name__ == "__main__":
    main()
