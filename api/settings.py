"""The settings of the faces, all three slices together, and the one function that reads them from outside."""

from __future__ import annotations

import difflib
import ipaddress
import logging
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from api.security.keys import SHORTEST_KEY, checked_key
from assistant.rewording.synonyms import FILE_NAME as SYNONYMS_FILE
from assistant.settings import AssistantSettings
from ingest.errors import ConfigurationError
from ingest.settings import IngestSettings

PREFIX = "YOUJU_"
FILE_NAME = "youju.toml"

_VARIABLE = re.compile(r"\$\{(\w+)\}")

logger = logging.getLogger(__name__)


class ApiSettings(BaseModel):
    """How people reach the assistant. Each field is `YOUJU_<NAME>` in the environment."""

    model_config = ConfigDict(frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on. Anything but loopback needs a key.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    api_key: SecretStr | None = Field(
        None,
        description="The operator's key, sent as `Authorization: Bearer …`: it may do everything.",
    )
    reader_key: SecretStr | None = Field(
        None, description="Key that may ask, search and read what is for everyone, and nothing else."
    )
    workers: int = Field(1, ge=1, le=64, description="Server processes; more than one needs qdrant_url.")
    max_connections: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="Connections each server process takes at a time; fewer where the limit on open files says so.",
    )
    public_url: str | None = Field(
        None, description="Address under which people reach the page, used in links; the request's own if unset."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    dingtalk_client_id: str | None = Field(None, description="Client id (AppKey) of the DingTalk application.")
    dingtalk_client_secret: SecretStr | None = Field(
        None, description="Client secret (AppSecret) of the DingTalk application."
    )
    dingtalk_corp_id: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        pattern=r"^[A-Za-z0-9_.:$-]+$",
        description="Our organisation's corp id in DingTalk; the one that a message names for its robot if unset.",
    )
    dingtalk_stream: bool = Field(False, description="Receive DingTalk messages over an outgoing connection.")
    dingtalk_http: bool = Field(False, description="Receive DingTalk messages as HTTP callbacks.")
    dingtalk_api_base: str = Field("https://api.dingtalk.com", description="Base URL of DingTalk's API.")
    dingtalk_oapi_base: str = Field("https://oapi.dingtalk.com", description="Base URL of DingTalk's older API.")
    dingtalk_window_seconds: int = Field(
        300,
        ge=1,
        le=3600,
        description="How old a DingTalk callback may be by this machine's clock; a minute ahead at most.",
    )
    dingtalk_idle_seconds: float = Field(
        120.0, gt=0, description="How long the DingTalk connection may be silent before it is opened anew."
    )
    dingtalk_parallel_answers: int = Field(
        4,
        ge=1,
        le=64,
        description="How many DingTalk messages are answered at once; those of one conversation one after the other.",
    )
    dingtalk_sources: tuple[str, ...] = Field(
        (), description="The only sources that the DingTalk bot answers from; all if empty."
    )
    dingtalk_webhook_hosts: tuple[str, ...] = Field(
        ("oapi.dingtalk.com",), description="Hosts that answers to DingTalk messages may be sent to."
    )

    @field_validator("api_key", "reader_key")
    @classmethod
    def _can_be_sent(cls, key: SecretStr | None) -> SecretStr | None:
        return checked_key(key)

    @field_validator("dingtalk_client_secret")
    @classmethod
    def _blank_is_unset(cls, secret: SecretStr | None) -> SecretStr | None:
        return secret if secret is not None and secret.get_secret_value().strip() else None


class Settings(IngestSettings, AssistantSettings, ApiSettings):
    """All settings. Building this class directly reads nothing from outside. `load_settings` does that."""


