"""Makes text from outside harmless for a prompt. It then contains no control token, no fence and no evidence number."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_BREAK = "\u200b"
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
"""Characters that are not visible on a page. They could stand inside a token, or hide an order from the people who read
the document."""
_HALF = re.compile("[\ud800-\udfff]")
_LOOKALIKES = {
    **dict.fromkeys("\u2502\u2503\u2223\u01c0\u2758\u2759\u275a\uffe8\ufe31\ufe33\u23d0\u00a6", "|"),
    **dict.fromkeys("\u2039\u3008\u27e8\u2329\ufe64\ufe3f\u276c\u276e\u2770", "<"),
    **dict.fromkeys("\u203a\u3009\u27e9\u232a\ufe65\ufe40\u276d\u276f\u2771", ">"),
}

# Our own tags, and names with a meaning in chat templates. A model reads them as the beginning of a tag, whatever
# follows.
_TAGS = (
    "资料|資料|documents?|evidences?|think(?:ing)?|thought|reasoning|"
    "(?:[a-z]{1,20}:)?tool_(?:calls?|responses?|results?|outputs?|code|sep)|(?:[a-z]{1,20}:)?function_(?:calls?|results?)|"
    "invoke|available_tools|(?:start|begin|end)_of_[a-z]{1,20}|fim_[a-z]{1,20}"
)
# These words are also ordinary code and markup. They count as a tag only if nothing else is in the tag.
_WHOLE_TAGS = (
    "s|sys|system|user|assistant|ai|bot|human|tools?|functions?|parameters?|answer|[bes]op|bos|eos|eod|eot|pad|unk|sep|"
    "cls|[gs]?mask|[a-z]{1,10}_token|(?:reserved|unused|extra_id)_?[0-9]{1,6}|用户|用戶|助手|系统|系統|中间|问题|回答"
)
_ANGLE = re.compile(
    rf"<(?=[\s/]*+(?:\||(?:{_TAGS})\b|(?:function|parameter)\s*+=|(?:{_WHOLE_TAGS})\s*+/?+>))", re.IGNORECASE
)
_SQUARE = re.compile(
    r"\[(?=[\s/]*+(?:INST|[a-z]{1,20}_(?:TOOLS|CALLS|RESULTS|PROMPT|CONTENT)|[gs]?MASK|CLS|SEP|PAD|UNK|BOS|EOS|THINK|"
    r"ARGS|CALL_ID|(?:UNUSED|RESERVED)_TOKEN_[0-9]{1,6})\s*+\])",
    re.IGNORECASE,
)

_REMEMBERED_TEXTS = 256
"""Some 8 KB each."""

# The markers that `cite` reads, for text whose full-width forms have become plain; and subscripts, which are no
# markers.
_LABEL = "(?:资料|資料|来源|來源|文档|文件|证据|證據|引用|source|document|doc|evidence|ref|citation)"
_MARKER = rf"[\[【]\s*+\^?+{_LABEL}?+\s*+[:#]?+\s*+\d{{1,3}}+(?:\s*+[,、;]\s*+{_LABEL}?+\s*+\d{{1,3}}+)*+\s*+[\]】]"
_SUBSCRIPTS = rf"(?<=[A-Za-z0-9_)])(?:\[(?!\s*+\^?+{_LABEL})[ -Z\\^-~]{{1,60}}+\])++"
_NUMBERED = re.compile(rf"(?P<code>{_SUBSCRIPTS})|{_MARKER}", re.IGNORECASE)


@lru_cache(maxsize=_REMEMBERED_TEXTS)
def neutralise(text: str) -> str:
    """Returns `text` for use inside a prompt. No control token, fence or evidence number is left in it.

    A zero-width space breaks the tokens. Round brackets replace the square ones of `[1]`, but `a[1]` stays. Invisible
    characters are removed, and half a surrogate pair becomes U+FFFD. The time is linear in the length of the text. Do
    not normalise the result by NFKC afterwards. Do not quote it as the document's words: quotes come from the chunk.
    The last results are cached, because many questions find the same chunks.
    """
    text = _HALF.sub("\ufffd", _UNSEEN.sub("", text))
    plain = _plain(text)
    edits = {match.start(): text[match.start()] + _BREAK for match in _ANGLE.finditer(plain)}
    edits |= {match.start(): text[match.start()] + _BREAK for match in _SQUARE.finditer(plain)}
    for match in _NUMBERED.finditer(plain):
        if match["code"] is None:
            edits |= {match.start(): "(", match.end() - 1: ")"}
    pieces, done = [], 0
    for position in sorted(edits):
        pieces += [text[done:position], edits[position]]
        done = position + 1
    return "".join([*pieces, text[done:]])


def _plain(text: str) -> str:
    """Returns the text with each character in its plain form. Every character keeps its place."""
    if text.isascii():
        return text
    return text.translate({ord(mark): form for mark in set(text) if (form := _form(mark)) != mark})


@lru_cache(maxsize=8192)
def _form(mark: str) -> str:
    """Returns the plain form of a character. If that is not a single character, returns the character itself."""
    plain = unicodedata.normalize("NFKC", mark)
    return _LOOKALIKES.get(mark, plain if len(plain) == 1 else mark)
