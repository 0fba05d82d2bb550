"""`/v1/sources`: lists the sources of the settings and their state, checks what a source lists now, and removes the
documents that a former source left.

All routes are for the operator only, because nobody else may know the names and addresses of sources.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from api.http.run_progress import RunBody
from api.http.schemas import ReportBody
from api.routes import workspace_of
from api.security.guard import current_operator
from api.workspace import Workspace
from ingest.errors import RequestError
from ingest.network.secrecy import without_secrets
from ingest.schedule.scheduler import next_run_at
from ingest.sources.from_settings import named, open_source
from ingest.sources.settings import RESERVED_NAMES, FolderSettings, FsspecSettings, SourceSettings
from ingest.sources.subsets import EmptiedSource

router = APIRouter(prefix="/v1/sources", dependencies=[Depends(current_operator)])


class SourceBody(BaseModel):
    """A source and its state.

    `type` is the type in the settings. The sources `local` (paths of the command line) and `push` (uploads) need no
    settings, and their type is their name. `type` is null if the settings no longer have the source, but its documents
    are still there.
    """

    name: str
    type: str | None
    place: str | None
    enabled: bool
    schedule: str | None
    time_zone: str | None
    next_run_at: str | None
    documents: int
    failed: int
    last_run: RunBody | None


class SourcesBody(BaseModel):
    """The sources of the settings, in their order, then other sources that have documents."""

    sources: list[SourceBody]


class ListedBody(BaseModel):
    """A document that a source lists."""

    uri: str
    size: int
    access: tuple[str, ...]
    known: bool


class CheckBody(BaseModel):
    """What a source lists now. `found` counts the listed documents, and `new` counts those of them that were never
    ingested. `gone` counts known documents that it no longer lists.
    """

    source: str
    found: int
    new: int
    gone: int
    seconds: float
    documents: list[ListedBody]


@router.get("")
def sources(request: Request) -> SourcesBody:
    """List the sources of the settings with their state, and other sources that have documents."""
    workspace = workspace_of(request)
    tally = workspace.store.catalog.tally()
    configured = {source.name: source for source in workspace.settings.sources}
    others = sorted(tally.keys() - configured.keys())
    return SourcesBody(
        sources=[
            _body(workspace, name, configured.get(name), tally.get(name, (0, 0))) for name in (*configured, *others)
        ]
    )


@router.get("/{name}/check")
def check(
    name: str,
    request: Request,
    limit: Annotated[int, Query(ge=0, le=1000, description="How many of the documents are shown.")] = 20,
) -> CheckBody:
    """List the documents of a source without ingesting any. This shows if the source can be reached, and which
    documents its globs select.
    """
    workspace = workspace_of(request)
    started = time.monotonic()
    source = open_source(named(workspace.settings, name), workspace.settings)
    known = workspace.store.catalog.known(name)
    listed = {
        reference.uri: reference
        for reference in source.references({uri: document.token for uri, document in known.items()})
    }
    return CheckBody(
        source=name,
        found=len(listed),
        new=len(listed.keys() - known.keys()),
        gone=sum(uri not in listed and source.covers(uri) for uri in known),
        seconds=round(time.monotonic() - started, 3),
        documents=[
            ListedBody(uri=item.uri, size=item.size, access=item.access, known=item.uri in known)
            for item in islice(listed.values(), limit)
        ],
    )


@router.delete("/{name}")
def remove(name: str, request: Request) -> ReportBody:
    """Remove from the index all documents of a source that the settings no longer have, or of `local`."""
    workspace = workspace_of(request)
    if name == "push" or any(source.name == name for source in workspace.settings.sources):
        raise RequestError(
            "source_in_use",
            f"The source {name!r} is in use: what is removed from it would come back, or belongs to whoever sent it.",
            "Take it out of the settings first; delete uploads one by one.",
        )
    if name not in workspace.store.catalog.tally():
        raise RequestError("unknown_source", f"No source is called {name!r}.", "List them at /v1/sources.")
    return ReportBody.of(workspace.ingestor.run(EmptiedSource(name), allow_deletions=True))


def _body(workspace: Workspace, name: str, source: SourceSettings | None, tally: tuple[int, int]) -> SourceBody:
    due = next_run_at(workspace.store.database, source) if source is not None else None
    runs = workspace.store.runs.runs(source=name, limit=1)
    return SourceBody(
        name=name,
        type=source.type if source is not None else name if name in RESERVED_NAMES else None,
        place=_place(source) if source is not None else None,
        enabled=source.enabled if source is not None else name in RESERVED_NAMES,
        schedule=source.schedule if source is not None else None,
        time_zone=source.time_zone if source is not None else None,
        next_run_at=due.isoformat(timespec="seconds") if due is not None else None,
        documents=tally[0],
        failed=tally[1],
        last_run=RunBody.of(runs[0]) if runs else None,
    )


def _place(source: SourceSettings) -> str:
    if isinstance(source, FolderSettings):
        return str(source.path)
    if isinstance(source, FsspecSettings):
        return without_secrets(source.url)
    return " ".join(map(without_secrets, (*source.start, *source.sitemaps)))
