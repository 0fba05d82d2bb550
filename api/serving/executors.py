"""The threads for blocking work. Short work never waits behind long work.

| work | threads |
|---|---|
| the search of an answer | `retrieval`, the assistant's own (`assistant.answer`): two for each core |
| a search that is asked for alone | `search`, the assistant's own, as many: it does not wait behind answers |
| the chunks of an answer: judged, chosen, compared with citations | `reading`, the assistant's own: one thread |
| quotations, where there is no chat model | `quoting` (`assistant.models.extractive`): one thread |
| a whole job: a run, a verification | `jobs`, one thread for each |
| a page picture | `drawing`, one thread: there is one renderer |
| what only some questions need, loaded once the server is ready | `warming`, one thread that ends with it |
| a look at a record that many clients follow | `looks`, two threads |
| the rest, milliseconds each: messages, holdings, follow-ups; routes without `async` | asyncio's and Starlette's own |

A route that may take seconds is `async` and uses one of these threads. Starlette's forty threads are for all the
others. What is pure Python has one thread: Python runs one at a time, so more would do no more work in the same time,
and everything else would wait for the turn of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_JOBS = 64
_LOOKS = 2


class Executors:
    """The threads of one application. Each thread is started when it is first needed."""

    def __init__(self) -> None:
        self.jobs = ThreadPoolExecutor(_JOBS, thread_name_prefix="job")
        self.drawing = ThreadPoolExecutor(1, thread_name_prefix="drawing")
        self.looks = ThreadPoolExecutor(_LOOKS, thread_name_prefix="look")

    def close(self) -> None:
        """Start no more work. Work that has begun goes on to its end."""
        for executor in (self.jobs, self.drawing, self.looks):
            executor.shutdown(wait=False, cancel_futures=True)


async def run_in(executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Returns the result of `work`, done in a thread of `executor`.

    If it is cancelled before it begins, it is never done.
    """
    return await asyncio.get_running_loop().run_in_executor(executor, work)
