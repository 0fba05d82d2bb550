"""`youju serve` serves the chat page, HTTP and DingTalk until it is interrupted."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from uvicorn.importer import import_from_string

from api.serving.connections import raise_open_files
from api.serving.logs import configure_logging
from api.serving.server import Server, bind, serve_with_workers, url_of
from api.serving.starting import Starting
from api.settings import Settings, check_safety, load_settings
from ingest.home.lock import is_open_to_others
from ingest.home.processes import loaded_for_good

app = typer.Typer()
logger = logging.getLogger(__name__)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Listen on this address instead of YOUJU_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Listen on this port instead of YOUJU_PORT.")
    ] = None,
    ingest: Annotated[
        list[Path] | None,
        typer.Option(help="Ingest this file or folder first, while the server already answers. It can be repeated."),
    ] = None,
) -> None:
    """Serve the chat page, the HTTP API and the DingTalk bot until you press Ctrl-C.

    Meanwhile the other commands talk to this process.
    """
    given = {"host": host, "port": port}
    settings = load_settings().model_copy(update={key: value for key, value in given.items() if value is not None})
    check_safety(settings)
    configure_logging(settings.log_level)
    raise_open_files()
    if is_open_to_others(settings.home):
        logger.warning("Other users of this machine can read %s: `youju doctor` says how to mend it.", settings.home)
    if settings.workers > 1:
        serve_with_workers(settings)
        return
    with closing(bind(settings.host, settings.port)) as listening:
        asyncio.run(_serve(settings, listening, ingest or []))


async def _serve(settings: Settings, listening: socket.socket, paths: list[Path]) -> None:
    """Answer first that this process lives. Then import the application, which takes seconds."""
    starting, url = Starting(), url_of(listening)
    server = Server(starting, settings)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    serving.add_done_callback(lambda _: server.stopping.set())
    answering = asyncio.ensure_future(server.answering.wait())
    await asyncio.wait({serving, answering}, return_when=asyncio.FIRST_COMPLETED)
    answering.cancel()
    try:
        with loaded_for_good():
            serve_home = await asyncio.to_thread(import_from_string, "api.cli.serving:serve_home")
        if not serving.done():  # nobody has interrupted it in the meantime
            await serve_home(settings, starting, url, paths, serving, server.stopping)
    finally:
        server.should_exit = True
        await serving
