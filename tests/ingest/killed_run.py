"""A process that ingests a folder while four threads search it without pause; made to be killed.

    python killed_run.py FOLDER HOME COMPLAINTS

Each text file of the folder holds `parts` numbered paragraphs of one version of one document, written by
`write_version`. A reader that finds a document missing, doubled or mixed writes a line to COMPLAINTS.
"""

from __future__ import annotations

import re
import sys
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path

from api.settings import Settings
from assistant.retrieve import Retriever
from ingest.access import OPERATOR
from ingest.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from ingest.store import Store

READERS = 4
_MARK = re.compile(r"版本(\d+)段(\d+)共(\d+)")
# Long enough for each part to be a chunk of its own.
_FILLER = "这一段说明公司的规章制度和办理流程，请各部门遵照执行并按时反馈结果。" * 7


def write_version(file: Path, version: int, parts: int) -> None:
    """Write version `version` of the document that `file` stands for, in `parts` paragraphs."""
    name = file.stem
    paragraphs = [f"{name}号文件 版本{version}段{part}共{parts}。{_FILLER}" for part in range(1, parts + 1)]
    file.write_text("\n\n".join(paragraphs), encoding="utf-8")


def complaint(retriever: Retriever, name: str, *, must_exist: bool) -> str | None:
    """What is wrong with the document as a reader sees it now, or None."""
    hits = retriever.retrieve(f"{name}号文件", reader=OPERATOR, limit=40).hits
    ours = [hit.chunk.text for hit in hits if Path(hit.chunk.uri).stem == name]
    marks = [mark for text in ours for mark in _MARK.findall(text)]
    if not marks:
        return f"{name} is missing" if must_exist else None
    if len({(version, total) for version, _, total in marks}) > 1:
        return f"{name} is mixed: {sorted(set(marks))}"
    counts = Counter(part for _, part, _ in marks)
    if max(counts.values()) > 1:
        return f"{name} is doubled: {counts}"
    if len(counts) != int(marks[0][2]):
        return f"{name} is not whole: {sorted(counts)} of {marks[0]}"
    return None


def watch(retriever: Retriever, names: list[str], stop: threading.Event, complaints: Path) -> None:
    """Search for one document after the other, and write down what is wrong."""
    while not stop.is_set():
        for name in names:
            if found := complaint(retriever, name, must_exist=True):
                with complaints.open("a", encoding="utf-8") as file:
                    file.write(found + "\n")


def main(folder: Path, home: Path, complaints: Path) -> None:
    settings = Settings(home=home)
    with closing(Store.open(settings, command="ingest")) as store:
        retriever = Retriever(store.index, store.catalog, store.embedder)
        names = [Path(d.uri).stem for d in store.catalog.documents(OPERATOR) if d.revision and Path(d.uri).exists()]
        stop = threading.Event()
        readers = [
            threading.Thread(target=watch, args=(retriever, names[start::READERS], stop, complaints))
            for start in range(READERS)
            if names[start::READERS]
        ]
        for reader in readers:
            reader.start()
        Ingestor(store, settings).run(FolderSource([folder]))
        stop.set()
        for reader in readers:
            reader.join()


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
