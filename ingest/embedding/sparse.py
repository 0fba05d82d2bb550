"""Sparse vectors by BM25 over folded text: words, pairs of Chinese characters, and English glosses of Chinese words.

A Chinese passage also carries the glosses of its words, as terms in a space of their own. So the query says how much
they count:

    found in the passage       the question's words   its English words   the glosses of its Chinese words
    as a word of it            1                      1                   1.1
    as a pair of characters    2                      -                   -
    as a gloss of a word       -                      0.85                0.2

Of several weights for one term the largest counts. One such query serves a search over all passages as well as a search
over the passages of one language. docs/decisions/0013 says what was measured.

Codes, dates and amounts are words of their own (`ingest.embedding.codes`). Title and headings are weighed apart from
the text, and all passages under them have their terms alike. docs/decisions/0016 says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

import numpy as np

from ingest.document import PackedTerms, SparseVector
from ingest.embedding.codes import codes_in, with_codes
from ingest.embedding.glosses import dictionary
from ingest.embedding.meanings import Glosses, Meanings
from ingest.embedding.numbers import days_in
from ingest.embedding.pairs import pair_terms, pair_weights
from ingest.embedding.spoken import also_written, as_written
from ingest.embedding.terms import Terms, keys_of, layered, saturated, under
from ingest.language import QUESTION_WORDS, detect, fold

NAME = "bm25-7"
"""Another name makes another index necessary. Change it if the terms of some passage change."""
AVERAGE_TERMS = 256.0
"""The average length that BM25 assumes, in terms. It is part of every stored vector, so it is a constant of the index
version and cannot follow the collection.
"""

_AVERAGE_PAIRS = 1.3 * AVERAGE_TERMS
_PAIR_WEIGHT = 0.2
"""The weight of a pair of Chinese characters. Segmentation may cut a name differently in a question and in a passage.
Pairs of characters still match. This weight improves six of seven Chinese sets (docs/decisions/0006).
"""
_ASKED_PAIR_WEIGHT = 2.0
"""What a pair of a question counts, times the weight that it has in a passage. Beside vectors, which know what is
meant, the words may be more exact (docs/decisions/0018).
"""
_CODE_WEIGHT = 1.5
"""What a code in a question counts. It names one thing, and its other words may be about many."""
_DAY_WEIGHT = 2.5
"""What a day in a question counts. It names one thing, too, and each of its numbers is in many texts."""
_ALIKE = 4
"""The order of the norm by which the weights of a term in heading and text become one. 1 would add them up: a chunk
that repeats its title would stand before the one that answers. With infinity the larger one counts.
"""
_ASKED_FOR = {"多少钱": "价格 价钱 单价 售价"}
"""Phrases of questions that name what is asked for, and the words by which a passage names it."""
_ASKED_WEIGHT = 0.5
_BESIDE = 0.5
"""What a word counts that stands beside a question. docs/decisions/0019 says what was measured."""
_GLOSSES = 3
"""So many glosses of a word count, in passages and in queries. Together they weigh less than so many words would,
because they are other names of one thing: each has weight 1 / sqrt(number of glosses).
"""
_ENGLISH_ON_GLOSSES = 0.85
_GLOSS_ON_ENGLISH = 1.1
_GLOSS_ON_GLOSSES = 0.2
_GLOSSED = frozenset({"zh", "mixed"})
"""Passages of these languages carry glosses. A Chinese name in an English passage does not: in an English index its
glosses would be rare, and so weigh much.
"""
_GLOSS_SPACE = 0x9E3779B9
"""A term of a gloss has its bits flipped by this. So it meets no term of a text, unless two hashes happen to agree."""
_REMEMBERED_WORDS = 16_384
"""Of questions. Each takes some 400 bytes, and looking one up takes a thousand times as long as remembering it."""
_BATCH_TEXTS = 256

_HAN = re.compile(r"[\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a query: its own terms, and the terms that say the same in the other language."""

    own: frozenset[int]
    glosses: frozenset[int]


