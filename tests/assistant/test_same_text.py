"""Copies of one text become one hit, and the newer of two editions comes first. What only looks alike is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from assistant.context import choose_evidence
from ingest.document import Hit
from tests.canned_retrieval import hits_of, passage

CLAUSE = "出差到一线城市的员工，住宿费上限为每晚 {} 元，超出部分由员工本人承担，不得以其他名目报销。"
COPY = "Employees {} carry over up to five days of unused annual leave into the next calendar year."


def dated(*documents: tuple[str, str, int]) -> list[Hit]:
    """Hits of documents of their own, best first: title, text, and when the document was changed."""
    hits = hits_of(*(passage(text, title=title, uri=f"{at}.md") for at, (title, text, _) in enumerate(documents)))
    return [replace(hit, modified_ns=modified) for hit, (_, _, modified) in zip(hits, documents, strict=True)]


def chosen(hits: Sequence[Hit], query: str = "") -> list[str]:
    return [item.hit.chunk.uri for item in choose_evidence(hits, limit=9, budget_tokens=9_000, query=query)]


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        (COPY.format("may"), COPY.format("may").upper().replace(" ", "  \n")),
        (CLAUSE.format(650), f"{CLAUSE.format(650)}\n第 12 页 / 共 30 页"),
        (f"Page 3 of 9\n{COPY.format('may')}", f"Page 12 of 40\n{COPY.format('may')}\n- 7 -"),
        (CLAUSE.format("1,650"), CLAUSE.format("1650")),
        (CLAUSE.format(650), CLAUSE.format(650).replace("員", "员").replace("费", "費")),
        (COPY.format("may") * 6, COPY.format("may") * 5 + COPY.format("can")),
    ],
)
def test_of_copies_the_newest_is_kept_in_the_place_and_with_the_score_of_the_best(text: str, copy: str) -> None:
    hits = dated(("手册", text, 1), ("手册", "Something else entirely.", 1), ("手册", copy, 2))
    assert chosen(hits) == ["2.md", "1.md"]
    assert choose_evidence(hits, limit=9, budget_tokens=900)[0].hit.score == hits[0].score
    assert chosen([replace(hit, modified_ns=0) for hit in hits]) == ["0.md", "1.md"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("手册", COPY.format("may")), ("手册", COPY.format("may not"))),
        (("LX-24 manual", "The warranty is two years."), ("LX-30 manual", "The warranty is two years.")),
        (("价格", "LX-24 离心机的标价为 19600 元。"), ("价格", "LX-30 离心机的标价为 19600 元。")),
        (("北京办事处", "前台电话见通讯录。"), ("上海办事处", "前台电话见通讯录。")),
    ],
)
def test_what_only_looks_alike_is_no_copy_and_stays_in_its_order(one: tuple[str, str], other: tuple[str, str]) -> None:
    hits = dated((*one, 1), (*other, 1))
    assert chosen(hits) == ["0.md", "1.md"]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("差旅制度（2023版）", "差旅制度（2025版）"),
        ("差旅制度 v1.2", "差旅制度 v2.0"),
        ("差旅制度", "差旅制度（修订版）"),
    ],
)
def test_the_newer_of_two_editions_comes_first(older: str, newer: str) -> None:
    hits = dated((older, CLAUSE.format(550), 1), ("Other", "Nothing of that.", 5), (newer, CLAUSE.format(650), 2))
    assert chosen(hits, "住宿费上限是多少？") == ["2.md", "0.md", "1.md"]
    assert chosen([replace(hit, modified_ns=0) for hit in hits]) == ["0.md", "1.md", "2.md"]


def test_long_texts_are_editions_whatever_their_titles_but_short_ones_are_not() -> None:
    offices = dated(("北京办事处", "前台电话 6110。", 1), ("上海办事处", "前台电话 6220。", 2))
    assert chosen(offices) == ["0.md", "1.md"]
    rest = "住宿费凭酒店发票报销，发票抬头须为公司全称。两人同行且性别相同的，合住一间标准间，按一人的上限报销。" * 2
    hits = dated(("差旅制度", CLAUSE.format(550) + rest, 1), ("国内出差规定", CLAUSE.format(650) + rest, 2))
    assert chosen(hits) == ["1.md", "0.md"]


def test_the_older_edition_stays_first_if_the_query_has_its_figure() -> None:
    hits = dated(("制度（2023版）", CLAUSE.format(550), 1), ("制度（2025版）", CLAUSE.format(650), 2))
    assert chosen(hits, "2023 年的住宿费上限") == ["0.md", "1.md"]
    assert chosen(hits, "住宿费 550 元一晚够吗") == ["0.md", "1.md"]
    assert chosen(hits, "2025 年的住宿费上限") == ["1.md", "0.md"]


def test_a_newer_text_about_another_product_does_not_come_first() -> None:
    old, new = "LX-24 离心机的标价为 19600 元，含转子一个。", "LX-30 离心机的标价为 26800 元，含转子一个。"
    assert chosen(dated(("价格表", old, 1), ("价格表", new, 2)), "LX-24 多少钱") == ["0.md", "1.md"]
