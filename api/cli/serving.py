"""The work of `youju serve` after it has begun to listen: it opens the home, starts the application, and ingests the
given paths.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack, closing
from dataclasses import asdict
from pathlib import Path

from api.app import create_app
from api.cli.index import building_note
from api.cli.ingest import print_report
from api.cli.output import console
from api.cli.progress import RunProgress
from api.routes.index import BuildingBody
from api.serving.server import Server, local_socket
from api.serving.starting import Starting
from api.settings import Settings
from api.workspace import Workspace
from ingest.errors import YoujuError
from ingest.runs.records import Report
from ingest.sources.from_settings import open_paths


async def serve_home(
    settings: Settings,
    starting: Starting,
    url: str,
    paths: list[Path],
    serving: asyncio.Future[None],
    stopping: asyncio.Event,
) -> None:
    """Serve the home of these settings through `starting` and on its local socket. It ends when `stopping` is set and
    `serving` is done.

    Raises what `Workspace.open` raises.
    """
    async with AsyncExitStack() as opened:
        workspace = await asyncio.to_thread(Workspace.open, settings, command="serve")
        opened.enter_context(closing(workspace))
        local = opened.enter_context(local_socket(settings.home))
        if workspace.store.ownership is not None:
            workspace.store.ownership.announce(socket=local.getsockname(), url=url)
        app = create_app(workspace)
        await opened.enter_async_context(app.router.lifespan_context(app))
        beside = Server(app, settings, takes_signals=False)
        listening = asyncio.ensure_future(beside.serve(sockets=[local]))
        starting.application = app
        stop = threading.Event()
        ingesting = asyncio.ensure_future(_welcome(workspace, url, paths, stop))
        try:
            await stopping.wait()
        finally:
            stop.set()
            beside.should_exit = True
            await asyncio.wait({serving, listening, ingesting})


async def _welcome(workspace: Workspace, url: str, paths: list[Path], stop: threading.Event) -> None:
    """Ingest the given paths, if any, and print the address of the page before and after that."""
    if building := await asyncio.to_thread(workspace.ingestor.building):
        console.print(f"[yellow]{building_note(BuildingBody.of(building).model_dump())}[/yellow]")
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
            open_paths(paths, workspace.settings),
            on_progress=lambda report: progress.show(report.counts()),
            stop=stop,
        )
