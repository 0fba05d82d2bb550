"""Citations: stream-safe, normalised, and only those that hold."""

from __future__ import annotations

import pytest

from assistant.cite import Citer
from assistant.events import Cited, Evidence, TextDelta, Unsupported
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
    shown, cited, unsupported = "", [], []
    for start in range(0, len(text), piece):
        for event in citer.feed(text[start : start + piece]):
            shown += event.text if isinstance(event, TextDelta) else ""
            cited += [event.citation] if isinstance(event, Cited) else []
            unsupported += [event] if isinstance(event, Unsupported) else []
    for event in citer.finish():
        shown += event.text if isinstance(event, TextDelta) else ""
        cited += [event.citation] if isinstance(event, Cited) else []
        unsupported += [event] if isinstance(event, Unsupported) else []
    assert (shown, unsupported) == (citer.text, citer.unsupported)
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


LADDER = passage(
    "| 司龄 | 年休假 |\n| --- | --- |\n| 满三年不满五年 | 12 天 |\n| 满五年不满十年 | 15 天 |", title="年休假一览"
)


def support(text: str, chunk: Chunk, question: str = "") -> list[str]:
    return [citation.support for citation in run(text, chunk, question=question).citations]


@pytest.mark.parametrize(
    "said",
    ["是的，30天[1]。", "是的，三十天[1]。", "是的，30天，满3年[1]。", "是的，年假30天，提前3个工作日申请[1]。"],
)
def test_a_wrong_figure_is_not_borne_out_because_the_asker_named_it(said: str) -> None:
    assert support(said, passage("满3年的员工年假15天。"), "满3年的年假是30天吗？") == []


def test_a_figure_of_the_askers_stands_beside_the_passages_own() -> None:
    question, leave = "年假是30天吗？", passage("满3年的员工年假15天。")
    assert support("不是30天，而是15天[1]。", leave, question) == ["checked"]
    assert support("您问的30天里，年假15天[1]。", leave, question) == ["not_checkable"]
    travel = "May I spend 700 yuan on a hotel?"
    assert support("No, CNY 700 is above the limit of CNY 650 [1].", TRAVEL, travel) == ["checked"]
    assert support("Yes, CNY 700 is fine in Shanghai hotels [1].", TRAVEL, travel) == []


def test_a_condition_of_the_askers_must_fall_into_a_range_of_the_passage() -> None:
    question = "我工作 8 年有几天年假？"
    assert support("司龄 8 年的员工有 15 天年休假[1]。", LADDER, question) == ["checked"]
    assert support("司龄 8 年的员工有 12 天年休假[1]。", LADDER, question) == []
    assert support("司龄 20 年的员工有 15 天年休假[1]。", LADDER, "我工作 20 年有几天年假？") == []
    assert support("司龄 8 年的员工有 12 天年休假[1]。", LADDER) == []


def test_an_open_range_cannot_be_checked() -> None:
    said = "司龄 8 年的员工有十天年休假[1]。"
    assert support("年休假有 8 天[1]。", HANDBOOK) == []
    assert support(said, HANDBOOK, "我工作 8 年有几天年假？") == ["not_checkable"]


def test_a_case_that_the_statement_puts_by_itself_cannot_be_checked() -> None:
    assert support("司龄 8 年的员工有 15 天年休假[1]。", LADDER) == ["not_checkable"]
    assert support("司龄 20 年的员工有 15 天年休假[1]。", LADDER) == []


def test_a_figure_of_something_else_bears_nothing_out() -> None:
    assert support("年休假为3天[1]。", passage("满3年的员工年休假15天。")) == []
    assert support("年休假为15天[1]。", passage("满3年的员工年休假15个工作日。")) == ["checked"]
    assert support("年休假为十二天[1]。", passage("员工的年休假为十五天。")) == []


def test_a_table_is_quoted_by_its_row() -> None:
    citer = run("X300 的价格为 1999 元[1]。", PRICES)
    assert citer.citations[0].quote == "| X300 | 1,999 元 |"


