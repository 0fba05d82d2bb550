"""`POST /v1/search` over a large home, as one client sees it; how fast such a server starts, and what it costs.

    python -m benchmarks.search_http --chunks 100000

Makes a home of synthetic Chinese and English chunks (words by Zipf's law; no document is embedded), starts
`youju serve` on it and asks one query after the other. Prints one JSON object. A home given by `--home` is kept, and
used again.

Vectors are random. With `--drawn` they lie as real ones do: the shipped model embeds some everyday passages of each
language, and every document is drawn around one of these, its chunks around the document.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from api.settings import Settings
from assistant.signals.background import passages
from benchmarks.search_edge import make_documents
from benchmarks.server_process import ServerProcess, served, summary
from ingest.catalog.records import Publication
from ingest.document import Chunk, Reference
from ingest.embedding import DenseEmbedder
from ingest.language import detect
from ingest.store import Store

WORDS_PER_CHUNK = {"en": 90, "zh": 140}
"""As many terms as real passages have: some 75 of a SQuAD paragraph, 430 (words and pairs) of one of CMRC-2018."""
VOCABULARY = 30_000
WORDS_PER_QUERY = 6
DOCUMENT_SPREAD, CHUNK_SPREAD = 0.2, 0.3
"""How far a document lies from its cluster and a chunk from its document. Two chunks of one document then have a cosine
of 0.92, two of different documents one of about 0.7. Of real passages it is about 0.88 and 0.8.
"""
_SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprstvz" for vowel in "aeiou"]


class Words:
    """A vocabulary per language from which words are drawn by Zipf's law."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        common = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
        self._words = {
            "en": ["".join(rng.choice(_SYLLABLES, rng.integers(2, 5))) for _ in range(VOCABULARY)],
            "zh": ["".join(rng.choice(common, 2)) for _ in range(VOCABULARY)],
        }
        weights = 1.0 / np.arange(1, VOCABULARY + 1)
        self._weights = weights / weights.sum()

    def text(self, language: str) -> str:
        """A passage."""
        return _joined(self._drawn(language, WORDS_PER_CHUNK[language]), language)

    def queries(self, language: str, count: int) -> list[str]:
        """Queries of a few words, drawn like those of the passages: common ones are among them."""
        if language == "mixed":
            halves = zip(self.queries("zh", count), self.queries("en", count), strict=True)
            return [f"{chinese} {' '.join(english.split()[:4])}" for chinese, english in halves]
        return [_joined(self._drawn(language, WORDS_PER_QUERY), language) for _ in range(count)]

    def _drawn(self, language: str, count: int) -> list[str]:
        return [self._words[language][i] for i in self._rng.choice(VOCABULARY, count, p=self._weights)]


def _joined(words: Sequence[str], language: str) -> str:
    if language == "en":
        return " ".join(words)
    return "".join(word + ("，" if number % 8 == 7 else "") for number, word in enumerate(words))


class Vectors:
    """Vectors of documents, drawn around those of everyday passages of their language."""

    def __init__(self, dense: DenseEmbedder, rng: np.random.Generator) -> None:
        self._rng = rng
        self._clusters = {language: dense.embed_documents(passages(language)) for language in ("en", "zh")}

    def of_document(self, language: str, count: int) -> list[np.ndarray]:
        """Vectors of `count` chunks of one document."""
        document = self._near(self._rng.choice(self._clusters[language]), DOCUMENT_SPREAD)
        return [self._near(document, CHUNK_SPREAD) for _ in range(count)]

    def _near(self, centre: np.ndarray, spread: float) -> np.ndarray:
        noise = self._rng.standard_normal(len(centre), dtype=np.float32)
        drawn = centre + noise * (spread / np.linalg.norm(noise))
        return np.asarray(drawn / np.linalg.norm(drawn), dtype=np.float32)


