"""What it means when a model server fails, and the way out."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import httpx

from assistant.errors import ModelError, ModelRejectedError, ModelTimeoutError, ModelUnavailableError
from ingest.bodies import ERROR_BYTES, Body, BodyError, check_coding
from ingest.secrecy import scrubbed, without_secrets


def connection_error(error: httpx.HTTPError, url: str, silence_seconds: float) -> ModelError:
    """The error of the connection to the server at `url`, in our words and without the secrets an address may carry."""
    address = without_secrets(url)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return ModelUnavailableError(
            "model_unreachable",
            f"The model server at {address} cannot be reached.",
            "Start it, or correct YOUJU_MODEL_URL.",
        )
    if isinstance(error, httpx.TimeoutException):
        return ModelTimeoutError(
            "model_silent",
            f"The model server at {address} was silent for {silence_seconds:g} seconds.",
            "It may be loading or overloaded: ask again, or raise YOUJU_MODEL_TIMEOUT_SECONDS.",
        )
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return stream_cut()
    return ModelRejectedError(
        "model_protocol",
        f"The model server at {address} does not speak HTTP as expected: {type(error).__name__}.",
        "Check YOUJU_MODEL_URL.",
    )


async def check_status(response: httpx.Response, secrets: Collection[str] = ()) -> None:
    """Raises ModelRejectedError for an error status, with what the server says about it, and for a packed answer."""
    status = response.status_code
    if status < 300:
        try:
            check_coding(response.headers)
        except BodyError as error:
            raise ModelRejectedError(
                "model_protocol",
                f"The model server's answer was not read: {error}.",
                "Have it, or the proxy before it, send answers as they are: streams are not to be packed.",
            ) from None
        return
    message = await error_message(response, secrets)
    code, hint = {
        401: ("model_unauthorized", "Set YOUJU_MODEL_API_KEY to a key the server knows."),
        403: ("model_unauthorized", "Set YOUJU_MODEL_API_KEY to a key that may use this model."),
        404: ("model_unknown", "Check YOUJU_MODEL and YOUJU_MODEL_URL (it ends in /v1)."),
        429: ("model_busy", "The server limits requests: ask again in a moment."),
        503: ("model_busy", "The server is loading or overloaded: ask again in a moment."),
    }.get(status, ("model_rejected", "The model server's log says more."))
    if status in (400, 413) and ("context" in message.lower() or "too long" in message.lower()):
        code, hint = "model_context_exceeded", "Lower YOUJU_MODEL_CONTEXT_TOKENS to the server's own limit."
    raise ModelRejectedError(code, f"The model server answered {status}: {message or 'without a message'}", hint)


async def error_message(response: httpx.Response, secrets: Collection[str] = ()) -> str:
    """What an error response says, shortened and without these secrets. Of a refused key nothing is repeated: servers
    echo a part of it."""
    if response.status_code in (401, 403):
        return "the key is missing or not accepted."
    text = await _beginning(response)
    try:
        data = json.loads(text)
        error = data.get("error", data)
        text = str(error.get("message") or error.get("detail") or error) if isinstance(error, dict) else str(error)
    except (ValueError, AttributeError, RecursionError):
        pass  # not JSON: the text as it is
    return scrubbed(text, secrets)


async def _beginning(response: httpx.Response) -> str:
    """The first 64 KiB of an error's body, which may have no end; why, where it is not read."""
    try:
        body = Body(response.headers, ERROR_BYTES)
    except BodyError as unread:
        return f"a message that was not read: {unread}."
    with suppress(BodyError):  # what came before is enough
        async for piece in response.aiter_raw():
            body.add(piece)
    return body.text


def stream_error(error: Any, secrets: Collection[str] = ()) -> ModelRejectedError:
    """The error that a server has put into its stream."""
    message = scrubbed(str(error.get("message", error) if isinstance(error, dict) else error), secrets)
    return ModelRejectedError(
        "model_rejected", f"The model server broke off with an error: {message}", "The model server's log says more."
    )


def stream_cut() -> ModelRejectedError:
    """The stream ended before it said that it was over."""
    return ModelRejectedError(
        "model_stream_cut",
        "The model server broke off in the middle of the answer.",
        "Ask again; the model server's log says why it stopped.",
    )
