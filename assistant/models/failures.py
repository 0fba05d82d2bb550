"""Turns the failures of a model server into errors of ours, each with a way out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from assistant.errors import ModelBusyError, ModelError, ModelRejectedError, ModelTimeoutError, ModelUnavailableError
from ingest.network.bodies import ERROR_BYTES, Body, BodyError, check_coding
from ingest.network.retrying import retry_after
from ingest.network.secrecy import scrubbed, without_secrets

_READ_CHARS = 4000
_KEY_REFUSED = "the key is missing or not accepted."
_LONGEST_WAIT = 3600
# These are the words of vLLM, SGLang, llama.cpp, Ollama, TensorRT-LLM and OpenAI, of DashScope ("Range of input length
# should be [1, 30720]") and of LMDeploy ("internal error happened, status code ResponseType.INPUT_LENGTH_ERROR").
_OVERFLOW = re.compile(
    r"context[ _]?(?:length|size|window|limit)|exceed[^.]{0,60}\bcontext|\btoo long|too many tokens|input[ _]length|"
    r"range of input|session_len|max_model_len|max_num_tokens|maximum (?:input|prompt|sequence) length|prompt length|"
    r"reduce the length of the (?:messages|prompt|input)",
    re.IGNORECASE,
)
_STATUS = {  # the HTTP status for the name of an error in a stream, which has no status of its own
    "limit_requests": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "engine_unavailable": 503,
    "overloaded_error": 503,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error response of a server.

    `said` may be shown to others, because it is short and has no secrets. `body` is the first 64 KiB of the response
    and must not be shown. `retry_seconds` is how long the server wants us to wait before the next request.
    """

    status: int
    said: str
    body: str = field(repr=False)
    retry_seconds: int | None = None

    @property
    def is_overflow(self) -> bool:
        """True if the prompt was too long for the model."""
        return self.status in (400, 413, 422, 500) and _is_overflow(self.body)


def connection_error(error: aiohttp.ClientError, url: str, silence_seconds: float) -> ModelError:
    """Returns the error of the connection to the server at `url`, without the secrets that an address may contain."""
    address = without_secrets(url)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return ModelUnavailableError(
            "model_unreachable",
            f"The model server at {address} cannot be reached.",
            "Start it, or correct YOUJU_MODEL_URL.",
        )
    if isinstance(error, aiohttp.ServerTimeoutError):
        return ModelTimeoutError(
            "model_silent",
            f"The model server at {address} was silent for {silence_seconds:g} seconds.",
            "It may be loading or overloaded: ask again, or raise YOUJU_MODEL_TIMEOUT_SECONDS.",
        )
    if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError):
        return stream_cut()
    return ModelRejectedError(
        "model_protocol",
        f"The model server at {address} does not speak HTTP as expected: {type(error).__name__}.",
        "Check YOUJU_MODEL_URL.",
    )


def check_packing(response: aiohttp.ClientResponse) -> None:
    """Raises ModelRejectedError for a packed answer, because it may unpack to any size."""
    try:
        check_coding(response.headers)
    except BodyError as error:
        raise ModelRejectedError(
            "model_protocol",
            f"The model server's answer was not read: {error}.",
            "Have it, or the proxy before it, send answers as they are: streams are not to be packed.",
        ) from None


async def read_refusal(response: aiohttp.ClientResponse, secrets: Collection[str] = ()) -> Refusal:
    """Returns the content of an error response, without these secrets. If a key was refused, no text of the response is
    kept, because servers repeat a part of the key.
    """
    status = response.status
    if status in (401, 403):
        return Refusal(status, _KEY_REFUSED, "")
    body = await _beginning(response)
    return Refusal(status, scrubbed(_message(body), secrets), body, _wait(response.headers.get("retry-after")))


def error_of(refusal: Refusal) -> ModelError:
    """Returns a server's refusal as an error of ours."""
    said = f"The model server answered {refusal.status}: {refusal.said or 'without a message'}"
    return _error(refusal.status, said, refusal.is_overflow, refusal.retry_seconds)


def stream_error(error: Any, secrets: Collection[str] = ()) -> ModelError:
    """Returns an error that a server has sent in its stream. `error` is its text or its decoded JSON."""
    text = error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)
    status = next(filter(None, map(_status, _codes(text))), 500)
    said = _KEY_REFUSED if status in (401, 403) else scrubbed(_message(text), secrets)
    message = f"The model server broke off with an error: {said or 'without a message'}"
    return _error(status, message, _is_overflow(text), None)


