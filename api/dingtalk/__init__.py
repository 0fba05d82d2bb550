"""The assistant in DingTalk: a robot that answers questions in chats and names its sources."""

from api.dingtalk.bot import Answers, DingTalkBot
from api.dingtalk.settings import DingTalkSettings

__all__ = ["Answers", "DingTalkBot", "DingTalkSettings"]
