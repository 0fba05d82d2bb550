"""The HTTP application: the routes, what stands before them, and what runs beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.responses import Response

from api.errors import add_error_handlers
from api.routes import ask, documents, health, openai, page, search
from api.security import BodyLimit, Envelope, Guard
from api.streaming import ClientGone

if TYPE_CHECKING:
    from api.workspace import Workspace


def create_app(workspace: Workspace) -> FastAPI:
    """The application that serves `workspace`: starting warms the search, stopping leaves the workspace open."""
    app = FastAPI(title="Youju 有据", lifespan=_lifespan, docs_url=None, redoc_url=None)
    app.state.workspace = workspace
    app.state.readiness = health.Readiness()
    for module in (ask, search, documents, openai, health, page):
        app.include_router(module.router)
    add_error_handlers(app)
    app.add_exception_handler(ClientGone, _nobody_listens)
    # The one added last stands outermost.
    app.add_middleware(BodyLimit)
    app.add_middleware(Guard, settings=workspace.settings)
    app.add_middleware(Envelope)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    warming = asyncio.create_task(app.state.readiness.warm(app.state.workspace.assistant))
    try:
        yield
    finally:
        warming.cancel()
        with suppress(asyncio.CancelledError):
            await warming


async def _nobody_listens(request: Request, error: Exception) -> Response:
    return Response(status_code=499)
