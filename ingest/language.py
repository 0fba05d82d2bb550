"""Finds the language of a text, its folded form for matching, and the ends of its sentences.

Chinese and English are told apart by counting letters, without a model. This is nearly free. The answer only decides
which legs of the search a text takes part in.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ingest.document import Language
from ingest.replacements import Replacements

if TYPE_CHECKING:
    import numpy as np

_HAN_CHARACTERS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_LATIN_LETTERS = ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F))
_FOREIGN_LETTERS = ((0x370, 0x1FFF), (0x3040, 0x30FF), (0x3130, 0x318F), (0xAC00, 0xD7AF))
_IS_LATIN = 2
_LAST = 0x40000
"""Later characters are of none of these scripts, as this one."""
_HAN = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in _HAN_CHARACTERS)}]+")
_SAMPLE_CHARS = 20_000

_HAN_PER_WORD = 1.5
"""A Chinese word has about one and a half characters. So this many characters count as one English word."""
_MIXED_FROM, _CHINESE_FROM = 0.15, 0.7


def detect(text: str) -> Language:
    """Returns the language of a question or a passage: `zh`, `en`, `mixed` (much of both) or `other`.

    The share of Han among Han and Latin words decides. A Chinese sentence with an English product name is `zh`, and an
    English sentence with a Chinese name is `en`. Text without letters, or mostly in another script (Japanese, Korean,
    Cyrillic, Arabic, …), is `other`. Only the beginning of a long text counts.
    """
    import numpy as np  # as in `Replacements`

    codes = np.frombuffer(text[:_SAMPLE_CHARS].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    scripts = _scripts()[np.minimum(codes, _LAST)]
    _, characters, letters, others = np.bincount(scripts, minlength=4).tolist()
    if letters:  # a word begins where no letter stands before
        is_letter = scripts == _IS_LATIN
        letters = int(is_letter[0]) + int(np.count_nonzero(is_letter[1:] & ~is_letter[:-1]))
    han, latin, foreign = characters / _HAN_PER_WORD, letters, others / 4
    if foreign > han + latin or not han + latin:
        return "other"
    # Kana beside Han means Japanese, in which two characters of three are Han.
    if foreign > 0.1 * han > 0 and foreign > latin:
        return "other"
    share = han / (han + latin)
    if share < _MIXED_FROM:
        return "en"
    return "zh" if share >= _CHINESE_FROM else "mixed"


@cache
def _scripts() -> np.ndarray:
    """Returns the script of each character by its code point, 1 for Han, 2 for Latin, 3 for a foreign one: uint8."""
    import numpy as np

    table = np.zeros(_LAST + 1, dtype=np.uint8)
    for script, ranges in enumerate((_HAN_CHARACTERS, _LATIN_LETTERS, _FOREIGN_LETTERS), 1):
        for first, last in ranges:
            table[first : last + 1] = script
    return table


QUESTION_WORDS = re.compile(
    "什么时候|多长时间|请问一下|是什么样|分别是|为什么|可不可以|有没有|是不是|能不能|要不要|会不会|怎么样|什么样|怎么办|"
    "怎么算|多少钱|哪一[个天年月]|几[个天年月点次倍位岁折]|多少[个天年月次倍位元]|"
    "请问|请把|什么|怎么|怎样|如何|哪[些个里位儿种天年月家]|多[少久长大高远]|是否|为何|以及|或者|"
    "我们|你们|他们|咱们|这[个些]|那[个些]|一[个下]|可以|应该|需要|能够|关于|根据|按照|"
    "[的了吗呢吧啊呀嘛么是在和与及或我你您他她它们这那哪谁几也都就被把着]"
)
"""Matches what only forms a Chinese question, the longest phrase first, and particles.

