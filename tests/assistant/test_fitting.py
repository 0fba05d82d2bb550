"""Fitting the gate's weights to questions."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.gate.fitting import Asked, fit, own_weights
from assistant.gate.weights import Weights

NAMES = ("wording", "above_background")
START = Weights(-3.0, {"wording": 2.0, "above_background": 1.0}, strict=0.5, lenient=-1.5)


def asked(*rows: tuple[float, float], answers: bool) -> Asked:
    return Asked([dict(zip(NAMES, row, strict=True)) for row in rows], [answers] * len(rows))


def around(wording: float, above: float, count: int, *, answers: bool) -> list[Asked]:
    chance = np.random.default_rng(count)
    return [
        asked((wording + chance.normal(0, 0.2), above + chance.normal(0, 0.2)), answers=answers) for _ in range(count)
    ]


def test_what_tells_the_questions_apart_gets_the_weight() -> None:
    own, others = around(0.5, 3.0, 200, answers=True), around(0.5, 1.0, 200, answers=False)
    weights = own_weights(own, [others], START)
    assert weights.weights["above_background"] > 2 * abs(weights.weights["wording"])
    assert sum(each.logit(weights) < weights.strict for each in own) <= 8
    assert sum(each.logit(weights) < weights.strict for each in others) >= 195
    assert weights.lenient <= weights.strict


def test_a_few_questions_move_the_weights_less_than_many() -> None:
    def moved(count: int) -> float:
        own, others = around(0.2, 2.0, count, answers=True), around(0.8, 2.0, count, answers=False)
        return START.weights["wording"] - own_weights(own, [others], START).weights["wording"]

    assert 0 < moved(4) < moved(40) < moved(400)


def test_of_questions_that_cannot_be_told_apart_few_own_ones_are_refused() -> None:
    own, others = around(0.5, 2.0, 100, answers=True), around(0.5, 2.0, 100, answers=False)
    weights = own_weights(own, [others], START)
    assert sum(each.logit(weights) < weights.strict for each in own) <= 4


def test_each_kind_of_stranger_counts_the_same_however_many_there_are() -> None:
    own = around(0.5, 3.0, 50, answers=True)
    near, far = around(0.5, 2.0, 10, answers=False), around(0.5, 0.0, 400, answers=False)
    many, few = (fit([own], [near, far[:count]], names=NAMES) for count in (400, 10))
    assert many.weights["above_background"] == pytest.approx(few.weights["above_background"], rel=0.3)


def test_of_an_own_question_only_the_hits_that_answer_are_learnt_from() -> None:
    others = around(0.5, 1.0, 50, answers=False)
    clean = around(0.5, 3.0, 50, answers=True)
    noisy = [Asked([*each.rows, {"wording": 0.9, "above_background": -5.0}], [*each.answers, False]) for each in clean]
    assert fit([noisy], [others], names=NAMES) == fit([clean], [others], names=NAMES)


def test_questions_that_are_apart_by_far_do_not_send_the_weights_astray() -> None:
    own, others = around(50.0, 900.0, 30, answers=True), around(-50.0, -900.0, 30, answers=False)
    weights = own_weights(own, [others], START)
    assert all(np.isfinite(value) for value in (weights.intercept, *weights.weights.values()))
    assert min(each.logit(weights) for each in own) > 0 > max(each.logit(weights) for each in others)
