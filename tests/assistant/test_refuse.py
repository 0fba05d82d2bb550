"""Refusal, as the model puts it itself."""

from __future__ import annotations

import pytest

from assistant.prompts.refusals import REFUSALS
from assistant.refuse import is_refusal


@pytest.mark.parametrize(
    "answer",
    [
        *REFUSALS.values(),
        "资料中没有提到上市计划。",
        "抱歉，无法根据现有资料回答该问题。",
        "The documents do not contain any information about this.",
        "I cannot answer this from the evidence provided.",
        "很遗憾，我在这些材料里没找到答案。",
        "資料裡沒提到這件事。",
        "Unfortunately, nothing in these passages says so.",
        "I could not find an answer to this.",
        "That is a good question. I have read every passage with care. The documents do not mention this. Companies "
        "handle it in different ways, and much depends on the department. It is best to speak with your line manager "
        "first, and then to ask whoever is in charge, so that no time is lost. I wish you every success with it.",
    ],
)
def test_a_refusal_of_the_models_own_is_recognised(answer: str) -> None:
    assert is_refusal(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "The documents do not say how. " + "But the rules of the company say a lot about what is to be done. " * 20,
        "资料没有写明。" + "不过制度里写了很多别的要求，每一条都要遵守。" * 20,
        "年假为十天[1]。",
        "Hotels are paid up to CNY 650 [1].",
        "不得使用私人 U 盘[2]。",
        "No, it does not.",
    ],
)
def test_an_answer_is_no_refusal(answer: str) -> None:
    assert not is_refusal(answer)
