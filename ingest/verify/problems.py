"""What a verification says: the documents there are, those that can be found, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["documents", "index", "sources", "repair", "again"]
"""Reading documents back, looking for orphans, asking the sources, repairing, and looking at what was repaired."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a document, or with a source, whose name is the `uri` then.

    `code` is stable. `hides`: whether all or part of the document cannot be found because of it. `repaired`: it was
    so, and is no more.
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
        """What the problem is, whatever its message says."""
        return self.document_id or self.uri, self.code


@dataclass(slots=True)
class Verification:
    """What was looked at, and what was found. `chunks` are those of the index, `orphans` those that belong to nothing.

    `documents` leaves out those that a run is bringing in for the first time (`busy` names its source) and those that
    were dropped. `complete` is False where the verification was broken off.
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
        """What keeps documents from being found, still, one problem for each document."""
        open_ = [problem for problem in self.problems if problem.hides and not problem.repaired]
        first = {problem.key[0]: problem for problem in reversed(open_)}
        return sorted(first.values(), key=lambda problem: (problem.source, problem.uri))

    def sentence(self) -> str:
        """How many documents are searchable; what follows it where some are not are the reasons."""
        if not self.complete:
            return f"The verification was broken off after {self.documents:,} documents."
        count = f"{self.searchable:,} of {self.documents:,} documents are searchable"
        missing = len(self.hidden)
        if not missing:
            return f"{count}."
        return f"{count}; {'this one is' if missing == 1 else f'these {missing:,} are'} not, because"


@dataclass(frozen=True, slots=True)
class VerifyProgress:
    """How far a verification is. `total` is 0 where nobody knows."""

    stage: Stage
    done: int
    total: int
    problems: int
    seconds: float


OnVerifyProgress = Callable[[VerifyProgress], None]
"""Is called often, from the thread of the verification."""
