from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from api.dingtalk.settings import DingTalkSettings
from api.settings import ApiSettings
from ingest.errors import ConfigurationError


def test_the_bots_settings_are_cut_out_of_the_faces_settings() -> None:
    settings = DingTalkSettings.of(
        ApiSettings(
            dingtalk_client_id="ding",
            dingtalk_client_secret=SecretStr("hidden-5c1"),
            dingtalk_api_base="http://127.0.0.1:1/",
            dingtalk_corp_id="dingcorp",
            dingtalk_window_seconds=60,
            dingtalk_idle_seconds=5,
            dingtalk_parallel_answers=7,
            dingtalk_sources=("hr",),
            public_url="https://youju.example",
            dingtalk_webhook_hosts=("oapi.dingtalk.com", "webhooks.example"),
        )
    )
    assert (settings.client_id, settings.api_base) == ("ding", "http://127.0.0.1:1")
    assert settings.corp_id == "dingcorp"
    assert (settings.window_seconds, settings.idle_seconds) == (60, 5)
    assert settings.webhook_hosts == ("oapi.dingtalk.com", "webhooks.example")
    assert (settings.parallel_answers, settings.public_url) == (7, "https://youju.example")
    assert settings.sources == ("hr",)
    assert "hidden-5c1" not in repr(settings)


@pytest.mark.parametrize("corp_id", ["", " ", "ding corp", "公司", "d" * 201])
def test_a_corp_id_that_is_none_is_refused(corp_id: str) -> None:
    with pytest.raises(ValidationError):
        ApiSettings(dingtalk_corp_id=corp_id)


@pytest.mark.parametrize("seconds", [0, 3601])
def test_a_signature_is_good_for_an_hour_at_most(seconds: int) -> None:
    with pytest.raises(ValidationError):
        ApiSettings(dingtalk_window_seconds=seconds)


@pytest.mark.parametrize("answers", [0, 65])
def test_between_one_and_64_messages_are_answered_at_once(answers: int) -> None:
    with pytest.raises(ValidationError):
        ApiSettings(dingtalk_parallel_answers=answers)


@pytest.mark.parametrize("settings", [ApiSettings(dingtalk_client_id="ding"), ApiSettings(dingtalk_stream=True)])
def test_a_bot_without_credentials_is_refused(settings: ApiSettings) -> None:
    with pytest.raises(ConfigurationError) as error:
        DingTalkSettings.of(settings)
    assert error.value.code == "dingtalk_credentials_missing"
