"""From bytes to text, whatever the encoding: marked, UTF-8, the Chinese ones, then a guess."""

from __future__ import annotations

import codecs
import re

import charset_normalizer

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH = re.compile(rb"[\x80-\xff]+")
_SENSIBLE = re.compile(r"[\t\n\r -~\u00a0-\u024f\u0400-\u04ff\u2010-\u203f\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]")
_SAMPLE_BYTES = 100_000
_FREQUENT = frozenset(
    "的一是不了在有人我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可"
    "這來個說們為時會著過學對報銷標準產開發關於與業務員電單經現實問題点點费費用"
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""")


def is_marked(data: bytes) -> bool:
    """Whether the bytes begin with a byte order mark."""
    return any(data.startswith(mark) for mark, _ in _MARKS)


def wide(data: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` where unmarked bytes read as sensible text in it, else None."""
    sample = data[: min(len(data), 4096) // 2 * 2]
    for encoding in ("utf-16-le", "utf-16-be") if b"\0" in sample else ():
        text = sample.decode(encoding, errors="replace")
        if len(_SENSIBLE.findall(text)) >= 0.95 * len(text):
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
    candidates = ["utf-8"]
    if charset is None and declared and (found := _DECLARED.search(data[:4096])):
        charset = found.group(1).decode("ascii")
    if charset:
        # Western charsets are declared by habit, and anything decodes in them: what reads as UTF-8 is UTF-8.
        stated = _superset(charset)
        candidates.insert(1 if stated == "cp1252" else 0, stated)
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
    if found := wide(sample):
        return found
    if _looks_like(sample, "utf-8"):
        return "utf-8"
    runs = _HIGH.findall(sample)
    # Two-byte scripts give runs of two and more high bytes; accents in Latin text stand alone.
    if runs and sum(map(len, runs)) / len(runs) >= 1.8:
        chinese = max(("gb18030", "big5"), key=lambda encoding: _chinese_score(sample, encoding))
        if _chinese_score(sample, chinese) > 0.02:
            return chinese
    best = charset_normalizer.from_bytes(sample).best()
    if best is None or best.encoding.startswith(("utf_16", "utf_32")):
        return "cp1252"
    latin = _looks_like(sample, "cp1252") and not any(0x80 <= ord(c) <= 0x9F for c in sample.decode("cp1252"))
    single = best.encoding.startswith(("cp125", "iso8859", "latin", "mac", "cp437", "cp85", "cp775", "hp_"))
    return "cp1252" if latin and single and _western(sample) else best.encoding


def _looks_like(sample: bytes, encoding: str) -> bool:
    """Whether at most one byte in a thousand is wrong in this encoding."""
    return sample.decode(encoding, errors="replace").count("\ufffd") * 1000 <= len(sample)


def _western(sample: bytes) -> bool:
    """Whether most high bytes are accented letters or typographic marks of Western Europe between ASCII."""
    runs = _HIGH.findall(sample)
    return sum(len(run) == 1 for run in runs) * 2 >= len(runs)


def _chinese_score(sample: bytes, encoding: str) -> float:
    """The share of frequent characters among the decoded ones; negative when much of it does not decode."""
    text = sample.decode(encoding, errors="replace")
    wide = [character for character in text if ord(character) > 0x7F]
    if not wide:
        return 0.0
    wrong = wide.count("\ufffd")
    return sum(character in _FREQUENT for character in wide) / len(wide) - 5 * wrong / len(wide)
