"""The report of a verification: how many documents there are, how many can be found, and what is wrong with
the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["documents", "index", "sources", "repair", "again"]
"""Reading documents back, looking for orphans, asking the sources, repairing, and looking again at what was
repaired.
"""

ORPHANS = "orphans"
READERS = "access_differs"
DAMAGES = frozenset(
    {"chunks_missing", "chunks_damaged", "count_differs", "source_differs", "vectors_missing", "vectors_differ"}
    | {"not_found"}
)
TRIED_AGAIN = frozenset({"failed", "not_updated", "not_embedded"})
"""Problems in the documents themselves. They are ingested again, which helps if the reason is gone."""
VECTORS_WAITING = "vectors_waiting"
UNFINISHED = TRIED_AGAIN | {"pending", "not_ingested", "changed", VECTORS_WAITING}
MENDED = (DAMAGES | UNFINISHED | {READERS, ORPHANS}) - TRIED_AGAIN
"""The codes of the problems that a repair mends."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a document, or of a source. For a source, `uri` is its name.

    `code` is stable. `hides`: because of the problem, all or part of the document cannot be found. `repaired`: the
    problem existed and is gone.
    """

    uri: str
    document_id: str | None
    source: str
    code: str
    message: str
    hides: bool = True
    repaired: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Returns the identity of the problem, without its message."""
        return self.document_id or self.uri, self.code


@dataclass(slots=True)
class Verification:
    """The counts and the problems that were found. `chunks` counts those of the index, `orphans` those that belong to
    nothing.

    `documents` leaves out documents that were dropped and documents that a run ingests for the first time (`busy` names
    its source). `complete` is False if the verification was ended early.
    """

    documents: int = 0
    searchable: int = 0
    chunks: int = 0
    orphans: int = 0
    busy: tuple[str, ...] = ()
    seconds: float = 0.0
    documents_per_second: float = 0.0
    complete: bool = True
    problems: list[Problem] = field(default_factory=list)

    @property
    def hidden(self) -> list[Problem]:
        """Returns the problems that still hide documents, one for each document."""
        open_ = [problem for problem in self.problems if problem.hides and not problem.repaired]
        first = {problem.key[0]: problem for problem in reversed(open_)}
        return sorted(first.values(), key=lambda problem: (problem.source, problem.uri))

    def sentence(self) -> str:
        """Returns a sentence that says how many documents are searchable. If some are not, the reasons follow."""
        if not self.complete:
            return f"The verification was broken off after {self.documents:,} documents."
        count = f"{self.searchable:,} of {self.documents:,} documents are searchable"
        missing = len(self.hidden)
        if not missing:
            return f"{count}."
        return f"{count}; {'this one is' if missing == 1 else f'these {missing:,} are'} not, because"


@dataclass(frozen=True, slots=True)
class VerifyProgress:
    """The progress of a verification. `total` is 0 if it is not known."""

    stage: Stage
    done: int
    total: int
    problems: int
    seconds: float


OnVerifyProgress = Callable[[VerifyProgress], None]
"""It is called often, from the thread of the verification."""
