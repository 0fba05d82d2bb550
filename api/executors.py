"""Which threads blocking work crosses to, so that what is quick never waits behind what is long.

| work | threads |
|---|---|
| retrieval | the assistant's own (`assistant.answer`) |
| a whole job: a run, a verification | `jobs`, one thread for each |
| a page picture | `drawing`, one thread: there is one renderer |
| a look at a record that many clients follow | `looks`, two threads |
| the rest, milliseconds each: uploads, messages; routes without `async` | asyncio's and Starlette's own |

A route that may take seconds is `async` and crosses to one of these: Starlette's forty threads are for all the others.
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
    """The threads of one application. They are started when they are needed."""

    def __init__(self) -> None:
        self.jobs = ThreadPoolExecutor(_JOBS, thread_name_prefix="job")
        self.drawing = ThreadPoolExecutor(1, thread_name_prefix="drawing")
        self.looks = ThreadPoolExecutor(_LOOKS, thread_name_prefix="look")

    def close(self) -> None:
        """Begin nothing any more. What is under way goes on to its end."""
        for executor in (self.jobs, self.drawing, self.looks):
            executor.shutdown(wait=False, cancel_futures=True)


async def run_in(executor: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """The result of `work`, done in one of those threads. Cancelled before it has begun, it is not done at all."""
    return await asyncio.get_running_loop().run_in_executor(executor, work)
