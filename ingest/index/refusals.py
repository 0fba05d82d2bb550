"""What the errors of a Qdrant server mean, by who can put them right."""

from __future__ import annotations

import pydantic

from ingest.errors import ConfigurationError, UnavailableError, YoujuError


def refusal(status: int, reason: str, collection: str) -> YoujuError:
    """Returns the error for an answer with this HTTP status. `reason` is its phrase."""
    if status in (401, 403):
        return ConfigurationError(
            "qdrant_denied",
            f"The Qdrant server refuses access ({status}).",
            "Set YOUJU_QDRANT_API_KEY to a key that may read and write the collection.",
        )
    if status == 404:
        return UnavailableError(
            "collection_missing",
            f"The Qdrant server does not know the collection {collection}.",
            "See whether YOUJU_QDRANT_URL is right. If it is, run `youju verify --repair`: it makes an empty one and "
            "brings every document in again from its source.",
        )
    return UnavailableError(
        "qdrant_failed",
        f"The Qdrant server answered {status} {reason}.".replace(" .", "."),
        "See the server's own log; it may be starting, out of disk or out of memory.",
    )


def no_answer(source: Exception) -> YoujuError:
    """Returns the error for a request that got no answer, or none that the client understands."""
    if isinstance(source, pydantic.ValidationError):
        return UnavailableError(
            "qdrant_failed",
            "The Qdrant server answered something that its client does not understand.",
            "See whether YOUJU_QDRANT_URL names a Qdrant server, and of which version.",
        )
    return UnavailableError(
        "qdrant_unreachable",
        f"The Qdrant server does not answer ({type(source).__name__}).",
        "See whether it runs and YOUJU_QDRANT_URL is right, or raise YOUJU_QDRANT_TIMEOUT_SECONDS.",
    )
