"""Says who may read what. The rule is one intersection of sets. It is applied in the index and again in the catalog."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

EVERYONE = "everyone"
"""The principal of every signed-in user."""

_PRINCIPAL = re.compile(r"everyone|(user|group):\S{1,200}")


def is_principal(text: str) -> bool:
    """Returns True if `text` is `everyone`, `user:<id>` or `group:<id>`."""
    return _PRINCIPAL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Reader:
    """The principals of the person who asks, and the sources that may be shown to this person here.

    `principals` is None only for the operator, who reads every document. An empty set reads nothing.
    `sources` is None for all sources.
    """

    principals: frozenset[str] | None
    sources: frozenset[str] | None = None

    def may_read(self, access: Collection[str], source: str) -> bool:
        """Returns True if a document of `source` with these `access` principals may be shown."""
        if self.sources is not None and source not in self.sources:
            return False
        return self.principals is None or not self.principals.isdisjoint(access)


OPERATOR = Reader(principals=None)
"""The person at the machine's own command line, or on loopback if no key is set."""
