"""Evidence and history within a budget."""

from __future__ import annotations

import pytest

from assistant.context import available_tokens, choose_evidence, estimate_tokens, recent_turns
from assistant.conversation import Turn
from tests.canned_retrieval import hits_of, passage


def test_tokens_are_estimated_by_script() -> None:
    assert 6 <= estimate_tokens("年假有多少天呢？") <= 9
    assert 6 <= estimate_tokens("How many days of leave?") <= 9


# Twenty times each line, counted with Qwen's own tokenizer (`qwen.tiktoken` with the rules of Qwen2).
_COUNTED = {
    "numbers": ("| 1280.50 | 3,400 | 17 |\n", 420),
    "csv": ("2026-11-26,4711,0.35\n", 420),
    "padded numbers": ("   128    4711     7\n", 300),
    "telephones": ("联系人：13800138000\n", 300),
    "Chinese": ("年假须提前三个工作日申请。", 180),
    "English": ("Requests are filed three working days ahead. ", 161),
    "capitals": ("THE ANNUAL LEAVE POLICY APPLIES TO ALL EMPLOYEES. ", 361),
    "German": ("Die Beschäftigten haben Anspruch auf bezahlten Urlaub. ", 321),
    "Japanese": ("申請は三日前までに行ってください。", 160),
    "emoji": ("😀🎉👍", 60),
    "spaces": ("a" + " " * 40, 40),
}


@pytest.mark.parametrize("name", _COUNTED)
def test_tokens_are_not_estimated_too_low_nor_at_double(name: str) -> None:
    line, tokens = _COUNTED[name]
    assert 0.9 * tokens <= estimate_tokens(line * 20) <= 1.95 * tokens


def test_the_best_hits_are_numbered_from_one_within_limit_and_budget() -> None:
    hits = hits_of(*(passage(f"Paragraph number {n} speaks about topic{n}. " * 5) for n in range(10)))
    by_limit = choose_evidence(hits, limit=3, budget_tokens=10_000)
    assert [item.number for item in by_limit] == [1, 2, 3]
    assert [item.hit for item in by_limit] == list(hits[:3])
    assert len(choose_evidence(hits, limit=10, budget_tokens=200)) == 2


def test_a_hit_that_does_not_fit_gives_way_to_a_smaller_one_but_the_best_stays() -> None:
    long, short = passage("alpha beta gamma " * 200), passage("Ten days of leave.")
    assert [i.hit.chunk for i in choose_evidence(hits_of(long, short), limit=5, budget_tokens=60)] == [long]
    chosen = choose_evidence(hits_of(short, long, passage("Sick leave.")), limit=5, budget_tokens=60)
    assert [item.hit.chunk.text for item in chosen] == ["Ten days of leave.", "Sick leave."]


def test_a_near_copy_is_left_out_but_another_number_is_not_a_copy() -> None:
    words = "The list price of the benchtop centrifuge with rotor and power supply is CNY "
    hits = hits_of(
        passage(words + "19600.", uri="a"), passage(words + "19,600", uri="b"), passage(words + "21000.", uri="c")
    )
    assert [item.hit.chunk.uri for item in choose_evidence(hits, limit=5, budget_tokens=900)] == ["a", "c"]


def test_the_last_turns_that_fit_are_kept_from_a_question_on() -> None:
    turns = (Turn("user", "old " * 400), Turn("assistant", "old"), Turn("user", "new"), Turn("assistant", "fresh"))
    assert recent_turns(turns, 60) == turns[2:]
    assert recent_turns(turns, 5000) == turns
    assert recent_turns(turns, 1) == ()


def test_the_answer_never_takes_more_than_half_of_the_window() -> None:
    assert available_tokens(1000, 8000, ["word " * 10]) > 400
    assert available_tokens(512, 256, ["word " * 2000]) == 0
