"""How well words alone find passages in the other language, and what the terms for it cost. Prints JSON.

    python -m benchmarks.crossing_languages xquad-mixed --beside drcd cmrc2018 --documents 400

Takes folders of sets in the BEIR layout, judged in `qrels/dev.tsv`. The questions of the first set are answered by
passages in both languages, as XQuAD's in Chinese and English are. For the questions of each language there is one
embedded index of all sets, without the passages of the first set in that language. So its questions have to cross, and
those of the other sets say what is lost within one language. A row is a passage.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from api.cli.evaluation_set import read_set
from assistant.ranking_metrics import hit, reciprocal_rank
from ingest.access import OPERATOR
from ingest.document import Chunk, Embedding, Location, chunk_id, document_id
from ingest.embedding import terms_of
from ingest.embedding.sparse import Bm25Embedder
from ingest.index.edge import EdgeIndex
from ingest.language import detect

DEPTH = 10


def read_chunks(folder: Path) -> list[Chunk]:
    """The documents of a set, each as one chunk."""
    chunks = []
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            document = document_id(folder.name, str(row["_id"]))
            text, title = str(row["text"]), str(row.get("title") or "")
            chunks.append(
                Chunk(
                    chunk_id(document, 1, 0),
                    document,
                    1,
                    0,
                    folder.name,
                    str(row["_id"]),
                    title,
                    detect(text),
                    text,
                    Location(),
                    ("everyone",),
                )
            )
    return chunks


def read_questions(folder: Path, known: Collection[str]) -> list[tuple[str, dict[str, int]]]:
    """Each question of a set, with those of its relevant documents that are known."""
    found = read_set(folder, "dev")
    wanted = {
        query: {document_id(folder.name, uri): grade for uri, grade in found.relevant[query].items() if grade > 0}
        for query in found.queries
    }
    kept = {query: {uri: grade for uri, grade in grades.items() if uri in known} for query, grades in wanted.items()}
    return [(found.queries[query], grades) for query, grades in kept.items() if grades]


def measure(language: str, chunks: Sequence[Chunk], folders: Sequence[Path], most: int) -> dict[str, Any]:
    """The figures of the questions in this language, over these chunks."""
    embedder = Bm25Embedder()
    with tempfile.TemporaryDirectory() as folder, closing(EdgeIndex.open(Path(folder) / "index", dimension=1)) as index:
        started = time.process_time()
        terms = terms_of(chunks, embedder)
        seconds = time.process_time() - started
        index.write(chunks, [Embedding(None, each) for each in terms])
        index.flush()
        figures: dict[str, Any] = {
            "passages": len(chunks),
            "terms_a_passage": round(statistics.fmean(len(each.indices) for each in terms), 1),
            "embedding_cpu_ms_a_passage": round(seconds / len(chunks) * 1000, 2),
        }
        known = {chunk.document_id for chunk in chunks}
        for each in folders:
            asked = [(text, grades) for text, grades in read_questions(each, known) if detect(text) == language]
            if asked:
                figures[each.name] = _figures(index, embedder, asked[:most])
    return figures


def _figures(index: EdgeIndex, embedder: Bm25Embedder, questions: list[tuple[str, dict[str, int]]]) -> dict[str, float]:
    embedder.embed_query(questions[0][0])  # loads what is loaded once
    rankings, embedding, searching = [], 0.0, 0.0
    for text, _ in questions:
        started = time.process_time()
        query = Embedding(None, embedder.embed_query(text))
        embedded = time.process_time()
        hits = index.search(query, reader=OPERATOR, limit=DEPTH).sparse
        embedding, searching = embedding + embedded - started, searching + time.process_time() - embedded
        rankings.append([hit.document_id for hit in hits])
    judged = [(ranking, grades) for ranking, (_, grades) in zip(rankings, questions, strict=True)]
    return {
        "questions": len(questions),
        "mrr@10": round(statistics.fmean(reciprocal_rank(ranking, grades, DEPTH) for ranking, grades in judged), 4),
        "hit@10": round(statistics.fmean(hit(ranking, grades, DEPTH) for ranking, grades in judged), 4),
        "embedding_cpu_ms": round(embedding / len(questions) * 1000, 2),
        "search_cpu_ms": round(searching / len(questions) * 1000, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parallel", type=Path)
    parser.add_argument("--beside", type=Path, nargs="*", default=[])
    parser.add_argument("--documents", type=int, default=1_000_000, help="at most so many of each set beside")
    parser.add_argument("--questions", type=int, default=600, help="at most so many of each set")
    arguments = parser.parse_args()
    parallel = read_chunks(arguments.parallel)
    beside = [chunk for folder in arguments.beside for chunk in read_chunks(folder)[: arguments.documents]]
    folders = [arguments.parallel, *arguments.beside]
    figures = {
        f"questions in {language}": measure(
            language,
            [*(chunk for chunk in parallel if chunk.language != language), *beside],
            folders,
            arguments.questions,
        )
        for language in ("zh", "en")
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
