"""Allows only text that every later part can take: no NUL, and no half of a character (a lone surrogate).

JSON can hold both. Databases refuse NUL, and no encoding can write a lone surrogate.
"""

from __future__ import annotations

import re
from typing import Any

from fastapi import Request

from ingest.errors import RequestError

_UNUSABLE = re.compile("[\x00\ud800-\udfff]")


async def plain_text(request: Request) -> None:
    """Refuse a request if its path, query or JSON body has such text. All routes depend on it.

    Raises RequestError `invalid_request`, which names the field.
    """
    for name, text in request.path_params.items():
        check_plain(text, name)
    for name, text in request.query_params.multi_items():
        check_plain(text, name)
    if getattr(request.scope.get("route"), "body_field", None) is None:
        return  # the route reads its body itself, or reads none
    try:
        body = await request.json()  # it was read and parsed before, and is cached
    except (ValueError, RecursionError):
        return  # the route reports it
    check_plain(body)


def check_plain(value: Any, name: str = "") -> None:
    """Raise RequestError `invalid_request` if text in `value` cannot be used. `value` may be nested."""
    waiting = [(name, value)]
    while waiting:
        place, each = waiting.pop()
        if isinstance(each, dict):
            for key, inner in each.items():
                _check(key, f"a name in {place or 'the body'}")
                waiting.append((f"{place}.{key}" if place else key, inner))
        elif isinstance(each, list):
            waiting.extend((f"{place}.{number}" if place else str(number), inner) for number, inner in enumerate(each))
        elif isinstance(each, str):
            _check(each, place or "the body")


def _check(text: str, place: str) -> None:
    if _UNUSABLE.search(text):
        raise RequestError(
            "invalid_request",
            f"{place}: it has a NUL character, or half of a character (a lone surrogate).",
            "Send whole Unicode characters, without U+0000.",
        )
