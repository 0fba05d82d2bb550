"""Citations: stream-safe, normalised, and only those that hold."""

from __future__ import annotations

import pytest

from assistant.cite import Citer
from assistant.events import Cited, Evidence, TextDelta
from ingest.document import Chunk
from tests.canned_retrieval import hits_of, passage

HANDBOOK = passage(
    "工作满一年的员工每年可享受十天带薪年休假。年假须提前三个工作日申请。病假须提供医院证明。", title="员工手册"
)
PRICES = passage("| 型号 | 价格 |\n| --- | --- |\n| X200 | 1,299 元 |\n| X300 | 1,999 元 |", title="价格表")
TRAVEL = passage(
    "Hotels in Shanghai are reimbursed up to CNY 650 per night. Claims are due within 30 days.", title="Travel"
)


def evidence(*chunks: Chunk) -> tuple[Evidence, ...]:
    return tuple(Evidence(number, hit) for number, hit in enumerate(hits_of(*chunks), start=1))


def run(text: str, *chunks: Chunk, question: str = "", piece: int = 3) -> Citer:
    """Feed `text` in small pieces, and check on the way that events and state agree."""
    citer = Citer(evidence(*chunks), question)
    shown, cited = "", []
    for start in range(0, len(text), piece):
        for event in citer.feed(text[start : start + piece]):
            shown += event.text if isinstance(event, TextDelta) else ""
            cited += [event.citation] if isinstance(event, Cited) else []
    for event in citer.finish():
        shown += event.text if isinstance(event, TextDelta) else ""
        cited += [event.citation] if isinstance(event, Cited) else []
    assert shown == citer.text
    assert cited == citer.citations
    assert all(citer.text[c.start : c.end] == f"[{c.number}]" for c in cited)
    return citer


@pytest.mark.parametrize("marker", ["[1]", "【1】", "［1］", "[资料1]", "[ 1 ]", "[来源：1]", "[^1]", "[Source 1]"])
@pytest.mark.parametrize("piece", [1, 2, 5, 100])
def test_every_way_to_write_a_marker_becomes_one(marker: str, piece: int) -> None:
    citer = run(f"年假为十天{marker}。", HANDBOOK, piece=piece)
    assert citer.text == "年假为十天[1]。"
    assert [c.quote for c in citer.citations] == ["工作满一年的员工每年可享受十天带薪年休假。"]


@pytest.mark.parametrize("group", ["[1, 2]", "[1][2]", "[1，2]", "[1] [2]", "[资料1、资料2]"])
def test_several_numbers_become_a_marker_each(group: str) -> None:
    citer = run(f"年假要提前三天申请，X200 的价格另见价格表{group}。", HANDBOOK, PRICES)
    assert [c.number for c in citer.citations] == [1, 2]
    assert citer.text.endswith("[1][2]。")


def test_unknown_numbers_are_dropped_with_the_space_before_them() -> None:
    citer = run("Hotels are paid up to CNY 650 [7]. Claims are due within 30 days [1].", TRAVEL)
    assert citer.text == "Hotels are paid up to CNY 650. Claims are due within 30 days [1]."
    assert citer.citations[0].quote == "Claims are due within 30 days."


def test_a_statement_its_chunk_knows_nothing_of_loses_its_citation() -> None:
    citer = run("公司计划明年在纳斯达克上市[1]。年假为十天[1]。", HANDBOOK)
    assert citer.text == "公司计划明年在纳斯达克上市。年假为十天[1]。"


def test_a_wrong_number_loses_its_citation() -> None:
    assert run("Hotels in Shanghai are reimbursed up to CNY 900 [1].", TRAVEL).citations == []
    assert len(run("Hotels in Shanghai are reimbursed up to CNY 650 [1].", TRAVEL).citations) == 1
    assert len(run("年休假为10天[1]。", HANDBOOK).citations) == 1


def test_a_number_from_the_question_needs_no_support() -> None:
    said = "司龄 3 年的员工有十天年休假[1]。"
    assert run(said, HANDBOOK).citations != []
    assert run("司龄 8 年的员工有十天年休假[1]。", HANDBOOK).citations == []
    assert run("司龄 8 年的员工有十天年休假[1]。", HANDBOOK, question="我工作 8 年有几天年假？").citations != []


def test_a_table_is_quoted_by_its_row() -> None:
    citer = run("X300 的价格为 1999 元[1]。", PRICES)
    assert citer.citations[0].quote == "| X300 | 1,999 元 |"


def test_an_answer_in_another_language_is_checked_by_its_numbers() -> None:
    assert (
        len(run("A hotel in Shanghai may cost 650 yuan [1].", passage("上海的住宿标准为每晚 650 元。")).citations) == 1
    )
    assert run("A hotel in Shanghai may cost 700 yuan [1].", passage("上海的住宿标准为每晚 650 元。")).citations == []


def test_a_marker_before_its_statement_waits_for_it() -> None:
    assert run("根据[1]，年假须提前三个工作日申请。", HANDBOOK).text == "根据[1]，年假须提前三个工作日申请。"
    assert run("根据[1]，股票期权分四年归属。", HANDBOOK).text == "根据，股票期权分四年归属。"


def test_brackets_that_are_no_markers_pass_unchanged() -> None:
    text = "见 [附件A] 与 [link](x)，数组 `a[1]`，以及未完的 ["
    assert run(text, HANDBOOK).text == text


def test_text_is_held_back_only_while_it_may_be_a_marker() -> None:
    citer = Citer(evidence(HANDBOOK), "")
    assert [e.text for e in citer.feed("年假为十天") if isinstance(e, TextDelta)] == ["年假为十天"]
    assert list(citer.feed("【")) == []
    assert list(citer.feed("1】")) == []
    assert [e.type for e in citer.feed("。")] == ["text_delta", "cited", "text_delta"]
