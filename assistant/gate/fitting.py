"""Fits the weights of the gate to questions that were asked: those that the documents answer, and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.gate.weights import Weights

_RIDGE = 3.0
_MOST = 2000.0
"""More questions than these make the ridge count no less."""
_STEPS = 60
_MOST_REFUSED = 0.04
"""At most this share of the questions that the documents answer is refused, of those that were fitted to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that was asked: the features of its hits (`assistant.gate.fitted.rows_of`), and which answer."""

    rows: Sequence[Mapping[str, float]]
    answers: Sequence[bool]

    def logit(self, weights: Weights) -> float:
        """Returns the log odds of the best hit."""
        return max(map(weights.logit, self.rows))


Kind = Sequence[Asked]
"""Questions of one kind: of one set, or of one kind of stranger."""


def own_weights(own: Kind, others: Sequence[Kind], start: Weights) -> Weights:
    """Returns weights for these questions: `own` are those that the documents answer. They stay near `start` where the
    questions say little. No kind may be empty, and each question has rows.

    The gate wants the same log odds as before, unless more than 4 of 100 `own` questions would be refused by that.
    """
    count = len(own) + sum(map(len, others))
    fitted = fit([own], others, names=tuple(start.weights), start=start, count=count)
    return _eased(fitted, own, start)


def fit(
    own: Sequence[Kind],
    others: Sequence[Kind],
    *,
    names: Sequence[str],
    start: Weights | None = None,
    count: float = _MOST,
) -> Weights:
    """Returns the weights of a logistic regression with a ridge penalty, by Newton's method. The `strict` and `lenient`
    of the result are 0.

    Each kind counts the same, and so do own questions and others. Of an own question only the hits that answer count,
    and of another one all. The penalty draws the weights to those of `start`, or to 0; it counts as much as a few
    questions against `count`, which is 2000 at most.
    """
    x, y, share = _stacked(own, others, names)
    for label in (0.0, 1.0):
        share[y == label] *= min(count, _MOST) / 2 / share[y == label].sum()
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.column_stack([np.ones(len(x)), (x - mean) / deviation])
    penalty = _RIDGE * np.diag([0.0, *[1.0] * len(names)])
    goal = np.zeros(z.shape[1])
    if start is not None:
        drawn_to = np.array([start.weights[name] for name in names])
        goal[:] = [start.intercept + drawn_to @ mean, *(drawn_to * deviation)]
    solution = goal.copy()
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-np.clip(z @ solution, -50, 50)))
        gradient = z.T @ (share * (likely - y)) + penalty @ (solution - goal)
        curvature = (z * (share * likely * (1 - likely))[:, None]).T @ z + penalty
        solution -= _within(np.linalg.lstsq(curvature, gradient, rcond=None)[0])
    weights = solution[1:] / deviation
    named = dict(zip(names, map(float, weights), strict=True))
    return Weights(float(solution[0] - weights @ mean), named, 0.0, 0.0)


def _stacked(
    own: Sequence[Kind], others: Sequence[Kind], names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the rows of all questions, whether they answer, and how much each counts."""
    rows: list[list[float]] = []
    labels: list[float] = []
    shares: list[float] = []
    for label, kinds in ((1.0, own), (0.0, others)):
        for kind in kinds:
            for asked in kind:
                pairs = zip(asked.rows, asked.answers, strict=True)
                used = [row for row, answers in pairs if answers or not label]
                rows += [[row[name] for name in names] for row in used]
                labels += [label] * len(used)
                shares += [1 / len(kind) / max(1, len(used))] * len(used)
    return np.array(rows), np.array(labels), np.array(shares)


def _within(step: np.ndarray) -> np.ndarray:
    """Returns the step, or as much of it as does not lead past where the curvature was measured."""
    return step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-9))


def _eased(fitted: Weights, own: Kind, start: Weights) -> Weights:
    logits = sorted(asked.logit(fitted) for asked in own)
    # The first question that must pass: so many before it may be refused.
    strict = min(start.strict, logits[int(_MOST_REFUSED * len(logits))])
    lenient = min(start.lenient, strict)
    return Weights(fitted.intercept, fitted.weights, strict, lenient)
