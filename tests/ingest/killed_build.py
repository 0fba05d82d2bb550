"""A process that ingests a folder with smaller passages than its index has, while threads search; made to be killed.

    python killed_build.py FOLDER HOME COMPLAINTS

It prints a line when the run begins. See `killed_run` for the documents and the complaints.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from api.settings import Settings
from assistant.retrieve import CurrentRetriever
from ingest.access import OPERATOR
from ingest.runs.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.ingest.killed_run import watched

CHUNK_TOKENS = 48
_READERS = 3


def main(folder: Path, home: Path, complaints: Path) -> None:
    settings = Settings(home=home, chunk_tokens=CHUNK_TOKENS)
    with closing(Store.open(settings, command="ingest")) as store:
        retriever = CurrentRetriever(store.open_versions)
        names = [Path(d.uri).stem for d in store.catalog.documents(OPERATOR) if d.revision]
        with watched(retriever, names, complaints, _READERS):
            Ingestor(store, settings).run(FolderSource([folder]))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
