"""How fast the embedded index takes chunks and answers hybrid searches, and what it costs in memory. Prints JSON.

    python -m benchmarks.search_edge --chunks 100000

Vectors are random and of length one, which is the hardest case for anything but exact search; terms follow Zipf's
law, and a query takes its terms from a chunk, so that common words with long posting lists are among them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.server_process import memory_mb
from ingest.access import OPERATOR, Reader
from ingest.document import Box, Chunk, Embedding, Location, SparseVector, chunk_id, document_id
from ingest.index.edge import EdgeIndex

CHUNKS_PER_DOCUMENT = 20
TERMS_PER_CHUNK = 90
VOCABULARY = 60_000
Batch = tuple[list[Chunk], list[Embedding]]
READER = Reader(frozenset({"everyone", "user:ann", "group:hr"}))


def make_documents(
    count: int, dimension: int, rng: np.random.Generator
) -> Iterator[tuple[list[Chunk], list[Embedding]]]:
    """Documents of twenty chunks, `count` chunks in all, each chunk some 900 characters with ten boxes."""
    weights = 1.0 / np.arange(1, VOCABULARY + 1)
    terms = rng.choice(VOCABULARY, size=(4096, TERMS_PER_CHUNK), p=weights / weights.sum())
    location = Location(
        page=3,
        heading_path=("Chapter one", "Scope"),
        start=100,
        end=1000,
        boxes=tuple(Box(3, *corners) for corners in rng.random((10, 4)).round(5).tolist()),
    )
    for number in range(count // CHUNKS_PER_DOCUMENT):
        document = document_id("bench", f"{number}.pdf")
        access = ("everyone",) if number % 2 else ("group:ops",)
        vectors = rng.standard_normal((CHUNKS_PER_DOCUMENT, dimension), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        chunks, embeddings = [], []
        for position in range(CHUNKS_PER_DOCUMENT):
            unique = np.unique(terms[rng.integers(len(terms))])
            values = rng.uniform(0.5, 2.0, len(unique))
            sparse = SparseVector(tuple(unique.tolist()), tuple(values.tolist()))
            text = f"chunk {position} of document {number}. " + "The quick brown fox. " * 42
            chunks.append(
                Chunk(
                    chunk_id(document, 1, position), document, 1, position, "bench", f"{number}.pdf",
                    f"Document {number}", "en", text, location, access,
                )
            )  # fmt: skip
            embeddings.append(Embedding(vectors[position], sparse))
        yield chunks, embeddings


def make_queries(count: int, dimension: int, rng: np.random.Generator) -> list[Embedding]:
    documents = make_documents(CHUNKS_PER_DOCUMENT * (count // CHUNKS_PER_DOCUMENT + 1), dimension, rng)
    embeddings = [embedding for _, embeddings in documents for embedding in embeddings]
    return [
        Embedding(e.dense, SparseVector(tuple(map(int, rng.choice(e.sparse.indices, 6, replace=False))), (1.0,) * 6))
        for e in embeddings[:count]
    ]


def milliseconds(work: Callable[[Embedding], object], queries: list[Embedding]) -> dict[str, float]:
    """Percentiles of how long `work` takes for one query after the other."""
    taken = []
    for query in queries:
        started = time.perf_counter()
        work(query)
        taken.append((time.perf_counter() - started) * 1000)
    return {"p50_ms": round(float(np.percentile(taken, 50)), 2), "p99_ms": round(float(np.percentile(taken, 99)), 2)}


def while_writing(index: EdgeIndex, queries: list[Embedding], dimension: int) -> dict[str, float]:
    """Searches during which another thread writes documents as fast as it can, and flushes every two seconds."""
    stop = threading.Event()

    def write() -> None:
        flushed = time.monotonic()
        for chunks, embeddings in make_documents(10_000_000, dimension, np.random.default_rng(9)):
            index.write(chunks, embeddings)
            if time.monotonic() - flushed > 2:
                index.flush()
                flushed = time.monotonic()
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        return milliseconds(lambda query: index.search(query, reader=READER, limit=50), queries)
    finally:
        stop.set()
        writer.join()


def measure(folder: Path, count: int, dimension: int, query_count: int) -> dict[str, object]:
    rng = np.random.default_rng(1)
    index = EdgeIndex.open(folder / "index", dimension=dimension)
    documents, upserting = make_documents(count, dimension, rng), 0.0
    for chunks, embeddings in documents:
        started = time.perf_counter()
        index.write(chunks, embeddings)
        upserting += time.perf_counter() - started
    started = time.perf_counter()
    index.flush()
    result: dict[str, object] = {
        "chunks": index.count(),
        "dimension": dimension,
        "upserts_per_second": round(count / upserting),
        "flush_ms": round((time.perf_counter() - started) * 1000, 1),
    }
    index.close()
    started = time.perf_counter()
    index = EdgeIndex.open(folder / "index", dimension=dimension)
    result["load_ms"] = round((time.perf_counter() - started) * 1000, 1)
    queries = make_queries(query_count, dimension, rng)
    result["hybrid_limit_10"] = milliseconds(lambda query: index.search(query, reader=READER, limit=10), queries)
    result["hybrid_limit_50"] = milliseconds(lambda query: index.search(query, reader=READER, limit=50), queries)
    result["operator_limit_50"] = milliseconds(lambda query: index.search(query, reader=OPERATOR, limit=50), queries)
    result["memory_mb"] = memory_mb()
    result["hybrid_limit_50_while_writing"] = while_writing(index, queries, dimension)
    index.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--folder", type=Path, help="where to put the index; a temporary folder if unset")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print(json.dumps(measure(Path(folder), options.chunks, options.dimension, options.queries), indent=2))


if __name__ == "__main__":
    main()
