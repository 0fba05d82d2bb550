"""What can go wrong while answering, beside what `ingest.errors` already names.

YoujuError
└── ModelError                 the chat model; the evidence is delivered all the same
    ├── ModelUnavailableError  down, or refuses the connection
    ├── ModelTimeoutError      too slow
    └── ModelRejectedError     the model server answered with an error, or cut the stream
"""

from __future__ import annotations

from ingest.errors import YoujuError


class ModelError(YoujuError):
    """The chat model did not give a whole answer."""


class ModelUnavailableError(ModelError):
    """The model server cannot be reached."""


class ModelTimeoutError(ModelError):
    """The model server did not answer in time."""


class ModelRejectedError(ModelError):
    """The model server refused the request, or broke off in the middle."""
