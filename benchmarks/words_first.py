"""How long until a folder is findable by its words: by the clock, and in processor time.

    python -m benchmarks.words_first FOLDER

Ingests the folder into a new home as `youju ingest` does, start of the workers included, until the last document is
published by its words, and stops there: vectors, which would follow, are not made. Prints one JSON object. The
machine's own speed varies, so compare the processor time of two versions, in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

from api.settings import Settings
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.sources.folder import FolderSource
from ingest.store import Store


def main() -> None:
    """Measure one folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=1, help="processes that read documents")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="youju-bench-") as home:
        settings = Settings(home=Path(home, "home"), parse_workers=given.workers)
        print(json.dumps(_measured(given.folder, settings), indent=2))


def _measured(folder: Path, settings: Settings) -> dict[str, object]:
    stop = threading.Event()
    ends: list[float] = []
    megabytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6

    def note(report: Report) -> None:
        if report.found and report.done >= report.found and not ends:
            ends.append(time.monotonic())
            stop.set()

    with closing(Store.open(settings, command="benchmark")) as store:
        owner, workers = (_processor_seconds(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        started = time.monotonic()
        report = Ingestor(store, settings).run(FolderSource([folder]), on_progress=note, stop=stop)
    return {
        "megabytes": round(megabytes, 2),
        "documents": report.new,
        "failed": report.failed,
        "chunks": report.chunks,
        "findable_by_words_after_seconds": round(ends[0] - started, 2) if ends else None,
        "processor_seconds_of_workers": round(_processor_seconds(resource.RUSAGE_CHILDREN) - workers, 2),
        "processor_seconds_of_owner": round(_processor_seconds(resource.RUSAGE_SELF) - owner, 2),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _processor_seconds(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