def stream_cut() -> ModelRejectedError:
    """Returns the error for a stream that ended without its end mark."""
    return ModelRejectedError(
        "model_stream_cut",
        "The model server broke off in the middle of the answer.",
        "Ask again; the model server's log says why it stopped.",
    )


def no_chat_server(said: str = "", secrets: Collection[str] = ()) -> ModelRejectedError:
    """Returns the error for an answer that is not from a chat server. `said` is the beginning of that answer."""
    said = scrubbed(said, secrets)
    return ModelRejectedError(
        "model_protocol",
        "The model server sent something that is not a chat completion" + (f": {said}" if said else "."),
        "Check that YOUJU_MODEL_URL ends in /v1, or for Ollama in /api, and belongs to a chat server.",
    )


def context_exceeded(message: str) -> ModelRejectedError:
    """Returns the error for a prompt that does not fit into the model's context window."""
    hint = "Lower YOUJU_MODEL_CONTEXT_TOKENS to the server's own limit."
    return ModelRejectedError("model_context_exceeded", message, hint)


def _error(status: int, message: str, overflow: bool, retry_seconds: int | None) -> ModelError:
    if overflow:
        return context_exceeded(message)
    if status in (429, 503):
        why = "limits requests" if status == 429 else "is loading or overloaded"
        return ModelBusyError("model_busy", message, f"The server {why}: ask again in a moment.", retry_seconds)
    if status in (502, 504):  # a gateway says so, and what stands behind it is away
        return ModelUnavailableError("model_unreachable", message, "Start the server behind the gateway that answers.")
    code, hint = {
        401: ("model_unauthorized", "Set YOUJU_MODEL_API_KEY to a key the server knows."),
        403: ("model_unauthorized", "Set YOUJU_MODEL_API_KEY to a key that may use this model."),
        404: ("model_unknown", "Check YOUJU_MODEL and YOUJU_MODEL_URL (it ends in /v1, or for Ollama in /api)."),
        400: ("model_rejected", _FIELDS_HINT),
        422: ("model_rejected", _FIELDS_HINT),
    }.get(status, ("model_rejected", "The model server's log says more."))
    return ModelRejectedError(code, message, hint)


_FIELDS_HINT = (
    "The model server's log says more. If it refuses a field of the request, set YOUJU_MODEL_SERVER to its kind; "
    "`openai` sends the fewest."
)


def _status(code: str) -> int:
    return _STATUS.get(code, int(code) if re.fullmatch(r"[45]\d\d", code) else 0)


def _is_overflow(body: str) -> bool:
    """Returns True if an error says that the prompt is too long. Only its message, its code and its type are read,
    because the rest may repeat the prompt.
    """
    return _OVERFLOW.search(" ".join((_message(body)[:_READ_CHARS], *_codes(body)))) is not None


def _codes(body: str) -> list[str]:
    """Returns the code and the type of an error."""
    inner = _inner(body)
    return [str(inner[key]) for key in ("code", "type") if inner.get(key)] if isinstance(inner, dict) else []


def _message(body: str) -> str:
    """Returns the message in the body of an error, or the whole body if it has no message."""
    inner = _inner(body)
    if not isinstance(inner, dict):
        return str(inner)
    return str(next((inner[key] for key in ("message", "detail", "msg", "text") if inner.get(key)), inner))


def _inner(body: str) -> Any:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return body
    inner = data.get("error", data) if isinstance(data, dict) else data
    if inner is not data and isinstance(inner, str) and inner.startswith("{"):
        return _inner(inner)  # Ollama passes on the error of what it runs, as a text
    return inner


def _wait(header: str | None) -> int | None:
    """Returns the whole seconds of a Retry-After header, or None if it states none."""
    seconds = retry_after(header)
    return None if seconds is None else max(1, min(math.ceil(seconds), _LONGEST_WAIT))


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """Returns the first 64 KiB of an error's body, which may be endless. If it is not read, returns the reason."""
    try:
        body = Body(response.headers, ERROR_BYTES)
    except BodyError as unread:
        return f"a message that was not read: {unread}."
    with suppress(BodyError):  # the part that came before is enough
        while piece := await response.content.readany():
            body.add(piece)
    return body.text
