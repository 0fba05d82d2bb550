"""Decodes bytes in any encoding. It tries the byte order mark, UTF-8, the declared encoding, and then a guess."""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

import charset_normalizer

from ingest.parse.text.scripts import cyrillic, eastern, score, western

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH = re.compile(rb"[\x80-\xff]+")
_SENSIBLE = re.compile(
    r"[\t\n\r -~\u00a0-\u024f\u0370-\u04ff\u2010-\u203f\u2100-\u22ff\u2460-\u25ff\u3000-\u30ff"
    r"\u4e00-\u9fff\uac00-\ud7af\uff00-\uffef]+"
)
_SAMPLE_BYTES = 100_000
_SCORED_BYTES = 20_000
_UNMARKED = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_WIDE_SCORE = 0.4
_SHIFTS = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""")


def is_marked(data: bytes) -> bool:
    """Returns True if the bytes begin with a byte order mark."""
    return any(data.startswith(mark) for mark, _ in _MARKS)


def unmarked(data: bytes) -> str | None:
    """Returns the UTF-32 or UTF-16 encoding in which unmarked bytes read as sensible text. Returns None if there is
    none.
    """
    for encoding in _UNMARKED:
        unit = 4 if encoding.startswith("utf-32") else 2
        sample = data[: min(len(data), 4096) // unit * unit]
        if unit == 4 and b"\0" not in sample:
            continue  # every sensible character has two zero bytes
        if (text := _sensible_text(sample, encoding)) is None:
            continue
        # Pairs of letters look like rare Chinese characters. Without a zero byte, only common characters count.
        whole = len(data) % unit == 0 and len(text) > 1
        if b"\0" in sample or (whole and max(map(score, [text] * 3, ("gb18030", "cp932", "cp949"))) > _WIDE_SCORE):
            return encoding
    return None


@lru_cache(2 * len(_UNMARKED))  # the same bytes are looked at when the kind of a file is found, and when it is read
def _sensible_text(sample: bytes, encoding: str) -> str | None:
    """Returns the text that the bytes are in this encoding, or None if less than 95 % of it are sensible characters."""
    text = sample.decode(encoding, errors="replace").removesuffix("\ufffd")  # the cut may separate a pair
    sensible = sum(map(len, _SENSIBLE.findall(text)))
    return text if text and sensible >= 0.95 * len(text) else None


def decode(data: bytes, declared: bool = False, charset: str | None = None) -> str:
    """Returns the text of `data`. It never fails: bytes that no encoding explains are replaced by U+FFFD.

    With `declared`, a `charset=` or `encoding=` in the first 4 KiB (HTML, XML) is tried before guessing. `charset` came
    with the data (for example with a part of a mail), and is tried after a mark. Line ends become `\\n`.
    """
    return _decoded(data, declared, charset).replace("\r\n", "\n").replace("\r", "\n")


def storable(text: str) -> str:
    """Returns the text without NUL, and with U+FFFD for half a surrogate pair. Neither can be embedded, indexed or
    stored.

    Two halves next to each other become the character that they encode.
    """
    return text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _decoded(data: bytes, declared: bool, charset: str | None) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if any(shift in data[:4096] for shift in _SHIFTS):
        return data.decode("iso2022_jp_2", errors="replace")
    if found := unmarked(data):
        return data.decode(found, errors="replace")
    candidates = ["utf-8"]
    if charset is None and declared and (stated := _DECLARED.search(data[:4096])):
        charset = stated.group(1).decode("ascii")
    if charset:
        # Western charsets are often declared by habit, and any bytes decode in them. So bytes that are valid UTF-8 are
        # read as UTF-8.
        charset = _superset(charset)
        candidates.insert(1 if charset == "cp1252" else 0, charset)
    for encoding in candidates:
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode(_guess(data), errors="replace")


def _superset(name: str) -> str:
    """Returns the larger encoding that is often meant: GB18030 if GB2312 or GBK is declared, and CP1252 for the Western
    ones.
    """
    name = name.lower()
    if name in {"gb2312", "gbk", "gb_2312-80", "x-gbk"}:
        return "gb18030"
    return "cp1252" if name in {"iso-8859-1", "latin-1", "ascii", "us-ascii"} else name


def _guess(data: bytes) -> str:
    sample = data[:_SAMPLE_BYTES]
    if len(sample) < len(data) and (end := sample.rfind(b"\n")) > 0:
        sample = sample[:end]
    if _looks_like(sample, "utf-8"):
        return "utf-8"
    if found := western(sample):
        return found
    runs = _HIGH.findall(sample)
    # Two-byte scripts have runs of two or more high bytes. Accented letters in Latin text are usually single high
    # bytes.
    if runs and sum(map(len, runs)) / len(runs) >= 1.4 and (found := eastern(sample[:_SCORED_BYTES])):
        return found
    if found := cyrillic(sample):
        return found
    best = charset_normalizer.from_bytes(sample).best()
    return "cp1252" if best is None or best.encoding.startswith(("utf_16", "utf_32")) else best.encoding


def _looks_like(sample: bytes, encoding: str) -> bool:
    """Returns True if at most one byte in a thousand is wrong in this encoding."""
    return sample.decode(encoding, errors="replace").count("\ufffd") * 1000 <= len(sample)
