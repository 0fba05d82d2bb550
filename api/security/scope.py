"""Limits a question or a search to some sources."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from fastapi import Request

from api.routes import workspace_of
from api.workspace import Workspace
from ingest.access import OPERATOR, Reader
from ingest.errors import RequestError


async def narrowed(request: Request, reader: Reader, sources: Collection[str] | None) -> Reader:
    """Returns `reader`, limited to these sources. None leaves it unchanged. The result never reads more than before.

    Raises RequestError `unknown_source` if the reader may read nothing in a source. It is the same error as for a
    source that does not exist, because only the operator may know the difference.
    """
    if sources is None:
        return reader
    wanted = frozenset(sources)
    workspace = workspace_of(request)
    for name in sorted(wanted):
        if not await asyncio.to_thread(_is_known, workspace, name, reader):
            raise RequestError(
                "unknown_source",
                f"No source is called {name!r}, or nothing in it may be read with this key.",
                "Check the name, or leave the sources out to look in all that may be read.",
            )
    return replace(reader, sources=wanted if reader.sources is None else wanted & reader.sources)


def _is_known(workspace: Workspace, name: str, reader: Reader) -> bool:
    if reader == OPERATOR and any(source.name == name for source in workspace.settings.sources):
        return True
    return bool(workspace.store.catalog.documents(reader, source=name, limit=1))
