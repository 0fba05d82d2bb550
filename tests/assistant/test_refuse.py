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
    ],
)
def test_a_refusal_of_the_models_own_is_recognised(answer: str) -> None:
    assert is_refusal(answer)


@pytest.mark.parametrize(
    "answer", ["年假为十天[1]。", "Hotels are paid up to CNY 650 [1].", "不得使用私人 U 盘[2]。", "No, it does not."]
)
def test_an_answer_is_no_refusal(answer: str) -> None:
    assert not is_refusal(answer)
