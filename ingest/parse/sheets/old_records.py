"""The records of a workbook in the old format (BIFF), as [MS-XLS] 2.1.4 lays them out."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_BEGIN, _END = 0x0809, 0x000A


def records(stream: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yields the kind and the content of each record from `start` to the end of its part of the stream: the workbook,
    or one sheet. Charts in a sheet have a beginning and an end of their own.
    """
    depth, place = 0, start
    while place + 4 <= end:
        kind, size = struct.unpack_from("<HH", stream, place)
        place += 4
        depth += (kind == _BEGIN) - (kind == _END)
        if depth <= 0:
            return
        yield kind, stream[place : place + size]
        place += size
