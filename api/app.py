"""The HTTP application: its routes, the layers before them, and the work beside them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI, Request
from fastapi.responses import Response
from starlette.middleware import Middleware

from api.channels.memory import KeptChats
from api.dingtalk.settings import DingTalkSettings
from api.http.body_limit import BODY_LIMIT_BYTES, BodyLimit
from api.http.description import describe
from api.http.envelope import Envelope
from api.http.errors import add_error_handlers
from api.http.known_fields import known_parameters
from api.http.plain_text import plain_text
from api.http.streaming import ClientGone
from api.routes import (
    ask,
    conversations,
    documents,
    failures,
    health,
    index,
    openai,
    page,
    runs,
    search,
    sources,
    uploads,
    verify,
)
from api.security.audit import Audit
from api.security.guard import Guard, Identities
from api.security.keys import Keys
from api.serving.drawing import Drawing
from api.serving.executors import Executors
from api.serving.scheduling import make_scheduler, scheduled
from assistant.history.recording import Recorder

if TYPE_CHECKING:
    from api.dingtalk.bot import DingTalkBot
    from api.settings import Settings
    from api.workspace import Workspace


def create_app(workspace: Workspace, identities: Identities | None = None) -> FastAPI:
    """Returns the application that serves `workspace`.

    `identities` says whose a key is; without it, the keys of the settings do. The start of the application warms the
    search. Its end leaves the workspace open.
    """
    settings = workspace.settings
    identities = identities if identities is not None else Keys(settings.api_key, settings.reader_key)
    app = FastAPI(
        title="Youju 有据",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        middleware=_layers(settings, identities),
        dependencies=[Depends(plain_text), Depends(known_parameters)],  # after the layers, for the route that was found
    )
    app.state.workspace = workspace
    app.state.readiness = health.Readiness()
    app.state.executors = Executors()
    app.state.drawing = Drawing(app.state.executors.drawing)
    app.state.verifying = asyncio.Lock()
    app.state.recorder = Recorder(
        workspace.conversations, workspace.assistant, finish_when_left=settings.when_reader_leaves == "finish"
    )
    answering, operating = (ask, conversations, search, openai), (failures, uploads, runs, sources, index, verify)
    for module in (*answering, documents, *operating, health, page):
        app.include_router(module.router)
    app.state.scheduler = make_scheduler(workspace)
    app.state.dingtalk = bot = _dingtalk(workspace, app.state.recorder)
    if bot is not None and settings.dingtalk_http:
        app.include_router(bot.router)
    describe(app, needs_key=identities.needs_key)
    add_error_handlers(app)
    app.add_exception_handler(ClientGone, _nobody_listens)
    return app


def _layers(settings: Settings, identities: Identities) -> list[Middleware]:
    """Returns the layers before every route, from the outside to the inside. A new layer is one line here.

    Every request passes them in this order. A layer before `Guard` also sees the requests that it refuses. A layer
    behind it sees only what was let in, and knows the reader where the route needs one.
    """
    upload_bytes = settings.max_file_mb * 2**20 + BODY_LIMIT_BYTES
    return [
        Middleware(Envelope),  # request id, headers, and an answer even if the code fails
        Middleware(Audit),  # one line in the log for each change
        Middleware(Guard, identities=identities, host=settings.host),  # the key becomes a reader
        Middleware(BodyLimit, upload_limit_bytes=upload_bytes),  # the size of the body
    ]


def _dingtalk(workspace: Workspace, recorder: Recorder) -> DingTalkBot | None:
    settings = workspace.settings
    if not (settings.dingtalk_stream or settings.dingtalk_http):
        return None
    kept = KeptChats(workspace.conversations, recorder)
    # A server without a bot starts sooner without its clients.
    make: type[DingTalkBot] = importlib.import_module("api.dingtalk.bot").DingTalkBot
    return make(workspace.assistant, workspace.store.database, DingTalkSettings.of(settings), kept)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    workspace: Workspace = app.state.workspace
    bot: DingTalkBot | None = app.state.dingtalk
    workspace.intake.start()
    watching = app.state.readiness.watch(workspace.assistant, workspace.opened.open_versions)
    sweeping = conversations.swept(workspace.conversations)
    beside = [asyncio.create_task(watching), asyncio.create_task(sweeping)]
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
        await stop_answering(app)


async def stop_answering(app: FastAPI) -> None:
    """End what is being answered, and close the model and the threads. It belongs into the loop that has served.

    The lifespan of the application does it. A server without it has to.
    """
    await app.state.recorder.aclose()
    await app.state.workspace.assistant.aclose()
    app.state.executors.close()


async def _nobody_listens(request: Request, error: Exception) -> Response:
    return Response(status_code=499)
