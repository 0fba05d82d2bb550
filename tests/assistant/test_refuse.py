"""Refusal: before the model is asked where the evidence is about something else, and as the model puts it itself."""

from __future__ import annotations

import pytest

from assistant.prompts.refusals import REFUSALS
from assistant.refuse import RelevanceGate, is_refusal, relevance
from tests.canned_retrieval import hits_of, passage

CHINESE = hits_of(
    passage("公司信息分为公开、内部、机密、绝密四级，全体员工都要遵守。", title="公司信息安全管理制度"),
    passage("2027 年公司研发预算为 4,100 万元，将新增 18 名员工。", title="公司产品路线图"),
    passage("司龄满 3 年不满 5 年的员工，年休假为 10 天。公司每年五月组织免费体检。", title="公司员工手册"),
    passage("公司总经理是沈砚秋，七个部门的员工由部门负责人管理。", title="公司组织架构"),
    passage("公司食堂在二号楼一层，员工午餐从 11:30 开始。", title="公司行政指南"),
)
ENGLISH = (
    passage("Laptops are replaced every four years. A VPN session ends after 10 hours.", title="IT guide"),
    passage("The company pays hotels in Shanghai up to CNY 650 per night.", title="Travel policy"),
    passage("The company celebrates its open day every June.", title="About the company"),
)


@pytest.mark.parametrize(
    "question", ["公司有没有上市计划？", "公司有没有篮球队？", "红烧肉怎么做？", "员工宿舍在哪里？"]
)
def test_a_chinese_question_that_shares_only_common_words_is_refused(question: str) -> None:
    assert not RelevanceGate(0.5)(question, CHINESE, embedder="minilm")


@pytest.mark.parametrize(
    "question", ["年假有几天？", "公司的总经理是谁？", "明年的研发预算是多少？", "体检在什么时候？", "公司信息分几级？"]
)
def test_a_chinese_question_that_the_documents_answer_is_not_refused(question: str) -> None:
    assert RelevanceGate(0.5)(question, CHINESE, embedder="minilm")


@pytest.mark.parametrize(
    "question", ["What is the CEO's favourite colour?", "When was the company's IPO?", "How do I cook risotto?"]
)
def test_an_english_question_about_something_else_is_refused(question: str) -> None:
    assert not RelevanceGate(0.5)(question, hits_of(*ENGLISH, dense=0.2), embedder="minilm")


def test_meaning_makes_up_for_other_words() -> None:
    question = "How often do I get a new computer?"
    assert not RelevanceGate(0.5)(question, hits_of(*ENGLISH), embedder="minilm")
    assert RelevanceGate(0.5)(question, hits_of(*ENGLISH, dense=0.6), embedder="minilm")


def test_a_product_number_finds_its_table_across_languages() -> None:
    table = hits_of(
        passage("| Model | Speed |\n| --- | --- |\n| LX-24 | 15,800 rpm |", title="Technical data"), dense=0.3
    )
    assert relevance("LX-24 的最高转速是多少？", table) > relevance("CS-900 的最高转速是多少？", table)


def test_a_threshold_of_nothing_answers_whatever_was_found_but_never_from_nothing() -> None:
    assert RelevanceGate(0.0)("红烧肉怎么做？", CHINESE, embedder="minilm")
    assert not RelevanceGate(0.0)("红烧肉怎么做？", (), embedder="minilm")


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
