"""From bytes to text, whatever the encoding: what a mark says, UTF-8, what is declared, then a guess."""

from __future__ import annotations

import codecs
import re

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
    r"\u4e00-\u9fff\uac00-\ud7af\uff00-\uffef]"
)
_SAMPLE_BYTES = 100_000
_SCORED_BYTES = 20_000
_UNMARKED = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_WIDE_SCORE = 0.4
_SHIFTS = (b"\x1b$B", b"\x1b$@", b"\x1b(J")
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""")


def is_marked(data: bytes) -> bool:
    """Whether the bytes begin with a byte order mark."""
    return any(data.startswith(mark) for mark, _ in _MARKS)


def unmarked(data: bytes) -> str | None:
    """UTF-32 or UTF-16 in one byte order where unmarked bytes read as sensible text in it, else None."""
    for encoding in _UNMARKED:
        unit = 4 if encoding.startswith("utf-32") else 2
        sample = data[: min(len(data), 4096) // unit * unit]
        text = sample.decode(encoding, errors="replace").removesuffix("\ufffd")  # the cut may part a pair
        if not text or len(_SENSIBLE.findall(text)) < 0.95 * len(text):
            continue
        # Letters in pairs read as rare Chinese characters: without a zero byte only common ones count.
        whole = len(data) % unit == 0 and len(text) > 1
        if b"\0" in sample or (whole and max(map(score, [text] * 3, ("gb18030", "cp932", "cp949"))) > _WIDE_SCORE):
            return encoding
    return None


def decode(data: bytes, declared: bool = False, charset: str | None = None) -> str:
    """The text of `data`. Never fails: what no encoding explains is replaced by U+FFFD.

    With `declared`, a `charset=` or `encoding=` in the first 4 KiB (HTML, XML) is tried before guessing.
    `charset` is what came with the data (a mail's part), tried after a mark. Line ends become `\\n`.
    """
    return _decoded(data, declared, charset).replace("\r\n", "\n").replace("\r", "\n")


def storable(text: str) -> str:
    """The text without NUL, and with U+FFFD for half a surrogate pair: neither can be embedded, indexed or stored.

    Two halves that stand together become the character they mean.
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
        # Western charsets are declared by habit, and anything decodes in them: what reads as UTF-8 is UTF-8.
        charset = _superset(charset)
        candidates.insert(1 if charset == "cp1252" else 0, charset)
    for encoding in candidates:
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode(_guess(data), errors="replace")


def _superset(name: str) -> str:
    """GB2312 and GBK are declared where GB18030 is used; likewise the Western ones."""
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
    # Two-byte scripts give runs of two and more high bytes; accents in Latin text stand alone.
    if runs and sum(map(len, runs)) / len(runs) >= 1.4 and (found := eastern(sample[:_SCORED_BYTES])):
        return found
    if found := cyrillic(sample):
        return found
    best = charset_normalizer.from_bytes(sample).best()
    return "cp1252" if best is None or best.encoding.startswith(("utf_16", "utf_32")) else best.encoding


def _looks_like(sample: bytes, encoding: str) -> bool:
    """Whether at most one byte in a thousand is wrong in this encoding."""
    return sample.decode(encoding, errors="replace").count("\ufffd") * 1000 <= len(sample)
