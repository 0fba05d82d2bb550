"""`/v1/runs`: starts, lists, follows and cancels runs of the ingestion.

All routes are for the operator only, because the record of a run names documents that others may not read. Paths are
accepted over the local socket only, because the server may be able to read a file that the caller may not read.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import ConfigDict, Field, model_validator

from api.http.known_fields import RequestBody
from api.http.run_progress import LOOK_SECONDS, Following, RunBody, RunsBody, RunWithFailuresBody
from api.http.schemas import ReportBody
from api.http.streaming import (
    EVENTS,
    KEEPALIVE,
    KEEPALIVE_SECONDS,
    EventStream,
    begun,
    failed,
    server_stopping,
    sse,
    stopping,
    worked,
)
from api.routes import workspace_of
from api.security.audit import audited
from api.security.guard import current_operator
from api.serving.executors import run_in
from api.settings import Settings
from ingest.errors import RequestError
from ingest.sources import Source
from ingest.sources.from_settings import named, open_paths, open_source

router = APIRouter(prefix="/v1/runs", dependencies=[Depends(current_operator)])


_SOURCE: dict[str, Any] = {
    "required": ["source"],
    "properties": {"source": {"type": "string"}, "paths": {"maxItems": 0}},
}
_PATHS: dict[str, Any] = {"required": ["paths"], "properties": {"paths": {"minItems": 1}, "source": {"type": "null"}}}


class RunRequest(RequestBody):
    """What to ingest: either files and folders, or the name of a source in the settings.

    A file is an absolute path or a `file:` address. Only a `file:` address can name every file.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [_SOURCE, _PATHS]})

    paths: list[str] = Field(default=[], description="Files and folders; over the local socket only.")
    source: str | None = Field(None, description="Name of a source of the settings, instead of paths.")
    allow_deletions: bool = False

    @model_validator(mode="after")
    def _names_one_thing(self) -> RunRequest:
        if bool(self.paths) == (self.source is not None):
            raise ValueError("give either paths or a source")
        return self

    def opened(self, settings: Settings) -> Source:
        """Returns the source of this request. Raises RequestError if there is none with that name."""
        if self.source is not None:
            return open_source(named(settings, self.source), settings)
        paths = [
            Path(os.fsdecode(unquote_to_bytes(path.removeprefix("file://"))))
            if path.startswith("file://")
            else Path(path)
            for path in self.paths
        ]
        return open_paths(paths, settings)


@router.post("", response_class=Response, responses={200: EVENTS})
async def run(asked: RunRequest, request: Request) -> Response:
    """Ingest documents, and send server-sent events: `progress`, then `finished` or `failed`.

    If the client goes away, the run is interrupted. Documents that it has published stay, and the next run does the
    rest.
    """
    audited(request, source=asked.source, paths=asked.paths)
    if asked.paths and not request.scope["state"].get("local"):
        raise RequestError(
            "paths_not_accepted",
            "Paths are accepted over this machine's local socket only.",
            "Run `youju ingest` on the machine that serves, or name a source of its settings.",
        )
    workspace = workspace_of(request)
    source = asked.opened(workspace.settings)
    progress: dict[str, float] = {}

    def work(stop: threading.Event) -> dict[str, Any]:
        report = workspace.ingestor.run(
            source,
            on_progress=lambda report: progress.update(report.counts()),
            stop=stop,
            allow_deletions=asked.allow_deletions,
        )
        if workspace.store.runs.run(report.run_id).state == "cancelled":
            raise RequestError("run_cancelled", "The run was cancelled.", "Run it again: it goes on where it stopped.")
        return ReportBody.of(report).model_dump()

    return EventStream(worked(work, lambda: dict(progress), request.scope))


@router.get("")
def runs(
    request: Request,
    source: Annotated[str | None, Query(description="Only runs of this source.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> RunsBody:
    """List the newest runs of every process that works on the same home or servers."""
    found = workspace_of(request).store.runs.runs(source=source, limit=limit)
    return RunsBody(runs=[RunBody.of(run) for run in found])


@router.get("/{run_id}")
def one(run_id: str, request: Request) -> RunWithFailuresBody:
    """Get one run, with the documents that it could not ingest."""
    return RunWithFailuresBody.read(workspace_of(request).store.runs, run_id)


@router.get("/{run_id}/events", response_class=Response, responses={200: EVENTS})
async def events(run_id: str, request: Request) -> Response:
    """Follow a run with server-sent events: `progress` with its counts, rate and remaining time, `failure` for each
    document that could not be ingested, and `finished` at the end. If the client goes away, the run goes on.
    """
    return EventStream(await begun(_followed(request, run_id)))


@router.post("/{run_id}/cancel")
def cancel(run_id: str, request: Request) -> RunBody:
    """Ask a run to end. It ends cleanly within about two seconds, and the next run continues from there."""
    return RunBody.of(workspace_of(request).store.runs.cancel(run_id))


async def _followed(request: Request, run_id: str) -> AsyncGenerator[str, None]:
    following = Following(workspace_of(request).store.runs, run_id)
    stops = stopping(request.scope)
    silent_seconds = 0.0
    while not stops.is_set():
        news = await run_in(request.app.state.executors.looks, following.look)
        for name, data in news:
            yield sse(name, data)
        if following.over:
            return
        silent_seconds = 0.0 if news else silent_seconds + LOOK_SECONDS
        if silent_seconds >= KEEPALIVE_SECONDS:
            silent_seconds = 0.0
            yield KEEPALIVE
        with suppress(TimeoutError):
            await asyncio.wait_for(stops.wait(), LOOK_SECONDS)
    yield failed(server_stopping(), request.scope)
