"""What a question asks for: its words in both languages, its numbers, and the kinds of answer that fit."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from assistant.quoting.intervals import Quantity, quantities, without_quantities
from assistant.quoting.kinds import gives, kinds_asked, without_kinds
from assistant.quoting.parts import Part, glosses_of, words_of
from assistant.terms import Wanted, is_han, numbers, terms
from ingest.embedding.glosses import dictionary
from ingest.language import QUESTION_WORDS

_BY_GLOSS = 0.8
"""The weight of a word that is found by the dictionary, beside one that is found as it is."""
_ASKS = 0.4
"""The weight of a word that only says what kind of answer is asked for, and of a stated quantity."""
_CODES = 2.0
_CODE = re.compile(r"[a-z]++\d[a-z\d]*+|\d++[a-z][a-z\d]*+")
_LONGEST = 500
"""At most so many characters of a question are compared."""


@dataclass(frozen=True, slots=True)
class _Concept:
    """A word of the question for texts in English. `ways` are its glosses, or the word itself."""

    ways: tuple[frozenset[str], ...]
    weight: float
    full: float

    def credit(self, present: Collection[str]) -> float:
        """Returns how far one of the ways is present, from 0 to `full`."""
        return self.full * max(sum(term in present for term in way) / len(way) for way in self.ways)


class Asked:
    """A question that is compared with the parts of its evidence.

    A word has more weight if fewer parts have it. A Chinese question finds English parts by the glosses of its words,
    and an English one finds Chinese parts by the glosses of theirs.
    """

    def __init__(self, question: str, parts: Sequence[Part]) -> None:
        question = question[:_LONGEST]
        self.kinds = kinds_asked(question)
        self.stated = frozenset(numbers(question))
        self.quantities: tuple[Quantity, ...] = quantities(question)
        bare, counted = without_quantities(question)
        bare, asking = without_kinds(bare)
        content = _terms(bare)
        self.terms = tuple(dict.fromkeys([*content, *_terms(asking), *_terms(counted)]))
        shares = {term: 1.0 if term in content else _ASKS for term in self.terms}
        self._has_latin = any(not is_han(term) for term in self.terms)
        present = [part.terms | part.glosses if self._translates(part) else part.terms for part in parts]
        count = len(parts)
        found = {term: sum(term in words for words in present) for term in self.terms}
        self._wanted = Wanted(
            {term: shares[term] * _weight(term) * math.log(1 + count / (1 + often)) for term, often in found.items()}
        )
        english = [part.terms for part in parts if not part.is_chinese]
        self._concepts = [
            _Concept(
                ways,
                weight * math.log(1 + count / (1 + sum(any(way <= words for way in ways) for words in english))),
                full,
            )
            for ways, weight, full in self._ways(bare, shares)
        ]

    def coverage(self, part: Part, words: frozenset[str]) -> float:
        """Returns the share of the question that is in `words`, terms of `part`, from 0 to 1."""
        own = self._wanted.coverage(words)
        if self._translates(part):
            return own + _BY_GLOSS * (self._wanted.coverage(words | part.glosses) - own)
        if not part.is_chinese and self._concepts:
            total = sum(concept.weight for concept in self._concepts)
            return max(own, sum(each.weight * each.credit(words) for each in self._concepts) / total)
        return own

    def gives(self, part: Part) -> frozenset[str]:
        """Returns the kinds of answer that the question asks for and the part has."""
        new = bool(part.numbers - self.stated)
        return frozenset(kind for kind in self.kinds if gives(kind, part.text, part.folded, new_number=new))

    def _translates(self, part: Part) -> bool:
        return self._has_latin and part.is_chinese

    def _ways(self, bare: str, shares: Mapping[str, float]) -> list[tuple[tuple[frozenset[str], ...], float, float]]:
        """Returns the glosses of each Chinese word of the bare question, and its other terms. Each has its weight and
        its full credit. There are none if it has no Chinese words.
        """
        if not any(is_han(term) for term in self.terms):
            return []
        words = dict.fromkeys(dictionary().words(bare))
        glossed = [glosses_of(word) for word in words if not QUESTION_WORDS.fullmatch(word)]
        others = [term for term in self.terms if not is_han(term)]
        return [(ways, 1.0, _BY_GLOSS) for ways in glossed if ways] + [
            ((frozenset((term,)),), shares[term] * _weight(term), 1.0) for term in others
        ]


def _terms(text: str) -> list[str]:
    """Returns the terms of a text and its words in capitals. Of a code such as LX-24, the parts are left out."""
    found = list(dict.fromkeys([*terms(text), *sorted(words_of(text))]))
    parts = {piece for code in found if _CODE.fullmatch(code) for piece in re.findall(r"[a-z]+|\d+", code)}
    return [term for term in found if term not in parts]


def _weight(term: str) -> float:
    """Returns the weight of a term beside its rarity. A code or a model number is meant as it is written."""
    return _CODES if _CODE.fullmatch(term) else 1.0
