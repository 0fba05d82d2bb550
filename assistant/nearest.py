"""The passages nearest to a question that was refused. They are shown, and they are no answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from assistant.context import choose_evidence
from assistant.events import Evidence, Nearest
from assistant.quote import Quotes
from ingest.document import Hit

_MOST = 3


def nearest(query: str, hits: Sequence[Hit]) -> tuple[Nearest, ...]:
    """Returns the best three of `hits`, the best one first, each with the part of it that shares most with the query.

    Passages that repeat a better one are left out. It takes milliseconds of Python. The hits are those of the reader,
    so nothing else can be shown.
    """
    chosen = choose_evidence(hits, limit=_MOST, budget_tokens=sys.maxsize, query=query)
    return tuple(_near(item, query) for item in chosen)


def _near(item: Evidence, query: str) -> Nearest:
    quote, location, chunk = Quotes(*(item.parts or (item.hit.chunk,))).best(query, ())
    return Nearest(Evidence(item.number, replace(item.hit, chunk=chunk)), quote, location)
