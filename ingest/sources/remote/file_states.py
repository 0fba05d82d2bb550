"""Reads the state of a file from the description that a file server gives. Servers use different words for it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

_TAGS: Final = ("ETag", "etag", "checksum", "md5", "md5Hash", "content_hash", "generation", "VersionId", "version_id")
_TIMES: Final = (
    *("LastModified", "last_modified", "modified", "mtime", "last_write_time", "updated", "timeModified"),
    "created",
)
_SECOND_NS = 1_000_000_000
_RACE_SECONDS = 60.0


def state_of(info: Mapping[str, Any]) -> tuple[int, str]:
    """Returns the time (ns) and the token of the file. Every change of the file changes one of them.

    If the server gives too little to see a change, the token is a new one each time, so that the bytes are compared.
    This is so if the server gives only the size, or whole seconds of which one of the last was the time of writing.
    """
    tag = " ".join(str(info[name]) for name in _TAGS if info.get(name))
    moment = next((info[name] for name in _TIMES if info.get(name) is not None), None)
    time_ns, text = _nanoseconds(moment)
    token = f"{tag} {text}".strip()
    if not token and (time_ns == 0 or _may_change_unseen(time_ns)):
        return time_ns, f"unknown {uuid.uuid4().hex}"
    return time_ns, token


def _nanoseconds(moment: object) -> tuple[int, str]:
    if isinstance(moment, datetime):
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(moment, int | float):
        return round(moment * _SECOND_NS), ""
    return 0, "" if moment is None else str(moment)


def _may_change_unseen(time_ns: int) -> bool:
    return time_ns % _SECOND_NS == 0 and abs(time.time() - time_ns / _SECOND_NS) < _RACE_SECONDS
