"""The errors of answering, in addition to those that `ingest.errors` names.

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
    """The model server cannot be reached. If it is known how long to wait, `retry_seconds` is that time."""

    def __init__(self, code: str, message: str, hint: str = "", retry_seconds: int | None = None) -> None:
        super().__init__(code, message, hint)
        self.retry_seconds = retry_seconds


class ModelBusyError(ModelUnavailableError):
    """The model server has no room at the moment."""


class ModelTimeoutError(ModelError):
    """The model server did not answer in time."""


class ModelRejectedError(ModelError):
    """The model server refused the request, or ended the stream in the middle of the answer."""
