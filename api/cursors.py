"""The cursor of a list of documents: the place of the last one that was shown, which nobody else need understand."""

from __future__ import annotations

import base64
import json

from ingest.catalog.listing import Place
from ingest.errors import RequestError


def cursor_of(place: Place) -> str:
    """The cursor that stands after this place; made of letters, digits, `-` and `_`."""
    return base64.urlsafe_b64encode(json.dumps(place, ensure_ascii=False).encode()).decode("ascii").rstrip("=")


def place_at(cursor: str) -> Place:
    """The place that the cursor stands after. Raises RequestError `unknown_cursor` for any other text."""
    try:
        encoded = cursor.encode("ascii")
        place = json.loads(base64.b64decode(encoded + b"=" * (-len(encoded) % 4), altchars=b"-_", validate=True))
        source, uri, identity = place
        # No database could hold or compare the rest, and no cursor of ours has it.
        if not all(isinstance(part, str) and "\0" not in part and part.encode() for part in place):
            raise ValueError("it is no place")
    except (ValueError, TypeError, RecursionError):
        raise RequestError(
            "unknown_cursor", "There is no such cursor.", "Take `next_cursor` of the page before, or begin without one."
        ) from None
    return source, uri, identity
