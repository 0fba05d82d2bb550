"""What can go wrong while answering, beside what `ingest.errors` already names.

YoujuError
└── ModelError                 the chat model; the evidence is delivered all the same
    ├── ModelUnavailableError  down, or refuses the connection
    │   └── ModelBusyError     loading, overloaded, or limits requests: come again
    ├── ModelTimeoutError      too slow
    └── ModelRejectedError     the model server answered with an error, or cut the stream
"""

from __future__ import annotations

from ingest.errors import YoujuError


class ModelError(YoujuError):
    """The chat model did not give a whole answer."""


class ModelUnavailableError(ModelError):
    """The model server cannot be reached."""


class ModelBusyError(ModelUnavailableError):
    """The model server has no room at the moment. `retry_seconds` is when it wants to be asked again, if it said."""

    def __init__(self, code: str, message: str, hint: str = "", retry_seconds: int | None = None) -> None:
        super().__init__(code, message, hint)
        self.retry_seconds = retry_seconds


class ModelTimeoutError(ModelError):
    """The model server did not answer in time."""


class ModelRejectedError(ModelError):
    """The model server refused the request, or broke off in the middle."""
