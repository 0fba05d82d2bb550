"""The weights of terms in arrays: what Qdrant, dicts and a loop give for the same texts."""

from __future__ import annotations

import random

import numpy as np
import pytest
from qdrant_edge import Bm25, Bm25Config, DisabledStemmer, StopwordsSet, TokenizerType

from ingest.embedding.number_lists import NumberLists
from ingest.embedding.pairs import pair_terms, pair_weights
from ingest.embedding.terms import Terms, keys_of, layered, under


def _some_texts() -> list[str]:
    chosen = random.Random(3)
    characters = [chr(code) for code in (0x3400, 0x4DB5, 0x4E00, 0x9FFF)] + list("的一是不了年假报销，。 a\n\u3000")
    texts = ["".join(chosen.choices(characters, k=chosen.randint(2, 900))) for _ in range(40)]
    return ["", "年", "abc", *texts, "".join(map(chr, range(0x3400, 0xA000, 3))), "假"]


def test_pairs_have_the_terms_and_weights_of_qdrants_own_embedder() -> None:
    qdrant = Bm25(
        Bm25Config(
            avg_len=300.0, tokenizer=TokenizerType.Whitespace, stopwords=StopwordsSet(), stemmer=DisabledStemmer()
        )
    )
    texts = _some_texts()
    found = pair_weights(texts, 300.0)
    for number, text in enumerate(texts):
        runs = [text[i : i + 2] for i in range(len(text) - 1)]
        pairs = [pair for pair in runs if all("\u3400" <= each <= "\u9fff" for each in pair)]
        expected = qdrant.embed_document(" ".join(f"{pair}_" for pair in pairs))
        here = found.texts == number
        ours = zip(found.indices[here].tolist(), found.weights[here].tolist(), strict=True)
        assert sorted(ours) == sorted(zip(expected.indices, expected.values, strict=True)), text
    assert len(pair_terms([])[1]) == len(pair_terms(["年"])[1]) == 0


def _terms(weights: dict[tuple[int, int], float]) -> Terms:
    places = sorted(weights)
    texts, terms = (np.array([place[each] for place in places], dtype=np.int64) for each in (0, 1))
    return Terms(keys_of(texts, terms), np.array([weights[place] for place in places]))


def _as_dict(terms: Terms) -> dict[tuple[int, int], float]:
    assert np.all(np.diff(terms.keys.astype(object)) > 0)
    return dict(zip(zip(terms.texts.tolist(), terms.indices.tolist(), strict=True), terms.weights, strict=True))


def test_of_several_layers_the_last_weight_of_a_term_counts() -> None:
    largest = 2**32 - 1
    layers = [{(0, 5): 1.0, (1, largest): 2.0}, {}, {(0, 5): 3.0, (1, 0): 4.0}]
    assert _as_dict(layered([_terms(each) for each in layers])) == {(0, 5): 3.0, (1, 0): 4.0, (1, largest): 2.0}
    assert _as_dict(layered([_terms({})])) == {}


def test_terms_under_a_heading_are_weighed_together() -> None:
    texts = {(0, 1): 1.0, (0, 2): 2.0, (1, 3): 5.0, (3, 9): 1.0}
    headings = {(0, 2): 2.0, (0, 7): 3.0, (1, 3): 0.5, (1, 4): 1.0, (2, 6): 1.5}
    found = _as_dict(under(_terms(headings), _terms(texts), 4))
    both = pytest.approx((2.0**4 + 2.0**4) ** 0.25)
    # The second text only repeats its heading, the third has no terms, and the last one has no heading.
    expected = {(0, 1): 1.0, (0, 2): both, (0, 7): 3.0, (1, 3): 0.5, (1, 4): 1.0, (2, 6): 1.5, (3, 9): 1.0}
    assert found == expected
    assert _as_dict(under(_terms({}), _terms({}), 4)) == {}


def test_texts_are_taken_and_numbered_anew() -> None:
    terms = _terms({(0, 1): 1.0, (2, 3): 2.0, (2, 4): 3.0})
    taken = _as_dict(terms.of(np.array([2, 1, 0, 2])))
    assert taken == {(0, 3): 2.0, (0, 4): 3.0, (2, 1): 1.0, (3, 3): 2.0, (3, 4): 3.0}
    assert _as_dict(terms.of(np.array([], dtype=np.int64))) == {}


def test_lists_of_numbers_come_back_as_they_were_added() -> None:
    lists, chosen = NumberLists(), random.Random(5)
    added = [[chosen.randrange(2**32) for _ in range(chosen.randint(0, 40))] for _ in range(6_000)]
    assert lists.add([]) == lists.add(added[:1]) == 0
    assert lists.add(added[1:3_000]) == 1
    assert [lists.add([each]) for each in added[3_000:]] == list(range(3_000, len(added)))
    wanted = chosen.choices(range(len(added)), k=50)
    numbers, lengths = lists.of(np.array(wanted))
    assert numbers.tolist() == [number for each in wanted for number in added[each]]
    assert lengths.tolist() == [len(added[each]) for each in wanted]
    assert len(lists) == sum(map(len, added))
