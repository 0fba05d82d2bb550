"""The HTTP routes, one module per noun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Path, Request

from api.security import current_reader
from api.uris import ShownUri, uris_for
from ingest.access import Reader

if TYPE_CHECKING:
    from api.workspace import Workspace

CurrentReader = Annotated[Reader, Depends(current_reader)]
"""Who is asking, for a route's signature."""

RowNumber = Annotated[int, Path(ge=1, le=2**63 - 1)]
"""The number of a row in a path: what a database's integer can be."""


def workspace_of(request: Request) -> Workspace:
    """The stores and chains that this application serves."""
    workspace: Workspace = request.app.state.workspace
    return workspace


def shown_to(reader: Reader, request: Request) -> ShownUri:
    """What this reader is shown of a document's address."""
    return uris_for(reader, workspace_of(request).settings.sources)
