"""Measures of a ranking, against figures worked out by hand."""

from __future__ import annotations

import math

import pytest

from assistant.ranking_metrics import best_places, hit, ndcg, recall, reciprocal_rank

RANKING = ["d3", "d1", "d9", "d2"]
GRADES = {"d1": 2, "d2": 1, "d7": 1, "d9": 0}


def test_a_document_counts_once_at_the_place_of_its_best_chunk() -> None:
    assert best_places(["a", "b", "a", "c", "b"]) == ["a", "b", "c"]


@pytest.mark.parametrize(("k", "expected"), [(1, 0.0), (2, 1.0), (10, 1.0)])
def test_a_hit_is_a_relevant_document_within_the_cut(k: int, expected: float) -> None:
    assert hit(RANKING, GRADES, k) == expected


@pytest.mark.parametrize(("k", "expected"), [(1, 0.0), (2, 0.5), (10, 0.5)])
def test_the_reciprocal_rank_is_that_of_the_first_relevant_document(k: int, expected: float) -> None:
    assert reciprocal_rank(RANKING, GRADES, k) == expected


def test_ndcg_discounts_grades_by_place_and_divides_by_the_best_order() -> None:
    gained = 2 / math.log2(3) + 1 / math.log2(5)
    ideal = 2 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(RANKING, GRADES, 10) == pytest.approx(gained / ideal)
    assert ndcg(["d1", "d2", "d7"], GRADES, 10) == pytest.approx(1.0)


def test_the_ideal_of_ndcg_is_cut_like_the_ranking() -> None:
    grades = {f"d{i}": 1 for i in range(20)}
    assert ndcg([f"d{i}" for i in range(20)], grades, 10) == pytest.approx(1.0)


def test_recall_is_the_share_of_the_relevant_documents() -> None:
    assert recall(RANKING, GRADES, 2) == pytest.approx(1 / 3)
    assert recall(RANKING, GRADES, 10) == pytest.approx(2 / 3)


def test_a_grade_of_zero_is_not_relevant() -> None:
    assert hit(["d9"], GRADES, 10) == 0.0
    assert reciprocal_rank(["d9"], GRADES, 10) == 0.0
    assert ndcg(["d9"], GRADES, 10) == 0.0


@pytest.mark.parametrize("measure", [hit, reciprocal_rank, ndcg, recall])
def test_a_query_without_relevant_documents_scores_nothing(measure: object) -> None:
    assert callable(measure)
    assert measure(RANKING, {}, 10) == 0.0
    assert measure([], GRADES, 10) == 0.0
