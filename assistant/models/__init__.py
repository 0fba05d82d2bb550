"""The chat model seam: LangChain's `BaseChatModel`, one module per kind of model.

`extractive` quotes the evidence (no model configured), `server` speaks to any OpenAI-compatible server,
`local` runs a transformers chat model in this process.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, cast

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, SystemMessage

from assistant.errors import ModelRejectedError
from ingest.errors import YoujuError

logger = logging.getLogger(__name__)


def name_of(model: BaseChatModel) -> str:
    """The name an answer is labelled with."""
    return str(getattr(model, "model", "") or model.get_name())


def role_of(message: BaseMessage) -> str:
    """What chat templates and chat servers call whoever wrote the message."""
    if isinstance(message, SystemMessage):
        return "system"
    return "user" if isinstance(message, HumanMessage) else "assistant"


async def stream(
    model: BaseChatModel, messages: Sequence[BaseMessage], **options: Any
) -> AsyncGenerator[AIMessageChunk, None]:
    """What the model says, piece by piece. Closing the iterator stops the model.

    The model's own `_astream` is called, not `astream`: the layer between them is where LangSmith's tracer is set
    up from the environment, and closing that one leaves the model's stream to the garbage collector.
    Every error comes out as a `YoujuError`.
    """
    try:
        # The base class promises an iterator; every real implementation is an asynchronous generator.
        pieces = cast(Any, model._astream(list(messages), **options))
        async with aclosing(pieces):
            said = False
            async for piece in pieces:
                said = said or bool(str(piece.message.content).strip())
                yield piece.message
            if not said:
                raise ModelRejectedError("model_empty", "The chat model gave an empty answer.", "Ask again.")
    except (YoujuError, GeneratorExit):
        raise
    except Exception as error:
        logger.exception("The chat model failed")
        raise ModelRejectedError(
            "model_failed", f"The chat model failed: {type(error).__name__}.", "The server's log has the details."
        ) from error


async def complete(model: BaseChatModel, messages: Sequence[BaseMessage], **options: Any) -> str:
    """The whole of what the model says."""
    async with aclosing(stream(model, messages, **options)) as pieces:
        return "".join([str(piece.content) async for piece in pieces])
