"""A bot whose model never answers, to be killed. Arguments: the home and the gateway's base address."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from pydantic import SecretStr

from api.dingtalk.bot import DingTalkBot
from api.dingtalk.settings import DingTalkSettings
from tests.api.dingtalk_rig import Scripted, database
from tests.fake_dingtalk import FakeDingTalk


async def main(home: str, base: str) -> None:
    assistant = Scripted()
    assistant.gate = asyncio.Event()
    secret = SecretStr(FakeDingTalk.client_secret)
    settings = DingTalkSettings(FakeDingTalk.client_id, secret, api_base=base, oapi_base=base)
    await DingTalkBot(assistant, database(Path(home)), settings).run_stream()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
