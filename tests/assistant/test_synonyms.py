"""The company's synonyms: what the file may say, and what is said of its mistakes."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from assistant.rewording.synonyms import Synonyms, read_synonyms

_FILE = """\
# 我们的说法
饭堂 = 食堂
PTO ＝ annual   leave = 年假  # HR

没有等号
 = 空的
甲 = 乙方
食堂 = 餐厅
GB/T 19001 = 质量标准
C# = C sharp
"""


def test_mistakes_are_named_by_line_and_the_rest_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "synonyms.txt"
    file.write_bytes(b"\xef\xbb\xbf" + _FILE.replace("\n", "\r\n").encode() + b"\xb7\xb9\xcc\xc3 = canteen\n")
    words, mistakes = read_synonyms(file)
    assert [(mistake.line, mistake.reason.split("; ")[0]) for mistake in mistakes] == [
        (5, "it has no `=`"),
        (6, "a word is missing before or after `=`"),
        (7, "'甲' is a single character, which stands in too many other words"),
        (8, "'食堂' is in line 2 already"),
        (11, "it is not UTF-8 text"),
    ]
    assert len(words) == 4
    assert [one.others for one in words.meant("Annual Leave")] == [("PTO", "年假")]
    assert [one.others for one in words.meant("按ＧＢ/Ｔ 19001 检验")] == [("质量标准",)]
    assert [one.others for one in words.meant("why C#?")] == [("C sharp",)]


@pytest.mark.parametrize(
    ("query", "typed"),
    [
        ("饭堂几点开", ["饭堂"]),
        ("去飯堂", ["飯堂"]),
        ("ＰＴＯ policy", ["ＰＴＯ"]),
        ("laptop", []),
        ("ptos", []),
        ("食堂和饭堂", []),
        ("饭堂，饭堂！", ["饭堂", "饭堂"]),
        ("annual leave in 食堂", ["annual leave", "食堂"]),
        ("①饭堂", ["饭堂"]),
    ],
)
def test_words_are_found_as_they_are_written(tmp_path: Path, query: str, typed: list[str]) -> None:
    (tmp_path / "synonyms.txt").write_text(_FILE, encoding="utf-8")
    words, _ = read_synonyms(tmp_path / "synonyms.txt")
    assert [query[one.start : one.end] for one in words.meant(query)] == typed


def test_the_longest_word_is_taken(tmp_path: Path) -> None:
    (tmp_path / "synonyms.txt").write_text("餐厅 = 食堂\n员工餐厅 = 员工食堂", encoding="utf-8")
    words, _ = read_synonyms(tmp_path / "synonyms.txt")
    assert [one.others for one in words.meant("员工餐厅在哪")] == [("员工食堂",)]


def test_a_file_that_cannot_be_read_is_a_mistake_and_one_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_synonyms(tmp_path / "none.txt")[1] == []
    (mistake,) = read_synonyms(tmp_path)[1]
    assert mistake.line == 0
    (tmp_path / "large.txt").write_bytes(b"# \n" * 400_000)
    words, (mistake,) = read_synonyms(tmp_path / "large.txt")
    assert (len(words), mistake.reason) == (0, "the file is larger than 1 MiB and is not read")


def test_mistakes_are_logged_once_for_each_state_of_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "synonyms.txt"
    file.write_text("饭堂 = 食堂\n没有等号", encoding="utf-8")
    synonyms = Synonyms(file)
    with caplog.at_level(logging.WARNING):
        assert [len(synonyms.current()) for _ in range(3)] == [1, 1, 1]
        assert [record.getMessage() for record in caplog.records] == [
            f"Synonyms in {file}: line 2: it has no `=`; write `word = word`"
        ]
        file.write_text("饭堂 = 食堂\n没有等号\n泊车 = 停车", encoding="utf-8")
        assert len(synonyms.current()) == 2
        assert len(caplog.records) == 2


def test_a_long_list_is_as_quick_as_a_short_one(tmp_path: Path) -> None:
    file = tmp_path / "synonyms.txt"
    file.write_text("\n".join(f"word{number} = 词语{number}" for number in range(30_000)), encoding="utf-8")
    words, mistakes = read_synonyms(file)
    assert (len(words), mistakes) == (30_000, [])
    started = time.process_time()
    assert len(words.meant("word7 " * 600)) == 600
    assert time.process_time() - started < 0.5
