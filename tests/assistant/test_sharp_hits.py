"""One exact hit of a rare code stands before hundreds of vague neighbours, with vectors and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from assistant.retrieve import Retriever, fuse
from ingest.access import OPERATOR
from ingest.document import Signals
from ingest.embedding import Embedder
from ingest.embedding.dense import NoDenseEmbedder
from ingest.embedding.sparse import Bm25Embedder
from ingest.errors import ConfigurationError
from ingest.index import Legs, Scored
from ingest.index.edge import EdgeIndex
from tests.assistant.test_retrieve import LetterEmbedder, Shelf, chunk

ENGLISH = [f"The price list is reviewed each quarter, and error log {n} of the machine is kept." for n in range(200)]
CHINESE = [f"设备的价格与错误日志由第 {n} 组每季度审核，采购须按办法交付。" for n in range(200)]


class EveryLanguage(LetterEmbedder):
    """Texts of all languages have a vector. In Chinese all have nearly the same one, as vague neighbours do."""

    def covers(self, language: str) -> bool:
        return True

    def embed_documents(self, texts: object) -> np.ndarray:
        result: np.ndarray = super().embed_documents([f"{text}abc" for text in texts])  # type: ignore[attr-defined]
        return result


@pytest.fixture(params=["with vectors", "without"])
def search(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str, str], list[str]]]:
    dense = (
        EveryLanguage()
        if request.param == "with vectors"
        else NoDenseEmbedder(ConfigurationError("gone", "No model.", "Install it."))
    )
    embedder, shelf = Embedder(dense, Bm25Embedder()), Shelf()
    with closing(EdgeIndex.open(tmp_path / "index", dimension=dense.dimension)) as index:

        def answered(wanted: str, question: str) -> list[str]:
            texts = {**{f"en {n}": t for n, t in enumerate(ENGLISH)}, **{f"zh {n}": t for n, t in enumerate(CHINESE)}}
            chunks = [chunk(name, text) for name, text in (*texts.items(), ("wanted", wanted))]
            index.write(chunks, embedder.embed_documents(chunks))
            for each in chunks:
                shelf.publish(each)
            hits = Retriever(index, shelf, embedder).retrieve(question, reader=OPERATOR, limit=5).hits
            return [hit.chunk.uri for hit in hits]

        yield answered


@pytest.mark.parametrize(
    ("wanted", "question"),
    [
        ("| 型号 | 单价 |\n|---|---|\n| LX-24 | 1,280.00 元 |", "LX-24 多少钱"),
        ("减速机 RV63 的润滑油牌号为 CKC220。", "CKC220"),
        ("减速机 RV63 的润滑油牌号为 CKC220。", "price of CKC220"),
        ("2026-03-05 ERROR ERR_CONN_104 connection refused", "ERR-CONN-104 是什么错误"),
        ("第三十八条 供应商须按期交付。", "采购办法第 38 条"),
        ("第三十八条 供应商须按期交付。", "Article 38"),
    ],
)
def test_an_exact_hit_comes_first(search: Callable[[str, str], list[str]], wanted: str, question: str) -> None:
    assert search(wanted, question)[0] == "wanted"


def leg(**scores: float) -> tuple[Scored, ...]:
    return tuple(Scored(name, name, 1, score) for name, score in scores.items())


NEIGHBOURS = leg(**{f"n{number}": 0.9 - number / 1000 for number in range(100)})
NOTHING = Legs((), ())


def test_a_single_sharp_hit_is_above_all_that_is_only_near() -> None:
    for at in (0, 1):
        parts = [NOTHING, NOTHING]
        parts[at] = Legs(NEIGHBOURS, leg(n60=12.0))
        hits = fuse(parts, "en")
        assert hits[0].chunk_id == "n60"
        assert hits[0].score > 1.5 * hits[1].score


def leg_of_words(**sharp: float) -> tuple[Scored, ...]:
    """These hits, and a hundred that are much alike."""
    return leg(**sharp, **{f"m{number}": 7.0 - number / 50 for number in range(100)})


def alike(*legs: Legs) -> dict[str, Signals]:
    """Signals by which no hit is before another one."""
    return {hit.chunk_id: Signals(2.0, 0.0, 2.0, 2.0) for each in legs for hit in (*each.dense, *each.sparse)}


def test_words_that_stand_out_come_before_what_is_nearer_in_the_questions_own_language() -> None:
    legs = Legs(NEIGHBOURS, leg_of_words(n60=9.0, n0=8.0))
    assert fuse([legs, NOTHING], "zh", alike(legs))[0].chunk_id == "n60"
    assert fuse([legs, NOTHING], "en", alike(legs))[0].chunk_id == "n0"


def test_meaning_counts_more_across_the_languages() -> None:
    legs = Legs(leg(near=0.9, words=0.8, far=0.7), leg(words=9.0, near=6.8, far=5.0))
    assert fuse([legs, NOTHING], "zh", alike(legs))[0].chunk_id == "words"
    assert fuse([legs, NOTHING], "en", alike(legs))[0].chunk_id == "near"


def test_a_single_vague_hit_in_the_other_language_does_not_win() -> None:
    words = leg(**{f"n{number}": 30.0 - number / 4 for number in range(100)})
    hits = fuse([Legs(NEIGHBOURS, words), Legs((), leg(stray=3.0))], "zh")
    assert [hit.chunk_id for hit in hits[:50]] == [f"n{number}" for number in range(50)]


def test_passages_that_wait_for_their_vectors_stand_before_vague_neighbours_that_have_one() -> None:
    """Five passages of the document that is asked for by its name, while 30 others have their vectors already."""
    others = [f"other {number}" for number in range(30)]
    waiting = [f"waiting {number}" for number in range(5)]
    dense = tuple(Scored(name, name, 1, 0.84 + 0.001 * number) for number, name in enumerate(others))
    sparse = tuple(Scored(name, name, 1, 9.0 if name in waiting else 0.3) for name in (*waiting, *others))
    above = Signals(above_background=3.0, above_nearest_background=1.0, above_dense_leg=0.0, above_sparse_leg=0.0)
    parts = (Legs(tuple(reversed(dense)), sparse), Legs((), ()))
    ranked = fuse(parts, "zh", dict.fromkeys(others, above))
    assert {each.chunk_id for each in ranked[:5]} == set(waiting)
