"""Pinyin: what typed letters are cut into, and the words of a sound."""

from __future__ import annotations

import time

import pytest

from ingest.embedding.pinyin import cuts, pinyin


@pytest.mark.parametrize(
    ("typed", "best"),
    [
        ("nianjia", ["nian", "jia"]),
        ("xian", ["xian"]),
        ("niánjià", ["nian", "jia"]),
        ("nian2jia4", ["nian", "jia"]),
        ("NianJia", ["nian", "jia"]),
        ("lǚyóu", ["lv", "you"]),
        ("lvyou", ["lv", "you"]),
        ("lue4", ["lve"]),
        ("zhuangbei", ["zhuang", "bei"]),
    ],
)
def test_pinyin_is_cut_into_syllables(typed: str, best: list[str]) -> None:
    assert cuts(typed)[0] == best


def test_there_may_be_several_ways() -> None:
    assert cuts("xian") == [["xian"], ["xi", "an"]]


@pytest.mark.parametrize(
    "typed", ["reimbursement", "vpn", "printer", "nian2jia", "lx24", "a.b", "", "年假", "strength"]
)
def test_what_is_no_pinyin_has_no_cut(typed: str) -> None:
    assert cuts(typed) == []


def test_long_letters_end_soon() -> None:
    started = time.process_time()
    cuts("xian" * 15)
    cuts("a" * 100_000)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("sound", "word"),
    [("hun jia", "婚假"), ("shi tang", "食堂"), ("chai lv fei", "差旅费"), ("na er", "哪儿"), ("nv er", "女儿")],
)
def test_words_are_found_by_their_sound(sound: str, word: str) -> None:
    assert word in pinyin().words(sound)


def test_names_come_only_when_asked_for() -> None:
    assert "上海" not in pinyin().words("shang hai")
    assert pinyin().words("shang hai", names=True) == ["伤害", "上海"]
    assert pinyin().words("lx") == []


def test_a_character_has_its_readings() -> None:
    assert pinyin().readings("行") == {"xing", "hang"}
    assert pinyin().readings("?") == frozenset()
