"""Where settings come from, and which are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import ApiSettings, Settings, is_loopback, load_settings
from ingest.errors import ConfigurationError

LONG_KEY = "k-0123456789abcdef"

pytestmark = pytest.mark.filterwarnings("error")


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.home) == ("127.0.0.1", 8000, Path(".youju"))
    assert settings.api_key is None


def test_building_settings_reads_nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_PORT", "9000")
    assert Settings().port == 8000
    assert ApiSettings().port == 8000


def test_the_environment_stands_over_the_file_and_the_file_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "youju.toml").write_text('port = 9001\nchunk_tokens = 128\nembedding_languages = ["zh"]\n')
    monkeypatch.setenv("YOUJU_PORT", "9002")
    settings = load_settings()
    assert (settings.port, settings.chunk_tokens, settings.evidence_limit) == (9002, 128, 6)
    assert settings.embedding_languages == ("zh",)


def test_the_file_is_looked_for_where_the_variable_says_then_here_then_at_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "state"
    home.mkdir()
    monkeypatch.setenv("YOUJU_HOME", str(home))
    (home / "youju.toml").write_text("port = 1")
    assert load_settings().port == 1
    Path("youju.toml").write_text("port = 2")
    assert load_settings().port == 2
    named = tmp_path / "named.toml"
    named.write_text("port = 3")
    monkeypatch.setenv("YOUJU_CONFIG", str(named))
    assert load_settings().port == 3


def test_a_file_that_was_named_and_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_CONFIG", "nowhere.toml")
    assert _refusal().code == "settings_file_missing"


def test_an_unknown_setting_in_the_file_names_the_nearest_known_one() -> None:
    Path("youju.toml").write_text("chunk_token = 128")
    refusal = _refusal()
    assert refusal.code == "unknown_setting"
    assert "chunk_tokens" in refusal.hint


def test_a_file_that_is_not_toml_says_where() -> None:
    Path("youju.toml").write_text("port = \n")
    refusal = _refusal()
    assert refusal.code == "settings_file_broken"
    assert "line 1" in refusal.message


def test_a_misspelt_variable_is_warned_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("YOUJU_API_KYE", "hush")
    load_settings()
    assert "api_key" in caplog.text
    assert "hush" not in caplog.text


def test_a_wrong_value_names_the_setting_and_never_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_PORT", "hush-hush")
    refusal = _refusal()
    assert refusal.code == "invalid_setting"
    assert "port" in refusal.message
    assert "hush" not in str(refusal)


def test_a_secret_of_the_wrong_type_is_not_echoed() -> None:
    Path("youju.toml").write_text('api_key = ["hush-hush"]')
    refusal = _refusal()
    assert "api_key" in refusal.message
    assert "hush" not in str(refusal)
    assert refusal.__cause__ is None
    assert refusal.__suppress_context__


def test_a_list_that_is_not_json_says_how_to_write_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_EMBEDDING_LANGUAGES", "zh,en")
    assert '["zh", "en"]' in _refusal().hint


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box.example"])
def test_an_address_others_can_reach_needs_a_key(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("YOUJU_HOST", host)
    assert _refusal().code == "no_authentication"
    monkeypatch.setenv("YOUJU_API_KEY", "  ")
    assert _refusal().code == "no_authentication"
    monkeypatch.setenv("YOUJU_API_KEY", LONG_KEY)
    assert load_settings().host == host


@pytest.mark.parametrize("name", ["YOUJU_API_KEY", "YOUJU_READER_KEY"])
def test_a_key_that_others_could_guess_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "hush-hush-hush1")
    assert load_settings().host == "127.0.0.1"
    monkeypatch.setenv("YOUJU_HOST", "0.0.0.0")
    refusal = _refusal()
    assert (refusal.code, name in refusal.message) == ("short_key", True)
    assert "hush" not in str(refusal)
    monkeypatch.setenv(name, "hush-hush-hush16")
    assert load_settings().host == "0.0.0.0"


@pytest.mark.parametrize("name", ["YOUJU_API_KEY", "YOUJU_READER_KEY"])
def test_blanks_and_line_ends_around_a_key_are_not_of_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, f" \t{LONG_KEY}\r\n")
    key = getattr(load_settings(), name.removeprefix("YOUJU_").lower())
    assert key.get_secret_value() == LONG_KEY


@pytest.mark.parametrize("name", ["YOUJU_API_KEY", "YOUJU_READER_KEY"])
@pytest.mark.parametrize(
    "key", ["hush hush 0123456789", "hush\nhush-0123456789", "hush-密钥-0123456789", "hush\x7fh-01234567"]
)
def test_a_key_that_cannot_be_sent_is_refused_without_saying_it(
    monkeypatch: pytest.MonkeyPatch, name: str, key: str
) -> None:
    monkeypatch.setenv(name, key)
    refusal = _refusal()
    assert refusal.code == "invalid_setting"
    assert name.removeprefix("YOUJU_").lower() in refusal.message
    assert "hush" not in str(refusal)


def test_the_reader_s_key_is_another_than_the_operator_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_API_KEY", LONG_KEY)
    monkeypatch.setenv("YOUJU_READER_KEY", f"{LONG_KEY}\n")
    refusal = _refusal()
    assert (refusal.code, LONG_KEY in str(refusal)) == ("same_keys", False)


def test_the_reader_s_key_alone_is_enough_to_be_reached_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_HOST", "0.0.0.0")
    monkeypatch.setenv("YOUJU_READER_KEY", LONG_KEY)
    assert load_settings().api_key is None


def test_a_public_address_in_front_of_loopback_needs_a_key_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_PUBLIC_URL", "https://kb.example/")
    assert _refusal().code == "no_authentication"


def test_several_workers_need_a_server_for_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOUJU_WORKERS", "2")
    assert _refusal().code == "one_worker_only"
    monkeypatch.setenv("YOUJU_QDRANT_URL", "http://127.0.0.1:6333")
    assert load_settings().workers == 2


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True), ("0.0.0.0", False), ("a.b", False)],
)
def test_loopback_is_told_from_the_rest(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def _refusal() -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    return caught.value
