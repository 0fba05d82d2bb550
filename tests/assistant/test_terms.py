"""Content terms, their coverage, and numbers however they are written."""

from __future__ import annotations

import pytest

from assistant.terms import Wanted, coverage, figures, is_chinese, numbers, terms, vocabulary


def test_a_question_is_reduced_to_what_it_is_about() -> None:
    assert terms("请问年假有多少天？") == ["年假", "假有"]
    assert terms("How many days of annual leave do we get?") == ["day", "annual", "leav"]


def test_endings_traditional_forms_and_full_width_make_no_difference() -> None:
    assert terms("Requests were filed") == terms("request file")
    assert terms("請假規定") == terms("请假规定")
    assert terms("ＬＸ－２４") == terms("LX-24") == ["lx24", "lx", "24"]


def test_coverage_is_the_weighted_share() -> None:
    assert coverage({"annual": 3.0, "leav": 1.0}, {"annual"}) == 0.75
    assert coverage({}, {"annual"}) == 0.0
    assert coverage({"年假": 1.0}, {"年假", "假期"}) == 1.0
    assert coverage({"年假": 1.0}, {"年休", "休假"}) == pytest.approx(0.7)
    assert coverage({"年假": 1.0}, {"今年", "寒假"}) == pytest.approx(0.2)
    assert coverage({"上市": 1.0}, {"年休", "休假"}) == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("共 1,200.50 元", {"1200.5"}),
        ("1.5万元", {"15000"}),
        ("3 million users", {"3000000"}),
        ("2024年03月05日", {"2024", "3", "5"}),
        ("版本 2.3.1", {"2.3.1"}),
        ("１２％", {"12"}),
        ("没有数字", set()),
    ],
)
def test_figures_are_read_in_one_form(text: str, expected: set[str]) -> None:
    assert figures(text) == expected


def test_terms_that_are_wanted_are_compared_with_any_number_of_texts() -> None:
    wanted = Wanted({"年假": 1.0, "上市": 0.5, "leav": 2.0})
    for text in ("年休假", "休年假 leaves", "今年寒假", "leave", "", "上海的城市"):
        assert wanted.coverage(vocabulary(text)) == coverage({"年假": 1.0, "上市": 0.5, "leav": 2.0}, terms(text))


def test_most_of_the_terms_decide_the_language() -> None:
    assert is_chinese(vocabulary("员工手册 leave"))
    assert not is_chinese(vocabulary("员工 annual leave policy"))
    assert not is_chinese(frozenset())


def test_a_word_of_which_no_stem_is_left_is_no_obstacle() -> None:
    assert coverage({"年假": 1.0}, terms("eeee 年假")) == 1.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("十天", "10"),
        ("二十五人", "25"),
        ("二〇二四年", "2024"),
        ("一万二千元", "12000"),
        ("三百零六", "306"),
        ("fifteen days", "15"),
        ("1.5万", "1.5"),
        ("1.5万", "15000"),
        ("两年", "2"),
        ("叁仟伍佰元整", "3500"),
        ("卅七天", "37"),
    ],
)
def test_numbers_in_words_count_too(text: str, value: str) -> None:
    assert value in numbers(text)
