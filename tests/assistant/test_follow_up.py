"""Follow-up questions without a model: what they leave out comes from the turns before, and a new topic stays alone."""

from __future__ import annotations

import asyncio
import re

import pytest

from assistant.answer import Assistant
from assistant.conversation import Conversation, Turn
from assistant.events import Event, Finished, Searched
from assistant.follow_up import completed, is_elliptical
from assistant.gate.fitted import FittedGate
from assistant.models.from_settings import open_model
from assistant.settings import AssistantSettings
from ingest.access import OPERATOR
from tests.canned_retrieval import CannedRetriever, passage
from tests.fake_openai_server import FakeOpenAIServer, Reply


def asked(*questions: str, answer: str = "见文档。[1]") -> Conversation:
    return tuple(turn for text in questions for turn in (Turn("user", text), Turn("assistant", answer)))


@pytest.mark.parametrize(
    ("before", "question", "query"),
    [
        # A part takes the place of its like: a figure, a year, a code, a place, a kind of leave, a group of people.
        ("满三年的员工年假有几天？", "满五年呢？", "满五年的员工年假有几天？"),
        ("满三年的员工年假有几天？", "那五年的呢", "满五年的员工年假有几天？"),
        ("2023年的营收是多少", "2024年呢", "2024年的营收是多少"),
        ("How many days of leave are there after three years?", "After five years?",
         "How many days of leave are there after five years?"),
        ("LX-24 的转速是多少", "LX-30呢", "LX-30 的转速是多少"),
        ("What does error E07 mean?", "and E09?", "What does error E09 mean?"),
        ("上海的住宿标准是多少？", "北京呢", "北京的住宿标准是多少？"),
        ("What is the hotel limit in Shanghai?", "and in Berlin?", "What is the hotel limit in Berlin?"),
        ("What is the hotel limit in Shanghai?", "Berlin?", "What is the hotel limit in Berlin?"),
        ("年假有几天？", "那病假呢？", "病假有几天？"),
        ("產假有多少天？", "那陪產假呢？", "陪產假有多少天？"),
        ("How many days of annual leave do I get?", "And sick leave?", "How many days of sick leave do I get?"),
        ("How many days of leave do employees get?", "what about contractors?",
         "How many days of leave do contractors get?"),
        # Where nothing is alike, the part is added.
        ("离心机的保修期多长？", "那转子呢？", "离心机的保修期多长 转子"),
        ("年假有几天？", "如果试用期没过呢", "年假有几天 试用期没过"),
        # An aspect or a pronoun gets the thing that it is about.
        ("LX-24 是什么？", "多少钱？", "LX-24 多少钱？"),
        ("LX-24 多少钱？", "它的保修期多长", "LX-24 它的保修期多长"),
        ("年假有几天？", "要提前多久？", "年假 要提前多久？"),
        ("年假怎么申请", "谁批准？", "年假 谁批准？"),
        ("Where is the office in Munich?", "How do I get there?", "office Munich How do I get there?"),
        ("How much does the rotor RX-8 cost?", "How often must it be balanced?",
         "rotor RX-8 How often must it be balanced?"),
        # A bare why asks about all of the question before.
        ("Can I carry over unused leave?", "why?", "carry unused leave why?"),
        ("年假能不能结转", "为什么？", "年假 结转 为什么？"),
        # Both languages in one conversation.
        ("出差去上海住宿标准", "and in Berlin?", "出差去Berlin住宿标准"),
    ],
)  # fmt: skip
def test_what_is_left_out_comes_from_the_question_before(before: str, question: str, query: str) -> None:
    conversation = asked(before)
    assert is_elliptical(question, conversation)
    assert completed(question, conversation) == query


