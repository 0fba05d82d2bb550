"""Turns our errors into responses: the status of each error, and the two shapes of its body.

Our own routes answer `{"error": {code, message, hint, request_id}}`. The OpenAI-compatible routes use OpenAI's shape.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import Scope

from api.http.excerpts import MOST_CHARS, excerpt, one_line
from api.http.headers import headers_of
from api.security.grants import is_upload
from assistant.errors import ModelError, ModelTimeoutError, ModelUnavailableError
from assistant.events import Failed
from ingest.errors import DocumentError, OwnedError, RequestError, UnavailableError, YoujuError

OPENAI_PATHS = ("/v1/chat/", "/v1/models")

_BY_CODE = {  # a `Failed` event has a code but no type
    "question_too_long": 413,
    "model_silent": 504,
    "model_slow_start": 504,
    "model_slow": 504,
    "model_unreachable": 503,
    "model_busy": 503,
    "model_down": 503,
    "internal_error": 500,
    "unknown_cursor": 400,
    "unknown_kind": 400,
    "operators_only": 403,
    "no_owner": 403,
    "conversations_off": 409,
    "conversation_full": 409,
    "answer_stopped": 409,
    "too_many_conversations": 409,
    "original_changed": 409,
    "original_unreadable": 409,
    "run_over": 409,
    "verification_under_way": 409,
    "idempotency_key_reused": 409,
    "not_uploaded": 409,
    "source_in_use": 409,
    "index_in_use": 409,
    "file_too_large": 413,
}
_BY_TYPE: tuple[tuple[type[YoujuError], int], ...] = (
    (ModelUnavailableError, 503),
    (ModelTimeoutError, 504),
    (ModelError, 502),
    (UnavailableError, 503),
    (OwnedError, 409),  # this server works: something else is going on
    (RequestError, 400),
    (DocumentError, 422),
)
_ROUTING = {
    404: ("not_found", "There is nothing at this address.", "The routes are listed at /openapi.json."),
    405: (
        "method_not_allowed",
        "This address does not take that method.",
        "The routes are listed at /openapi.json.",
    ),
}

logger = logging.getLogger("api.errors")  # operators filter by this name


def status_of(error: YoujuError) -> int:
    """Returns the HTTP status that tells the caller what an error of ours means."""
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if error.code.startswith("unknown_") and isinstance(error, RequestError):
        return 404
    return next((status for kind, status in _BY_TYPE if isinstance(error, kind)), 500)


def status_of_failure(failed: Failed) -> int:
    """Returns the HTTP status for an answer that the model did not finish."""
    return _BY_CODE.get(failed.code, 502)


def request_id(scope: Scope) -> str:
    """Returns the id of this request in the log."""
    return str(scope.get("state", {}).get("request_id", ""))


def error_fields(code: str, message: str, hint: str, scope: Scope) -> dict[str, str]:
    """Returns the fields of an error, without the key `error` around them. Text from the request is shortened."""
    return {"code": code, "message": excerpt(message), "hint": excerpt(hint), "request_id": request_id(scope)}


def error_response(
    scope: Scope, status: int, code: str, message: str, hint: str = "", headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Returns an error in the shape of the requested path."""
    if scope["path"].startswith(OPENAI_PATHS):
        body = openai_error(status, code, f"{message} {hint}".strip())
    else:
        body = {"error": error_fields(code, message, hint, scope)}
    return JSONResponse(body, status_code=status, headers={**headers_of(status), **(headers or {})})


def response_to(error: YoujuError, scope: Scope) -> JSONResponse:
    """Returns the answer to an error of ours, and logs it if the server is to blame."""
    status = status_of(error)
    if status >= 500:
        logger.warning("Request %s: %s", request_id(scope), one_line(str(error), MOST_CHARS))
    return error_response(scope, status, error.code, error.message, error.hint)


def body_too_large(scope: Scope) -> JSONResponse:
    """Returns the answer to a body over the limit. The rest of the body is not read, so the connection ends."""
    hint = "Send a shorter question or conversation."
    if is_upload(scope["method"], scope["path"]):
        hint = "Upload a smaller file, or raise YOUJU_MAX_FILE_MB."
    return error_response(scope, 413, "body_too_large", "The request is too large.", hint, {"connection": "close"})


def openai_error(status: int, code: str, message: str, param: str | None = None) -> dict[str, Any]:
    """Returns an error in the shape that OpenAI's clients read."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    code = "invalid_api_key" if code == "unauthorized" else code
    return {"error": {"message": excerpt(message), "type": kind, "param": param, "code": code}}


def internal_error(scope: Scope, error: Exception) -> tuple[str, str, str]:
    """Log an unforeseen error in full. Returns the code, message and hint that the caller may see."""
    logger.error("Request %s to %s failed", request_id(scope), one_line(scope["path"]), exc_info=error)
    return "internal_error", "Something went wrong on the server.", "Look for the request id in the server's log."


def add_error_handlers(app: FastAPI) -> None:
    """Give every error of a route one of the two shapes."""

    @app.exception_handler(YoujuError)
    async def ours(request: Request, error: YoujuError) -> JSONResponse:
        return response_to(error, request.scope)

    @app.exception_handler(RequestValidationError)
    async def not_well_formed(request: Request, error: RequestValidationError) -> JSONResponse:
        complaints = "; ".join(_complaint(item) for item in error.errors()[:5])
        return error_response(
            request.scope, 400, "invalid_request", complaints, "The fields are described at /openapi.json."
        )

    @app.exception_handler(HTTPException)
    async def routing(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 413:
            return body_too_large(request.scope)
        fallback = ("invalid_request", str(error.detail), "")
        code, message, hint = _ROUTING.get(error.status_code, fallback)
        headers = {"allow": _allowed(request)} if error.status_code == 405 else error.headers
        return error_response(request.scope, error.status_code, code, message, hint, headers)


def _allowed(request: Request) -> str:
    """Returns the methods of an address, from all routes that have it.

    The router names only those of the first route.
    """
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path_regex.match(request.scope["path"]):
            methods |= route.methods or set()
    return ", ".join(sorted(methods))


def _complaint(item: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"] if part != "body")
    if item["type"] == "json_invalid":
        return "The body is not valid JSON."
    if item["type"] == "value_error":  # one of ours, whose text is complete
        said = str(item["ctx"]["error"]).removesuffix(".") + "."
        return f"{place}: {said}" if place else said
    if item["loc"] == ("body",):
        return "The body must be a JSON object, sent with `Content-Type: application/json`."
    return f"{place}: {item['msg']}." if place else f"{item['msg']}."
