"""A search through each language by itself, on both engines: it finds what a search of everything finds."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.access import OPERATOR, Reader
from ingest.document import Chunk, Embedding, Language, SparseVector
from ingest.index import LANGUAGE_PARTS, Index, Legs, Scored
from ingest.index.edge import EdgeIndex
from tests.ingest.test_index import DIMENSION, HALF, folder, index, make_chunk, make_embedding, open_edge, open_server

__all__ = ["folder", "index"]

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning")

LANGUAGES: tuple[Language, ...] = ("zh", "en", "mixed", "other")


def in_language(chunk: Chunk, language: Language) -> Chunk:
    return replace(chunk, language=language)


def corpus(count: int) -> tuple[list[Chunk], list[Embedding]]:
    """Chunks in every language, each with a vector and terms by chance."""
    random = np.random.default_rng(1)
    vectors = random.standard_normal((count, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chunks = [
        in_language(make_chunk(f"{i}.txt", access=(f"group:{i // 4 % 2}",)), LANGUAGES[i % len(LANGUAGES)])
        for i in range(count)
    ]
    terms = [sorted({int(term) for term in random.integers(0, 40, 6)}) for _ in range(count)]
    weights = [tuple(float(weight) for weight in random.random(len(each)) + 0.1) for each in terms]
    return chunks, [
        Embedding(vector, SparseVector(tuple(each), weight))
        for vector, each, weight in zip(vectors, terms, weights, strict=True)
    ]


def narrowed(leg: tuple[Scored, ...], chunks: dict[str, Chunk], languages: tuple[Language, ...]) -> list[Scored]:
    return [hit for hit in leg if chunks[hit.chunk_id].language in languages]


def test_every_language_is_in_one_part() -> None:
    assert sorted(language for part in LANGUAGE_PARTS for language in part) == sorted(LANGUAGES)


@pytest.mark.parametrize("reader", [OPERATOR, Reader(frozenset({"group:1"}))], ids=["operator", "group"])
def test_each_part_is_what_a_search_of_everything_finds_in_its_languages(index: Index, reader: Reader) -> None:
    chunks, embeddings = corpus(200)
    index.write(chunks, embeddings)
    by_id = {chunk.id: chunk for chunk in chunks}
    for query in embeddings[:10]:
        whole = index.search(query, reader=reader, limit=200)
        parts = index.search_by_language(query, reader=reader, limit=10)
        assert len(parts) == len(LANGUAGE_PARTS)
        for part, languages in zip(parts, LANGUAGE_PARTS, strict=True):
            for leg, every in ((part.dense, whole.dense), (part.sparse, whole.sparse)):
                expected = narrowed(every, by_id, languages)[:10]
                assert len(leg) == min(10, len(expected)) > 0
                assert [hit.score for hit in leg] == pytest.approx([hit.score for hit in expected], abs=HALF)
                assert {hit.chunk_id for hit in leg} == {hit.chunk_id for hit in expected}


def test_both_engines_give_the_same_parts(folder: Path) -> None:
    chunks, embeddings = corpus(200)
    answers: list[list[tuple[Legs, ...]]] = []
    for opening in (open_edge, open_server):
        with closing(opening(folder)) as opened:
            opened.write(chunks, embeddings)
            answers.append([opened.search_by_language(each, reader=OPERATOR, limit=5) for each in embeddings[:20]])
    for ours, theirs in zip(*answers, strict=True):
        for mine, its in zip(ours, theirs, strict=True):
            assert [hit.chunk_id for hit in mine.dense] == [hit.chunk_id for hit in its.dense]
            assert [hit.chunk_id for hit in mine.sparse] == [hit.chunk_id for hit in its.sparse]


def test_a_crowd_in_one_language_does_not_hide_the_other(index: Index) -> None:
    crowd = [in_language(make_chunk("crowd", i), "zh") for i in range(50)]
    index.write(crowd, [make_embedding(1, 2, dense=0) for _ in crowd])
    lone = in_language(make_chunk("lone"), "en")
    index.write([lone], [make_embedding(2, dense=1)])
    query = Embedding(make_embedding(dense=0).dense, SparseVector((1, 2), (1.0, 1.0)))
    chinese, english = index.search_by_language(query, reader=OPERATOR, limit=3)
    assert lone.id not in {hit.chunk_id for hit in index.search(query, reader=OPERATOR, limit=3).sparse}
    assert [hit.chunk_id for hit in english.dense] == [hit.chunk_id for hit in english.sparse] == [lone.id]
    assert len(chinese.dense) == len(chinese.sparse) == 3


def test_a_query_without_a_leg_or_without_a_right_finds_nothing_there(index: Index) -> None:
    index.write([in_language(make_chunk(language), language) for language in LANGUAGES], [make_embedding(1)] * 4)
    by_words = index.search_by_language(make_embedding(1, dense=None), reader=OPERATOR, limit=9)
    by_meaning = index.search_by_language(make_embedding(), reader=OPERATOR, limit=9)
    assert [(len(part.dense), len(part.sparse)) for part in by_words] == [(0, 2), (0, 2)]
    assert [(len(part.dense), len(part.sparse)) for part in by_meaning] == [(2, 0), (2, 0)]
    nothing = (Legs((), ()), Legs((), ()))
    assert index.search_by_language(make_embedding(dense=None), reader=OPERATOR, limit=9) == nothing
    assert index.search_by_language(make_embedding(1), reader=OPERATOR, limit=0) == nothing
    assert index.search_by_language(make_embedding(1), reader=Reader(frozenset()), limit=9) == nothing


def test_an_index_that_an_earlier_release_made_gets_the_field(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fields(opened: Any) -> set[str]:
        opened.count()
        return set(opened._loaded.info().payload_schema)

    with monkeypatch.context() as patch:
        patch.setattr("ingest.index.generations.KEYWORDS", ("document_id", "access", "source"))
        with closing(EdgeIndex.open(folder / "index", dimension=DIMENSION)) as earlier:
            earlier.write([in_language(make_chunk("a"), "zh")], [make_embedding(1)])
            assert "language" not in fields(earlier)
    with closing(EdgeIndex.open(folder / "index", dimension=DIMENSION)) as now:
        assert "language" in fields(now)
        chinese, english = now.search_by_language(make_embedding(1), reader=OPERATOR, limit=9)
        assert (len(chinese.dense), len(english.dense)) == (1, 0)
