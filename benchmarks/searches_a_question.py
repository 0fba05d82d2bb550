"""How many searches and vectors a question takes until its passages are found, and how much processor time.

    python -m benchmarks.searches_a_question
    python -m benchmarks.searches_a_question --home HOME --results results.jsonl

Ingests `examples/` into a new home, or takes what is in the one given, and searches for every question of
`benchmarks/company/` that the documents answer, as the operator and in this process. Each is asked once, so no vector
of a question is remembered.
Prints one JSON object with the means for each language. `--results` writes what was searched for and found, a line a
question, so that two versions can be compared: they should find the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from api.settings import Settings
from assistant.retrieve import CurrentRetriever, Retrieved
from assistant.rewording.retriever import RewordingRetriever
from assistant.rewording.synonyms import NO_WORDS, Synonyms, everyday_words
from benchmarks.first_words import questions_in
from ingest.access import OPERATOR, Reader
from ingest.runs.pipeline import Ingestor
from ingest.sources.from_settings import open_paths
from ingest.store import Store

_LIMIT = 12
"""What an answer asks for."""
_WARMING = ("年假有几天", "How many days of leave?", "食唐几点开门")


class Counted:
    """A retriever that counts its searches, and the vectors that they make."""

    def __init__(self, store: Store) -> None:
        self._inner = CurrentRetriever(store.open_versions)
        self.searches, self.vectors = 0, 0
        dense = store.current().embedder.dense
        self._embed = dense.embed_query
        dense.embed_query = self._embedded  # type: ignore[method-assign]

    def retrieve(self, query: str, *, reader: Reader, limit: int, **options: Any) -> Retrieved:
        self.searches += 1
        return self._inner.retrieve(query, reader=reader, limit=limit, **options)

    def by_words(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        self.searches += 1
        return self._inner.by_words(query, reader=reader, limit=limit)

    def _embedded(self, text: str) -> np.ndarray:
        self.vectors += 1
        return self._embed(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home to keep, so that the next run finds `examples/` ingested")
    parser.add_argument("--results", type=Path, help="write what was found for each question")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        settings = Settings(home=given.home or Path(temporary), _env_file=None)
        with closing(Store.open(settings, command="benchmark")) as store:
            if not store.current().index.count():
                Ingestor(store, settings).run(open_paths([Path("examples")], settings))
            counted = Counted(store)
            retriever = RewordingRetriever(counted, Synonyms(Path(temporary) / "none"), everyday=everyday_words())
            plain = RewordingRetriever(counted, Synonyms(Path(temporary) / "none"), everyday=NO_WORDS)
            for query in _WARMING:
                plain.retrieve(query, reader=OPERATOR, limit=_LIMIT)
            rows = [row for language in ("zh", "en") for row in _measured(counted, retriever, language)]
    if given.results:
        lines = (json.dumps(row["found"], ensure_ascii=False) for row in rows)
        given.results.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(json.dumps({language: _summary(rows, language) for language in ("zh", "en")}, indent=2))


def _measured(counted: Counted, retriever: RewordingRetriever, language: str) -> list[dict[str, Any]]:
    rows = []
    for question in questions_in(language):
        counted.searches = counted.vectors = 0
        before = time.process_time()
        found = retriever.retrieve(question, reader=OPERATOR, limit=_LIMIT)
        seconds = time.process_time() - before
        result = {
            "question": question,
            "query": found.query,
            "changed": [[change.kind, change.written, change.searched] for change in found.changed],
            "hits": [[hit.chunk.uri, hit.chunk.position, round(hit.score, 6)] for hit in found.hits],
        }
        rows.append(
            {
                "language": language,
                "searches": counted.searches,
                "vectors": counted.vectors,
                "ms": 1000 * seconds,
                "found": result,
            }
        )
    return rows


def _summary(rows: Sequence[dict[str, Any]], language: str) -> dict[str, Any]:
    own = [row for row in rows if row["language"] == language]
    return {
        "questions": len(own),
        **{
            f"{name}_a_question": round(statistics.mean(row[name] for row in own), 3)
            for name in ("searches", "vectors")
        },
        "processor_ms": {
            "mean": round(statistics.mean(row["ms"] for row in own), 1),
            "p50": round(statistics.median(row["ms"] for row in own), 1),
        },
        "questions_by_searches": dict(sorted(Counter(row["searches"] for row in own).items())),
        "questions_by_vectors": dict(sorted(Counter(row["vectors"] for row in own).items())),
        "reworded": sum(bool(row["found"]["changed"]) for row in own),
    }


if __name__ == "__main__":
    main()
