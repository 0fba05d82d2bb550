"""Says whose conversations a reader keeps and sees."""

from __future__ import annotations

from ingest.access import Reader
from ingest.errors import RequestError

OPERATORS = "operator"
"""The owner of what the operator asks. It is no principal, so no reader can have it."""

_PERSON = "user:"


def owner_of(reader: Reader) -> str:
    """Returns the owner of the conversations of this reader: the operator, or the one person that the reader is.

    Raises RequestError `no_owner` if the reader is nobody in particular, such as everybody with the reader's key: what
    one of them asked would be shown to all of them.
    """
    owner = found_owner(reader)
    if owner is not None:
        return owner
    raise RequestError(
        "no_owner",
        "This key belongs to more than one person, so the server keeps no conversations for it.",
        "Send the earlier turns with each question, in `conversation`.",
    )


def found_owner(reader: Reader) -> str | None:
    """Returns the owner of the conversations of this reader, or None if the reader is nobody in particular."""
    if reader.principals is None:
        return OPERATORS
    persons = [principal for principal in reader.principals if principal.startswith(_PERSON)]
    return persons[0] if len(persons) == 1 else None