Characters that often belong to a content word (有, 会, 要, 能, 不, 对, 为) are not in the list on their own.
"""


_RADICALS = (
    "·厂乛乚乙亻冂几刀刂卜㔾小小兀尣尢尢巳幺彑彐忄㣺扌攵·旡日月歺·民氵氺灬爫爫丬牛犭王疋目示礻竹糹纟罓罒㓁网网羊羊羊耂"
    "肀聿肉臼艹艹艹虎衤覀西见角角讠贝足车辶辶辶邑钅长镸长门阜阝雨青韦页风飞食食飠饣首马骨鬼鱼鸟卤麦黄黾齐齐齿齿龙龙龟龟龟"
)
"""The characters that U+2E80 to U+2EF3, the CJK Radicals Supplement, look like. PDFs contain the radicals instead of
them. Unicode's compatibility forms have the Kangxi radicals, but not these.
"""
_VARIANTS = str.maketrans("囯槪淸靑戸彊菓姉", "国概清青户强果姊")
"""Other forms of characters that the table from traditional to simplified Chinese does not have."""
_INVISIBLE = re.compile(r"[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]+")
_SET_WIDE = re.compile(r"(?<![\u3400-\u9fff])[\u3400-\u9fff](?: [\u3400-\u9fff](?![\u3400-\u9fff]))+")
"""Matches single Chinese characters with a space between each two: 经 办 部 门."""
_WEARING = re.compile(r"(?<![原名显土巨专论编合拙遗译卓昭所撰新较见微])著(?![名作称述者书录有文])")
"""Matches 著 where it is the older form of 着 (接著, 執著)."""


_ALONE = (
    (0x01, 0x09),
    (0x0B, 0x7F),
    (0x2010, 0x2027),
    (0x3000, 0x3029),
    (0x3030, 0x303F),
    (0x3400, 0x9FFF),
    (0xFF01, 0xFF5E),
)
"""Most characters of a Chinese text: ASCII but for line breaks, punctuation, Chinese characters, full-width forms."""
_BLOCK_WORDS = 8192
"""So many words are folded at once. A character beside those in `_ALONE` makes its block five times as slow."""


def fold(text: str) -> str:
    """Returns the form in which texts are matched: NFKC (full-width to half-width), traditional to simplified Chinese,
    radicals and variants as the usual characters, without characters that nobody sees.

    Spaces between single Chinese characters are dropped. A query and the passage that it should find are folded alike.
    Lengths may change.
    """
    if text.isascii():
        return text
    seen = _one_by_one().all_in(text)
    if seen is None:
        seen = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_usual())
    if "著" in seen:
        seen = _WEARING.sub("着", seen)
    return _SET_WIDE.sub(lambda run: run[0].replace(" ", ""), seen) if " " in seen else seen


def fold_all(words: Sequence[str]) -> list[str]:
    """Returns the folded form of each of these words, of which none has a line break. It takes a small part of the time
    that folding one after the other takes.
    """
    blocks = ("\n".join(words[start : start + _BLOCK_WORDS]) for start in range(0, len(words), _BLOCK_WORDS))
    return [word for block in blocks for word in fold(block).split("\n")]


def is_traditional(text: str) -> bool:
    """Returns True if a text is in traditional Chinese: more of its characters exist only there than only in simplified
    Chinese.
    """
    return script(text) == "zh-Hant"


def script(text: str) -> Literal["zh", "zh-Hant"] | None:
    """Returns the script of a Chinese text, `zh` for simplified. None if its characters do not tell, as in 年假."""
    traditional, simplified = script_counts(text)
    if traditional == simplified:
        return None
    return "zh-Hant" if traditional > simplified else "zh"


def script_counts(text: str) -> tuple[int, int]:
    """Returns how many characters exist only in traditional Chinese, and how many only in simplified Chinese."""
    han = "".join(_HAN.findall(text))
    only_traditional, only_simplified = (
        sum(table.get(ord(each), ord(each)) != ord(each) for each in han) for table in (_simplified(), _traditional())
    )
    return only_traditional, only_simplified


@cache
def _usual() -> dict[int, int]:
    """Returns which character each is folded to: its simplified form, and the usual form of radicals and variants."""
    return {**_simplified(), **radicals(), **_VARIANTS}


@cache
def _one_by_one() -> Replacements:
    """Returns what `fold` makes of characters that it looks at alone: none of them joins with another one."""
    codes = [code for first, last in _ALONE for code in range(first, last + 1)]
    forms = unicodedata.normalize("NFKC", "\n".join(map(chr, codes))).translate(_usual()).split("\n")
    return Replacements(dict(zip(codes, forms, strict=True)), kept=(ord("\n"),))


@cache
def radicals() -> dict[int, int]:
    """Returns the usual character for each radical: of the CJK Radicals Supplement, and of the Kangxi radicals."""
    supplement = {0x2E80 + place: ord(usual) for place, usual in enumerate(_RADICALS) if usual != "·"}
    compatible = {code: ord(unicodedata.normalize("NFKC", chr(code))) for code in (0x2E9F, *range(0x2F00, 0x2FD6))}
    return {**supplement, **compatible}


@cache
def _simplified() -> dict[int, int]:
    """Returns MediaWiki's table from traditional to simplified Chinese, for single characters only."""
    return _conversion("zh2Hans")


