"""Amounts as people say them: what is read, and what is left alone."""

from __future__ import annotations

import time

import pytest

from ingest.document import SparseVector
from ingest.embedding.sparse import Bm25Embedder
from ingest.embedding.spoken import as_written


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("花3万块", "花30000 元"),
        ("3w块钱", "30000 元"),
        ("30k", "30000 "),
        ("30 grand", "30000 "),
        ("1.5万元", "15000 元"),
        ("1千5", "1500"),
        ("2万5的", "25000的"),
        ("一万二", "12000"),
        ("三百五一天", "350一天"),
        ("三千多块", "三千元"),
        ("两百块", "两百元"),
        ("两块五", "2.5元"),
        ("5 个点", "5%"),
        ("十五个点", "15%"),
        ("三成", "30%"),
        ("百分之二十五", "25%"),
    ],
)
def test_a_spoken_amount_is_read(said: str, written: str) -> None:
    assert as_written(said) == written


@pytest.mark.parametrize(
    "text",
    [
        "3W灯泡",
        "两百一天",
        "三成员",
        "5点",
        "五个点钟",
        "一块去",
        "三块板",
        "第一百二十条",
        "一百零五",
        "LX-30k",
        "1.2.3",
        "第三个点",
    ],
)
def test_what_may_mean_something_else_stays(text: str) -> None:
    assert as_written(text) == text


@pytest.mark.parametrize(
    ("asked", "passage"),
    [
        ("花1千5", "限额 1,500"),
        ("一万二的单子", "合同 12000"),
        ("30 grand", "limit 30,000"),
        ("3万", "budget of 30k"),
        ("涨5个点", "百分之五"),
        ("三成预付款", "最多 30%"),
    ],
)
def test_a_question_meets_the_amount_of_a_passage(asked: str, passage: str) -> None:
    embedder = Bm25Embedder()
    (vector,) = embedder.embed_documents([passage])
    amount = set(embedder.embed_query(asked).indices) & set(vector.indices)
    assert amount


def test_words_beside_a_question_count_less_than_its_own() -> None:
    embedder = Bm25Embedder()
    own = dict(zip(*_pairs(embedder.embed_query("离职")), strict=True))
    both = dict(zip(*_pairs(embedder.embed_query("离职", beside=("走人", "leaver"))), strict=True))
    assert {term: both[term] for term in own} == own
    assert 0 < max(weight for term, weight in both.items() if term not in own) < 1


def _pairs(vector: SparseVector) -> tuple[tuple[int, ...], tuple[float, ...]]:
    return vector.indices, vector.values


@pytest.mark.parametrize("part", ["一", "1", "一万", "1千", "1块", "一块", "百分之", "个点", "万五", "3 ", "1.1"])
def test_the_time_is_linear(part: str) -> None:
    started = time.process_time()
    as_written(part * 40_000)
    assert time.process_time() - started < 1
