"""The interface of every chat model. Each kind of model has its own module.

`extractive` quotes the evidence if no model is configured. `server` speaks to a chat server, in the form that `servers`
says. `local` runs a transformers chat model in this process. The last two use LangChain's interface, through
`langchain`. `fallback` is two models, of which the second answers where the first one fails. `deadlines` says how long
a server may take, and `circuit` that nobody waits for one that is away.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from assistant.errors import ModelRejectedError
from assistant.request import Message, Piece, Request
from ingest.errors import YoujuError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Described:
    """What a model says of itself. `window_tokens` is its context window, or None if it does not say it.

    `cuts` is False if it refuses a prompt that is too long, so that none is cut without a word.
    """

    window_tokens: int | None = None
    cuts: bool = True


class ChatModel(Protocol):
    """A chat model."""

    @property
    def model(self) -> str:
        """The model's name, as answers state it."""
        ...

    @property
    def follows_instructions(self) -> bool:
        """True if the model follows its messages, so that it can also be asked for other things than an answer."""
        ...

    @property
    def is_away(self) -> bool:
        """True while a server is known to be away, so that it is hardly asked."""
        ...

    async def described(self) -> Described:
        """Returns what the model says of itself. A server is asked when this is first needed, and never raises here."""
        ...

    async def count_tokens(self, messages: Sequence[Message]) -> int | None:
        """Returns how many tokens a prompt takes by the model's own tokenizer, or None if nothing can count them."""
        ...

    def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Yields the model's answer, piece by piece. Closing the generator stops the model."""
        ...

    async def aclose(self) -> None:
        """Release connections and threads."""
        ...


async def stream(model: ChatModel, request: Request) -> AsyncGenerator[Piece, None]:
    """Yields the model's answer, piece by piece. Closing the generator stops the model.

    Every error is raised as a `YoujuError`. An answer without any word is such an error too.
    """
    try:
        async with aclosing(model.answer(request)) as pieces:
            said = False
            async for piece in pieces:
                said = said or bool(piece.text.strip())
                yield piece
            if not said:
                raise ModelRejectedError("model_empty", "The chat model gave an empty answer.", "Ask again.")
    except (YoujuError, GeneratorExit):
        raise
    except Exception as error:
        logger.exception("The chat model failed")
        raise ModelRejectedError(
            "model_failed", f"The chat model failed: {type(error).__name__}.", "The server's log has the details."
        ) from error


async def complete(model: ChatModel, request: Request) -> str:
    """Returns the model's whole answer."""
    async with aclosing(stream(model, request)) as pieces:
        return "".join([piece.text async for piece in pieces])
