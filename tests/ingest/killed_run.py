"""A process that ingests a folder while eight threads search it without pause; made to be killed.

    python killed_run.py ENGINE FOLDER HOME COMPLAINTS

ENGINE is `edge`, or `server`: the adapter for a Qdrant server, on the simulator that the client keeps in a folder. It
prints a line when the run begins, and one when its documents are published and their vectors follow. Each text file of
the folder holds `parts` numbered paragraphs of one version of one document, written by `write_version`. A reader that
finds one missing, doubled or mixed writes a line to COMPLAINTS.
"""

from __future__ import annotations

import re
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from api.settings import Settings
from assistant.retrieve import Retriever
from ingest.access import OPERATOR
from ingest.document import Chunk
from ingest.engines import Engine
from ingest.index import edge
from ingest.index.server import ServerIndex
from ingest.runs import late_vectors
from ingest.runs.late_vectors import LateVectors
from ingest.runs.pipeline import Ingestor
from ingest.runs.stages import Embedded
from ingest.sources.folder import FolderSource
from ingest.store import Store

READERS = 8
_SWITCH_SECONDS = 1e-4  # eight readers hold up whoever writes for less time, and threads meet at more places
_COMPACT_AFTER = 10  # chunks: so that nearly every run rewrites the index, and is killed while it does
_BATCH_CHUNKS = 3  # so that the vectors of a run come in several writes
MARK = re.compile(r"版本(\d+)段(\d+)共(\d+)")
# Long enough for each part to be a chunk of its own, and short enough for it to be one.
_FILLER = "这一段说明公司的规章制度和办理流程，请各部门遵照执行并按时反馈结果。" * 20


def write_version(file: Path, version: int, parts: int) -> None:
    """Write version `version` of the document that `file` stands for, in `parts` paragraphs."""
    name = file.stem
    paragraphs = [f"{name}号文件 版本{version}段{part}共{parts}。{_FILLER}" for part in range(1, parts + 1)]
    file.write_text("\n\n".join(paragraphs), encoding="utf-8")


def complaint(retriever: Retriever, name: str) -> str | None:
    """What is wrong with the documents of this name as a reader sees them now, or None.

    There are two where one was removed and another made elsewhere; a document that was moved is one all the time.
    """
    hits = retriever.retrieve(f"{name}号文件", reader=OPERATOR, limit=40).hits
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for hit in hits:
        if Path(hit.chunk.uri).stem == name:
            texts[hit.chunk.uri].append(hit.chunk.text)
    if not texts:
        return f"{name} is missing"
    versions = []
    for uri, ours in texts.items():
        marks = [mark for text in ours for mark in MARK.findall(text)]
        if len({(version, total) for version, _, total in marks}) > 1:
            return f"{uri} is mixed: {sorted(set(marks))}"
        counts = Counter(part for _, part, _ in marks)
        if max(counts.values()) > 1:
            return f"{uri} is doubled: {counts}"
        if len(counts) != int(marks[0][2]):
            return f"{uri} is not whole: {sorted(counts)} of {marks[0]}"
        versions.append(marks[0][0])
    return f"{name} is there twice: {sorted(texts)}" if len(set(versions)) < len(versions) else None


def watch(retriever: Retriever, names: list[str], stop: threading.Event, complaints: Path) -> None:
    """Search for one document after the other, and write down what is wrong."""
    while not stop.is_set():
        for name in names:
            if found := complaint(retriever, name):
                with complaints.open("a", encoding="utf-8") as file:
                    file.write(found + "\n")


@contextmanager
def watched(retriever: Retriever, names: list[str], complaints: Path, readers: int = READERS) -> Iterator[None]:
    """Have so many threads search for the documents of these names, each for its share, to the end of the context."""
    stop = threading.Event()
    shares = [share for start in range(readers) if (share := names[start::readers])]
    threads = [threading.Thread(target=watch, args=(retriever, share, stop, complaints)) for share in shares]
    for thread in threads:
        thread.start()
    print("begins", flush=True)
    yield
    stop.set()
    for thread in threads:
        thread.join()


def _moved(folder: Path, path: Path) -> bool:
    """Whether the document is elsewhere now, so that readers must never miss it."""
    return next(folder.rglob(path.name), None) is not None


def open_store(engine: str, home: Path) -> Store:
    """The home with the index of this engine."""
    store = Store.open(Settings(home=home), command="ingest")
    if engine == "edge":
        return store
    from qdrant_client import QdrantClient

    store.index.close()
    simulator = QdrantClient(path=str(home / "simulator"))
    index = ServerIndex.open(simulator, collection="youju", dimension=store.embedder.dense.dimension)
    return replace(store, index=index)


def main(engine: str, folder: Path, home: Path, complaints: Path) -> None:
    settings = Settings(home=home)
    sys.setswitchinterval(_SWITCH_SECONDS)
    edge.COMPACT_AFTER = _COMPACT_AFTER
    late_vectors._BATCH_CHUNKS = _BATCH_CHUNKS
    bring = LateVectors.bring

    def announced(late: LateVectors, embedding: Engine[Sequence[Chunk], Embedded]) -> Iterator[None]:
        print("vectors", flush=True)
        return bring(late, embedding)

    LateVectors.bring = announced  # type: ignore[method-assign]
    with closing(open_store(engine, home)) as store:
        retriever = Retriever(store.index, store.catalog, store.embedder)
        ready = [Path(d.uri) for d in store.catalog.documents(OPERATOR) if d.revision]
        names = [path.stem for path in ready if path.stem.startswith("甲") and (path.exists() or _moved(folder, path))]
        with watched(retriever, names, complaints):
            Ingestor(store, settings).run(FolderSource([folder]))


if __name__ == "__main__":
    main(sys.argv[1], *(Path(argument) for argument in sys.argv[2:5]))
