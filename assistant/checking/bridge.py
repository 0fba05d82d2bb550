"""English words for Chinese ones, so that the words of a statement meet those of a passage in the other language."""

from __future__ import annotations

from functools import lru_cache

from assistant.terms import terms
from ingest.embedding.glosses import dictionary
from ingest.language import fold

_GLOSSES = 5
"""So many glosses of a word are looked at, the more usual ones first."""
_LONGEST = 2
"""A gloss with more terms explains and does not name."""


def english_terms(text: str) -> list[str]:
    """Returns the terms of the English glosses of the Chinese words of a text.

    Raises ConfigurationError (`dictionary_missing`).
    """
    return [term for word in dictionary().words(fold(text)) for term in _terms_of(word)]


@lru_cache(maxsize=4096)
def _terms_of(word: str) -> tuple[str, ...]:
    found = (terms(gloss) for gloss in dictionary().glosses(word, _GLOSSES))
    return tuple(dict.fromkeys(term for gloss in found if len(gloss) <= _LONGEST for term in gloss))