def test_an_answer_in_another_language_is_checked_by_its_numbers() -> None:
    assert (
        len(run("A hotel in Shanghai may cost 650 yuan [1].", passage("上海的住宿标准为每晚 650 元。")).citations) == 1
    )
    assert run("A hotel in Shanghai may cost 700 yuan [1].", passage("上海的住宿标准为每晚 650 元。")).citations == []


def test_across_languages_words_alone_cannot_be_checked() -> None:
    hotel = passage("上海的住宿标准为每晚 650 元。")
    assert support("Hotels on the moon are free for everybody [1].", hotel) == ["not_checkable"]
    assert support("A hotel in Shanghai may cost 650 yuan [1].", hotel) == ["checked"]
    assert support("上海酒店可以报销[1]。", TRAVEL) == ["not_checkable"]


@pytest.mark.parametrize("piece", [1, 4, 1000])
def test_only_closed_code_is_code(piece: int) -> None:
    def said(text: str) -> str:
        return run(text, HANDBOOK, piece=piece).text

    assert said("命令 `ls，年假 [7]。年假为十天 [7]。") == "命令 `ls，年假。年假为十天。"
    assert said("一个 ` 在前\n\n年假 [7]，又一个 ` 在后") == "一个 ` 在前\n\n年假，又一个 ` 在后"
    assert said("数组 `a[7]`，``b`[7]``，年假 [7]。") == "数组 `a[7]`，``b`[7]``，年假。"
    assert said("```python\na[7]\n```\n年假 [7]。") == "```python\na[7]\n```\n年假。"
    assert said("两个 `` 与一个 ` 年假 [7]") == "两个 `` 与一个 ` 年假"


def test_a_marker_after_an_open_backtick_is_held_no_longer_than_anything_else() -> None:
    citer = Citer(evidence(HANDBOOK), "")
    shown = "".join(event.text for event in citer.feed("`年假 [7]" + "字" * 2000) if isinstance(event, TextDelta))
    assert "[7]" not in shown
    assert len(shown) > 1400


def test_a_marker_before_its_statement_waits_for_it() -> None:
    assert run("根据[1]，年假须提前三个工作日申请。", HANDBOOK).text == "根据[1]，年假须提前三个工作日申请。"
    assert run("根据[1]，股票期权分四年归属。", HANDBOOK).text == "根据，股票期权分四年归属。"


def test_brackets_that_are_no_markers_pass_unchanged() -> None:
    text = "见 [附件A] 与 [link] (x)，数组 `a[1]`，以及未完的 ["
    assert run(text, HANDBOOK).text == text


def test_text_is_held_back_only_while_it_may_be_a_marker() -> None:
    citer = Citer(evidence(HANDBOOK), "")
    assert [e.text for e in citer.feed("年假为十天") if isinstance(e, TextDelta)] == ["年假为十天"]
    assert list(citer.feed("【")) == []
    assert list(citer.feed("1】")) == []
    assert [e.type for e in citer.feed("。")] == ["text_delta", "cited", "text_delta"]


@pytest.mark.parametrize("piece", [1, 4, 1000])
def test_a_statement_without_support_is_reported_with_its_place(piece: int) -> None:
    citer = run("年假为十天[1]。年假为九十天[1]。病假须提供医院证明[1]。", HANDBOOK, piece=piece)
    [found] = citer.unsupported
    assert (found.number, citer.text[found.start : found.end]) == (1, "年假为九十天")
    assert [c.quote for c in citer.citations][1] == "病假须提供医院证明。"


def test_a_number_that_names_no_evidence_leaves_its_statement_without_support() -> None:
    citer = run("Hotels are paid up to CNY 650 [7]. Claims are due within 30 days [1][9].", TRAVEL)
    assert [(each.number, citer.text[each.start : each.end]) for each in citer.unsupported] == [
        (7, "Hotels are paid up to CNY 650")
    ]
