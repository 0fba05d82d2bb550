"""Answers without a model: quotations of what answers best."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from assistant.condense import condense
from assistant.conversation import Turn
from assistant.events import Evidence
from assistant.models import complete
from assistant.models.extractive import ExtractiveChatModel
from assistant.models.from_settings import open_model
from assistant.request import AnswerLanguage, Piece, Request
from assistant.settings import AssistantSettings
from ingest.document import Chunk
from tests.canned_retrieval import hits_of, passage


def quoted(question: str, language: AnswerLanguage, *chunks: Chunk) -> list[str]:
    model = open_model(AssistantSettings(), hub=False)
    assert isinstance(model, ExtractiveChatModel)
    evidence = tuple(Evidence(n, hit) for n, hit in enumerate(hits_of(*chunks), start=1))
    answer = asyncio.run(complete(model, Request((), question, language, evidence)))
    return [line for line in answer.splitlines() if line]


def test_the_sentence_that_answers_is_quoted_in_chinese() -> None:
    lines = quoted(
        "病假要提供什么？", "zh",
        passage("年假须提前三个工作日申请。病假须提供医院证明。体检在五月。", title="员工手册"),
        passage("食堂在二号楼一层。", title="行政指南"),
    )  # fmt: skip
    assert lines == ["文档中与问题最相关的原文：", "- 病假须提供医院证明。 [1]"]


def test_the_sentence_that_answers_is_quoted_in_english() -> None:
    lines = quoted(
        "How long does a VPN session last?", "en",
        passage("Laptops are replaced every four years.", title="Laptops"),
        passage("Use your token. A VPN session ends after 10 hours. Split tunnelling is not allowed.", title="VPN"),
    )  # fmt: skip
    assert lines == ["The passage that answers best, quoted:", "- A VPN session ends after 10 hours. [2]"]


def test_a_table_gives_the_row_with_its_headings() -> None:
    table = (
        "| 型号 | 目录价 | 交货期 |\n| --- | --- | --- |\n| LX-16 | 8900 | 7 |\n| LX-24 | 19600 | 12 |\n\n价格含税。"
    )
    assert quoted("LX-24 的目录价是多少？", "zh", passage(table, title="价格表"))[1:] == [
        "| 型号 | 目录价 | 交货期 |",
        "| --- | --- | --- |",
        "| LX-24 | 19600 | 12 [1] |",
    ]


def test_marks_in_the_documents_do_not_pass_for_citations() -> None:
    lines = quoted("What did Smith show?", "en", passage("Smith showed [7] that water is wet."))
    assert lines[1] == "- Smith showed (7) that water is wet. [1]"


def test_evidence_found_by_meaning_alone_is_still_quoted() -> None:
    lines = quoted("How often do I get a new computer?", "en", passage("Laptops are replaced every four years."))
    assert lines[1] == "- Laptops are replaced every four years. [1]"


def test_a_number_in_words_finds_the_row_that_has_it_in_digits() -> None:
    rows = ["| 司龄 | 天数 |", "| --- | --- |", *(f"| 满 {years} 年 | {years + 5} 天 |" for years in (1, 3, 5, 10))]
    table = "\n".join(rows)
    lines = quoted("工作满十年有几天年假？", "zh", passage(table, title="年休假"))
    assert lines[3:] == ["| 满 10 年 | 15 天 [1] |"]


def test_a_model_that_only_quotes_is_not_asked_to_rewrite_a_question() -> None:
    asked: list[Request] = []

    class Quoting(ExtractiveChatModel):
        async def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
            asked.append(request)
            yield Piece("年假有几天？")

    class Chatting(Quoting):
        follows_instructions = True

    turns = (Turn("user", "年假有几天？"), Turn("assistant", "十天。"))
    assert asyncio.run(condense(Quoting(), "那病假呢？", turns)) == "病假有几天？"
    assert asked == []
    assert asyncio.run(condense(Chatting(), "那病假呢？", turns)) == "年假有几天？"
    assert [(request.question, request.language, request.max_tokens) for request in asked] == [
        ("那病假呢？", "zh", 128)
    ]
