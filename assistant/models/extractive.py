"""The default if no model is configured. The answer then quotes the sentence or the table row that answers best."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from assistant.models import Described
from assistant.quoting.choose import choose
from assistant.quoting.reading import PassageReading
from assistant.quoting.shown import opening, shown
from assistant.request import Message, Piece, Request

MODEL = "extractive"
"""The name of the model in answers. It tells a client that no chat model is configured."""


class ExtractiveChatModel:
    """Quotes the evidence of a request. It reads the question and no messages."""

    model = MODEL
    follows_instructions = False
    is_away = False

    def __init__(self, reading: PassageReading | None = None) -> None:
        """Without `reading`, what is quoted is chosen by words alone."""
        self._reading = reading
        # One thread: more would quote no faster, and make searches wait.
        self._quoting = ThreadPoolExecutor(1, thread_name_prefix="quoting")

    async def described(self) -> Described:
        """Returns nothing: quotations have no context window."""
        return Described()

    async def count_tokens(self, messages: Sequence[Message]) -> int | None:
        """Returns None, because no prompt is read."""
        return None

    async def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Yields the best quotations, each with its number, after a line that says what they are."""
        # To read and compare all sentences may take half a second, so it runs in a thread.
        work = partial(quotations, request, self._reading)
        quoted = asyncio.get_running_loop().run_in_executor(self._quoting, lambda: list(work()))
        for text in await quoted:
            yield Piece(text)

    async def aclose(self) -> None:
        """Start no more work."""
        self._quoting.shutdown(wait=False, cancel_futures=True)


def quotations(request: Request, reading: PassageReading | None = None) -> Iterator[str]:
    """Yields the pieces of the answer: a line that says what follows, and one or two quotations."""
    question = request.query or request.question
    quoted = choose(question, request.evidence, reading)
    yield opening(request.question, request.language, quoted)
    for block in shown(question, quoted):
        yield f"\n\n{block}"
