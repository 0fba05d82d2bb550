"""The exact words of the answer if the evidence is missing."""

from __future__ import annotations

from assistant.request import Locale

REFUSALS: dict[Locale, str] = {
    "zh": "在您可以查看的文档中，没有找到能够回答这个问题的内容。",
    "zh-Hant": "在您可以檢視的文件中，沒有找到能夠回答這個問題的內容。",
    "en": "The documents you may read do not contain an answer to this question.",
}
"""The exact words of the answer if the evidence is missing. We use them, and the model does if it follows its rules."""
