"""Texts are cut where no word can be, and what is found part by part is what is found in the whole."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ingest.embedding.e5.tokenizer import E5Tokenizer
from ingest.embedding.e5.weights import Weights, packaged_file
from ingest.embedding.glosses import dictionary
from ingest.embedding.parts import Parts


def test_a_text_falls_apart_between_characters_that_are_neighbours_in_no_word() -> None:
    parts = Parts(["年假", "年终奖", "a"])
    assert parts.of("年假年终奖金") == ["年假", "年终奖", "金"]
    assert parts.of("假年终年假a") == ["假", "年终", "年假", "a"]
    assert parts.of("") == []
    assert parts.of("奖") == ["奖"]
    assert Parts([]).of("年假") == ["年", "假"]


def test_characters_that_are_in_no_word_stay_together_only_where_they_should() -> None:
    words = ["年假", "金"]
    assert Parts(words).of("甲乙年假") == ["甲", "乙", "年假"]
    assert Parts(words, joins_unknown=True).of("甲乙𠀀年假金丙") == ["甲乙𠀀", "年假", "金", "丙"]


def _fewest_words(text: str, known: set[str]) -> list[str]:
    """All cuts of a short text compared: the fewest words, then the fewest single characters, then unknown ones, then
    longer first words.
    """
    if not text:
        return []
    cuts = [
        [text[:length], *_fewest_words(text[length:], known)]
        for length in range(1, len(text) + 1)
        if length == 1 or text[:length] in known
    ]
    return min(cuts, key=lambda cut: (_cost(cut, known), [-len(word) for word in cut]))


def _cost(cut: list[str], known: set[str]) -> tuple[int, int]:
    return len(cut), sum((len(word) == 1) + (word not in known) for word in cut)


def test_the_words_of_a_run_are_those_of_the_best_of_all_cuts() -> None:
    chosen, entries = random.Random(7), dictionary().entries
    known = set(entries)
    han = [word for word in entries if word and all("\u3400" <= each <= "\u9fff" for each in word)]
    words = chosen.sample(han, 400)
    characters = [word for word in han if len(word) == 1]
    for _ in range(150):
        first, second = chosen.choices(words, k=2)
        text = (first[-3:] + chosen.choice(characters) + second[:3] + chosen.choice(words))[:9]
        assert list(dictionary().words(text)) == _fewest_words(text, known), text


def test_words_are_counted_as_they_are_cut() -> None:
    texts = ["员工每年有十五天带薪年假，员工的年假由部门经理批准。𠀀㐀 abc 员工", "no Chinese", "", "假\n年\n假", "年"]
    numbers = {word: number for number, word in enumerate(dictionary().entries)}
    for _ in range(2):  # what was cut before is remembered
        counted = dictionary().count(texts)
        for place, text in enumerate(texts):
            cut = Counter(numbers.get(word, numbers[""]) for word in dictionary().words(text))
            here = counted.texts == place
            assert list(zip(counted.words[here], counted.often[here], strict=True)) == list(cut.items())
    assert len(dictionary().count([]).words) == len(dictionary().count(["no Chinese"]).words) == 0


@pytest.fixture(scope="module")
def tokenizer() -> E5Tokenizer:
    file = packaged_file()
    assert file is not None
    return E5Tokenizer(Weights(file).pieces())


def test_pieces_are_counted_as_the_tokenizer_cuts_them(tokenizer: E5Tokenizer) -> None:
    chosen = random.Random(11)
    alphabet = "的一是不了人民共和国年假报销，。；  \n\tabcdeXYZ0123.-▁=가나ひб\u0301𠀀🀀" * 2
    texts = ["", " ", "a", "▁", "▁▁a", "가나다 라마", "a  b", "=" * 300, "Zm9v" * 50, "中华人民共和国" * 9]
    texts += ["".join(chosen.choices(alphabet, k=chosen.randint(1, 60))) for _ in range(300)]
    expected = [len(each) for each in tokenizer.pieces(texts)]
    assert tokenizer.count(texts) == expected
    assert [tokenizer.count([text])[0] for text in texts] == expected
    assert tokenizer.count([]) == []
