"""What a bot itself says, in Chinese and English."""

from __future__ import annotations

from assistant.request import AnswerLanguage

_TEXTS: dict[str, tuple[str, str]] = {
    "unsupported": (
        "暂不支持这种消息。请用文字提问。",
        "This kind of message is not supported yet. Please ask in words.",
    ),
    "no_question": (
        "请直接输入问题，我会根据公司的文档回答，并注明出处。",
        "Please type a question. I answer from the company's documents and name the sources.",
    ),
    "too_many": (
        "现在提问的人太多，这个问题没有处理，请过几分钟再问一次。",
        "Too many questions are waiting, so this one was not taken. Please ask again in a few minutes.",
    ),
    "queued": (
        "排队中：前面还有问题在回答，轮到这个问题时会马上回答。",
        "You are in the queue: other questions are being answered first, and this one will be answered in its turn.",
    ),
    "too_slow": (
        "回答用时太长，已经停止。请稍后再试，或者把问题问得更具体。",
        "The answer took too long and was stopped. Please try again later, or ask something more specific.",
    ),
    "failed": (
        "回答这个问题时出错了，请稍后再试；如果一直这样，请把代码告诉管理员。（代码：{code}）",
        "Something went wrong while answering. Please try again later; if it persists, "
        "tell your administrator this code. (code: {code})",
    ),
    "model_failed": (
        "大模型现在无法回答，请稍后再试；如果一直这样，请把代码告诉管理员。（代码：{code}）",
        "The language model cannot answer at the moment. Please try again later; if it persists, "
        "tell your administrator this code. (code: {code})",
    ),
    "cut": (
        "（回答太长，后面的内容被截断了；请把问题问得更具体。）",
        "(The answer was too long and its end was cut off. Please ask something more specific.)",
    ),
    "request_refused": (
        "这个问题无法处理，请缩短或换一种问法。（代码：{code}）",
        "This question cannot be processed. Please shorten or rephrase it. (code: {code})",
    ),
    "sources": ("来源", "Sources"),
    "found": ("找到的相关内容", "What was found"),
}


def say(text: str, language: AnswerLanguage, **values: object) -> str:
    """Returns one of the texts above, with its values filled in."""
    return _TEXTS[text][0 if language == "zh" else 1].format(**values)


def say_in_both(text: str, **values: object) -> str:
    """Returns one of the texts above in both languages, for a message that does not show its language."""
    return "\n\n".join(_TEXTS[text]).format(**values)
