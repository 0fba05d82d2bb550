"""The assistant in DingTalk: a robot that is asked in chats and answers with its sources."""

from api.dingtalk.bot import Answers, DingTalkBot
from api.dingtalk.settings import DingTalkSettings

__all__ = ["Answers", "DingTalkBot", "DingTalkSettings"]
