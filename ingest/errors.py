"""The errors of Youju, divided by who can solve the problem.

    YoujuError                 code, message, hint
    ├── ConfigurationError     the operator: a setting, or two that do not go together
    ├── SourceError            the operator: a path or a listing
    ├── DocumentError          whoever keeps that document; the run goes on without it
    ├── RequestError           the caller: what was asked for is not there or not well formed
    ├── UnavailableError       wait, or start it: a server or a database that does not answer
    └── OwnedError             another process of ours holds this home

Codes are stable: scripts may match on them. Messages and hints are English and may change.
"""

from __future__ import annotations


class YoujuError(Exception):
    """An error. `code` is stable, `message` says what happened, and `hint` says how to solve the problem."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigurationError(YoujuError):
    """A setting is wrong, or two settings do not go together."""


class SourceError(YoujuError):
    """A source cannot be listed. For example, a path is missing or may not be read."""


class DocumentError(YoujuError):
    """One document cannot be ingested. Its last good revision, if any, stays searchable."""


class RequestError(YoujuError):
    """The thing that the caller asked for does not exist, or the request is not well formed."""


class UnavailableError(YoujuError):
    """Something that is needed, such as a server or a database, does not answer at the moment."""


class OwnedError(YoujuError):
    """Another process owns the embedded index of this home, or a run already works on the thing that is needed."""
