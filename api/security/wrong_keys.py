"""Remembers wrong keys by address, logs them, and slows them down.

A right key is never looked up here, so people who share an address with a guesser are not locked out. The length of a
key protects it from guessing. This module keeps guessing cheap for the server, and lets the operator see it.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from api.http.excerpts import one_line
from api.serving.logs import LineLimit

FREE_TRIES = 10
"""The number of wrong keys of one address that are answered without a wait."""

LONGEST_WAIT_SECONDS = 60.0
MOST_ADDRESSES = 2048
_FORGOTTEN_SECONDS = 900.0
_LINES_PER_MINUTE = 30

logger = logging.getLogger("api.wrong_keys")  # operators filter by this name


@dataclass(slots=True)
class _Tries:
    count: int = 0
    latest: float = 0.0
    free_at: float = 0.0


class WrongKeys:
    """The wrong keys of the last quarter of an hour. Only one event loop uses it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._lines = LineLimit(_LINES_PER_MINUTE, clock)

    def __len__(self) -> int:
        return len(self._tries)

    def note(self, address: str, path: str) -> int:
        """Record a wrong key. Returns the seconds that the caller must still wait, or 0 if this try is answered."""
        now = self._clock()
        tries = self._of(address, now)
        tries.latest = now
        if now < tries.free_at:
            return math.ceil(tries.free_at - now)
        tries.count += 1
        self._log(address, path, tries.count)
        over = tries.count - FREE_TRIES
        if over >= 0:
            tries.free_at = now + min(2.0 ** min(over, 16), LONGEST_WAIT_SECONDS)
        return 0

    def _of(self, address: str, now: float) -> _Tries:
        network = _network(address)
        tries = self._tries.pop(network, None)
        if tries is None or now - tries.latest > _FORGOTTEN_SECONDS:
            tries = _Tries()
        self._tries[network] = tries  # the newest one is last
        if len(self._tries) > MOST_ADDRESSES:
            self._tries.popitem(last=False)
        return tries

    def _log(self, address: str, path: str, count: int) -> None:
        kept_out = self._lines.take()
        if kept_out is None:
            return
        more = f" {kept_out} lines like this were left out before it." if kept_out else ""
        logger.warning("Wrong key from %s at %s, its number %d.%s", one_line(address), one_line(path), count, more)


def _network(address: str) -> str:
    """Returns the address, or for IPv6 its /64 network, because one machine has all addresses of it."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
