"""Retrieval over a real embedded index, and over one whose documents change while it is being searched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from itertools import starmap
from pathlib import Path

import numpy as np
import pytest

from assistant.retrieve import FUSION_DEPTH, Retriever, fuse
from ingest.access import OPERATOR, Reader
from ingest.catalog.records import Standing
from ingest.document import Chunk, Embedding, Language, Location, chunk_id, document_id
from ingest.embedding import Embedder
from ingest.embedding.sparse import Bm25Embedder
from ingest.index import LANGUAGE_PARTS, Legs, Scored
from ingest.index.edge import EdgeIndex
from ingest.language import detect

ANYONE = Reader(frozenset({"everyone"}))


class LetterEmbedder:
    """A dense embedder whose meaning of an English text is how often it uses each letter."""

    name = "letters"
    max_tokens = 256
    dimension = 26

    def covers(self, language: Language) -> bool:
        return language in ("en", "mixed")

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        counts = [[text.lower().count(chr(ord("a") + i)) for i in range(26)] for text in texts]
        vectors = np.array(counts, dtype=np.float32)
        result: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return result

    def embed_query(self, text: str) -> np.ndarray:
        result: np.ndarray = self.embed_documents([text])[0]
        return result


class Shelf:
    """A catalog in memory: which revision of each document is published, and since when."""

    def __init__(self) -> None:
        self.standings: dict[str, Standing] = {}
        self.ticks = 0

    def publish(self, chunk: Chunk, access: tuple[str, ...] | None = None) -> None:
        self.ticks += 1
        access = chunk.access if access is None else access
        self.standings[chunk.document_id] = Standing(chunk.revision, self.ticks, access, chunk.source)

    def clock(self) -> int:
        return self.ticks

    def standing(self, document_ids: Collection[str]) -> dict[str, Standing]:
        return {key: self.standings[key] for key in document_ids if key in self.standings}


class ScriptedIndex:
    """An index that is changed by somebody else in the middle of a search."""

    def __init__(self, meanwhile: Callable[[int], None] = lambda search: None) -> None:
        self.stored: list[tuple[Chunk, float]] = []
        self.searches: list[int] = []
        self._meanwhile = meanwhile

    def search_by_language(self, query: Embedding, *, reader: Reader, limit: int) -> tuple[Legs, ...]:
        parts = [[each for each in self.stored if each[0].language in languages] for languages in LANGUAGE_PARTS]
        best = [tuple(sorted(starmap(scored, part), key=lambda hit: -hit.score)[:limit]) for part in parts]
        self.searches.append(limit)
        self._meanwhile(len(self.searches))
        return tuple(Legs((), sparse) for sparse in best)

    def fetch(self, chunk_ids: Collection[str]) -> dict[str, Chunk]:
        return {each.id: each for each, _ in self.stored if each.id in chunk_ids}


NOTHING = Legs((), ())


def chunk(name: str, text: str = "年假", *, revision: int = 1, position: int = 0, access: str = "everyone") -> Chunk:
    document = document_id("local", name)
    return Chunk(
        id=chunk_id(document, revision, position),
        document_id=document,
        revision=revision,
        position=position,
        source="local",
        uri=name,
        title="",
        language=detect(text),
        text=text,
        location=Location(),
        access=(access,),
    )


def scored(found: Chunk, score: float) -> Scored:
    return Scored(found.id, found.document_id, found.revision, score)


EMBEDDER = Embedder(LetterEmbedder(), Bm25Embedder())
TEXTS = {
    "leave-zh": "员工每年有十五天带薪年假，可以顺延到下一年。",
    "travel-zh": "差旅报销需要在三十天内提交发票。",
    "leave-en": "Every employee has fifteen days of annual leave.",
    "travel-en": "Travel expenses are paid within thirty days.",
    "security-en": "Passwords have at least twelve characters.",
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[EdgeIndex]:
    with closing(EdgeIndex.open(tmp_path / "index", dimension=26)) as opened:
        yield opened


def store(index: EdgeIndex, shelf: Shelf, chunks: Sequence[Chunk]) -> None:
    index.write(chunks, EMBEDDER.embed_documents(chunks))
    for each in chunks:
        shelf.publish(each)


@pytest.fixture
def retriever(index: EdgeIndex) -> Retriever:
    shelf = Shelf()
    store(index, shelf, [chunk(name, text) for name, text in TEXTS.items()])
    return Retriever(index, shelf, EMBEDDER)


def uris(found: Sequence[object]) -> list[str]:
    return [hit.chunk.uri for hit in found]  # type: ignore[attr-defined]


def test_a_passage_that_waits_for_its_vector_is_ranked_by_its_words(index: EdgeIndex) -> None:
    shelf = Shelf()
    chunks = [chunk(name, text) for name, text in TEXTS.items()]
    embedded = [each for each in chunks if each.uri != "leave-en"]
    store(index, shelf, embedded)
    [waiting] = [each for each in chunks if each.uri == "leave-en"]
    [terms] = EMBEDDER.sparse.embed_documents([waiting.text])
    index.write([waiting], [Embedding(None, terms)])
    shelf.publish(waiting)
    retriever = Retriever(index, shelf, EMBEDDER)

    first = retriever.retrieve("How many days of annual leave does every employee have?", reader=ANYONE, limit=5).hits[
        0
    ]
    assert (first.chunk, first.dense_score) == (waiting, None)
    assert first.sparse_score is not None
    other = retriever.retrieve("Travel expenses within thirty days", reader=ANYONE, limit=5).hits
    assert other[0].chunk.uri == "travel-en"
    assert other[0].dense_score is not None
    assert waiting in {hit.chunk for hit in other}, "one word of it is in the question"

    index.add_vectors([waiting.id], EMBEDDER.dense.embed_documents([waiting.text]))
    again = retriever.retrieve("How many days of annual leave does every employee have?", reader=ANYONE, limit=5).hits[
        0
    ]
    assert again.chunk == waiting
    assert again.dense_score is not None


def test_a_chinese_query_uses_the_sparse_leg_alone(retriever: Retriever) -> None:
    found = retriever.retrieve("年假有几天", reader=ANYONE, limit=3)
    assert found.embedder == EMBEDDER.name
    assert found.language == "zh"
    assert found.hits[0].chunk.uri == "leave-zh"
    assert all(hit.dense_score is None and hit.sparse_score is not None for hit in found.hits)


def test_a_traditional_query_finds_simplified_text(retriever: Retriever) -> None:
    assert uris(retriever.retrieve("報銷發票", reader=ANYONE, limit=1).hits) == ["travel-zh"]


def test_an_english_query_is_fused_from_both_legs_and_keeps_their_scores(retriever: Retriever) -> None:
    found = retriever.retrieve("annual leave days", reader=ANYONE, limit=5)
    first = found.hits[0]
    assert first.chunk.uri == "leave-en"
    assert first.sparse_score is not None
    assert first.dense_score is not None
    assert 0.0 < first.dense_score <= 1.001


def test_chunks_in_a_language_without_vectors_are_not_found_by_meaning(retriever: Retriever) -> None:
    found = retriever.retrieve("twelve characters", reader=ANYONE, limit=10)
    assert {hit.chunk.language for hit in found.hits} == {"en"}


def test_timings_are_given_per_step_in_milliseconds(retriever: Retriever) -> None:
    timings = retriever.retrieve("annual leave", reader=ANYONE, limit=1).timings_ms
    assert set(timings) == {"embed", "search"}
    assert all(value >= 0 for value in timings.values())


def test_a_query_without_words_finds_nothing(retriever: Retriever) -> None:
    found = retriever.retrieve("？！", reader=ANYONE, limit=5)
    assert (found.language, found.hits) == ("other", ())


def test_fewer_hits_are_a_prefix_of_more(retriever: Retriever) -> None:
    more = retriever.retrieve("travel expenses and annual leave", reader=ANYONE, limit=5).hits
    assert retriever.retrieve("travel expenses and annual leave", reader=ANYONE, limit=2).hits == more[:2]


def test_a_deleted_document_is_gone_while_its_chunks_are_still_there(index: EdgeIndex) -> None:
    shelf = Shelf()
    store(index, shelf, [chunk("a", "annual leave"), chunk("b", "annual leave")])
    del shelf.standings[document_id("local", "a")]
    found = Retriever(index, shelf, EMBEDDER).retrieve("annual leave", reader=ANYONE, limit=5)
    assert uris(found.hits) == ["b"]


def test_an_unpublished_revision_is_invisible_and_the_published_one_is_not(index: EdgeIndex) -> None:
    shelf = Shelf()
    old, new = chunk("a", "annual leave: ten days"), chunk("a", "annual leave: twelve days", revision=2)
    store(index, shelf, [old])
    index.write([new], EMBEDDER.embed_documents([new]))
    retriever = Retriever(index, shelf, EMBEDDER)
    assert [hit.chunk.revision for hit in retriever.retrieve("annual leave", reader=ANYONE, limit=5).hits] == [1]
    shelf.publish(new)
    assert [hit.chunk.revision for hit in retriever.retrieve("annual leave", reader=ANYONE, limit=5).hits] == [2]


def test_the_catalog_overrules_an_access_rule_that_the_index_still_has(index: EdgeIndex) -> None:
    shelf = Shelf()
    secret = chunk("a", "annual leave")
    store(index, shelf, [secret])
    shelf.publish(secret, access=("group:hr",))
    retriever = Retriever(index, shelf, EMBEDDER)
    assert retriever.retrieve("annual leave", reader=ANYONE, limit=5).hits == ()
    assert uris(retriever.retrieve("annual leave", reader=OPERATOR, limit=5).hits) == ["a"]


def test_a_reader_without_the_right_does_not_find_a_chunk(index: EdgeIndex) -> None:
    shelf = Shelf()
    store(index, shelf, [chunk("a", "annual leave", access="group:hr"), chunk("b", "annual leave")])
    retriever = Retriever(index, shelf, EMBEDDER)
    assert uris(retriever.retrieve("annual leave", reader=ANYONE, limit=5).hits) == ["b"]
    assert uris(retriever.retrieve("annual leave", reader=Reader(frozenset()), limit=5).hits) == []
    hr = Reader(frozenset({"everyone", "group:hr"}))
    assert set(uris(retriever.retrieve("annual leave", reader=hr, limit=5).hits)) == {"a", "b"}


def test_the_search_widens_past_a_crowd_of_replaced_chunks() -> None:
    shelf, index = Shelf(), ScriptedIndex()
    stale = [chunk("big", revision=1, position=i) for i in range(3 * FUSION_DEPTH)]
    index.stored = [(each, 10.0) for each in stale]
    wanted = chunk("small")
    index.stored.append((wanted, 1.0))
    shelf.publish(wanted)
    shelf.publish(chunk("big", revision=2))
    found = Retriever(index, shelf, EMBEDDER).retrieve("年假", reader=ANYONE, limit=5)
    assert uris(found.hits) == ["small"]
    assert index.searches == [FUSION_DEPTH, 4 * FUSION_DEPTH]


def test_a_document_replaced_during_the_search_is_found_in_its_new_revision() -> None:
    shelf = Shelf()
    old, new = chunk("a", revision=1), chunk("a", revision=2)

    def replaced(search: int) -> None:
        if search == 1:
            index.stored = [(new, 1.0)]
            shelf.publish(new)

    index = ScriptedIndex(replaced)
    index.stored = [(old, 1.0)]
    shelf.publish(old)
    found = Retriever(index, shelf, EMBEDDER).retrieve("年假", reader=ANYONE, limit=5)
    assert [hit.chunk.revision for hit in found.hits] == [2]


def test_a_document_replaced_over_and_over_does_not_hold_a_question_for_ever() -> None:
    shelf = Shelf()

    def replaced(search: int) -> None:
        new = chunk("a", revision=search + 1)
        index.stored = [(new, 1.0)]
        shelf.publish(new)

    index = ScriptedIndex(replaced)
    index.stored = [(chunk("a", revision=1), 1.0)]
    found = Retriever(index, shelf, EMBEDDER).retrieve("年假", reader=ANYONE, limit=5)
    assert found.hits == ()
    assert len(index.searches) == 5


def test_a_document_replaced_before_its_chunks_are_fetched_is_found_in_its_new_revision() -> None:
    shelf = Shelf()
    old, new = chunk("a", revision=1), chunk("a", revision=2)

    class Retiring(ScriptedIndex):
        def fetch(self, chunk_ids: Collection[str]) -> dict[str, Chunk]:
            if old.id in chunk_ids:
                self.stored = [(new, 1.0)]
                shelf.publish(new)
            return super().fetch(chunk_ids)

    index = Retiring()
    index.stored = [(old, 1.0)]
    shelf.publish(old)
    found = Retriever(index, shelf, EMBEDDER).retrieve("年假", reader=ANYONE, limit=5)
    assert [hit.chunk.revision for hit in found.hits] == [2]


def test_what_is_retired_over_and_over_does_not_hold_a_question_for_ever() -> None:
    shelf = Shelf()

    class Forgetful(ScriptedIndex):
        def fetch(self, chunk_ids: Collection[str]) -> dict[str, Chunk]:
            return {key: each for key, each in super().fetch(chunk_ids).items() if each.uri != "gone"}

    index = Forgetful()
    index.stored = [(chunk("gone"), 2.0), (chunk("kept"), 1.0)]
    for each, _ in index.stored:
        shelf.publish(each)
    found = Retriever(index, shelf, EMBEDDER).retrieve("年假", reader=ANYONE, limit=5)
    assert uris(found.hits) == ["kept"]
    assert len(index.searches) == 5


def test_fusion_adds_the_shares_of_both_legs() -> None:
    both, dense, sparse = chunk("both"), chunk("dense"), chunk("sparse")
    legs = Legs(
        dense=(scored(dense, 0.9), scored(both, 0.8), scored(chunk("tail"), 0.1)),
        sparse=(scored(sparse, 30.0), scored(both, 29.0), scored(chunk("rest"), 1.0)),
    )
    hits = fuse((legs, NOTHING), "zh")
    assert hits[0].chunk_id == both.id
    assert hits[0].dense_score == 0.8
    assert hits[0].sparse_score == 29.0
    assert {hit.chunk_id for hit in hits[1:3]} == {dense.id, sparse.id}


def test_fusion_does_not_depend_on_the_scale_of_a_leg() -> None:
    chunks = [chunk(name) for name in "abc"]
    small = Legs(tuple(scored(c, s) for c, s in zip(chunks, (0.9, 0.5, 0.1), strict=True)), ())
    large = Legs((), tuple(scored(c, s) for c, s in zip(chunks, (90.0, 50.0, 10.0), strict=True)))
    assert [hit.score for hit in fuse((small, NOTHING), "zh")] == pytest.approx(
        [hit.score for hit in fuse((large, NOTHING), "zh")]
    )


def test_each_language_has_a_scale_of_its_own_and_the_own_language_counts_a_little_more() -> None:
    own, other = [[chunk(f"{part}{rank}") for rank in range(3)] for part in ("own", "other")]
    near = Legs(tuple(scored(c, s) for c, s in zip(own, (0.95, 0.90, 0.85), strict=True)), ())
    far = Legs(tuple(scored(c, s) for c, s in zip(other, (0.80, 0.75, 0.70), strict=True)), ())
    names = {each.id: each.uri for each in (*own, *other)}
    for parts, language in (((near, far), "zh"), ((far, near), "en")):
        ranking = [names[hit.chunk_id] for hit in fuse(parts, language)]
        assert ranking == ["own0", "other0", "own1", "other1", "own2", "other2"]
    mixed = {names[hit.chunk_id]: hit.score for hit in fuse((near, far), "mixed")}
    assert mixed["own0"] == pytest.approx(mixed["other0"])


def test_equal_scores_are_ordered_by_path_and_position() -> None:
    shelf, index = Shelf(), ScriptedIndex()
    index.stored = [(each, 1.0) for each in (chunk("b"), chunk("a", position=1), chunk("a", position=0))]
    for each, _ in index.stored:
        shelf.publish(each)
    retriever = Retriever(index, shelf, EMBEDDER)
    hits = retriever.retrieve("年假", reader=ANYONE, limit=3).hits
    assert [(hit.chunk.uri, hit.chunk.position) for hit in hits] == [("a", 0), ("a", 1), ("b", 0)]
    assert {hit.score for hit in hits} == {0.5}
    assert retriever.retrieve("年假", reader=ANYONE, limit=1).hits == hits[:1]
