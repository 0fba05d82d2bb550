"""`/v1/index`: the versions of the index, the one that answers questions, and the progress of one that is being built.

All routes are for the operator only.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from api.routes import RowNumber, workspace_of
from api.security.guard import current_operator
from ingest.versions.open_versions import Building
from ingest.versions.register import Holding, State, Version

router = APIRouter(prefix="/v1/index", dependencies=[Depends(current_operator)])


class IndexBody(BaseModel):
    """A version of the index.

    `documents` counts the documents that are searchable in it, and `failed` those that could not be brought in.
    `lacking` counts documents that are searchable now, but would be missing or older with this version. `pinned` is
    true if it was chosen by hand. Then it stays current until the settings change again.
    """

    id: int
    state: State
    pinned: bool
    embedder: str
    chunk_tokens: int | None
    documents: int
    chunks: int
    failed: int
    lacking: int
    created_at: str
    switched_at: str | None

    @classmethod
    def of(cls, version: Version, held: Holding, lacking: int) -> IndexBody:
        return cls(
            id=version.id,
            state=version.state,
            pinned=version.pinned is not None,
            embedder=version.embedder,
            chunk_tokens=version.settings.get("chunk_tokens"),
            documents=held.documents,
            chunks=held.chunks,
            failed=held.failed,
            lacking=lacking,
            created_at=version.created_at,
            switched_at=version.switched_at,
        )


class BuildingBody(BaseModel):
    """The index that the settings ask for, while the version `current` answers questions. `id` is null until a run
    begins to build it. `ready` of the `documents` are in it.
    """

    id: int | None
    current: int
    documents: int
    ready: int
    failed: int

    @classmethod
    def of(cls, building: Building) -> BuildingBody:
        ready = building.documents - building.lacking
        return cls(
            id=building.version,
            current=building.current,
            documents=building.documents,
            ready=ready,
            failed=building.failed,
        )


class IndexesBody(BaseModel):
    """The versions, the oldest first. `building` is null if the settings ask for the version that answers questions."""

    indexes: list[IndexBody]
    building: BuildingBody | None


@router.get("")
def indexes(request: Request) -> IndexesBody:
    """List the versions of the index and the counts of each."""
    return _listed(request)


@router.post("/{index_id}/switch")
def switch(index_id: RowNumber, request: Request) -> IndexesBody:
    """Let a version answer questions from now on. Later runs keep it up to date in the way it was made. They switch to
    another version only when the settings change again.
    """
    workspace_of(request).store.open_versions.switch(index_id)
    return _listed(request)


@router.delete("/{index_id}")
def drop(index_id: RowNumber, request: Request) -> IndexesBody:
    """Remove a version that does not answer questions, with everything in it."""
    store = workspace_of(request).store
    busy = any(run.state == "running" for run in store.runs.runs())
    store.open_versions.drop(index_id, busy=busy)
    return _listed(request)


def _listed(request: Request) -> IndexesBody:
    workspace = workspace_of(request)
    versions = workspace.store.open_versions.versions
    holdings = versions.holdings()
    building = workspace.ingestor.building()
    return IndexesBody(
        indexes=[
            IndexBody.of(each, holdings.get(each.id, Holding()), versions.lacking(each.id)) for each in versions.all()
        ],
        building=BuildingBody.of(building) if building is not None else None,
    )
