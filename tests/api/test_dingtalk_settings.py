from __future__ import annotations

import pytest
from pydantic import SecretStr

from api.dingtalk import DingTalkSettings
from api.settings import ApiSettings
from ingest.errors import ConfigurationError


def test_the_bots_settings_are_cut_out_of_the_faces_settings() -> None:
    settings = DingTalkSettings.of(
        ApiSettings(
            dingtalk_client_id="ding",
            dingtalk_client_secret=SecretStr("hidden-5c1"),
            dingtalk_api_base="http://127.0.0.1:1/",
            dingtalk_window_seconds=60,
            dingtalk_idle_seconds=5,
            dingtalk_webhook_hosts=("oapi.dingtalk.com", "webhooks.example"),
        )
    )
    assert (settings.client_id, settings.api_base) == ("ding", "http://127.0.0.1:1")
    assert (settings.window_seconds, settings.idle_seconds) == (60, 5)
    assert settings.webhook_hosts == ("oapi.dingtalk.com", "webhooks.example")
    assert "hidden-5c1" not in repr(settings)


@pytest.mark.parametrize("settings", [ApiSettings(dingtalk_client_id="ding"), ApiSettings(dingtalk_stream=True)])
def test_a_bot_without_credentials_is_refused(settings: ApiSettings) -> None:
    with pytest.raises(ConfigurationError) as error:
        DingTalkSettings.of(settings)
    assert error.value.code == "dingtalk_credentials_missing"