def make_home(home: Path, count: int, *, drawn: bool) -> None:
    """Fill `home` with `count` chunks in documents of twenty, alternately English and Chinese, all published.

    Every chunk has a dense vector, the Chinese ones too: a query has to look at all of them.
    """
    rng = np.random.default_rng(1)
    words = Words(rng)
    publications = []
    with closing(Store.open(Settings(home=home), command="benchmark")) as store:
        vectors = Vectors(store.embedder.dense, rng) if drawn else None
        for number, (bare, embeddings) in enumerate(make_documents(count, store.embedder.dense.dimension, rng)):
            language = "zh" if number % 2 else "en"
            chunks = [replace(c, text=words.text(language), language=language, access=("everyone",)) for c in bare]
            terms = store.embedder.sparse.embed_documents([chunk.text for chunk in chunks])
            if vectors is not None:
                dense = vectors.of_document(language, len(chunks))
                embeddings = [replace(e, dense=v) for e, v in zip(embeddings, dense, strict=True)]
            store.index.write(chunks, [replace(e, sparse=t) for e, t in zip(embeddings, terms, strict=True)])
            publications.append(_publication(store, chunks))
            store.index.compact(interrupted=lambda: False)  # as a run does
        store.index.flush()
        store.catalog.publish(publications)


def _publication(store: Store, chunks: Sequence[Chunk]) -> Publication:
    first = chunks[0]
    reference = Reference(source=first.source, uri=first.uri, name=first.uri, size=1, mtime_ns=1)
    revision = store.catalog.take_revision(reference, digest="0" * 64)
    return Publication(reference, revision, "0" * 64, "synthetic", first.title, "pdf", first.language, len(chunks))


def measure(home: Path, count: int) -> dict[str, object]:
    """Start a server on `home`, and ask `count` queries of each language."""
    with served(home) as server:
        result: dict[str, object] = {"healthz_seconds": server.seconds_until("/healthz")}
        stalls = _healthz_until_ready(server)
        result |= {"readyz_seconds": stalls[0], "healthz_slowest_ms_while_loading": stalls[1]}
        result |= {"cpu_seconds_until_ready": round(server.cpu_seconds(), 2), "memory_mb_at_start": server.memory_mb()}
        words = Words(np.random.default_rng(1))
        for language in ("zh", "en", "mixed"):
            queries = words.queries(language, count)
            assert {detect(query) for query in queries} == {language}
            result[language] = _ask(server, queries)
        result |= {"memory_mb": server.memory_mb(), "memory_mb_by_owner": server.memory_by_owner()}
    return result


def _healthz_until_ready(server: ServerProcess) -> tuple[float, float]:
    """Seconds until ready, and the longest that /healthz took to answer meanwhile."""
    ready: list[float] = []
    waiting = threading.Thread(target=lambda: ready.append(server.seconds_until("/readyz")))
    waiting.start()
    slowest = 0.0
    with server.client() as client:
        while waiting.is_alive():
            started = time.perf_counter()
            client.get("/healthz").raise_for_status()
            slowest = max(slowest, time.perf_counter() - started)
            time.sleep(0.01)
    return ready[0], round(slowest * 1000, 1)


def _ask(server: ServerProcess, queries: Sequence[str]) -> dict[str, object]:
    taken, stages = [], []
    with server.client() as client:
        for query in queries[:5]:
            client.post("/v1/search", json={"query": query}).raise_for_status()
        before = server.cpu_seconds()
        for query in queries:
            started = time.perf_counter()
            answer = client.post("/v1/search", json={"query": query}).raise_for_status()
            taken.append((time.perf_counter() - started) * 1000)
            body = answer.json()
            assert len(body["hits"]) == 10
            stages.append(body["timings_ms"])
    spent = (server.cpu_seconds() - before) / len(queries) * 1000
    medians = {name: round(statistics.median(stage[name] for stage in stages), 2) for name in stages[0]}
    return {**summary(taken), "cpu_ms_per_search": round(spent, 2), "stages_p50_ms": medians}


def _help_seconds() -> float:
    command = [sys.executable, "-c", "from api.cli import main; main()", "--help"]
    return round(min(_seconds(command) for _ in range(5)), 3)


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _homes(kept: Path | None, chunks: int, *, drawn: bool) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as temporary:
        home = kept or Path(temporary)
        if not (home / "youju.db").exists():
            make_home(home, chunks, drawn=drawn)
        yield home


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=300, help="of each language")
    parser.add_argument("--home", type=Path, help="keep the home here, or use what an earlier run has made")
    parser.add_argument("--drawn", action="store_true", help="vectors that lie as real ones do, instead of random ones")
    options = parser.parse_args()
    for home in _homes(options.home, options.chunks, drawn=options.drawn):
        load = os.getloadavg()[0]
        figures = measure(home, options.queries)
        print(json.dumps({"load_before": round(load, 1), "help_seconds": _help_seconds(), **figures}, indent=2))


if __name__ == "__main__":
    main()
