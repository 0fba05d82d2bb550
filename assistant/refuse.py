"""Whether an answer is itself a refusal."""

from __future__ import annotations

import re

from assistant.prompts.refusals import REFUSALS

_PUNCTUATION = re.compile(r"[\s\W_]+")
_ADMISSION = re.compile(
    r"(?:资料|資料|文档|文檔|文件|材料|已知信息|上下文)[^。\n]{0,12}(?:没有|沒有|未|并未|不包含|不足以|无法|無法)[^。\n]{0,20}"
    r"|(?:无法|無法|不能)(?:[根據据]{2}[^。\n]{0,12})?(?:回答|确定|確定|得知)"
    r"|(?:documents?|evidence|context|sources?)[^.\n]{0,30}(?:do(?:es)? not|don't|doesn't|no)\b[^.\n]{0,40}"
    r"(?:answer|contain|mention|information|say|specify|provide)"
    r"|(?:cannot|can't|unable to|not able to)\s+(?:answer|find|determine)"
    r"|(?:no|not enough|insufficient)\s+(?:relevant\s+)?information",
    re.IGNORECASE,
)
_ADMISSION_CHARS = 300


def is_refusal(answer: str) -> bool:
    """Returns True if the model says, in our words or its own, that the evidence does not answer the question."""
    said = _PUNCTUATION.sub("", answer).lower()
    if any(_PUNCTUATION.sub("", sentence).lower() in said for sentence in REFUSALS.values()):
        return True
    return len(answer) <= _ADMISSION_CHARS and _ADMISSION.search(answer) is not None
