"""The way of one document through our code, from `Ingestor.run` to the UPDATE that publishes it, counted.

    python -m tests.ingest.walk

It ingests one small text file into a home of its own, without worker processes, and prints every hop (`tests.walks`).
The chain is `ingest/runs`; the lease and the record of runs are doors. Not on the way are the factories of stages,
which start a worker, and the threads that renew the lease and keep the record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from api.settings import Settings
from ingest.runs import pipeline
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.ingest.inline_engine import InlineEngine
from tests.walks import Chain, Walk

_CHAIN = Chain(
    rooms=("ingest/runs/",),
    doors=("ingest/runs/records.py", "ingest/runs/lease.py"),
    beside=("lease ", "record of run "),
)
MOST_HOPS, MOST_FILES = 45, 19


class DocumentWalk(Walk):
    """The walk of one document. Its first function is `Ingestor.run`."""

    def stop_at_publication(self, database: sa.Engine) -> None:
        """Have the walk be over as soon as the statement is run that makes a revision current."""

        def look(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("UPDATE documents SET") and " revision=" in statement:
                self.is_on = False

        sa.event.listen(database, "before_cursor_execute", look)

    def engine(self, *arguments: Any, **named: Any) -> InlineEngine:
        """Starts no process, and notes nothing of what a worker does before its first item."""
        sys.setprofile(None)
        try:
            return InlineEngine(*arguments, **named)
        finally:
            sys.setprofile(self.note)


def walk(folder: Path, set_engine: Callable[[Callable[..., InlineEngine]], None]) -> Walk:
    """The way of one new document; its home is made in `folder`.

    `set_engine` is to have the pipeline open its engines with what it is given.
    """
    documents = folder / "docs"
    documents.mkdir()
    (documents / "leave.txt").write_text("Employees have ten days of annual leave.", encoding="utf-8")
    settings = Settings(home=folder / "home")
    found = DocumentWalk(_CHAIN)
    set_engine(found.engine)
    with closing(Store.open(settings, command="walk")) as store:
        found.stop_at_publication(store.database)
        ingestor, source = pipeline.Ingestor(store, settings), FolderSource([documents])
        found.is_on = True
        with found.noting():
            report = ingestor.run(source)
    if report.new != 1 or found.is_on:
        raise RuntimeError(f"the document was not published: {report}")
    return found


def main() -> None:
    with TemporaryDirectory() as folder:
        walk(Path(folder), lambda engine: setattr(pipeline, "open_engine", engine)).show()


if __name__ == "__main__":
    main()
