"""Languages, folding and sentence ends."""

from __future__ import annotations

import random
import time
import unicodedata

import pytest

from ingest.language import detect, fold, is_traditional, sentences


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("年假可以顺延到下一年吗？", "zh"),
        ("How many days of annual leave do I get?", "en"),
        ("iPhone 15 的保修期是多久？", "zh"),
        ("在 GT-9000 上怎么重置管理员密码？", "zh"),
        ("請問加班費如何計算？", "zh"),
        ("The word 有据 means with evidence, and it is the name of this product.", "en"),
        ("请 review 一下 deployment checklist 和 rollback plan", "mixed"),
        ("年假政策 annual leave policy", "mixed"),
        ("Сколько дней отпуска?", "other"),
        ("有給休暇は何日ありますか", "other"),
        ("연차는 며칠인가요", "other"),
        ("", "other"),
        ("2024-05-01 13.5 %", "other"),
        ("Wie viele Urlaubstage habe ich?", "en"),
    ],
)
def test_the_language_follows_the_share_of_chinese_and_latin_words(text: str, language: str) -> None:
    assert detect(text) == language


def test_a_very_long_text_is_judged_without_reading_all_of_it() -> None:
    text = "今天天气很好。" * 2_000_000
    began = time.thread_time()
    assert detect(text) == "zh"
    assert time.thread_time() - began < 0.5


def test_traditional_and_simplified_text_fold_to_the_same_form() -> None:
    assert fold("陸特開創了梵語的學術研究") == fold("陆特开创了梵语的学术研究")


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("年假有幾天？", True),
        ("電腦中毒應該打哪支電話", True),
        ("年假有几天？", False),
        ("上了八节私教课，还能退多少？", False),
        ("著名的景点在哪里", False),
        ("班車", True),
        ("班车", False),
        ("公司地址", False),
        ("annual leave", False),
        ("", False),
    ],
)
def test_traditional_chinese_is_told_from_simplified(text: str, is_so: bool) -> None:
    assert is_traditional(text) == is_so


def test_full_width_forms_fold_to_half_width() -> None:
    assert fold("ＧＴ－９０００（Ａ型）") == fold("GT-9000(A型)")


def test_folding_leaves_ascii_as_it_is_and_is_idempotent() -> None:
    assert fold("GT-9000 Pro") == "GT-9000 Pro"
    once = fold("臺灣與澳門的①號㎡")
    assert fold(once) == once


def test_a_decomposed_accent_matches_a_composed_one() -> None:
    assert fold(unicodedata.normalize("NFD", "café")) == fold("café")


def test_folding_keeps_up_with_ingestion() -> None:
    text = "陸特和漢斯雷頓開創了哪一地區對梵語的學術研究？" * 40_000
    megabytes = len(text.encode()) / 1e6
    fold("漢")
    began = time.thread_time()
    fold(text)
    assert megabytes / (time.thread_time() - began) * 60 > 20


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


def test_chinese_sentences_end_at_full_width_marks_and_keep_their_quotes() -> None:
    assert cut("员工每年有15天年假。“可以顺延吗？”可以！详见第3.2条；其他情况另议……完") == [
        "员工每年有15天年假。",
        "“可以顺延吗？”",
        "可以！",
        "详见第3.2条；",
        "其他情况另议……",
        "完",
    ]


def test_english_sentences_end_at_marks_followed_by_space() -> None:
    assert cut('Leave is 15 days. "May I carry it over?" Yes! Ask HR.') == [
        "Leave is 15 days.",
        '"May I carry it over?"',
        "Yes!",
        "Ask HR.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "The price is 3.50 dollars in version 2.0.1 of app.py",
        "Bring a document, e.g. a passport or an ID card.",
        "See No. 5 in the list, i.e. the last one.",
        "Dr. Wu and Mr. J. Smith signed it.",
        "Acme Inc. has offices in the U.S. and elsewhere, etc. and so on.",
        "Open https://example.com/a?b=c&d=1!x for the form",
        "1. Press the button",
        "价格为3.5元",
    ],
)
def test_points_that_end_nothing_do_not_split(text: str) -> None:
    assert cut(text) == [text]


def test_an_abbreviation_can_still_end_a_sentence() -> None:
    assert cut("It was made by Acme Inc. The price is low.") == ["It was made by Acme Inc.", "The price is low."]


def test_lines_of_lists_and_tables_are_sentences_of_their_own() -> None:
    assert cut("| 型号 | 价格 |\n| --- | --- |\n| A | 5 |") == ["| 型号 | 价格 |", "| --- | --- |", "| A | 5 |"]
    assert cut("要求：\n- 身份证\n- 护照") == ["要求：", "- 身份证", "- 护照"]
    assert cut("Title\n\nA line that is\nwrapped here.") == ["Title", "A line that is\nwrapped here."]


def test_nothing_but_white_space_is_left_out() -> None:
    text = "  甲。 乙! Third one...  fourth?!\n\n五；\t six.seven \n"
    kept = "".join(cut(text))
    assert "".join(kept.split()) == "".join(text.split())
    assert sentences(" \n\t ") == []


def test_characters_that_are_folded_alone_become_what_they_become_together_with_others() -> None:
    chosen = random.Random(13)
    usual = "著接名原经辦部 \n\t，。：；！？（）［］ａｂｃ１２３～“”‘’—…·、「」\u3000㎡①ﬁか\u3099e\u0301𠀀⻝⽣囯"
    alone = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    for text in (*alone, *("".join(chosen.choices(usual, k=chosen.randint(2, 30))) for _ in range(3_000))):
        # A character that nobody sees is looked at together with the others.
        assert fold(text) == fold(f"{text}\u200b"), ascii(text)
