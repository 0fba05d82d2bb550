"""`/v1/search` finds the passages for a query, without an answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.http.schemas import SearchBody, SearchRequest, Sources
from api.routes import CurrentReader, shown_to, workspace_of
from api.security.scope import narrowed
from ingest.access import Reader

router = APIRouter()


@router.post("/v1/search")
async def search(asked: SearchRequest, request: Request, reader: CurrentReader) -> SearchBody:
    """Find the passages that match a query best, in any language. Only passages that the caller may read are found."""
    return await _search(request, asked.query, asked.limit, asked.sources, reader)


@router.get("/v1/search")
async def search_by_link(
    request: Request,
    reader: CurrentReader,
    q: Annotated[str, Query(min_length=1)],
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
    sources: Annotated[Sources, Query()] = None,
) -> SearchBody:
    """Find the passages that match a query best. The query is a parameter of the address."""
    return await _search(request, q, limit, sources, reader)


async def _search(request: Request, query: str, limit: int, sources: Sources, reader: Reader) -> SearchBody:
    shown, reader = shown_to(reader, request), await narrowed(request, reader, sources)
    found = await workspace_of(request).assistant.search(query, reader=reader, limit=limit)
    return SearchBody.of(found, shown)
