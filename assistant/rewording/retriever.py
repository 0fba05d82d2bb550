"""The layer around the retriever: synonyms always, and another try in other words where words of the query are missing.

A query whose words are all found costs nothing but the look at the first hits. Otherwise there is one more search, and
two where the hits have no candidate and the dictionary must be asked. Initials of pinyin take up to five. Which of many
candidates there are is asked by words alone, because a vector takes most of a search's time and says nothing of a heap
of words. That no other words find more is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from assistant.events import Change, ChangeKind
from assistant.retrieve import Retrieved
from assistant.rewording.chinese import heard_alike, shares_a_character, unheard, written_alike
from assistant.rewording.english import known_alike, misspelled, spelled_alike
from assistant.rewording.initials import Initials, typed_initials
from assistant.rewording.seen import Seen, pieces_of
from assistant.rewording.synonyms import NO_WORDS, Meant, SynonymList, Synonyms
from assistant.rewording.typed_pinyin import Typed, typed_pinyin
from assistant.rewording.well_worded import WellWorded
from ingest.access import Reader
from ingest.language import detect, fold

_LOOKED_AT = 12
"""So many hits are read for what they have, even if fewer are asked for. So the limit does not decide what is found."""
_FIRST = 3
"""New words must stand in the first hits."""
_LITTLE = 0.5
"""A query finds little if its best hit lacks this share of it."""
_SHORT = 2.5
"""A query with one or two words that carry content is short."""
_CLOSER = 0.01
"""So much the best cosine must rise where a word of the dictionary is exchanged for another one. It was measured with
the shipped model: 公子 → 工资 raises it by 0.04, and 工时 → 公式 lowers it by 0.03. Other models have wider scales."""
_LONGEST_QUERY = 200
"""Longer queries are not reworded: their other words say enough. In characters."""
_MOST_PROBED = 12
_WORDS_OF_A_SOUND = 4


class FindsBeside(Protocol):
    """An `assistant.answer.Retrieves` that also finds passages with other words, which count less."""

    def retrieve(self, query: str, *, reader: Reader, limit: int, beside: Sequence[str] = ()) -> Retrieved:
        """See `assistant.retrieve.Retriever.retrieve`."""
        ...

    def by_words(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        """See `assistant.retrieve.Retriever.by_words`."""
        ...


@dataclass(frozen=True, slots=True)
class _Swap:
    """A part of a query and what may stand there.

    `closer` is how much the best cosine must rise by it. `is_bold` is True if without cosines it must not be made.
    """

    kind: ChangeKind
    start: int
    end: int
    text: str
    closer: float = -_CLOSER
    is_bold: bool = False


class RewordingRetriever:
    """An `assistant.answer.Retrieves` around another one."""

    def __init__(self, inner: FindsBeside, synonyms: Synonyms, *, everyday: SynonymList = NO_WORDS) -> None:
        """`everyday` has words of everyday life and those of regulations. Those of `synonyms` win over them."""
        self._inner = inner
        self._synonyms = synonyms
        self._everyday = everyday
        self._well_worded = WellWorded()

    def retrieve(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        """Returns the best `limit` hits, the best one first, for the query or for what it should say.

        `Retrieved.changed` says what was changed. A change is made only if this reader finds more with it.
        """
        synonyms = self._synonyms.current()
        search = _Search(self._inner, reader, max(limit, _LOOKED_AT), synonyms, self._everyday)
        found = search.found(query)
        if len(query) <= _LONGEST_QUERY and not self._well_worded.knows(found, reader, synonyms):
            better = _reworded(search, found)
            if better is None:
                self._well_worded.add(found, reader, synonyms)
            found = better or found
        return replace(found, hits=found.hits[:limit])


class _Search:
    """Searches as one reader, with the synonyms of the query. It adds up the time of all its searches.

    `explained` has the everyday words for which the first hits have another one: they are not misspelled.
    """

    def __init__(
        self, inner: FindsBeside, reader: Reader, limit: int, synonyms: SynonymList, everyday: SynonymList
    ) -> None:
        self._inner, self._reader, self._limit = inner, reader, limit
        self._synonyms, self._everyday = synonyms, everyday
        self.explained: set[str] = set()
        self._spent: dict[str, float] = {}

    def found(self, query: str) -> Retrieved:
        """Returns the hits for the query and its synonyms. In `Retrieved.query` those stand that the hits use."""
        meant = self._synonyms.meant(query)
        others = dict.fromkeys(other for one in meant for other in one.others)
        text = " ".join([query, *others])
        found = self.exactly(text)
        if unsaid := self._unsaid(query, meant, found):
            found = self.exactly(text, beside=list(dict.fromkeys(other for one in unsaid for other in one.others)))
            seen = Seen(found.hits[:_FIRST])
            self.explained |= {
                fold(query[one.start : one.end]).lower() for one in unsaid if any(map(seen.often, one.others))
            }
        if not meant:
            return found
        written, changed = _settled(query, meant, Seen(found.hits))
        return replace(found, query=written, language=detect(written), changed=changed)

    def _unsaid(self, query: str, meant: Sequence[Meant], found: Retrieved) -> list[Meant]:
        """Returns the everyday words of the query that no hit has. A word that the company explains means that."""
        everyday = [
            one
            for one in self._everyday.meant(query)
            if all(one.end <= theirs.start or theirs.end <= one.start for theirs in meant)
        ]
        if not everyday or len(query) > _LONGEST_QUERY:
            return []
        seen = Seen(found.hits)
        return [one for one in everyday if not seen.has_nearly(fold(query[one.start : one.end]).lower())]

    def exactly(self, text: str, beside: Sequence[str] = ()) -> Retrieved:
        """Returns the hits for a text and the words `beside` it."""
        return self._timed(self._inner.retrieve(text, reader=self._reader, limit=self._limit, beside=beside))

    def having(self, words: Iterable[str]) -> Seen:
        """Returns the hits that have some of these words, the ones with the most of them first."""
        return Seen(self._timed(self._inner.by_words(" ".join(words), reader=self._reader, limit=self._limit)).hits)

    def _timed(self, found: Retrieved) -> Retrieved:
        for step, milliseconds in found.timings_ms.items():
            self._spent[step] = self._spent.get(step, 0.0) + milliseconds
        return replace(found, timings_ms=dict(self._spent))


def _settled(query: str, meant: Sequence[Meant], seen: Seen) -> tuple[str, tuple[Change, ...]]:
    """Returns the query with the synonyms that the hits use most. A word stays if no other one is used more."""
    changed: list[Change] = []
    written = query
    for one in reversed(meant):
        typed = query[one.start : one.end]
        best = max((typed, *one.others), key=seen.often)
        if best != typed:
            written = written[: one.start] + best + written[one.end :]
            changed.append(Change("synonym", typed, best))
    return written, tuple(reversed(changed))


def _reworded(search: _Search, found: Retrieved) -> Retrieved | None:
    """Returns what is found with the query mended, or None if it needs no mending or finds no more by it."""
    pieces, seen = pieces_of(found.query), Seen(found.hits)
    if (letters := typed_initials(found.query, seen)) and (better := _spelled_out(search, found, letters)):
        return better
    missing, whole = seen.missing(pieces), sum(piece.weight for piece in pieces)
    doubted = [piece for piece in pieces if not any(piece.text in word for word in search.explained)]
    if not seen.missing(doubted):
        return None
    if typed := typed_pinyin(found.query, seen):
        return _as_chinese(search, found, typed)
    swaps = _mended(found.query, seen, seen, lambda word: spelled_alike(word, seen))
    if not swaps and missing >= _LITTLE * whole:
        swaps = _from_dictionary(search, found.query, seen, is_short=whole <= _SHORT)
    return _tried(search, found, swaps) if swaps else None


def _as_chinese(search: _Search, found: Retrieved, typed: Typed) -> Retrieved | None:
    """Returns what is found with typed pinyin read as Chinese. All words that it may stand for are searched for at
    once, and the hits tell which of them belong together.
    """
    if not typed.candidates:
        return None
    reading = typed.reading(search.having(sorted(typed.candidates)))
    return _tried(search, found, [_Swap("pinyin", typed.start, typed.end, reading)]) if reading else None


def _spelled_out(search: _Search, found: Retrieved, typed: Initials) -> Retrieved | None:
    """Returns what is found with a word in the place of its initials. Of several words that the hits have, the one is
    taken whose best hit is closest by meaning.
    """
    hits = list(found.hits)
    if typed.candidates:
        hits = [*search.exactly(*typed.searched(found.query)).hits, *hits]
    tries = [
        _tried(search, found, [_Swap("pinyin", typed.start, typed.end, word, _CLOSER)])
        for word in typed.readings(Seen(hits))
    ]
    better = [one for one in tries if one is not None]
    return max(better, key=lambda one: Seen(one.hits).closeness() or 0.0, default=None)


def _mended(query: str, seen: Seen, there: Seen, alike: Callable[[str], Sequence[str]]) -> list[_Swap]:
    """Returns words for those of the query that no hit in `seen` has. They are words of the hits in `there`. `alike`
    gives the English words that are spelled like another one.

    A proper Chinese word is doubted only where nothing else is wrong, and only one of them: all changes are judged
    together, and a right one would carry a wrong one.
    """
    swaps: list[_Swap] = []
    for start, end in misspelled(query, seen):
        if near := [word for word in alike(query[start:end].lower()) if there.has(word) or there.means(word)]:
            swaps.append(_Swap("spelling", start, end, near[0] if query[start].islower() else near[0].capitalize()))
    proper: list[_Swap] = []
    for one in unheard(query, seen):
        alike_ones = heard_alike(one.text, exactly=one.is_word)
        heard = [word for word in alike_ones if there.has(word) and word not in query]
        named = written_alike(one.text, there) if one.is_loose and not heard else ()
        heard = heard or list(named)
        if heard and all(one.end <= swap.start or swap.end <= one.start for swap in swaps):
            word = max(heard, key=there.often)
            is_bold = bool(named) or (one.is_word and not shares_a_character(one.text, word))
            swap = _Swap("spelling", one.start, one.end, word, _CLOSER, is_bold)
            (proper if one.is_word else swaps).append(swap)
    return swaps or proper[:1]


def _from_dictionary(search: _Search, query: str, seen: Seen, *, is_short: bool) -> list[_Swap]:
    """Returns words of the dictionary for those that no hit has, if a search for all of them together finds some.

    A proper Chinese word is doubted only in a short query. A longer one that finds little is worded in another way.
    """
    english = [word for start, end in misspelled(query, seen) for word in known_alike(query[start:end].lower())]
    doubted = [one for one in unheard(query, seen) if one.is_loose or (one.is_word and is_short)]
    chinese = [word for one in doubted for word in heard_alike(one.text, exactly=True)[:_WORDS_OF_A_SOUND]]
    candidates = [*english, *chinese][:_MOST_PROBED]
    if not candidates:
        return []
    return _mended(query, seen, search.having([query, *candidates]), known_alike)


def _tried(search: _Search, found: Retrieved, swaps: Sequence[_Swap]) -> Retrieved | None:
    """Returns what is found with these changes, or None if this reader does not find clearly more with them."""
    in_order = sorted(swaps, key=lambda swap: swap.start)
    written = found.query
    for swap in reversed(in_order):
        written = written[: swap.start] + swap.text + written[swap.end :]
    after = search.found(written)
    if not _is_better(found, after, swaps):
        return None
    changed = tuple(Change(swap.kind, found.query[swap.start : swap.end], swap.text) for swap in in_order)
    return replace(after, changed=(*found.changed, *changed, *after.changed))


def _is_better(found: Retrieved, after: Retrieved, swaps: Sequence[_Swap]) -> bool:
    """Returns True if this reader finds clearly more with these changes.

    New words must stand in the first hits. Of what was pinyin, one of them must at least have more. By meaning the best
    hit must be closer, or as close where English was mended.
    """
    before, first = Seen(found.hits), Seen(after.hits[:_FIRST])
    for swap in swaps:
        is_read = swap.kind != "pinyin" or first.has_nearly(swap.text)
        if not is_read and first.missing(pieces_of(after.query)) >= before.missing(pieces_of(found.query)):
            return False
        word = swap.text.lower()
        if swap.kind == "spelling" and not first.has(word) and not first.means(word):
            return False
    old, new = before.closeness(), Seen(after.hits).closeness()
    if old is None or new is None:
        return not any(swap.is_bold for swap in swaps)
    return new - old >= max(swap.closer for swap in swaps)