class Bm25Embedder:
    """Gives term weights by Qdrant's multilingual tokenizer, and weights of pairs of Chinese characters and of glosses.

    English words are stemmed and stop words are left out. Queries and passages are folded in the same way.
    """

    def __init__(self, name: str = NAME) -> None:
        """`name` is another one only where it searches an index whose terms an earlier release made."""
        self.name = name
        self._glosses = lru_cache(_REMEMBERED_WORDS)(self._gloss_terms)

    def embed_documents(self, texts: Sequence[str], headings: Sequence[str] | None = None) -> PackedTerms:
        """Returns the term weights of passages, each with its heading if there are `headings`."""
        above = headings if headings is not None else [""] * len(texts)
        pairs = list(zip(texts, above, strict=True))
        packed = PackedTerms()
        for start in range(0, len(pairs), _BATCH_TEXTS):
            batch = pairs[start : start + _BATCH_TEXTS]
            folded = {heading: fold(heading) for heading in {heading for _, heading in batch}}
            terms = self._documents([fold(text) for text, _ in batch], [folded[heading] for _, heading in batch])
            packed.add(np.bincount(terms.texts, minlength=len(batch)), terms.indices, terms.weights)
        return packed

    def embed_query(self, text: str, beside: Sequence[str] = ()) -> SparseVector:
        """Returns the terms of a query. Words that only form a Chinese question are left out. The words `beside` it
        mean the same as some of its words, or may be meant, and count less (`_BESIDE`).
        """
        folded = fold(text)
        asked = _without_question_words(folded)
        words = self._words.embed_query(with_codes(asked, asked=True))
        pairs = _weighed(_pairs(asked), _ASKED_PAIR_WEIGHT)
        own = pairs | _ones(words) | self._amounts(asked)
        _raise(own, _weighed(_ones(self._words.embed_query(" ".join(codes_in(asked)))), _CODE_WEIGHT))
        _raise(own, _weighed(_ones(self._words.embed_query(" ".join(days_in(asked)))), _DAY_WEIGHT))
        apart = _weighed(_ones(self._words.embed_query(_HAN.sub(" ", folded))), _ENGLISH_ON_GLOSSES)
        for phrase, named in _ASKED_FOR.items():
            if phrase in folded:
                _raise(own, _weighed(_ones(self._words.embed_query(named)), _ASKED_WEIGHT))
        for word in _words_with_meaning(folded):
            glosses = self._glosses(word)
            _raise(own, dict.fromkeys(glosses.terms, glosses.share * _GLOSS_ON_ENGLISH))
            _raise(apart, dict.fromkeys(glosses.terms, glosses.share * _GLOSS_ON_GLOSSES))
        for word in map(fold, beside):
            _raise(own, _weighed(_pairs(word), _BESIDE))
            _raise(own, _weighed(terms := _ones(self._words.embed_query(with_codes(word, asked=True))), _BESIDE))
            _raise(apart, {} if _HAN.search(word) else _weighed(terms, _BESIDE * _ENGLISH_ON_GLOSSES))
        return _as_vector(_with_glosses(own, apart))

    def _amounts(self, asked: str) -> dict[int, float]:
        """Returns the terms of the amounts of a question as a passage writes them, where it is written otherwise."""
        written = as_written(asked)
        others = also_written(written)
        if written != asked:
            others.append(with_codes(written, asked=True))
        return _ones(self._words.embed_query(" ".join(others))) if others else {}

    def query_words(self, text: str) -> list[Word]:
        """Returns the words of a query, each once. Words that only form a question are left out."""
        folded = fold(text)
        chinese = [self._chinese_word(word) for word in dict.fromkeys(_words_with_meaning(folded))]
        others = [self._words.embed_query(word).indices for word in _HAN.sub(" ", with_codes(folded)).split()]
        terms = dict.fromkeys(frozenset(own) for own in others if own)
        return chinese + [Word(own, frozenset(index ^ _GLOSS_SPACE for index in own)) for own in terms]

    def _chinese_word(self, word: str) -> Word:
        glosses = frozenset(self._glosses(word).terms)
        own = frozenset((*self._words.embed_query(word).indices, *_pairs(word)))
        return Word(own, glosses | {index ^ _GLOSS_SPACE for index in glosses})

    def _documents(self, texts: list[str], headings: list[str]) -> Terms:
        """Returns the terms of folded passages. All passages under one heading have its terms alike."""
        glossed = [detect(f"{heading}\n{text}") in _GLOSSED for text, heading in zip(texts, headings, strict=True)]
        places: dict[tuple[str, bool], int] = {}
        above = [places.setdefault(each, len(texts) + len(places)) for each in zip(headings, glossed, strict=True)]
        terms = self._terms([*texts, *(heading for heading, _ in places)], [*glossed, *(each for _, each in places)])
        return under(terms.of(np.array(above, dtype=np.int64)), terms.of(np.arange(len(texts))), _ALIKE)

    def _terms(self, folded: list[str], glossed: list[bool]) -> Terms:
        """Returns the BM25 weights of folded texts. The length of each is its own."""
        glosses = self._glosses_of([text if each else "" for text, each in zip(folded, glossed, strict=True)])
        pairs = pair_weights(folded, _AVERAGE_PAIRS)
        words = [self._words.embed_document(with_codes(text)) for text in folded]
        lengths = [len(each.indices) for each in words]
        indices = np.fromiter(chain.from_iterable(each.indices for each in words), np.uint32, sum(lengths))
        weights = np.fromiter(chain.from_iterable(each.values for each in words), np.float64, sum(lengths))
        own = Terms(keys_of(np.repeat(np.arange(len(folded)), lengths), indices), weights)
        # As in `_with_glosses`, the texts' own terms come last.
        return layered([glosses, Terms(pairs.keys, pairs.weights * _PAIR_WEIGHT), own])

    def _glosses_of(self, folded: list[str]) -> Terms:
        """Returns the BM25 weights of the glosses of texts, in their space. The length of each is the number of its
        Chinese words.
        """
        if not any(map(_HAN.search, folded)):  # so that English alone never loads the dictionary
            return Terms(np.zeros(0, dtype=np.uint64), np.zeros(0))
        found, lengths = self._meanings.frequencies(dictionary().count(folded), len(folded), _GLOSS_SPACE)
        return Terms(found.keys, saturated(found.weights, lengths[found.texts], AVERAGE_TERMS))

    def _gloss_terms(self, word: str) -> Glosses:
        """Returns the terms of the first glosses of a Chinese word. There may be none."""
        glosses = dictionary().glosses(word, _GLOSSES)
        terms = self._words.embed_query(" ".join(glosses)).indices
        return Glosses(tuple(terms), max(1, len(glosses)) ** -0.5, QUESTION_WORDS.fullmatch(word) is not None)

    @cached_property
    def _meanings(self) -> Meanings:
        return Meanings(dictionary().entries, self._gloss_terms)

    @cached_property
    def _words(self) -> Any:
        from qdrant_edge import Bm25, Bm25Config, TokenizerType

        return Bm25(Bm25Config(avg_len=AVERAGE_TERMS, tokenizer=TokenizerType.Multilingual))


