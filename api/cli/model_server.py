"""Checks for `youju doctor` that the model server has the model, answers, and does not think aloud.

The check asks as an answer does, through the adapter itself, so that it cannot be well where answers fail.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from api.cli.finding import Finding
from api.settings import Settings
from assistant.models import stream
from assistant.models.from_settings import first_alone, open_model
from assistant.models.servers.asking import root_of
from assistant.qwen.defaults import usual_context
from assistant.request import Message, Piece, Request
from ingest.errors import YoujuError
from ingest.network.secrecy import scrubbed, secrets_in, without_secrets

if TYPE_CHECKING:
    from assistant.models.server import ServerChatModel
    from assistant.models.servers.identity import Identity

_NAME: Final = "chat model"
_MOST_SHOWN: Final = 5
_HELLO: Final = Request((Message("user", "Say: ok"),), temperature=0.0, max_tokens=16)
_ANY_NAME: Final = ("llamacpp",)
"""Servers that have one model and answer to any name."""
_WRONG_PLACE: Final = ("model_unknown", "model_protocol", "model_rejected")


def look_at_model_server(settings: Settings) -> Finding:
    """Returns the finding about the server at `model_url`. It is asked what it is, and then for a few tokens."""
    return asyncio.run(_looked(settings))


async def _looked(settings: Settings) -> Finding:
    model: ServerChatModel = open_model(first_alone(settings), hub=False)  # type: ignore[assignment]  # model_url is set
    try:
        identity = await model.identified()
        if (wrong := _wrong_name(model, identity, settings)) is not None:
            return wrong
        if model.tokenizer is not None:
            model.tokenizer.load()
        begun = time.monotonic()
        said = [piece async for piece in stream(model, _HELLO)]
        return _found(model, identity, said[-1], time.monotonic() - begun, settings)
    except YoujuError as error:
        elsewhere = await _elsewhere(settings) if error.code in _WRONG_PLACE else None
        hint = f"Set YOUJU_MODEL_URL to {elsewhere}." if elsewhere else error.hint
        return Finding(_NAME, "bad", f"{without_secrets(model.url)}: {error.message}", hint)
    finally:
        await model.aclose()


def _wrong_name(model: ServerChatModel, identity: Identity | None, settings: Settings) -> Finding | None:
    if identity is None or not identity.models or not model.model or identity.of(model.model) is not None:
        return None
    if identity.server.kind in _ANY_NAME:
        return None
    secrets = _secrets(settings)
    shown = ", ".join(scrubbed(each.name, secrets) for each in identity.models[:_MOST_SHOWN])
    more = f" and {len(identity.models) - _MOST_SHOWN} more" if len(identity.models) > _MOST_SHOWN else ""
    problem = f"{without_secrets(model.url)} has no model called {model.model}; it has {shown}{more}"
    return Finding(_NAME, "bad", problem, "Set YOUJU_MODEL to a name that the server has.")


def _found(
    model: ServerChatModel, identity: Identity | None, last: Piece, seconds: float, settings: Settings
) -> Finding:
    """Returns the finding about a server that answers."""
    served = identity.of(model.model) if identity is not None else None
    window, wanted = served.window_tokens if served else None, settings.model_context_tokens
    parts = [f"{model.model} at {without_secrets(model.url)}", model.server.title]
    if window is not None:
        parts.append(f"context of {window} tokens")
    parts.append(f"answers in {seconds:.1f} s")
    detail = ", ".join(parts)
    if last.thought:
        hint = "Each answer waits for it. Switch it off at the server, or take an Instruct model, which does not think."
        return Finding(_NAME, "note", f"{detail}, but thinks before it answers", hint)
    if window is not None and model.server.kind == "ollama" and window < (wanted or usual_context(model.model)):
        hint = (
            f"Set YOUJU_MODEL_URL to {without_secrets(root_of(model.url))}/api: by that interface the window is stated "
            "with each request, and no prompt is cut."
        )
        return Finding(_NAME, "note", f"{detail}, which cannot be asked to be larger by /v1", hint)
    if window is not None and wanted is not None and wanted > window:
        hint = f"Prompts are made for {window}. Lower YOUJU_MODEL_CONTEXT_TOKENS, or start the server with more."
        return Finding(_NAME, "note", f"{detail}, less than YOUJU_MODEL_CONTEXT_TOKENS ({wanted})", hint)
    return Finding(_NAME, "ok", detail)


async def _elsewhere(settings: Settings) -> str | None:
    """Returns the address at which the server keeps its models, if it is not the one in the settings."""
    url = (settings.model_url or "").rstrip("/")
    if urlsplit(url).path.rpartition("/")[2] in ("api", "v1", "v3"):
        return None
    for path in ("/api", "/v1", "/v3"):
        model: ServerChatModel = open_model(  # type: ignore[assignment]
            first_alone(settings).model_copy(update={"model_url": url + path}), hub=False
        )
        try:
            identity = await model.identified()
        finally:
            await model.aclose()
        if identity is not None and identity.models:
            return without_secrets(url + path)
    return None


def _secrets(settings: Settings) -> tuple[str, ...]:
    key = settings.model_api_key
    return (*secrets_in(settings.model_url), *([key.get_secret_value()] if key else []))
