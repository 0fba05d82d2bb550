"""Figures that a statement works out: 240 guests at 62 euros each make 14,880, from 10:00 to 11:25 it is 85 minutes.

Such a figure stands nowhere in the passage. It follows by one step (`steps.py`) from two others, or it sums up a row
or a sentence. So that a wrong figure does not follow by chance, the step needs its words, the units must fit, and a
figure of the passage that the statement does not name must be the one to which its words lead. A figure that was
worked out may be used for those that follow it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations

from assistant.checking.passage import Passage
from assistant.checking.placing import Stated, displacement
from assistant.checking.quantities import quantities
from assistant.checking.quantity import Quantity
from assistant.checking.segments import Segment
from assistant.checking.steps import RATE, Operand, Step, is_reckoned, precision, rests, steps, sums

_PLUS = re.compile(r"加|\+|\b(?:plus|and)\b")
_POOL = 40
"""At most so many figures of the passages are tried with those of the statement."""
_NAMED = 16
_MISSING = 8
"""At most so many figures of a statement are worked out."""
_MONEY = frozenset(
    ["yuan", "twd", "hkd", "dollar", "euro", "pound", "yen", "franc", "sgd", "aud", "cad", "won", "rupee", "percent"]
)
"""Kinds of figures that are never given: nobody says a price of his own."""
PLACED = 0.03
"""How much better the words may fit another figure than the one of the passage that is used (`placing.py`). In
the documents for fitting, the price of the wrong column that three nights would multiply lies 0.08 off."""


def derived(
    missing: Sequence[Stated],
    own: Sequence[Stated],
    asked: Sequence[Quantity],
    passages: Sequence[Passage],
    rounds: Callable[[Quantity, Segment], bool],
) -> tuple[list[Stated], list[Stated]]:
    """Returns which of the figures that the passages lack the statement works out, and the figures that it uses.

    `own` are the figures that the passages have. A figure that `rounds` need only be near to what a step gives.
    """
    work = _Work(missing[:_MISSING], own, asked, passages)
    for pair in work.left():
        step = work.step_to(pair, rounded=rounds(*pair))
        if step is not None:
            work.take(pair, step)
    return work.found, work.used


class _Work:
    """The figures of a statement that are to be worked out, and those from which they may be."""

    def __init__(
        self,
        missing: Sequence[Stated],
        own: Sequence[Stated],
        asked: Sequence[Quantity],
        passages: Sequence[Passage],
    ) -> None:
        self._missing = missing
        self._own = own
        self._passages = passages
        self._named = [Operand(figure, clause, named=True) for figure, clause in own]
        said = [figure for figure, _ in (*missing, *own)]
        self._named += [
            Operand(figure, missing[0][1], named=True)
            for figure in asked
            if not any(figure.agrees(each) or each.agrees(figure) for each in said)
        ]
        self._pool = [Operand(figure, segment, named=False) for each in passages for figure, segment in each.found]
        self._pool = self._pool[:_POOL]
        self.found: list[Stated] = []
        self.used: list[Stated] = []

    def left(self) -> Iterator[Stated]:
        return (pair for pair in self._missing if pair not in self.found)

    def take(self, pair: Stated, step: Step) -> None:
        """Remember a figure that was worked out, and what it was worked out from."""
        self.found.append(pair)
        self._named.append(Operand(*pair, named=True))
        for each in step.uses:
            self.used.append((each.figure, each.segment))
            if each.given:
                self.found.append((each.figure, each.segment))
                self._named.append(replace(each, given=False))
        if step.name == "list":  # all four items
            counts = (str(len(step.uses)), str(len(step.uses) - 1))
            self.found += [other for other in self.left() if other[0].worded and other[0].written in counts]

    def step_to(self, pair: Stated, *, rounded: bool) -> Step | None:
        """Returns the step that leads to a figure, or None."""
        if not is_reckoned(pair[0]):
            return None
        given = [
            Operand(*other, named=True, given=True)
            for other in self.left()
            if other != pair and other[0].kinds.isdisjoint(_MONEY)
        ]
        named = [*self._named, *given][:_NAMED]
        pairs = [*combinations(named, 2), *((one, other) for one in named for other in self._pool)]
        pairs += [each for each in combinations(self._pool, 2) if each[0].segment.unit == each[1].segment.unit]
        found = chain(
            (step for each in pairs for step in steps(pair[0], *each)),
            rests(pair[0], [*named, *self._pool]),
            sums(pair[0], self._pool),
        )
        return next((step for step in found if self._leads(step, pair, rounded=rounded)), None)

    def _leads(self, step: Step, pair: Stated, *, rounded: bool) -> bool:
        figure, clause = pair
        off = abs(step.value - step.wanted)
        if off and ((step.exact and not rounded) or off > precision(figure, step.wanted)):
            return False
        if step.name != "product" and any(each.given for each in step.uses):
            return False
        if not _has_words(step, clause):
            return False
        return step.name in ("list", "rest", "span") or all(
            each.named or self._led_to(each, step, pair) for each in step.uses
        )

    def _led_to(self, operand: Operand, step: Step, pair: Stated) -> bool:
        """Returns True if the words around a figure would lead to that of the passage, were it stated there."""
        figure, clause = pair
        there = replace(operand.figure, start=figure.start, end=figure.end)
        beside = [(each.figure, clause) for each in step.uses if not each.named]
        return displacement(there, clause, [*self._own, *beside], self._passages) <= PLACED


def _has_words(step: Step, clause: Segment) -> bool:
    if step.said is None and step.there is None:
        return True
    if step.said is not None and step.said.search(_led(clause)):
        return True
    named = [each for each in step.uses if each.named]
    if step.name == "percent" and step.said is not None:
        shares = [each.segment.text for each in named if "percent" in each.figure.kinds]
        if any(step.said.search(text) for text in shares):
            return True
    if step.name == "sum" and len(named) == 2 and named[0].segment.text == named[1].segment.text != clause.text:
        return _PLUS.search(named[0].segment.text) is not None  # 61 in all, that is 45 plus 16
    if step.there is None:
        return False
    rows = step.there is RATE and any(each.segment.row for each in step.uses)
    return rows or any(step.there.search(_all_of(each.segment)) for each in step.uses if not each.named)


def _led(clause: Segment) -> str:
    """Returns a clause with those before it that have no figure of their own."""
    before = [figure for figure in quantities(clause.before) if not figure.worded]
    return clause.before[before[-1].end if before else 0 :] + clause.text


def _all_of(segment: Segment) -> str:
    return f"{segment.head} {segment.before} {segment.text}"
