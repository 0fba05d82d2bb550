"""Queries with wrong words, with pinyin and with the company's own words, over documents that were really ingested."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from api.settings import Settings
from assistant.events import Change
from assistant.retrieve import CurrentRetriever, Retrieved
from assistant.rewording.chinese import written_alike
from assistant.rewording.retriever import RewordingRetriever
from assistant.rewording.seen import Seen
from assistant.rewording.synonyms import Synonyms
from ingest.access import OPERATOR, Reader
from ingest.runs.pipeline import Ingestor
from ingest.settings import MINILM
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.assistant.board_home import store_of
from tests.canned_retrieval import hits_of, passage

ANYONE = Reader(frozenset({"everyone"}))
_DOCUMENTS = {
    "假期制度.md": """# 假期制度

## 婚假

员工结婚可享受婚假十三天。

## 年休假

入职满一年的员工每年有年休假七天。

## 加班

工作日加班费按小时工资的 1.5 倍计算，加班须事先申请。
""",
    "行政指南.md": """# 行政指南

## 食堂

食堂在 2 号楼一层，午餐从 11:30 开始。

## 停车

停车费每月 150 元，从工资中扣除。

## 联系人

张伟负责班车，电话 8021。
""",
    "expenses.md": """# Expenses

## Reimbursement

Send receipts for reimbursement of hotel costs within 30 days.

## Printing

The printer on floor 2 releases jobs at the badge reader. Ask Andersen for paper.
""",
    "LX-24.md": "# LX-24\n\nThe LX-24 centrifuge costs 28,000 yuan. 离心机 LX-24 的价格是 28000 元。\n",
    "board/秘密.md": """# 董事会

## 期权

期权池的总额为百分之八，退休金计划另行公布。

## Severance