def _pairs(text: str) -> dict[int, float]:
    """Returns the terms of the pairs of Chinese characters of a question."""
    return dict.fromkeys(pair_terms([text])[1].tolist(), 1.0)


def _words_with_meaning(folded: str) -> list[str]:
    """Returns the Chinese words of a text, without particles and those that only form a question."""
    return [word for word in _chinese_words(folded) if not QUESTION_WORDS.fullmatch(word)]


def _chinese_words(folded: str) -> Iterable[str]:
    if not _HAN.search(folded):  # so that English alone never loads the dictionary
        return ()
    return dictionary().words(folded)


def _without_question_words(folded: str) -> str:
    """Returns a question with blanks for the words that only make it one. Returns all of it if nothing else Chinese
    would be left.
    """
    if not _HAN.search(folded):
        return folded
    kept = _HAN.sub(lambda run: "".join(_blanked(word) for word in dictionary().words(run[0])), folded)
    return kept if _HAN.search(kept) else folded


def _blanked(word: str) -> str:
    return " " if QUESTION_WORDS.fullmatch(word) else word


def _ones(terms: Any) -> dict[int, float]:
    return dict.fromkeys(terms.indices, 1.0)


def _weighed(terms: Mapping[int, float], weight: float) -> dict[int, float]:
    return {index: value * weight for index, value in terms.items()}


def _raise(terms: dict[int, float], others: Mapping[int, float]) -> None:
    """Add the other terms. A term that is in both gets the larger weight."""
    for index, value in others.items():
        terms[index] = max(terms.get(index, 0.0), value)


def _as_vector(terms: Mapping[int, float]) -> SparseVector:
    return SparseVector(tuple(terms), tuple(terms.values()))


def _with_glosses(own: Mapping[int, float], apart: Mapping[int, float]) -> dict[int, float]:
    """Returns both together, with the terms `apart` in the space of glosses.

    Terms are hashes. In the rare case that two are equal, the text's own term is kept.
    """
    return {**{index ^ _GLOSS_SPACE: value for index, value in apart.items()}, **own}
