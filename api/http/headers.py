"""The headers of every response, the header that says when to try again, and the one with the language of a page."""

from __future__ import annotations

from starlette.requests import Request

from assistant.request import Locale

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

RETRY_SECONDS = 5


def headers_of(status: int, retry_seconds: int | None = None) -> dict[str, str]:
    """Returns the headers for a status. 503 says when to try again, after `retry_seconds` if that is known."""
    return {"retry-after": str(retry_seconds or RETRY_SECONDS)} if status == 503 else {}


def page_locale(request: Request) -> Locale | None:
    """Returns the first language of `Accept-Language` that is answered in, or None. Weights are not compared: browsers
    name the languages in the order of their weights.
    """
    for part in request.headers.get("accept-language", "")[:200].lower().split(","):
        name, *subtags = part.partition(";")[0].strip().split("-")
        if name == "zh":
            return "zh-Hant" if {"hant", "tw", "hk", "mo"} & set(subtags) and "hans" not in subtags else "zh"
        if name == "en":
            return "en"
    return None
