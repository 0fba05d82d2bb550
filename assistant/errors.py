"""What can go wrong while answering, beside what `ingest.errors` already names.

YoujuError
└── ModelError             the chat model; the evidence is delivered all the same
    ├── ModelUnavailable   down, or refuses the connection
    ├── ModelTimeout       too slow
    └── ModelRejected      the model server answered with an error, or cut the stream
"""

from __future__ import annotations

from ingest.errors import YoujuError


class ModelError(YoujuError):
    """The chat model did not give a whole answer."""


class ModelUnavailable(ModelError):
    """The model server cannot be reached."""


class ModelTimeout(ModelError):
    """The model server did not answer in time."""


class ModelRejected(ModelError):
    """The model server refused the request, or broke off in the middle."""
