"""`POST /v1/runs`: bring paths of this machine into the index. Only over the local socket: a path names a file that
the server may read and the caller perhaps may not."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.errors import error_fields, internal_error
from api.routes import workspace_of
from api.schemas import ReportBody
from api.streaming import EventStream, sse
from ingest.errors import RequestError, YoujuError
from ingest.pipeline import Ingestor
from ingest.sources.folder import FolderSource

router = APIRouter()

_EVERY_SECONDS = 0.2


class RunRequest(BaseModel):
    """Files and folders to bring in, as absolute paths or `file:` addresses: only those can name every file."""

    paths: list[str] = Field(min_length=1)
    allow_deletions: bool = False

    def files(self) -> list[Path]:
        """The paths, whose names may be no text."""
        return [
            Path(os.fsdecode(unquote_to_bytes(path.removeprefix("file://"))))
            if path.startswith("file://")
            else Path(path)
            for path in self.paths
        ]


@router.post("/v1/runs")
async def run(asked: RunRequest, request: Request) -> Response:
    """Ingest paths of this machine, as server-sent events: `progress`, then `finished` or `failed`.

    A client that goes away interrupts the run; what it had published stays, and the next run does the rest.
    """
    if not request.scope["state"].get("local"):
        raise RequestError(
            "paths_not_accepted",
            "Paths are accepted over this machine's local socket only.",
            "Run `youju ingest` on the machine that serves.",
        )
    return EventStream(_events(workspace_of(request).ingestor, asked, request))


async def _events(ingestor: Ingestor, asked: RunRequest, request: Request) -> AsyncGenerator[str, None]:
    progress: dict[str, float] = {}
    stop = threading.Event()
    source = FolderSource(asked.files())
    work = asyncio.ensure_future(
        asyncio.to_thread(
            ingestor.run,
            source,
            on_progress=lambda report: progress.update(report.counts()),
            stop=stop,
            allow_deletions=asked.allow_deletions,
        )
    )
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=_EVERY_SECONDS)
            yield sse("progress", dict(progress))
        yield sse("finished", ReportBody.of(work.result()).model_dump())
    except YoujuError as error:
        yield sse("failed", {"error": error_fields(error.code, error.message, error.hint, request.scope)})
    except Exception as error:
        yield sse("failed", {"error": error_fields(*internal_error(request.scope, error), request.scope)})
    finally:
        stop.set()
        await asyncio.wait({work})
