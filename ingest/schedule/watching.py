"""Watches a source by listing it every few seconds. This also works on mounts, where the system reports no changes."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable

from ingest.errors import YoujuError
from ingest.sources import Source

_SHARE = 0.05  # the largest part of the time that is spent on listing

logger = logging.getLogger(__name__)


def watch(source: Source, changed: Callable[[], None], stop: threading.Event, *, every_seconds: float) -> None:
    """Call `changed` when two listings in a row are equal and were not reported yet. Ends when `stop` is set.

    The first listing counts as a change, because earlier changes are not known. A source that cannot be listed has not
    changed.
    """
    reported = last = ""
    while not stop.is_set():
        began = time.monotonic()
        listing = _listing(source)
        if listing and listing == last != reported:
            reported = listing
            changed()
        last = listing or last
        stop.wait(max(every_seconds, (time.monotonic() - began) / _SHARE))


def _listing(source: Source) -> str:
    """Returns a digest of all documents and their states. Returns an empty text if the source cannot be listed."""
    digest = hashlib.sha256()
    try:
        for each in source.references():
            digest.update(repr((each.uri, each.size, each.mtime_ns, each.token, each.access)).encode())
    except YoujuError as error:
        logger.debug("The source %r cannot be watched at the moment: %s", source.name, error)
        return ""
    except Exception:
        logger.exception("The source %r cannot be watched at the moment", source.name)
        return ""
    return digest.hexdigest()
