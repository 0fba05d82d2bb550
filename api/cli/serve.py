"""`youju serve`: the chat page, HTTP and DingTalk, until it is interrupted."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.app import create_app
from api.cli.ingest import print_report
from api.cli.output import console
from api.cli.progress import RunProgress
from api.server import Server, bind, local_socket, serve_with_workers, url_of
from api.settings import check_safety, load_settings
from api.workspace import Workspace
from ingest.errors import YoujuError
from ingest.runs import Report
from ingest.sources.folder import FolderSource

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; YOUJU_HOST otherwise.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; YOUJU_PORT otherwise.")] = None,
    ingest: Annotated[list[Path] | None, typer.Option(help="Bring these in first, while already serving.")] = None,
) -> None:
    """Serve the chat page, HTTP and DingTalk until interrupted. The other commands talk to this process meanwhile."""
    given = {"host": host, "port": port}
    settings = load_settings().model_copy(update={key: value for key, value in given.items() if value is not None})
    check_safety(settings)
    _log(settings.log_level)
    if settings.workers > 1:
        serve_with_workers(settings)
        return
    with closing(Workspace.open(settings, command="serve")) as workspace, ExitStack() as opened:
        listening = opened.enter_context(closing(bind(settings.host, settings.port)))
        local = opened.enter_context(local_socket(settings.home))
        url = url_of(listening)
        if workspace.store.ownership is not None:
            workspace.store.ownership.announce(socket=local.getsockname(), url=url)
        server = Server(create_app(workspace), log_level=settings.log_level)
        asyncio.run(_serve(server, [listening, local], workspace, url, ingest or []))


def _log(level: str) -> None:
    """Log our own packages at `level`; libraries only from warnings on: a line per model call would drown the rest,
    and a URL in it may carry a secret."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for package in ("ingest", "assistant", "api"):
        logging.getLogger(package).setLevel(level.upper())


async def _serve(
    server: Server, sockets: list[socket.socket], workspace: Workspace, url: str, paths: list[Path]
) -> None:
    serving = asyncio.ensure_future(server.serve(sockets=sockets))
    answering = asyncio.ensure_future(server.answering.wait())
    await asyncio.wait({serving, answering}, return_when=asyncio.FIRST_COMPLETED)
    answering.cancel()
    stop = threading.Event()
    ingesting = asyncio.ensure_future(_welcome(workspace, url, paths, stop))
    try:
        await serving
    finally:
        stop.set()
        await ingesting


async def _welcome(workspace: Workspace, url: str, paths: list[Path], stop: threading.Event) -> None:
    """Say where the page is, bring in what was asked for, and say so again when that is done."""
    if outdated := await asyncio.to_thread(workspace.ingestor.outdated):
        console.print(
            f"[yellow]{outdated} documents were ingested with other settings and may not be found: "
            "run `youju ingest` on them again.[/yellow]"
        )
    if paths:
        console.print(f"Serving at {url} while {', '.join(str(path) for path in paths)} is brought in.")
        try:
            print_report(asdict(await asyncio.to_thread(_ingest, workspace, paths, stop)))
        except YoujuError as error:
            console.print(f"[red]{error.code}[/red]  {error}")
    if not stop.is_set():
        console.print(f"[bold]Youju is ready: {url}[/bold]  (Ctrl-C stops it)")


def _ingest(workspace: Workspace, paths: list[Path], stop: threading.Event) -> Report:
    with RunProgress() as progress:
        return workspace.ingestor.run(
            FolderSource(paths), on_progress=lambda report: progress.show(report.counts()), stop=stop
        )
