"""What people type, over documents that were really ingested: initials, amounts as they are said, everyday words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from assistant.retrieve import CurrentRetriever, Retrieved
from assistant.rewording.retriever import RewordingRetriever
from assistant.rewording.synonyms import EVERYDAY_FILE, Synonyms, everyday_words, read_synonyms
from ingest.access import OPERATOR, Reader
from ingest.store import Store
from tests.assistant.board_home import store_of

ANYONE = Reader(frozenset({"everyone"}))
_DOCUMENTS = {
    "员工制度.md": """# 员工制度

## 年休假

入职满一年的员工每年有年休假七天，未休完的可以顺延。

## 公积金

住房公积金由公司每月按百分之十二缴存。

## 食堂

食堂中午开放，员工每天享有餐补，餐补月底清零。

## 陪产假

配偶分娩的男员工享有陪产假十五天。

## 费用报销

报销须附发票，三十天内提交。
""",
    "采购办法.md": """# 采购办法

## 审批

各部门的经办人把单据交给采购组登记后办理。

## 比价

单笔金额超过 20,000 元的，须取得三家供应商的书面报价。

## 招标

单笔金额 1,500,000 元的设备必须招标，由招标小组评定。
""",
    "it.md": """# IT

## Laptops

A broken laptop is swapped for a loan machine within four hours.

## Printing

The release station deletes unclaimed pages at night.

## Monitors

Each desk has two monitors and a dock.
""",
    "board/秘密.md": "# 董事会\n\n期权池的总额为百分之八，期权池由董事会管理。\n",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, inline_module: None) -> Iterator[Store]:
    with store_of(_DOCUMENTS, tmp_path_factory.mktemp("documents"), tmp_path_factory.mktemp("home")) as opened:
        yield opened


class Kept(CurrentRetriever):
    """Keeps the words that were searched for beside each query."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.open_versions)
        self.beside: list[tuple[str, ...]] = []

    def retrieve(self, query: str, *, reader: Reader, limit: int, beside: Sequence[str] = ()) -> Retrieved:
        self.beside.append(tuple(beside))
        return super().retrieve(query, reader=reader, limit=limit, beside=beside)


@pytest.fixture
def kept(store: Store) -> Kept:
    return Kept(store)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "synonyms.txt"


@pytest.fixture
def retriever(kept: Kept, file: Path) -> RewordingRetriever:
    return RewordingRetriever(kept, Synonyms(file), everyday=everyday_words())


class TestInitials:
    @pytest.mark.parametrize(
        ("query", "letters", "word", "first"),
        [
            ("nj有几天", "nj", "年假", "年休假七天"),
            ("nj", "nj", "年假", "年休假七天"),
            ("gjj交多少", "gjj", "公积金", "公积金由公司"),
            ("BX要什么", "BX", "报销", "报销须附发票"),
            ("st几点开门", "st", "食堂", "食堂中午开放"),
            ("cb什么时候清零", "cb", "餐补", "餐补月底清零"),
            ("pcj 多少天", "pcj", "陪产假", "陪产假十五天"),
        ],
    )
    def test_they_are_read_as_a_word_of_the_documents(
        self, retriever: RewordingRetriever, query: str, letters: str, word: str, first: str
    ) -> None:
        found = retriever.retrieve(query, reader=ANYONE, limit=5)
        changed = [(change.kind, change.written, change.searched) for change in found.changed]
        assert (found.query, changed) == (query.replace(letters, word), [("pinyin", letters, word)])
        assert first in found.hits[0].chunk.text

    @pytest.mark.parametrize(
        "query",
        [
            "HR电话",
            "IT 部在哪",
            "VPN怎么连",
            "长多少mm",
            "30 kg 以内",
            "GB/T 19001",
            "nj-24 多少钱",
            "nj@lanheng.example",
            "what is the nj policy",
            "dock 在哪",
        ],
    )
    def test_short_forms_units_codes_and_english_stay(self, retriever: RewordingRetriever, query: str) -> None:
        assert retriever.retrieve(query, reader=ANYONE, limit=5).changed == ()

    def test_nobody_learns_a_word_of_a_document_that_they_may_not_read(self, retriever: RewordingRetriever) -> None:
        assert retriever.retrieve("qqc有多大", reader=OPERATOR, limit=5).query == "期权池有多大"
        assert retriever.retrieve("qqc有多大", reader=ANYONE, limit=5).query == "qqc有多大"

    def test_they_cost_few_searches(self, retriever: RewordingRetriever, kept: Kept) -> None:
        retriever.retrieve("nj有几天", reader=ANYONE, limit=5)
        assert len(kept.beside) <= 6


@pytest.mark.parametrize(
    "query", ["150万块的设备", "150w块的设备", "1.5 million 的设备", "一百五十万的设备", "1500k 的设备"]
)
def test_a_spoken_amount_finds_the_one_in_digits(retriever: RewordingRetriever, query: str) -> None:
    assert "1,500,000" in retriever.retrieve(query, reader=ANYONE, limit=3).hits[0].chunk.text


class TestEverydayWords:
    @pytest.mark.parametrize(
        ("query", "said", "meant"),
        [
            ("媳妇生了我能歇几天", "媳妇", "配偶"),
            ("拿回钱要交什么", "拿回钱", "报销"),
            ("my notebook died", "notebook", "laptop"),
            ("饭堂几点开", "饭堂", "食堂"),
        ],
    )
    def test_the_words_of_the_documents_are_searched_for_too(
        self, retriever: RewordingRetriever, kept: Kept, query: str, said: str, meant: str
    ) -> None:
        found = retriever.retrieve(query, reader=ANYONE, limit=3)
        assert (meant in kept.beside[1], said in kept.beside[1]) == (True, False)
        assert any(meant in hit.chunk.text for hit in found.hits)
        assert (found.query, found.changed) == (query, ())

    def test_a_passage_is_found_by_them(self, retriever: RewordingRetriever, kept: Kept) -> None:
        def sparse(words: Sequence[str]) -> dict[str, float | None]:
            hits = kept.retrieve("my notebook died", reader=ANYONE, limit=9, beside=words).hits
            return {hit.chunk.text[:8]: hit.sparse_score for hit in hits}

        assert sparse(())["A broken"] is None
        assert (sparse(("laptop",))["A broken"] or 0) > 0

    def test_words_that_the_hits_have_cost_nothing(self, retriever: RewordingRetriever, kept: Kept) -> None:
        retriever.retrieve("食堂几点开", reader=ANYONE, limit=3)
        retriever.retrieve("broken laptop", reader=ANYONE, limit=3)
        assert kept.beside == [(), ()]

    def test_the_company_s_words_win(self, retriever: RewordingRetriever, kept: Kept, file: Path) -> None:
        file.write_text("媳妇 = 采购组", encoding="utf-8")
        found = retriever.retrieve("媳妇在哪", reader=ANYONE, limit=3)
        assert (found.query, kept.beside) == ("采购组在哪", [()])

    def test_the_shipped_list_has_no_mistakes(self) -> None:
        words, mistakes = read_synonyms(EVERYDAY_FILE)
        assert (mistakes, len(words) > 200) == ([], True)
