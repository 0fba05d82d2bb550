"""Connects chat models that have LangChain's interface, `BaseChatModel`, to our chain."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, cast

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata

from assistant.events import Usage
from assistant.models import Described
from assistant.request import Message, Piece, Request


class LangChainModel(BaseChatModel):
    """A LangChain model that answers our requests. Its call options are `temperature` and `max_tokens`."""

    model: str

    @property
    def follows_instructions(self) -> bool:
        """Always True, because it is an ordinary chat model."""
        return True

    @property
    def is_away(self) -> bool:
        """Always False, unless a model overrides this method."""
        return False

    async def described(self) -> Described:
        """Returns nothing, unless a model overrides this method."""
        return Described()

    async def count_tokens(self, messages: Sequence[Message]) -> int | None:
        """Returns None, unless a model overrides this method."""
        return None

    async def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Yields the model's answer, piece by piece. Closing the generator stops the model.

        It calls the model's own `_astream`, not `astream`. The layer between the two sets up LangSmith's tracer from
        the environment. If that layer is closed, it leaves the model's stream to the garbage collector.
        """
        # The base class promises an iterator. Every real implementation is an asynchronous generator.
        pieces = cast(Any, self._astream([message_of(message) for message in request.messages], **options_of(request)))
        async with aclosing(pieces):
            async for piece in pieces:
                yield _piece(piece.message)

    async def aclose(self) -> None:
        """Release connections and threads. There are none, unless a model overrides this method."""


def options_of(request: Request) -> dict[str, Any]:
    """Returns the call options of a request."""
    asked = {"temperature": request.temperature, "max_tokens": request.max_tokens}
    return {name: value for name, value in asked.items() if value is not None}


def as_sent(message: BaseMessage) -> dict[str, str]:
    """Returns the message in the form of chat templates and chat servers."""
    if isinstance(message, SystemMessage):
        role = "system"
    else:
        role = "user" if isinstance(message, HumanMessage) else "assistant"
    return {"role": role, "content": str(message.content)}


def message_of(message: Message) -> BaseMessage:
    """Returns a message in LangChain's form."""
    kinds: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}
    return kinds[message.role](content=message.text)


def _piece(message: AIMessageChunk) -> Piece:
    usage = usage_of(message.usage_metadata)
    return Piece(str(message.content), usage, message.response_metadata.get("finish_reason"))


def usage_of(counted: UsageMetadata | None) -> Usage | None:
    """Returns LangChain's form of a usage in ours."""
    return Usage(counted["input_tokens"], counted["output_tokens"]) if counted else None
