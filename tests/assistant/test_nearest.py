"""A refusal shows the three nearest passages, each once, and the part of each that is nearest."""

from __future__ import annotations

from assistant.nearest import nearest
from tests.canned_retrieval import hits_of, passage

HOURS = passage("食堂在二楼。早餐 7:30 至 8:50，午餐 11:30 至 13:00。外来人员凭券用餐。", title="行政服务指南")
PRICES = passage("| 型号 | 价格 |\n| --- | --- |\n| X200 | 1280 元 |\n| X300 | 1980 元 |", title="价格表")
OTHERS = [passage(f"第 {number} 号会议室可坐 {number} 人。", title=f"会议室 {number}") for number in range(3)]


def test_the_best_three_come_in_their_order_numbered_from_one() -> None:
    found = nearest("食堂几点开门？", hits_of(HOURS, PRICES, *OTHERS))
    assert [(near.evidence.number, near.evidence.hit.chunk) for near in found] == [
        (1, HOURS),
        (2, PRICES),
        (3, OTHERS[0]),
    ]


def test_the_part_that_shares_most_with_the_question_is_quoted_with_its_place() -> None:
    (near,) = nearest("X300 的价格是多少？", hits_of(PRICES))
    assert near.quote == "| X300 | 1980 元 |"
    assert PRICES.text[near.location.start : near.location.end] == near.quote


def test_what_repeats_a_nearer_passage_is_left_out() -> None:
    copy = passage(HOURS.text + "！", title="行政服务指南（副本）")
    found = nearest("食堂几点开门？", hits_of(HOURS, copy, *OTHERS))
    assert [near.evidence.hit.chunk.title for near in found] == ["行政服务指南", "会议室 0", "会议室 1"]


def test_nothing_found_is_nothing_shown() -> None:
    assert nearest("食堂几点开门？", ()) == ()
