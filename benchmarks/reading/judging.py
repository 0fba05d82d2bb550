"""How well the model reads office documents that it has not seen: which unit answers, and whether any does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from benchmarks.reading.prepared import Question, Subject, Window
from benchmarks.reading.sampling import Example, width

_SIZE = 150
"""Characters of a wide script in a window, as much as the product reads at once."""


@torch.no_grad()
def judged(network: Any, inputs: Any, subject: Subject) -> dict[str, float]:
    """Returns the share of questions whose best unit is right, for all and across the languages, the area under the
    curve of questions with and without an answer, and the share that has none above 0.
    """
    best: dict[int, tuple[float, int]] = {}
    examples, of = [], {}
    for number, question in enumerate(subject.questions):
        for first, example in _windows(question, subject.windows[question.own[0]]):
            of[id(example)] = (number, first)
            examples.append(example)
    for rows, lengths, owner, group in inputs.batches(examples, random.Random(0)):
        nothing, units = network(rows, lengths, owner)
        scores = (units - nothing[:, None]).float().cpu().numpy()
        for example, row in zip(group, scores, strict=True):
            number, first = of[id(example)]
            place = int(row[: len(example.units)].argmax())
            best[number] = max(best.get(number, (-np.inf, 0)), (float(row[place]), first + place))
    answered = [number for number, question in enumerate(subject.questions) if question.answered]
    right = {number: best[number][1] in subject.questions[number].answered[1] for number in answered}  # type: ignore[index]
    across = [number for number in answered if _crosses(subject, subject.questions[number])]
    own = np.array([best[number][0] for number in answered])
    none = np.array([score for number, (score, _) in best.items() if number not in right])
    area = (own[:, None] > none[None]).mean()
    return {
        "best_unit": round(float(np.mean(list(right.values()))), 3),
        "best_unit_across": round(float(np.mean([right[number] for number in across])), 3),
        "area": round(float(area), 3),
        "none_refused_where_own_10": round(float((none < np.quantile(own, 0.1)).mean()), 3),
        "own_below_0": round(float((own < 0).mean()), 3),
        "none_below_0": round(float((none < 0).mean()), 3),
    }


def _windows(question: Question, window: Window) -> Iterator[tuple[int, Example]]:
    first, size = 0, 0.0
    for at, unit in enumerate(window.units):
        if at > first and size + width(unit) > _SIZE:
            yield first, Example(question.text, window.heading, window.units[first:at], ())
            first, size = at, 0.0
        size += width(unit)
    yield first, Example(question.text, window.heading, window.units[first:], ())


def _crosses(subject: Subject, question: Question) -> bool:
    return _chinese(question.text) != _chinese("".join(subject.windows[question.own[0]].units))


def _chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)
