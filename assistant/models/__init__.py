"""The chat model seam: what every model answers to, one module per kind of model.

`extractive` quotes the evidence (no model configured), `server` speaks to any OpenAI-compatible server, `local` runs
a transformers chat model in this process. The last two stand on LangChain's interface, by `langchain`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from assistant.errors import ModelRejectedError
from assistant.request import Piece, Request
from ingest.errors import YoujuError

logger = logging.getLogger(__name__)


class ChatModel(Protocol):
    """A chat model."""

    @property
    def model(self) -> str:
        """The name an answer is labelled with."""
        ...

    @property
    def follows_instructions(self) -> bool:
        """Whether it does what its messages say, so that it can be asked for other things than an answer."""
        ...

    def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        """What it says, piece by piece. Closing the generator stops it."""
        ...

    async def aclose(self) -> None:
        """Let go of connections and threads."""
        ...


async def stream(model: ChatModel, request: Request) -> AsyncGenerator[Piece, None]:
    """What the model says, piece by piece. Closing the generator stops the model.

    Every error comes out as a `YoujuError`, and so does an answer without a word.
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
    """The whole of what the model says."""
    async with aclosing(stream(model, request)) as pieces:
        return "".join([piece.text async for piece in pieces])
