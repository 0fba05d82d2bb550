"""The HTTP application: its routes, the layers before them, and the work beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI, Request
from fastapi.responses import Response

from api.audit import Audit
from api.description import describe
from api.dingtalk.bot import DingTalkBot
from api.dingtalk.settings import DingTalkSettings
from api.drawing import Drawing
from api.errors import add_error_handlers
from api.executors import Executors
from api.keys import Keys
from api.known_fields import known_parameters
from api.plain_text import plain_text
from api.routes import ask, documents, failures, health, index, openai, page, runs, search, sources, uploads, verify
from api.scheduling import make_scheduler, scheduled
from api.security import BODY_LIMIT_BYTES, BodyLimit, Envelope, Guard
from api.streaming import ClientGone

if TYPE_CHECKING:
    from api.workspace import Workspace


def create_app(workspace: Workspace) -> FastAPI:
    """Returns the application that serves `workspace`.

    Its start warms the search. Its end leaves the workspace open.
    """
    before = [Depends(plain_text), Depends(known_parameters)]
    app = FastAPI(title="Youju 有据", lifespan=_lifespan, docs_url=None, redoc_url=None, dependencies=before)
    app.state.workspace = workspace
    app.state.readiness = health.Readiness()
    app.state.executors = Executors()
    app.state.drawing = Drawing(app.state.executors.drawing)
    app.state.verifying = asyncio.Lock()
    for module in (ask, search, documents, failures, uploads, runs, sources, index, verify, openai, health, page):
        app.include_router(module.router)
    app.state.scheduler = make_scheduler(workspace)
    app.state.dingtalk = bot = _dingtalk(workspace)
    if bot is not None and workspace.settings.dingtalk_http:
        app.include_router(bot.router)
    describe(app, needs_key=bool(Keys(workspace.settings.api_key, workspace.settings.reader_key)))
    add_error_handlers(app)
    app.add_exception_handler(ClientGone, _nobody_listens)
    # The layer that is added last is the outermost.
    file_bytes = workspace.settings.max_file_mb * 2**20
    app.add_middleware(BodyLimit, upload_limit_bytes=file_bytes + BODY_LIMIT_BYTES)
    app.add_middleware(Guard, settings=workspace.settings)
    app.add_middleware(Audit)
    app.add_middleware(Envelope)
    return app


def _dingtalk(workspace: Workspace) -> DingTalkBot | None:
    settings = workspace.settings
    if not (settings.dingtalk_stream or settings.dingtalk_http):
        return None
    return DingTalkBot(workspace.assistant, workspace.store.database, DingTalkSettings.of(settings))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    workspace: Workspace = app.state.workspace
    bot: DingTalkBot | None = app.state.dingtalk
    workspace.intake.start()
    watching = app.state.readiness.watch(workspace.assistant, workspace.opened.open_versions)
    beside = [asyncio.create_task(watching)]
    if bot is not None:
        await bot.resume()
        beside.append(asyncio.create_task(bot.tend()))
        if workspace.settings.dingtalk_stream:
            beside.append(asyncio.create_task(bot.run_stream()))
    try:
        async with scheduled(app.state.scheduler):
            yield
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await asyncio.to_thread(workspace.intake.close)
        if bot is not None:
            await bot.aclose()
        await workspace.assistant.aclose()
        app.state.executors.close()


async def _nobody_listens(request: Request, error: Exception) -> Response:
    return Response(status_code=499)
