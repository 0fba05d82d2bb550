"""The seam between a bot and the service in which it answers: what each channel brings along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from api.channels.message import Message, Received
from ingest.errors import UnavailableError

Begin = Callable[[], None]
"""Begins the answer to a message that is written down. A channel calls it when it has told the service so."""

Received_contra = TypeVar("Received_contra", bound=Message, contravariant=True)


@dataclass(frozen=True, slots=True)
class Channel(Generic[Received]):
    """What a channel is called, and how its messages are read back and its answers written.

    `name` is in the rows of the inbox and in principals; it never changes. `label` is in the log. `read` makes a
    message of what `to_json` stored, also of what older versions stored. `layout` takes Markdown that is harmless
    already and lays it out as the service shows it.
    """

    name: str
    label: str
    read: Callable[[Mapping[str, Any]], Received]
    layout: Callable[[str], str]


class DeliveryError(UnavailableError):
    """The answer, or the rest of it, did not reach the chat. Sending it again would not help."""


class Replies(Protocol[Received_contra]):
    """Sends answers. Where an answer goes is its own affair."""

    def closed(self, message: Received_contra) -> str | None:
        """Returns the code that says why no answer to this message can be sent any more, or None."""
        ...

    async def send(self, message: Received_contra, title: str, markdown: str) -> None:
        """Send an answer, in as many parts as it needs. `title` is one line for notifications.

        Raises DeliveryError. If it is unknown whether a part arrived, that part is never sent again.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