@cache
def _traditional() -> dict[int, int]:
    """Returns the table from simplified to traditional Chinese, for single characters only."""
    return _conversion("zh2Hant")


def _conversion(name: str) -> dict[int, int]:
    """Returns a table of MediaWiki, as zhconv ships it.

    The file is read as data. Importing zhconv would import a deprecated module of setuptools, where it is installed.
    """
    spec = find_spec("zhconv")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("zhconv is a dependency of youju and is not installed", name="zhconv")
    tables = json.loads(Path(spec.origin).with_name("zhcdict.json").read_bytes())
    return {ord(old): ord(new) for old, new in tables[name].items() if len(old) == len(new) == 1}


_CLOSERS = r"\"'”’」』）)】》〉］\]"
_END = re.compile(
    rf"[。！？；…][。！？；…!?]*+[{_CLOSERS}]*+"
    rf"|(?<![!?])[!?]++[{_CLOSERS}]*+(?=\s|$|[\u3400-\u9fff])"
    rf"|\.(?:[.{_CLOSERS}]|[ \t](?=\.(?:\s|$)))*+(?:(?=\s|$)|(?P<inside>))"
    r"|\n(?=[^\S\n]*(?:\n|[|•·*+-]\s|\d{1,3}[.、)）]))"
)
"""Each character is examined a limited number of times. A run of full stops inside a word is skipped as a whole
(`inside`), because no part of it ends a sentence.
"""
_LIST_NUMBER = re.compile(r"(?:^|\n)[^\S\n]*\d{1,3}$")
_OPENING = r"(?:^|[\s(\[\"“（])"
_TITLE = re.compile(rf"{_OPENING}(?:[A-Z]|Nos?|Mr|Mrs|Ms|Dr|Prof|St|Figs?|Eq|Sec|vs|cf|[Ee]\.g|[Ii]\.e)$")
"""A full stop after one of these never ends a sentence: initials, forms of address, and words before a number."""
_ABBREVIATION = re.compile(
    rf"{_OPENING}(?:(?:[A-Za-z]\.)+[A-Za-z]|etc|al|approx|Inc|Ltd|Co|Corp|Dept|Ch|Vol|Art|pp?"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)$"
)
"""Abbreviations that may also end a sentence. The next word decides."""
_GOES_ON = re.compile(r"\s+[a-z0-9]")


def sentences(text: str) -> list[tuple[int, int]]:
    """Returns the sentences of `text` as (start, end) in characters, in order, without the white space around them.

    A sentence ends with 。！？；… or . ! ? and their closing quotes. It also ends with a line break before a blank
    line, a list item or a table row. Decimals, version numbers, file names, abbreviations (`e.g.`, `No. 5`, `Dr. Wu`)
    and list numbers do not end one. Every character that is not white space belongs to exactly one sentence.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if match["inside"] is not None:
            continue
        if match[0][0] == "." and not _closes(text, match.start(), match.end()):
            continue
        _append(spans, text, start, match.end())
        start = match.end()
    _append(spans, text, start, len(text))
    return spans


def _closes(text: str, stop: int, end: int) -> bool:
    """Returns True if the full stop at `stop`, followed by white space at `end`, ends a sentence."""
    if stop and not text[stop - 1].isalnum():  # mostly hundreds of dots that lead to a page number
        return True
    before = text[max(0, stop - 12) : stop]
    if _LIST_NUMBER.search(before) or _TITLE.search(before):
        return False
    return not (_ABBREVIATION.search(before) and _GOES_ON.match(text, end))


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))
