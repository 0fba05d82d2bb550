"""Finds the encoding that a web page names, and rewrites its file as UTF-8."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

_TEXT = re.compile(
    r"ascii|utf-8(-sig)?|utf[-_](16|32)([-_][lb]e)?|iso8859-\d+|latin[-_]?1|cp\d+|gb2312|gbk|gb18030|big5(hkscs)?"
    r"|shift_jis\w*|euc_\w+|iso2022_\w+|johab|koi8[-_]\w+|mac[-_]\w+|tis[-_]620|kz1048|ptcp154|hz"
)
"""Python's names of text encodings that the web uses.

Python also knows ciphers, escapes and packers. Some of them never end.
"""
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252"}
_PIECE_BYTES = 1 << 20


def text_codec(charset: str) -> str | None:
    """Returns Python's name for the text encoding that a site names. Returns None if it is not a text encoding."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, UnicodeError, ValueError):
        return None
    return name if _TEXT.fullmatch(name) else None


def recode(path: Path, charset: str) -> None:
    """Rewrite the file as UTF-8 with a byte order mark, so that every reader knows its encoding.

    The encoding in the header counts more than the encoding in the page. If the file is not in that encoding, it stays
    unchanged. It is read in pieces, because it may be as large as the largest document.
    """
    name = text_codec(charset)
    if name is None or name in ("utf-8", "ascii", "utf-8-sig"):
        return
    decoder = codecs.getincrementaldecoder(_WIDER.get(name, name))()
    written = path.with_name(f"{path.name}.utf-8")
    try:
        with path.open("rb") as file, written.open("wb") as copy:
            copy.write(codecs.BOM_UTF8)
            while piece := file.read(_PIECE_BYTES):
                copy.write(decoder.decode(piece).encode("utf-8", "replace"))
            copy.write(decoder.decode(b"", True).encode("utf-8", "replace"))
        written.replace(path)
    except UnicodeError:
        written.unlink()