class _Loaded(Settings, BaseSettings):
    """The same settings, read from the environment, then from the file, then from the defaults."""

    model_config = SettingsConfigDict(
        frozen=True, env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load_settings` passes the content of the file in, so the environment must come first.
        return env_settings, init_settings


def load_settings() -> Settings:
    """Returns the settings. The environment wins over the file, and the file over the defaults. Unsafe settings are
    refused.

    The file is `YOUJU_CONFIG`, or else `youju.toml` in the working directory, or else in `YOUJU_HOME`.
    Raises ConfigurationError. Its text names settings and never their values.
    """
    path = _file()
    values = _read(path) if path else {}
    _warn_of_misspelt_variables()
    try:
        settings = _Loaded(**values)
    except ValidationError as error:
        raise ConfigurationError(
            "invalid_setting",
            _complaints(error),
            f'Correct it in the environment (lists as JSON: ["zh", "en"]) or in {path or FILE_NAME}.',
        ) from None
    except SettingsError as error:
        raise ConfigurationError(
            "invalid_setting", f"A variable cannot be read: {error}.", 'Write lists as JSON: ["zh", "en"].'
        ) from None
    check_safety(settings)
    return settings


def check_safety(settings: Settings) -> None:
    """Raise ConfigurationError if two settings together are unsafe."""
    public_host = urlsplit(settings.public_url).hostname if settings.public_url else None
    exposed = [host for host in (settings.host, public_host) if host and not is_loopback(host)]
    _check_keys(settings, exposed[0] if exposed else None)
    if settings.workers > 1 and settings.qdrant_url is None:
        raise ConfigurationError(
            "one_worker_only",
            f"{settings.workers} workers were asked for, but one process owns the embedded index.",
            "Set YOUJU_WORKERS=1, or YOUJU_QDRANT_URL to a Qdrant server.",
        )


def _check_keys(settings: Settings, exposed: str | None) -> None:
    """Refuse keys that protect nothing. `exposed` is an address that other machines can reach, or None."""
    fields = {"YOUJU_API_KEY": settings.api_key, "YOUJU_READER_KEY": settings.reader_key}
    keys = {name: key.get_secret_value() for name, key in fields.items() if key is not None}
    if exposed and not keys:
        raise ConfigurationError(
            "no_authentication",
            f"{exposed} can be reached from other machines, and no API key is set.",
            "Set YOUJU_API_KEY to a long random text, or serve on 127.0.0.1 only.",
        )
    if len(set(keys.values())) < len(keys):
        raise ConfigurationError(
            "same_keys",
            "YOUJU_API_KEY and YOUJU_READER_KEY are the same, so that every reader would be the operator.",
            "Set two different long random texts, for example of `openssl rand -hex 24`.",
        )
    short = [name for name, key in keys.items() if len(key) < SHORTEST_KEY]
    if exposed and short:
        raise ConfigurationError(
            "short_key",
            f"{short[0]} has fewer than {SHORTEST_KEY} characters, and {exposed} can be reached from other machines.",
            "Set a long random text, for example of `openssl rand -hex 24`.",
        )


def synonyms_file(settings: Settings) -> Path:
    """Returns where the company's synonyms are. The file need not be there."""
    return settings.synonyms or settings.home / SYNONYMS_FILE


def is_loopback(host: str) -> bool:
    """Returns True if only this machine can reach `host` (a name or an address)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _file() -> Path | None:
    named = os.environ.get(f"{PREFIX}CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigurationError(
                "settings_file_missing", f"The settings file {named} does not exist.", "Correct YOUJU_CONFIG."
            )
        return Path(named)
    home = Path(os.environ.get(f"{PREFIX}HOME") or Settings.model_fields["home"].default)
    return next((path for path in (Path(FILE_NAME), home / FILE_NAME) if path.is_file()), None)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The reason names a line. A decoder's own text may quote the file, and the file holds secrets.
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8 text"
        raise ConfigurationError("settings_file_broken", f"{path} is not TOML: {reason}.") from None
    except OSError as error:
        raise ConfigurationError("settings_file_unreadable", f"{path} cannot be read: {error.strerror}.") from None
    for key in values:
        if key not in Settings.model_fields:
            raise ConfigurationError(
                "unknown_setting", f"{path} has the unknown setting {key!r}.", _did_you_mean(key) or "Remove it."
            )
    if isinstance(values.get("sources"), list):
        values["sources"] = [_source(source, path) for source in values["sources"]]
    return values


def _source(source: Any, file: Path) -> Any:
    """Returns a source from the file.

    Variables of the environment are filled in. Its folder is relative to the file.
    """
    if not isinstance(source, dict):
        return source
    source = {key: _filled(value, file) for key, value in source.items()}
    if isinstance(source.get("path"), str):
        source["path"] = str(file.absolute().parent / Path(source["path"]).expanduser())
    return source


def _filled(value: Any, file: Path) -> Any:
    """Returns the value with `${NAME}` replaced by the variable of the environment, in every text."""
    if isinstance(value, dict):
        return {key: _filled(item, file) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, file) for item in value]
    return _VARIABLE.sub(lambda found: _variable(found[1], file), value) if isinstance(value, str) else value


def _variable(name: str, file: Path) -> str:
    if name not in os.environ:
        raise ConfigurationError(
            "variable_missing", f"{file} uses ${{{name}}}, which is not set.", f"Set the variable {name}."
        )
    return os.environ[name]


def _warn_of_misspelt_variables() -> None:
    # This is only a warning, because container platforms set variables of their own under a service's name.
    for variable in os.environ:
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and name not in Settings.model_fields and name != "config":
            nearest = _did_you_mean(name)
            if nearest:
                logger.warning("The variable %s is not a setting. %s", variable, nearest)


def _did_you_mean(key: str) -> str:
    near = difflib.get_close_matches(key.lower(), Settings.model_fields, n=1)
    return f"Did you mean {near[0]!r}?" if near else ""


def _complaints(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in found) + "."
