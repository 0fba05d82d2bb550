"""A server of ours in a process of its own whose files run out: `python -m tests.api.starved_server SECONDS`.

It prints its port. `GET /take` opens every file that is left and gives them back after that many seconds.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path

from starlette.types import Receive, Scope, Send

from api.serving.logs import configure_logging
from api.serving.server import Server, bind
from api.settings import Settings


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """200 with nothing in it, at any address."""
    if scope["path"] == "/take":
        take(float(sys.argv[1]))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def take(seconds: float) -> None:
    taken: list[int] = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        asyncio.get_running_loop().call_later(seconds, lambda: [os.close(file) for file in taken])


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    configure_logging("info")
    listening = bind("127.0.0.1", 0)
    print(listening.getsockname()[1], flush=True)
    asyncio.run(Server(answer, Settings(home=Path.cwd())).serve(sockets=[listening]))
