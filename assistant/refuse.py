"""Whether an answer is itself a refusal."""

from __future__ import annotations

import re

from assistant.prompts.refusals import REFUSALS

_NOUN = "(?:documents?|evidence|context|sources?|passages?|materials?)"
_PUNCTUATION = re.compile(r"[\s\W_]+")
_ADMISSION = re.compile(
    r"(?:资料|資料|文档|文檔|文件|材料|已知信息|上下文)[^。\n]{0,12}(?:没|沒|未|不包含|不足以|无法|無法)[^。\n]{0,20}"
    r"|(?:无法|無法|不能)(?:[根據据]{2}[^。\n]{0,12})?(?:回答|确定|確定|得知)"
    rf"|{_NOUN}[^.\n]{{0,30}}(?:do(?:es)? not|don't|doesn't|no)\b[^.\n]{{0,40}}"
    r"(?:answer|contain|mention|information|say|specify|provide)"
    rf"|nothing in (?:the|these|those|your|my)\b[^.\n]{{0,20}}{_NOUN}"
    r"|(?:cannot|can't|could not|couldn't|unable to|not able to)\s+(?:answer|find|determine)"
    r"|(?:no|not enough|insufficient)\s+(?:relevant\s+)?information",
    re.IGNORECASE,
)
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_HAN_PER_WORD = 2
_ADMISSION_HAN = 300
"""A longer answer says more than that. It is counted in Chinese characters; a word in Latin letters is two of them."""


def is_refusal(answer: str) -> bool:
    """Returns True if the model says, in our words or its own, that the evidence does not answer the question."""
    said = _PUNCTUATION.sub("", answer).lower()
    if any(_PUNCTUATION.sub("", sentence).lower() in said for sentence in REFUSALS.values()):
        return True
    length = len(_HAN.findall(answer)) + _HAN_PER_WORD * len(_WORD.findall(answer))
    return length <= _ADMISSION_HAN and _ADMISSION.search(answer) is not None
