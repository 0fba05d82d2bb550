"""Opens the chat model that the settings ask for."""

from __future__ import annotations

import importlib
import re
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from assistant.models import ChatModel
from assistant.models.extractive import MODEL as EXTRACTIVE
from assistant.models.extractive import ExtractiveChatModel
from assistant.models.fallback import FallbackChatModel
from assistant.models.tokenizer import OwnTokenizer
from assistant.quoting.reading import PassageReading
from assistant.qwen.defaults import grounded
from assistant.qwen.find import Found, find
from assistant.settings import AssistantSettings
from ingest.errors import ConfigurationError
from ingest.home.processes import loaded_for_good

if TYPE_CHECKING:
    from assistant.models.local import LocalChatModel
    from assistant.models.server import ServerChatModel

Settings = TypeVar("Settings", bound=AssistantSettings)

_FALLBACK = ("fallback_model", "fallback_model_url", "fallback_model_api_key")


def open_model(settings: AssistantSettings, *, hub: bool, reading: PassageReading | None = None) -> ChatModel:
    """Returns the chat model: the one at `model_url`, or `model` in this process, or quotations of the evidence, which
    `reading` helps to choose.

    It loads no weights and connects to nothing. The first answer does. `hub` allows a model to be downloaded.
    Where the settings name a fallback, it answers if that model fails.

    Raises ConfigurationError (`model_url_invalid`, `model_not_found`, `model_not_in_process`, `tokenizer_not_found`,
    `tokenizer_without_server`, `fallback_without_model`).
    """
    spare = fallback_alone(settings)
    first = _opened(settings, hub=hub, reading=reading)
    if spare is None:
        return first
    try:
        return FallbackChatModel(first, _opened(spare, hub=hub, reading=reading))
    except ConfigurationError as error:
        raise ConfigurationError(error.code, as_fallback(error.message), as_fallback(error.hint)) from error


def first_alone(settings: Settings) -> Settings:
    """Returns the settings without their fallback."""
    return settings.model_copy(update=dict.fromkeys(_FALLBACK))


def fallback_alone(settings: Settings) -> Settings | None:
    """Returns the settings with the fallback as their only model, or None if there is no fallback.

    Raises ConfigurationError (`fallback_without_model`).
    """
    if settings.fallback_model is None and settings.fallback_model_url is None:
        return None
    if settings.model is None and settings.model_url is None:
        raise ConfigurationError(
            "fallback_without_model",
            "YOUJU_FALLBACK_MODEL is set, and there is no model before it.",
            "Set YOUJU_MODEL_URL or YOUJU_MODEL, or set that one as YOUJU_MODEL.",
        )
    name = settings.fallback_model
    quotes = settings.fallback_model_url is None and name == EXTRACTIVE
    return settings.model_copy(
        update={
            **dict.fromkeys(_FALLBACK),
            "model": None if quotes else name,
            "model_url": settings.fallback_model_url,
            "model_api_key": settings.fallback_model_api_key,
            "model_server": "auto",
            "model_tokenizer": None,
        }
    )


def as_fallback(text: str) -> str:
    """Returns a text about the settings of a model with those of the fallback in their place."""
    return re.sub(r"YOUJU_MODEL(?=\b|_URL|_API_KEY)", "YOUJU_FALLBACK_MODEL", text)


def _opened(settings: AssistantSettings, *, hub: bool, reading: PassageReading | None) -> ChatModel:
    if settings.model_url is not None:
        return _server_model(settings, settings.model_url, hub=hub)
    if settings.model_tokenizer is not None:
        raise ConfigurationError(
            "tokenizer_without_server",
            "YOUJU_MODEL_TOKENIZER is set, and YOUJU_MODEL_URL is not.",
            "It counts for a model at a server. A model in this process has its tokenizer with it: unset it.",
        )
    if settings.model is not None:
        _check_runs_here(settings.model)
        local: type[LocalChatModel] = _module("local").LocalChatModel
        return local.open(
            settings.model,
            hub=hub,
            sampling=grounded(settings),
            precision=settings.model_precision,
            waiting=settings.model_waiting,
        )
    return ExtractiveChatModel(reading)


def _check_runs_here(name: str) -> None:
    """Refuse a model of the registry that transformers does not run, before anything is loaded."""
    found = find(name)
    if isinstance(found, Found) and "process" not in found.model.series.runs:
        raise ConfigurationError(
            "model_not_in_process",
            f"{found.model.name} does not run in this process. It runs by: {', '.join(found.model.series.runs)}.",
            "Start a server with it and set YOUJU_MODEL_URL, or take another model: `youju models fit` lists some.",
        )


def _server_model(settings: AssistantSettings, url: str, *, hub: bool) -> ServerChatModel:
    if not _is_web_address(url):
        raise ConfigurationError(
            "model_url_invalid", "YOUJU_MODEL_URL is not a web address.", "It looks like http://127.0.0.1:8000/v1."
        )
    server: type[ServerChatModel] = _module("server").ServerChatModel
    return server(
        model=settings.model or "",
        url=url,
        api_key=settings.model_api_key,
        kind=settings.model_server,
        context_tokens=settings.model_context_tokens,
        tokenizer=OwnTokenizer(settings.model_tokenizer, hub=hub) if settings.model_tokenizer else None,
        connect_seconds=settings.model_connect_seconds,
        silence_seconds=settings.model_timeout_seconds,
        first_token_seconds=settings.model_first_token_seconds,
        answer_seconds=settings.model_answer_seconds,
    )


def _module(kind: str) -> ModuleType:
    """Returns the module of a kind of chat model that stands on LangChain.

    The module is loaded by its name, and only if it is configured. LangChain would be a third of the time in which the
    application is loaded.
    """
    with loaded_for_good():
        import langsmith

        module = importlib.import_module(f"assistant.models.{kind}")
    # No question and no answer is sent to a tracing service, whatever the environment says.
    langsmith.configure(enabled=False)
    return module


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
