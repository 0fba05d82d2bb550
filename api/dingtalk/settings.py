"""The settings of the DingTalk bot, taken from the settings of the faces."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from api.channels.settings import BotSettings
from api.settings import ApiSettings
from ingest.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class DingTalkSettings(BotSettings):
    """One DingTalk application, beside the limits of its bot.

    `webhook_hosts` are host names that answers may be sent to over HTTPS. A test host is written as an origin,
    `http://127.0.0.1:1234`. The origin of `oapi_base` is always allowed. `reconnect_seconds` and `retry_seconds` are
    the first and the longest pause before opening the stream or sending an answer again.
    """

    client_id: str
    client_secret: SecretStr
    corp_id: str | None = None
    api_base: str = "https://api.dingtalk.com"
    oapi_base: str = "https://oapi.dingtalk.com"
    webhook_hosts: tuple[str, ...] = ("oapi.dingtalk.com",)
    window_seconds: float = 300.0
    idle_seconds: float = 120.0
    part_chars: int = 3500
    reconnect_seconds: tuple[float, float] = (1.0, 60.0)
    retry_seconds: tuple[float, float] = (1.0, 30.0)

    @classmethod
    def of(cls, settings: ApiSettings) -> DingTalkSettings:
        """Returns the settings of the bot. Raises ConfigurationError if the application's id or secret is not set."""
        if not settings.dingtalk_client_id or settings.dingtalk_client_secret is None:
            raise ConfigurationError(
                "dingtalk_credentials_missing",
                "The DingTalk bot is switched on without the credentials of an application.",
                "Set YOUJU_DINGTALK_CLIENT_ID and YOUJU_DINGTALK_CLIENT_SECRET.",
            )
        return cls(
            client_id=settings.dingtalk_client_id,
            client_secret=settings.dingtalk_client_secret,
            corp_id=settings.dingtalk_corp_id,
            api_base=settings.dingtalk_api_base.rstrip("/"),
            oapi_base=settings.dingtalk_oapi_base.rstrip("/"),
            webhook_hosts=settings.dingtalk_webhook_hosts,
            window_seconds=settings.dingtalk_window_seconds,
            idle_seconds=settings.dingtalk_idle_seconds,
            parallel_answers=settings.dingtalk_parallel_answers,
            public_url=settings.public_url,
            sources=settings.dingtalk_sources,
        )
