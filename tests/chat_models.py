"""Chat models of servers for tests: opened from settings, and closed in the loop in which they were used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from assistant.models.from_settings import open_model
from assistant.models.server import ServerChatModel
from assistant.settings import AssistantSettings

T = TypeVar("T")


def server_model(url: str, **settings: Any) -> ServerChatModel:
    """The adapter to the server at that address. Without a `model` it is the server's only one."""
    model = open_model(AssistantSettings(model_url=url, **settings), hub=False)
    assert isinstance(model, ServerChatModel)
    return model


def run(model: ServerChatModel, work: Callable[[ServerChatModel], Coroutine[Any, Any, T]]) -> T:
    """Do `work` with the model and close its connections in the loop that opened them."""

    async def closing() -> T:
        try:
            return await work(model)
        finally:
            await model.aclose()

    return asyncio.run(closing())
