"""The gate: whether the model is asked at all, or the evidence is about something else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files

import pytest

from assistant.gate.fitted import FittedGate, features
from assistant.gate.weights import OwnWeights, Weights, shipped
from assistant.gate.words import relevance
from assistant.retrieve import NOT_WORDED, Worded
from ingest.document import Chunk, Hit, Signals
from tests.canned_retrieval import hits_of, passage

CHINESE_CHUNKS = (
    passage("公司信息分为公开、内部、机密、绝密四级，全体员工都要遵守。", title="公司信息安全管理制度"),
    passage("2027 年公司研发预算为 4,100 万元，将新增 18 名员工。", title="公司产品路线图"),
    passage("司龄满 3 年不满 5 年的员工，年休假为 10 天。公司每年五月组织免费体检。", title="公司员工手册"),
    passage("公司总经理是沈砚秋，七个部门的员工由部门负责人管理。", title="公司组织架构"),
    passage("公司食堂在二号楼一层，员工午餐从 11:30 开始。", title="公司行政指南"),
)
CHINESE = hits_of(*CHINESE_CHUNKS)
ENGLISH = (
    passage("Laptops are replaced every four years. A VPN session ends after 10 hours.", title="IT guide"),
    passage("The company pays hotels in Shanghai up to CNY 650 per night.", title="Travel policy"),
    passage("The company celebrates its open day every June.", title="About the company"),
)


def standing_out(chunks: Sequence[Chunk], deviations: float) -> tuple[Hit, ...]:
    """The chunks as hits. The first one stands out so many standard deviations in meaning, and not by its words."""
    first, *rest = hits_of(*chunks, dense=0.8)
    signals = Signals(deviations, deviations - 1.5, deviations / 2, 0.0)
    return (replace(first, signals=signals), *(replace(hit, signals=Signals(0, -1.5, 0, 0)) for hit in rest))


@pytest.mark.parametrize(
    "question", ["公司有没有上市计划？", "公司有没有篮球队？", "红烧肉怎么做？", "员工宿舍在哪里？"]
)
def test_a_chinese_question_that_shares_only_common_words_is_refused(question: str) -> None:
    assert not FittedGate(0.5)(question, CHINESE, embedder="any")


@pytest.mark.parametrize(
    "question", ["年假有几天？", "公司的总经理是谁？", "明年的研发预算是多少？", "体检在什么时候？", "公司信息分几级？"]
)
def test_a_chinese_question_that_the_documents_answer_is_not_refused(question: str) -> None:
    assert FittedGate(0.5)(question, CHINESE, embedder="any")


@pytest.mark.parametrize(
    "question", ["What is the CEO's favourite colour?", "When was the company's IPO?", "How do I cook risotto?"]
)
def test_an_english_question_about_something_else_is_refused(question: str) -> None:
    assert not FittedGate(0.5)(question, hits_of(*ENGLISH), embedder="any")


def test_meaning_makes_up_for_other_words() -> None:
    question = "How often do I get a new computer?"
    assert not FittedGate(0.5)(question, hits_of(*ENGLISH), embedder="any")
    assert not FittedGate(0.5)(question, standing_out(ENGLISH, 2.0), embedder="any")
    assert FittedGate(0.5)(question, standing_out(ENGLISH, 9.0), embedder="any")


def test_wording_makes_up_for_less_meaning() -> None:
    hits = standing_out(ENGLISH, 4.0)
    likely = FittedGate(0.5).likelihood
    assert likely("when are laptops replaced", hits) > likely("when is the machine exchanged", hits)


def test_words_of_the_other_language_count_by_the_dictionary() -> None:
    hits = standing_out(CHINESE_CHUNKS, 4.0)
    likely = FittedGate(0.5).likelihood
    assert likely("annual leave of employees", hits) > likely("a penguin in the desert", hits)


def test_before_a_model_that_can_refuse_the_gate_is_lenient() -> None:
    question, hits = "How often do I get a new computer?", standing_out(ENGLISH, 6.6)
    assert not FittedGate(0.5)(question, hits, embedder="any")
    assert FittedGate(0.5, line="lenient")(question, hits, embedder="any")
    assert not FittedGate(0.5, line="lenient")("红烧肉怎么做？", standing_out(ENGLISH, 0.0), embedder="any")


def test_before_a_model_a_word_in_common_is_enough_where_hits_have_no_vectors() -> None:
    question, hits = "my old laptop is slow, will I ever be given something faster?", hits_of(*ENGLISH)
    assert not FittedGate(0.5)(question, hits, embedder="any")
    assert FittedGate(0.5, line="lenient")(question, hits, embedder="any")
    assert not FittedGate(0.5, line="lenient")("红烧肉怎么做？", hits, embedder="any")


def test_a_product_number_finds_its_table_across_languages() -> None:
    table = hits_of(passage("| Model | Speed |\n| --- | --- |\n| LX-24 | 15,800 rpm |", title="Technical data"))
    assert relevance("LX-24 的最高转速是多少？", table) > relevance("CS-900 的最高转速是多少？", table)


def test_a_threshold_of_nothing_answers_whatever_was_found_but_never_from_nothing() -> None:
    assert FittedGate(0.0)("红烧肉怎么做？", CHINESE, embedder="any")
    assert not FittedGate(0.0)("红烧肉怎么做？", (), embedder="any")


OWN = OwnWeights("fitted+bm25", None, Weights(0.0, {"wording": 0.0}, strict=-1.0, lenient=-2.0))
"""Weights by which everything is answered."""


def test_weights_of_a_home_judge_hits_of_the_embedder_that_they_were_fitted_with(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hits, gate = standing_out(ENGLISH, 0.0), FittedGate(0.5, own=OWN)
    assert gate("How do I cook risotto?", hits, embedder="fitted+bm25")
    assert caplog.text == ""
    for _ in range(2):
        assert not gate("How do I cook risotto?", hits, embedder="another+bm25")
    [told] = caplog.messages
    assert "another+bm25 is in use" in told
    assert "The shipped ones judge" in told


def test_weights_for_what_a_model_says_do_not_judge_hits_that_nobody_reads(caplog: pytest.LogCaptureFixture) -> None:
    gate = FittedGate(0.5, own=replace(OWN, reading="additions-1"))
    assert not gate("How do I cook risotto?", standing_out(ENGLISH, 0.0), embedder="fitted+bm25")
    assert "by what additions-1 reads, and hits are judged without a model" in caplog.text


def test_the_shipped_weights_say_how_they_did_on_sets_left_out() -> None:
    weights = json.loads(files("assistant.gate").joinpath("weights.json").read_text(encoding="utf-8"))
    known = features(standing_out(ENGLISH, 1.0)[0], 0.5)
    assert list(weights["without_reading"]["weights"]) == list(known)
    assert set(weights["with_reading"]["weights"]) <= {"reading", *known}
    for fitted in weights.values():
        assert fitted["lenient"] < fitted["strict"]
        assert len(fitted["left_out"]["own_refused"]) > 10
        assert len(fitted["left_out"]["foreign_refused"]) > 10


def test_a_second_search_counts_as_much_as_the_question_itself() -> None:
    """The log odds of a hit are the mean of those for the question and for the words of a chat model. For these they
    count no more than the strict gate wants."""
    question, words = "How often do I get a new computer?", "replacement interval of laptops"
    gate, near, far = FittedGate(0.5, line="good"), standing_out(ENGLISH, 4.0), standing_out(ENGLISH, 1.0)
    strong, wanted = Signals(8.0, 6.0, 3.0, 3.0), shipped(with_reading=False)
    worded = {near[0].chunk.id: Worded(words, strong)}

    def odds(query: str, *hits: Hit, worded: Mapping[str, Worded] = NOT_WORDED) -> float:
        likely = gate.likelihood(query, hits, worded=worded)
        return math.log(likely / (1 - likely))

    own, theirs = odds(question, near[0]), odds(words, replace(near[0], signals=strong))
    most = wanted.strict - wanted.wanted("good")  # odds are told from the line on
    assert own < 0 < most < theirs
    assert odds(question, near[0], worded=worded) == pytest.approx((own + most) / 2)
    some = {near[0].chunk.id: Worded(words, Signals(4.0, 2.5, 1.0, 0.0))}
    half = (own + odds(words, replace(near[0], signals=some[near[0].chunk.id].signals))) / 2
    assert odds(question, near[0], worded=some) == pytest.approx(half)
    assert gate(question, near, embedder="any", worded=worded)
    assert not gate(question, far, embedder="any", worded=worded)
    # It is never less likely for being found again.
    weak = {near[0].chunk.id: Worded("open day", Signals(0, 0, 0, 0))}
    assert odds(question, near[0], worded=weak) == pytest.approx(own)
