"""The DingTalk bot: the bot of every channel, with DingTalk's messages, its two ways in, and its way out."""

from __future__ import annotations

import logging

from fastapi import APIRouter

from api.channels.bot import Answers, Bot
from api.channels.channel import Begin, Channel
from api.channels.inbox import Database
from api.channels.memory import KeptChats
from api.dingtalk.callback import callback_router
from api.dingtalk.markdown import spaced
from api.dingtalk.message import NAME, DingTalkMessage, parse_message
from api.dingtalk.reply import Replier
from api.dingtalk.settings import DingTalkSettings
from api.dingtalk.stream import StreamClient
from ingest.errors import ConfigurationError

logger = logging.getLogger(__name__)

DINGTALK = Channel(NAME, "DingTalk", DingTalkMessage.from_json, spaced)


class DingTalkBot(Bot[DingTalkMessage]):
    """One robot of one DingTalk application. Build it inside the serving process. One event loop runs all of it."""

    def __init__(
        self, assistant: Answers, database: Database, settings: DingTalkSettings, kept: KeptChats | None = None
    ) -> None:
        super().__init__(DINGTALK, assistant, database, Replier(settings), settings, kept)
        self._application = settings
        self.router: APIRouter = callback_router(settings, self.accept)

    async def accept(self, body: object) -> Begin:
        """Write a message of DingTalk down. See `receive`. Raises RequestError too, if the body is not a message."""
        return await self.receive(parse_message(body, self._application.corp_id))

    async def run_stream(self) -> None:
        """Receive messages over DingTalk's stream until cancelled. Returns if DingTalk refuses the application."""
        try:
            await StreamClient(self._application, self.accept).run()
        except ConfigurationError as error:
            logger.error("The DingTalk stream is off: %s", error)
