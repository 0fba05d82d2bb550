"""The headers of every response, and the header that says when to try again."""

from __future__ import annotations

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
