"""Whether a part is about the day, the time, the weekday or the quarter that a question names, or about another one."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.embedding.numbers import times_in
from ingest.language import fold

_KINDS = ("zzmd", "zztm", "zzwd", "zzqu", "zzhy")
"""What the terms of a day of the year, a time, a weekday, a quarter and a half of a year begin with."""
_Times = Mapping[str, tuple[frozenset[str], frozenset[str]]]
"""For each kind the terms without a year, and those with one."""


class NamedTimes:
    """What a question names of these."""

    def __init__(self, question: str) -> None:
        self._asked = _times(question)

    def __bool__(self) -> bool:
        return bool(self._asked)

    def are_in(self, text: str) -> bool | None:
        """Returns True if a text names the same, False if it names another one, and None if it names none, or several,
        which may be a range around it. A year counts where both state it.
        """
        found = _times(text)
        alike = {kind: _meet(asked, found[kind]) for kind, asked in self._asked.items() if kind in found}
        if any(not same and len(found[kind][0]) == 1 for kind, same in alike.items()):
            return False
        return True if alike and all(alike.values()) else None


def _meet(asked: tuple[frozenset[str], frozenset[str]], found: tuple[frozenset[str], frozenset[str]]) -> bool:
    (plain, whole), (other_plain, other_whole) = asked, found
    return bool(whole & other_whole) if whole and other_whole else bool(plain & other_plain)


def _times(text: str) -> _Times:
    words = times_in(fold(text))
    found = {}
    for kind in _KINDS:
        said = [word for word in words if word.startswith(kind)]
        whole = [word for word in words if word.startswith("n")] if kind == "zzmd" else [w for w in said if "n" in w]
        if said:
            found[kind] = frozenset(said) - frozenset(whole), frozenset(whole)
    return found
