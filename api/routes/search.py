"""`/v1/search`: the passages that a query finds, without an answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.routes import CurrentReader, shown_to, workspace_of
from api.schemas import SearchBody, SearchRequest
from ingest.access import Reader

router = APIRouter()


@router.post("/v1/search")
async def search(asked: SearchRequest, request: Request, reader: CurrentReader) -> SearchBody:
    """Find the passages that fit a query best, in any language, among what the caller may read."""
    return await _search(request, asked.query, asked.limit, reader)


@router.get("/v1/search")
async def search_by_link(
    request: Request,
    reader: CurrentReader,
    q: Annotated[str, Query(min_length=1)],
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> SearchBody:
    """The same for a query in the address."""
    return await _search(request, q, limit, reader)


async def _search(request: Request, query: str, limit: int, reader: Reader) -> SearchBody:
    found = await workspace_of(request).assistant.search(query, reader=reader, limit=limit)
    return SearchBody.of(found.query, found.language, found.hits, found.timings_ms, shown_to(reader, request))
