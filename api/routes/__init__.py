"""The HTTP routes. Each module has the routes of one noun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Path, Request

from api.security.guard import current_reader
from api.security.uris import ShownUri, uris_for
from ingest.access import Reader

if TYPE_CHECKING:
    from api.workspace import Workspace
    from assistant.history.recording import Recorder

CurrentReader = Annotated[Reader, Depends(current_reader)]
"""The type of a route's parameter for the reader that sends the request."""

RowNumber = Annotated[int, Path(ge=1, le=2**63 - 1)]
"""The number of a row, as a part of a path. It has to fit into a database's integer."""


def workspace_of(request: Request) -> Workspace:
    """Returns the stores and chains that this application serves."""
    workspace: Workspace = request.app.state.workspace
    return workspace


def recorder_of(request: Request) -> Recorder:
    """Returns what answers questions in conversations that are kept."""
    recorder: Recorder = request.app.state.recorder
    return recorder


def shown_to(reader: Reader, request: Request) -> ShownUri:
    """Returns the function that says how much of a document's address this reader is shown."""
    return uris_for(reader, workspace_of(request).settings.sources)
