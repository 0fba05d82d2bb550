"""Checks if an XML file declares entities, without parsing it. Some parsers unpack entities even while they check.

Only a document type declares entities. It comes before the first tag, so the search ends there.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

_MARK: Final = re.compile(r"""["']|<(?:!--|!ENTITY|.)""", re.S)
_ENDS: Final = {"<!--": "-->", "<?": "?>", '"': '"', "'": "'"}
_LONGEST_MARK: Final = len("<!ENTITY")
_LONGEST_DECLARATION: Final = 64 * 1024
_DECLARED: Final = re.compile(r"""encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_ROOT: Final = re.compile(r"<[^\W\d]|<[:\x80-\U0010ffff]")
_BLANKS: Final = " \t\r\n"
# UTF-32 in four byte orders, with a mark or with a first `<`, and EBCDIC. Parsers know them, but documents do not use
# them.
_ODD: Final = (
    b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"\0\0\xff\xfe", b"\xfe\xff\0\0", b"<\0\0\0", b"\0\0\0<", b"\0\0<\0", b"\0<\0\0",
    b"Lo\xa7\x94",
)  # fmt: skip
_UTF16: Final = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
# In these encodings, a byte is `<`, a dash or a quote exactly where it is one in ASCII.
_LIKE_ASCII: Final = re.compile(
    r"utf-?8|(us-)?ascii|iso[-_]?8859[-_]\d+|latin-?\d|windows-12\d\d|cp12\d\d|koi8-[ru]|gbk|gb_?2312(-80)?|gb18030"
    r"|big5(-hkscs)?|shift[-_]jis|sjis|windows-31j|euc-\w+|macintosh|(ibm|cp)8\d\d|cp9(32|36|49|50)",
    re.I,
)


def declares_entities(blocks: Iterator[bytes]) -> bool:
    """Returns True if the file in these blocks is XML that declares entities, or if its encoding could hide them.

    It takes only the blocks up to the first tag. If the file is not XML, it takes only the first block.
    """
    head = b""
    while len(head) < _LONGEST_MARK and (block := next(blocks, None)) is not None:
        head += block
    if head.startswith(_ODD):
        return True
    coding = next((coding for mark, coding in _UTF16 if head.startswith(mark)), "latin-1")
    decoder = codecs.getincrementaldecoder(coding)("replace")
    texts = (decoder.decode(block) for block in chain([head.removeprefix(codecs.BOM_UTF8)], blocks))
    text = ""
    for text in texts:
        text = text.lstrip("\ufeff" + _BLANKS)
        if text:
            break
    if not text.startswith("<"):
        return False
    return _is_hidden(text, coding) or _found(text, texts)


def _is_hidden(text: str, coding: str) -> bool:
    """Returns True if a file begins like ASCII but declares an encoding that is not like ASCII."""
    if coding != "latin-1" or not text.startswith("<?xml"):
        return False
    end = text.find("?>", 0, _LONGEST_DECLARATION)
    if end < 0:
        return len(text) > _LONGEST_DECLARATION
    declared = _DECLARED.search(text, 0, end)
    return declared is not None and _LIKE_ASCII.fullmatch(declared[1]) is None


def _found(text: str, texts: Iterator[str]) -> bool:
    """Returns True if an entity is declared before the first tag. Comments, instructions and literals are skipped,
    because they may contain anything.
    """
    until = ""
    while True:
        at, until, verdict = _looked_through(text, until)
        if verdict is not None:
            return verdict
        following = next(texts, None)
        if following is None:
            return False
        text = text[at:] + following


def _looked_through(text: str, until: str) -> tuple[int, str, bool | None]:
    """Returns the place at which to continue with more text, the mark up to which text is then skipped, and the verdict
    or None.
    """
    at = 0
    while True:
        if until:
            end = text.find(until, at)
            if end < 0:
                return max(len(text) - len(until) + 1, at), until, None
            at, until = end + len(until), ""
        found = _MARK.search(text, at)
        if found is None:
            return (len(text) - 1 if text.endswith("<", at) else len(text)), "", None
        if len(text) - found.start() < _LONGEST_MARK and found[0][0] == "<":
            return found.start(), "", None  # the kind of this mark is known only with the following text
        if found[0] == "<!ENTITY":
            return found.end(), "", True
        if _ROOT.match(text, found.start()):
            return found.end(), "", False
        at, until = found.end(), _ENDS.get(found[0], "")