The severance package for directors is confidential.
""",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, inline_module: None) -> Iterator[Store]:
    with store_of(_DOCUMENTS, tmp_path_factory.mktemp("documents"), tmp_path_factory.mktemp("home")) as opened:
        yield opened


class Counted(CurrentRetriever):
    """Counts the searches, and those by words alone."""

    searches, without_a_vector = 0, 0

    def retrieve(self, query: str, *, reader: Reader, limit: int, beside: Sequence[str] = ()) -> Retrieved:
        self.searches += 1
        return super().retrieve(query, reader=reader, limit=limit, beside=beside)

    def by_words(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        self.searches += 1
        self.without_a_vector += 1
        return super().by_words(query, reader=reader, limit=limit)


@pytest.mark.parametrize(
    ("typed", "written"),
    [("刀灯", ("氘灯",)), ("参补", ("餐补",)), ("孟凡", ()), ("曹民", ()), ("氘灯", ()), ("灯泡", ()), ("到了", ())],
)
def test_what_sounds_like_a_term_of_the_passages_is_found_there_and_names_are_left(
    typed: str, written: tuple[str, ...]
) -> None:
    seen = Seen(
        hits_of(passage("氘灯 2350 元。组长是孟繁。餐补在月底清零。"), passage("行政组组长是曹敏。", uri="b.md"))
    )
    assert written_alike(typed, seen) == written


@pytest.fixture
def counted(store: Store) -> Counted:
    return Counted(store.open_versions)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "synonyms.txt"


@pytest.fixture
def retriever(counted: Counted, file: Path) -> RewordingRetriever:
    return RewordingRetriever(counted, Synonyms(file))


def changed(found: Retrieved) -> list[tuple[str, str, str]]:
    return [(change.kind, change.written, change.searched) for change in found.changed]


@pytest.mark.parametrize(
    ("query", "searched", "change", "first"),
    [
        ("婚嫁有几天", "婚假有几天", ("婚嫁", "婚假"), "婚假十三天"),
        ("公司食唐几点开饭", "公司食堂几点开饭", ("食唐", "食堂"), "食堂在 2 号楼"),
        ("食唐", "食堂", ("食唐", "食堂"), "食堂在 2 号楼"),
        ("加斑费怎么算", "加班费怎么算", ("加斑费", "加班费"), "加班费按小时"),
        ("reimbursment of hotel costs", "reimbursement of hotel costs", ("reimbursment", "reimbursement"), "receipts"),
        ("Reimbursment", "Reimbursement", ("Reimbursment", "Reimbursement"), "receipts"),
        ("where is the pirnter", "where is the printer", ("pirnter", "printer"), "printer on floor 2"),
    ],
)
def test_a_wrong_word_is_mended(
    retriever: RewordingRetriever, query: str, searched: str, change: tuple[str, str], first: str
) -> None:
    found = retriever.retrieve(query, reader=ANYONE, limit=5)
    assert (found.query, found.changed) == (searched, (Change("spelling", *change),))
    assert first in found.hits[0].chunk.text


@pytest.mark.parametrize(
    ("query", "searched", "first"),
    [
        ("nianjia jitian", "年假几天", "年休假七天"),
        ("nian jia ji tian", "年假几天", "年休假七天"),
        ("nian2jia4 ji3tian1", "年假几天", "年休假七天"),
        ("niánjià jǐtiān", "年假几天", "年休假七天"),
        ("shitangzaina", "食堂在哪", "食堂在 2 号楼"),
        ("tingche fei duoshao qian", "停车费多少钱", "停车费每月"),
    ],
)
def test_pinyin_is_read(retriever: RewordingRetriever, query: str, searched: str, first: str) -> None:
    found = retriever.retrieve(query, reader=ANYONE, limit=5)
    assert (found.query, changed(found)) == (searched, [("pinyin", query, searched)])
    assert found.language == "zh"
    assert first in found.hits[0].chunk.text


def test_a_right_word_is_not_changed_on_the_way(retriever: RewordingRetriever) -> None:
    """公子 sounds like 工资, which the hits have. It is left alone where another word is plainly wrong."""
    assert changed(retriever.retrieve("公子什么时候发", reader=ANYONE, limit=5)) == [("spelling", "公子", "工资")]
    assert changed(retriever.retrieve("公子的加斑费", reader=ANYONE, limit=5)) == [("spelling", "加斑费", "加班费")]
    assert changed(retriever.retrieve("公子和工资", reader=ANYONE, limit=5)) == []


def test_pinyin_beside_a_code_is_read_and_the_code_stays(retriever: RewordingRetriever) -> None:
    found = retriever.retrieve("LX-24 jiage", reader=ANYONE, limit=5)
    assert (found.query, changed(found)) == ("LX-24 价格", [("pinyin", "jiage", "价格")])


@pytest.mark.parametrize(
    "query",
    [
        "LX-25 price",
        "LX24",
        "LX-24 离心机",
        "章伟的电话",  # 张伟 sounds the same, and is somebody else
        "Who is Anderson",  # nor is Andersen
        "ask anderson for paper",
        "病假有几天",  # looks like 婚假 and 年假, and is neither
        "change password",  # splits into syllables
        "can women rent a pan",
        "iPhone 15",
        "printer@lanheng.example",
        "星云平台怎么登录",
        "七月十三天",
        "reimbursementic of hotel costs",  # goes on where a word of the documents ends
    ],
)
def test_codes_names_and_right_words_stay_as_they_are(retriever: RewordingRetriever, query: str) -> None:
    found = retriever.retrieve(query, reader=ANYONE, limit=5)
    assert (found.query, found.changed) == (query, ())


@pytest.mark.parametrize("query", ["婚假有几天", "食堂在哪里", "reimbursement of hotel costs", "LX-24"])
def test_a_query_that_finds_its_words_is_searched_once(
    retriever: RewordingRetriever, counted: Counted, query: str
) -> None:
    found = retriever.retrieve(query, reader=ANYONE, limit=3)
    assert counted.searches == 1
    plain = counted.retrieve(query, reader=ANYONE, limit=3)
    assert (found.hits, found.language, found.embedder) == (plain.hits, plain.language, plain.embedder)


def test_the_second_try_is_few_searches(retriever: RewordingRetriever, counted: Counted) -> None:
    retriever.retrieve("公司食唐几点开饭", reader=ANYONE, limit=3)
    assert (counted.searches, counted.without_a_vector) == (2, 0)
    retriever.retrieve("nianjia jitian", reader=ANYONE, limit=3)
    assert (counted.searches, counted.without_a_vector) == (2 + 3, 1)
    retriever.retrieve("离职手续", reader=ANYONE, limit=3)  # of many words that sound so, no passage has one
    assert (counted.searches, counted.without_a_vector) == (2 + 3 + 2, 2)


def test_a_search_by_words_alone_gives_what_has_them_and_asks_no_model(counted: Counted) -> None:
    found = counted.by_words("期权 食堂", reader=ANYONE, limit=9)
    assert "食堂" in found.hits[0].chunk.text
    assert all(hit.dense_score is None and hit.signals is None for hit in found.hits)
    assert not any("期权" in hit.chunk.text for hit in found.hits)
    assert "embed" not in found.timings_ms
    assert "期权" in counted.by_words("期权", reader=OPERATOR, limit=9).hits[0].chunk.text


@pytest.mark.parametrize(
    ("word", "text", "is_there"),
    [
        ("年假", "年休假七天", True),
        ("年假", "年年休假", True),
        ("年假", "年-假", False),
        ("年假", "年", False),
        ("年假", "年休休假", False),
        ("年休假", "年前休假", False),
        ("年假", "假年休", False),
    ],
)
def test_a_word_is_nearly_there_with_one_character_between_its_two(word: str, text: str, is_there: bool) -> None:
    assert Seen(hits_of(passage(text))).has_nearly(word) is is_there


def test_the_limit_decides_only_how_many_come(retriever: RewordingRetriever) -> None:
    many = retriever.retrieve("婚嫁有几天", reader=ANYONE, limit=8)
    one = retriever.retrieve("婚嫁有几天", reader=ANYONE, limit=1)
    assert (one.query, one.changed, one.hits) == (many.query, many.changed, many.hits[:1])


@pytest.mark.parametrize(
    ("query", "searched"),
    [
        ("齐权池有多大", "期权池有多大"),
        ("severence package", "severance package"),
        ("qiquan zong e", "期权总额"),
    ],
)
def test_nobody_learns_a_word_of_a_document_that_they_may_not_read(
    retriever: RewordingRetriever, query: str, searched: str
) -> None:
    assert retriever.retrieve(query, reader=OPERATOR, limit=5).query == searched
    found = retriever.retrieve(query, reader=ANYONE, limit=5)
    assert (found.query, found.changed) == (query, ())
    assert all(hit.chunk.access == ("everyone",) for hit in found.hits)


def test_other_words_tried_in_vain_are_tried_again_only_for_another_reader_or_state(
    tmp_path: Path, file: Path, inline: None
) -> None:
    settings = Settings(home=tmp_path / "home")
    with closing(Store.open(settings, command="test")) as opened:

        def ingest(name: str) -> None:
            (tmp_path / name).write_text(_DOCUMENTS[name], encoding="utf-8")
            assert Ingestor(opened, settings).run(FolderSource([tmp_path / name])).failed == 0

        def searches(reader: Reader = ANYONE) -> int:
            before = counted.searches
            retriever.retrieve("加斑费怎么算", reader=reader, limit=5)
            return counted.searches - before

        ingest("行政指南.md")
        counted = Counted(opened.open_versions)
        retriever = RewordingRetriever(counted, Synonyms(file))
        assert [searches(), searches(), searches()] == [2, 1, 1]
        assert [searches(OPERATOR), searches(OPERATOR)] == [2, 1]
        file.write_text("饭堂 = 食堂", encoding="utf-8")
        assert [searches(), searches()] == [2, 1]
        ingest("假期制度.md")
        assert retriever.retrieve("加斑费怎么算", reader=ANYONE, limit=5).query == "加班费怎么算"


def test_a_reader_of_nothing_gets_nothing(retriever: RewordingRetriever) -> None:
    found = retriever.retrieve("食唐", reader=Reader(frozenset()), limit=5)
    assert (found.query, found.changed, found.hits) == ("食唐", (), ())


def test_words_alone_are_enough_for_a_wrong_word_that_is_no_word(tmp_path: Path, inline: None) -> None:
    """Without vectors of Chinese, a proper word is not exchanged for another one with no character in common."""
    (tmp_path / "行政指南.md").write_text(_DOCUMENTS["行政指南.md"], encoding="utf-8")
    settings = Settings(home=tmp_path / "home", embedding_model=MINILM)
    with closing(Store.open(settings, command="test")) as opened:
        assert Ingestor(opened, settings).run(FolderSource([tmp_path / "行政指南.md"])).failed == 0
        retriever = RewordingRetriever(CurrentRetriever(opened.open_versions), Synonyms(tmp_path / "none.txt"))
        assert retriever.retrieve("食唐在哪里", reader=ANYONE, limit=3).query == "食堂在哪里"
        assert retriever.retrieve("shitang zai nali", reader=ANYONE, limit=3).query == "食堂在哪里"
        assert retriever.retrieve("公子什么时候发", reader=ANYONE, limit=3).changed == ()


class TestSynonyms:
    @pytest.mark.parametrize(
        ("asked", "searched", "written", "word"),
        [
            ("飯堂几点开饭", "食堂几点开饭", "飯堂", "食堂"),
            ("员工餐厅几点开饭", "食堂几点开饭", "员工餐厅", "食堂"),
            ("How much pto do I get?", "How much 年休假 do I get?", "pto", "年休假"),
        ],
    )
    def test_the_word_of_the_documents_takes_the_place_of_the_asker_s(
        self, retriever: RewordingRetriever, file: Path, asked: str, searched: str, written: str, word: str
    ) -> None:
        file.write_text(
            "泊车位 = 停车\n飯堂 = 食堂 = 员工餐厅  # 行政\nPTO = vacation days = 年休假\n", encoding="utf-8"
        )
        found = retriever.retrieve(asked, reader=ANYONE, limit=5)
        assert (found.query, found.changed) == (searched, (Change("synonym", written, word),))

    def test_the_word_of_the_documents_stays(self, retriever: RewordingRetriever, file: Path) -> None:
        file.write_text("饭堂 = 食堂\nprinter = 打印机", encoding="utf-8")
        for query in ("食堂几点开饭", "饭堂和食堂在哪", "the printers are out of paper", "sprinter"):
            found = retriever.retrieve(query, reader=ANYONE, limit=5)
            assert (found.query, found.changed) == (query, ())

    def test_it_takes_no_second_search(self, retriever: RewordingRetriever, counted: Counted, file: Path) -> None:
        file.write_text("饭堂 = 食堂", encoding="utf-8")
        found = retriever.retrieve("饭堂在哪里", reader=ANYONE, limit=5)
        assert (counted.searches, "食堂在 2 号楼" in found.hits[0].chunk.text) == (1, True)

    def test_a_change_of_the_file_is_seen_by_the_next_query(self, retriever: RewordingRetriever, file: Path) -> None:
        def searched() -> str:
            return retriever.retrieve("小饭桌在哪", reader=ANYONE, limit=5).query

        assert searched() == "小饭桌在哪"
        file.write_text("小饭桌 = 食堂", encoding="utf-8")
        assert searched() == "食堂在哪"
        file.write_text("小饭桌 = 停车", encoding="utf-8")
        os.utime(file, ns=(1, 1))
        assert searched() == "停车在哪"
        file.unlink()
        assert searched() == "小饭桌在哪"

    def test_wrong_spelling_and_a_synonym_are_both_said(self, retriever: RewordingRetriever, file: Path) -> None:
        file.write_text("结婚假 = 婚假", encoding="utf-8")
        found = retriever.retrieve("结婚假和加斑费", reader=ANYONE, limit=5)
        assert changed(found) == [("synonym", "结婚假", "婚假"), ("spelling", "加斑费", "加班费")]
