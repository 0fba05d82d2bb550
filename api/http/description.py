"""Adds to `/openapi.json` which routes need a key, and the errors that they answer with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.http.errors import OPENAI_PATHS
from api.http.schemas import HitBody
from api.security.grants import Grant, grant_of

SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"api_key": []}]
_NO_KEY: dict[str, list[str]] = {}
_PLAIN = r"^[^\x00]*$"
"""The texts that `plain_text` allows. It also refuses half of a character, but that is not Unicode text at all."""
_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of this server: YOUJU_API_KEY, or YOUJU_READER_KEY where a reader's is enough. "
        "A server without keys, which is on loopback only, takes requests without.",
    },
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key in this header."},
}
_KEYS: dict[Grant, str] = {
    "reader": "Takes the reader's or the operator's key.",
    "operator": "Takes the operator's key.",
}
_MEANINGS = {
    400: "The request is not well formed.",
    401: "There is no key, or not a right one.",
    403: "This key may not do that, or the request came from where none may.",
    404: "There is no such thing, or the key may not read it.",
    409: "In conflict with how things stand.",
    413: "The request is too long.",
    416: "The header Range asks for no part of the file.",
    422: "The page cannot be shown as a picture.",
    429: "Too many wrong keys came from this address.",
    500: "Our mistake, or a setting of the server.",
    502: "The model server failed.",
    503: "Something that is needed is away, or the server stops.",
    504: "The model server is too slow.",
}
_FIXED = {"enum", "const", "pattern"}
_NOT_OURS = ("HTTPValidationError", "ValidationError")
"""Schemas that the framework adds for its own errors. We send those errors in our shape, with status 400."""
_LOCKED_ROUTES = ("/original", "/pages/{page}.png")
"""Routes that only read, but may conflict with a change of the file from which a document was made."""

_BOUNDED_ROUTES = (("POST", "/v1/ask"), ("POST", "/v1/conversations"))
"""Routes of readers that may find a conversation full, or as many conversations as one may have."""


class ErrorFields(BaseModel):
    """The error and the way out. `code` is stable. `request_id` is in the server's log."""

    code: str
    message: str
    hint: str
    request_id: str


class ErrorBody(BaseModel):
    """An error of our own routes."""

    error: ErrorFields


class AnswerErrorBody(ErrorBody):
    """The error of an answer that the model did not finish, with its text and the evidence so far."""

    answer_id: str | None
    question: str
    answer: str
    evidence: list[HitBody]


class OpenAIErrorFields(BaseModel):
    """An error as OpenAI's clients read it."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIErrorBody(BaseModel):
    """An error of the OpenAI-compatible routes."""

    error: OpenAIErrorFields


class OpenAIAnswerErrorBody(OpenAIErrorBody):
    """The error of an answer that the model did not finish, with the evidence so far."""

    id: str | None
    search_results: list[dict[str, Any]]


_BODIES = (ErrorBody, AnswerErrorBody, OpenAIErrorBody, OpenAIAnswerErrorBody)


def describe(app: FastAPI, *, needs_key: bool) -> None:
    """Make `/openapi.json` describe keys and errors too. It is built once, at the first request for it.

    `needs_key`: this server has keys. A server without keys accepts any key, and no key.
    """

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = _described(get_openapi(title=app.title, version=app.version, routes=app.routes))
            schema["security"] = SECURITY if needs_key else [_NO_KEY, *SECURITY]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    components = schema["components"]
    for name in _NOT_OURS:
        components["schemas"].pop(name, None)
    for body in _BODIES:
        described = body.model_json_schema(ref_template="#/components/schemas/{model}")
        components["schemas"].update({**described.pop("$defs", {}), body.__name__: described})
    components["securitySchemes"] = _SCHEMES
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _describe_operation(method.upper(), path, operation)
            _describe_text([operation.get("parameters", []), operation.get("requestBody", {})], components["schemas"])
    return schema


def _describe_text(part: Any, schemas: dict[str, Any]) -> None:
    """Say in a part of a request's schema, and in everything that it refers to, that texts have no NUL."""
    if isinstance(part, list):
        for each in part:
            _describe_text(each, schemas)
    elif isinstance(part, dict):
        if part.get("type") == "string" and part.get("format") != "binary" and not _FIXED & part.keys():
            part["pattern"] = _PLAIN
        referred = schemas.get(part["$ref"].rpartition("/")[2]) if isinstance(part.get("$ref"), str) else None
        _describe_text([*part.values(), referred], schemas)


def _describe_operation(method: str, path: str, operation: dict[str, Any]) -> None:
    grant = grant_of(method, path)
    operation["responses"].pop("422", None)
    if grant in ("open", "page"):
        operation["security"] = []
        return
    operation["description"] = f"{operation.get('description', '')}\n\n{_KEYS[grant]}".strip()
    for status in _statuses(method, path, has_body="requestBody" in operation):
        operation["responses"][str(status)] = {
            "description": _MEANINGS[status],
            "content": {"application/json": {"schema": _schema_of(path, status)}},
        }


def _statuses(method: str, path: str, *, has_body: bool) -> Iterator[int]:
    """Yields the statuses of the errors that this route can end in."""
    yield from (400, 401, 403)
    if "{" in path or has_body or path == "/v1/search":
        yield 404
    operators_change = method != "GET" and grant_of(method, path) == "operator"
    if operators_change or path.endswith(_LOCKED_ROUTES) or (method, path) in _BOUNDED_ROUTES:
        yield 409
    if has_body:
        yield 413
    if path.endswith("/original"):
        yield 416
    if path.endswith(".png"):
        yield 422
    yield from (429, 500)
    if _has_answer(path):
        yield from (502, 504)
    yield 503


def _schema_of(path: str, status: int) -> dict[str, Any]:
    openai = path.startswith(OPENAI_PATHS)
    before = _reference(OpenAIErrorBody if openai else ErrorBody)
    if not _has_answer(path) or status < 500:
        return before
    # Before the answer began, or in the middle of the answer.
    return {"anyOf": [_reference(OpenAIAnswerErrorBody if openai else AnswerErrorBody), before]}


def _reference(body: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{body.__name__}"}


def _has_answer(path: str) -> bool:
    return path in ("/v1/ask", "/v1/chat/completions")
