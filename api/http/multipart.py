"""Reads a form with one file (RFC 7578) while it comes in.

The file is written to its place at once and not held in memory.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from api.http.plain_text import check_plain
from api.http.streaming import ClientGone
from ingest.errors import RequestError
from ingest.home.originals import Incoming

_MAX_FIELD_BYTES = 64 * 1024
_MAX_FIELDS = 100


@dataclass(slots=True)
class Form:
    """The content of a form: the fields by name, each with all its values, and the file's name on its owner's machine.
    The name is None if no file was sent.
    """

    fields: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    file_name: str | None = None


async def receive_body(request: Request, incoming: Incoming) -> None:
    """Write the whole body of a request into `incoming`. Raises ClientGone if the client goes away first."""
    try:
        async for piece in request.stream():
            if piece:
                await asyncio.to_thread(incoming.write, piece)
    except ClientDisconnect:
        raise ClientGone from None


async def receive_form(request: Request, incoming: Incoming) -> Form:
    """Read a form and write its file into `incoming`.

    Raises RequestError `invalid_form` if it is not a form or has two files, ClientGone if the client goes away first.
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if not boundary:
        raise _invalid("its content type names no boundary")
    try:
        reading = _Reading(boundary)
        async for piece in request.stream():
            if data := reading.feed(piece):
                await asyncio.to_thread(incoming.write, data)
    except ClientDisconnect:
        raise ClientGone from None
    except (FormParserError, ValueError) as error:
        raise _invalid(str(error)) from None
    if not reading.is_complete:
        raise _invalid("it ends before its last boundary")
    check_plain(dict(reading.form.fields))
    check_plain(reading.form.file_name, "the name of the file")
    return reading.form


class _Reading:
    """The parser's callbacks. They put the fields into `form`, and keep the bytes of the file until the next piece."""

    def __init__(self, boundary: bytes) -> None:
        self.form = Form()
        self.is_complete = False
        self._header = (bytearray(), bytearray())
        self._name = ""
        self._is_file = False
        self._field = bytearray()
        self._fields = 0
        self._data = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_part_data": self._take,
                "on_part_end": self._end,
                "on_end": self._complete,
            },
        )

    def feed(self, piece: bytes) -> bytes:
        """Parse a piece of the body. Returns the bytes of the file in it."""
        self._parser.write(piece)
        data, self._data = bytes(self._data), bytearray()
        return data

    def _begin(self) -> None:
        self._name, self._is_file, self._field = "", False, bytearray()
        self._fields += 1
        if self._fields > _MAX_FIELDS:
            raise _invalid("it has too many fields")

    def _end_header(self) -> None:
        name, value = (bytes(part) for part in self._header)
        self._header = (bytearray(), bytearray())
        if name.strip().lower() != b"content-disposition":
            return
        # Browsers send names in UTF-8. The parser expects an older encoding.
        _, options = parse_options_header(value.decode("latin-1"))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            if self.form.file_name is not None:
                raise _invalid("it has more than one file")
            self._is_file = True
            self.form.file_name = options[b"filename"].decode("utf-8", "replace")

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._data += data[start:end]
            return
        self._field += data[start:end]
        if len(self._field) > _MAX_FIELD_BYTES:
            raise _invalid("one of its fields is too long")

    def _end(self) -> None:
        if not self._is_file:
            self.form.fields[self._name].append(self._field.decode("utf-8", "replace"))

    def _complete(self) -> None:
        self.is_complete = True


def _invalid(reason: str) -> RequestError:
    return RequestError(
        "invalid_form",
        f"The form cannot be read: {reason}.",
        "Send multipart/form-data with one part `file`, or the bytes themselves as application/octet-stream.",
    )
