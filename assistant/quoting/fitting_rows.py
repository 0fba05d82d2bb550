"""The rows of a table that a number of the question belongs to: for 4 years the row 满三年不满五年, and no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.quoting.intervals import Quantity
from assistant.quoting.parts import Part


def fitting_rows(parts: Sequence[Part], quantity: Quantity) -> Mapping[int, bool]:
    """Returns the places of the parts of a passage that a quantity decides about. True is for those whose range holds
    it most tightly, and False for the other rows of their table with a range of its kind. A sentence may fit too.
    """
    held = {place: found for place, part in enumerate(parts) if (found := _looseness(part, quantity)) is not None}
    tightest: dict[int, float] = {}
    for place, looseness in held.items():
        block = parts[place].block
        tightest[block] = min(looseness, tightest.get(block, looseness))
    decided: dict[int, bool] = {}
    for place, part in enumerate(parts):
        if part.kind == "list" or part.block not in tightest:
            continue
        fits = held.get(place) == tightest[part.block]
        if fits or any(found.is_like(quantity) for found in part.intervals):
            decided[place] = fits
    return decided


def _looseness(part: Part, quantity: Quantity) -> float | None:
    """Returns how loosely the tightest range of a part holds a quantity, or None. The same number in a sentence is no
    range: it may count anything.
    """
    ranges = [found for found in part.intervals if part.kind == "row" or found.low < found.high]
    return min((found.looseness(quantity) for found in ranges if found.holds(quantity)), default=None)
