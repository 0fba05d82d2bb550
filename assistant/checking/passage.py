"""A passage as the figures of statements are looked for in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from assistant.checking.quantity import Quantity
from assistant.checking.ranges import Range, ranges_of
from assistant.checking.segments import Segment, segments_of, without_asides


@dataclass(frozen=True)
class Passage:
    """A passage as figures are looked for in it. What it says is read when it is first needed.

    It is `crossed` if the statement is in another language.
    """

    heading: str
    text: str
    crossed: bool = False

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        return segments_of(self.heading, self.text, self.crossed)

    @cached_property
    def found(self) -> tuple[tuple[Quantity, Segment], ...]:
        """Returns the quantities, each with its segment. The number of a table's rows is one too."""
        return tuple((quantity, segment) for segment in self.segments for quantity in segment.quantities)

    @cached_property
    def ranges(self) -> tuple[tuple[Range, Segment], ...]:
        return tuple(
            (each, segment) for segment in self.segments for each in ranges_of(segment.text, segment.quantities)
        )

    @cached_property
    def rows(self) -> int:
        """Returns the number of its tables' rows."""
        return len({segment.unit for segment in self.segments if segment.row})

    @property
    def columns(self) -> int:
        """Returns the number of its tables' columns, without the first."""
        return len(self.titles)

    @cached_property
    def names(self) -> Mapping[str, set[int]]:
        """Returns the names of its tables' rows, each with the numbers of the rows.

        A name is also one without what stands in brackets: `Catalogue (32 pages)`.
        """
        found: dict[str, set[int]] = {}
        for segment in self.segments:
            for name in {segment.name, without_asides(segment.name)}:
                if len(name) == 1 and name.isascii() and segment.text == name:
                    name = f"{segment.head} {name}".strip()  # zone c
                if len(name) > 1 or not name.isascii():
                    found.setdefault(name, set()).add(segment.unit)
        return found

    @cached_property
    def titles(self) -> frozenset[str]:
        """Returns the headers of its tables' columns, without the first."""
        return frozenset(segment.head for segment in self.segments if segment.head and segment.text != segment.name)

    @cached_property
    def frequencies(self) -> Mapping[str, int]:
        """Returns for each term the number of segments that have it as their own."""
        return Counter(term for segment in self.segments for term, weight in segment.words.items() if weight >= 1.0)

    def agreeing(self, figure: Quantity) -> list[Segment]:
        """Returns the segments with this figure."""
        return [segment for quantity, segment in self.found if quantity.agrees(figure)]