@pytest.mark.parametrize(
    "question",
    [
        "班车几点开？", "食堂在哪呢？", "那食堂在哪？", "年会是什么时候", "LX-30 多少钱", "IT部门的头儿是谁",
        "这个月哪天发工资？", "电脑坏了，它的数据还能恢复吗", "公司有多少人", "我们公司的地址",
        "密码输错太多次被锁了怎么办", "巴吞他尼府建于哪一年？",
        "How long does it take to get a new laptop?", "Is it possible to park a bicycle in the garage?",
        "If a laptop is stolen, who do I report it to?", "Can contractors take their own laptop home?",
        "Where is the canteen this week?", "Who pays for lunch with my buddy", "班车",
        "谢谢", "好的，明白了", "thanks!", "你能做什么", "你是谁？", "who are you?", "what can you do?",
    ],
)  # fmt: skip
def test_a_question_that_stands_alone_does_not_drag_the_old_topic_along(question: str) -> None:
    conversation = asked("满三年的员工年假有几天？", "What is the hotel limit in Shanghai?")
    assert completed(question, conversation) == question
    assert not is_elliptical(question, conversation)


@pytest.mark.parametrize("question", ["满五年呢？", "why?", "它的保修期多长"])
def test_nothing_is_added_where_nothing_was_asked(question: str) -> None:
    assert completed(question, ()) == question
    assert completed(question, (Turn("assistant", "您好，我是公司的助手。"), Turn("user", "你好"))) == question
    assert not is_elliptical(question, ())


def test_each_follow_up_of_a_chain_builds_on_the_completed_one_before() -> None:
    assert completed("满十年呢？", asked("满三年的员工年假有几天？", "满五年呢？")) == "满十年的员工年假有几天？"
    assert completed("那电源呢？", asked("离心机的保修期多长？", "那转子呢？")) == "离心机的保修期多长 电源"
    assert completed("那病假呢？", asked("年假有几天？", "谢谢")) == "病假有几天？"
    assert completed("多少钱？", asked("LX-24 是什么？", "食堂在哪？", "LX-30 是什么？")) == "LX-30 多少钱？"


def test_a_pronoun_for_a_person_takes_the_name_from_the_answer() -> None:
    english = asked("Who is the general manager?", answer="The general manager is Shen Yanqiu [1].")
    assert "Shen Yanqiu" in completed("What is his phone number?", english)
    chinese = asked("总经理是谁？", answer="文档中与问题最相关的原文：\n\n- 总经理沈砚秋，分管研发。 [1]\n")
    assert "沈砚秋" in completed("他的电话是多少？", chinese)
    assert "研发" not in completed("他的电话是多少？", chinese)


TABLE = "| 司龄 | 年假 |\n| --- | --- |\n| 满三年 | 8 天 |\n| 满五年 | 12 天 |\n| 满十年 | 15 天 |"


def events_of(question: str, conversation: Conversation, retriever: CannedRetriever, **settings: str) -> list[Event]:
    chosen = AssistantSettings(**settings)  # type: ignore[arg-type]
    house = Assistant(retriever, FittedGate(0.5), open_model(chosen, hub=False), chosen)

    async def collect() -> list[Event]:
        try:
            return [event async for event in house.answer(question, conversation, OPERATOR)]
        finally:
            await house.aclose()

    return asyncio.run(collect())


def test_without_a_model_the_completed_question_is_searched_told_and_answered() -> None:
    retriever = CannedRetriever([passage(TABLE, title="员工手册")])
    events = events_of("满五年呢？", asked("满三年的员工年假有几天？"), retriever)
    first, last = events[0], events[-1]
    assert isinstance(first, Searched)
    assert isinstance(last, Finished)
    assert retriever.queries == [first.query] == ["满五年的员工年假有几天？"]
    assert "12 天" in last.answer
    assert not {"8 天", "15 天"} & set(re.findall(r"\d+ 天", last.answer))
    assert last.grounded


@pytest.mark.parametrize("reply", [Reply(status=500), Reply(""), Reply("病假" * 200)])
def test_a_model_that_fails_to_rewrite_leaves_it_to_the_rules(reply: Reply) -> None:
    retriever = CannedRetriever([passage("员工病假每年不超过三十天。年假为十天。", title="员工手册")])
    with FakeOpenAIServer([reply, Reply("三十天[1]。")]) as server:
        events_of("那病假呢？", asked("年假有几天？"), retriever, model="qwen", model_url=server.url)
    assert retriever.queries == ["病假有几天？"]
