"""A second chat model, which answers where the first one fails before it has said anything."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from assistant.errors import ModelError
from assistant.models import ChatModel, Described, stream
from assistant.request import Message, Piece, Request

logger = logging.getLogger(__name__)


class FallbackChatModel:
    """The model `first`, and `second` where that fails. The pieces of `second` carry its name."""

    def __init__(self, first: ChatModel, second: ChatModel) -> None:
        self._first = first
        self._second = second

    @property
    def model(self) -> str:
        """The name of the first model, which is the one that is meant to answer."""
        return self._first.model

    @property
    def follows_instructions(self) -> bool:
        """True if the first model does."""
        return self._first.follows_instructions

    @property
    def is_away(self) -> bool:
        """True if the first model is away, because that one is to be mended."""
        return self._first.is_away

    async def described(self) -> Described:
        """Returns the smaller window of the two, because either of them may have to read a prompt."""
        both = await asyncio.gather(self._first.described(), self._second.described())
        windows = [each.window_tokens for each in both if each.window_tokens is not None]
        return Described(min(windows, default=None), cuts=any(each.cuts for each in both))

    async def count_tokens(self, messages: Sequence[Message]) -> int | None:
        """Returns the tokens of a prompt as the first model counts them."""
        return await self._first.count_tokens(messages)

    async def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Yields the answer of the first model, or that of the second if the first failed without a word.

        If both fail, the error of the first is raised: that one is to be mended.
        """
        said, held = False, list[Piece]()
        try:
            async with aclosing(stream(self._first, request)) as pieces:
                async for piece in pieces:
                    said = said or bool(piece.text.strip())
                    held.append(piece)
                    if said:
                        for each in held:
                            yield each
                        held.clear()
        except ModelError as error:
            if said or not self._can(request):
                raise
            failed = error
        else:
            return
        logger.warning("%s answers in place of %s: %s", self._second.model, self._first.model, failed.message)
        try:
            async with aclosing(stream(self._second, request)) as pieces:
                async for piece in pieces:
                    said = True
                    yield replace(piece, model=self._second.model)
        except ModelError as error:
            logger.warning("%s failed, too: %s", self._second.model, error.message)
            raise (error if said else failed) from error

    def _can(self, request: Request) -> bool:
        """Returns True if the second model can do what is asked. A model that only quotes needs evidence."""
        return self._second.follows_instructions or bool(request.evidence)

    async def aclose(self) -> None:
        """Close both."""
        await self._first.aclose()
        await self._second.aclose()
