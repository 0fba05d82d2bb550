"""`/healthz` says that the process lives. `/readyz` says if it can answer questions."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from assistant.models.extractive import MODEL as EXTRACTIVE
from assistant.warming import warm
from ingest.access import OPERATOR
from ingest.errors import YoujuError
from ingest.home.processes import loaded_for_good

if TYPE_CHECKING:
    from assistant.answer import Assistant
    from ingest.versions.open_versions import OpenVersions

router = APIRouter()
logger = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0
_LOOK_SECONDS = 30.0


@dataclass(slots=True)
class Readiness:
    """Says if questions can be answered. A search must have succeeded, and the index must not be empty if the catalog
    has searchable documents.

    `search` is `loading`, `ready` or `failed`. `problem` is the code of the last error, or empty.
    """

    search: str = "loading"
    problem: str = ""

    async def watch(self, assistant: Assistant, versions: OpenVersions) -> None:
        """Search until one search succeeds, so that no user's question waits for the embedder or, if it is Chinese, for
        the dictionary. Then, while questions are answered already, load what only some of them need. Then keep checking
        that the index is there, because the index of a server may be removed or become unreachable.
        """
        warming: threading.Thread | None = None
        while True:
            try:
                await asyncio.to_thread(versions.check_index)
                if self.search != "ready":
                    with loaded_for_good():
                        await assistant.search("ready? 好了", reader=OPERATOR, limit=1)
                    await asyncio.to_thread(_say_what_lacks, versions)
            except YoujuError as error:
                if self.problem != error.code:
                    logger.warning("Not ready: %s", error)
                self.search, self.problem = "failed", error.code
            except Exception:
                self.search, self.problem = "failed", "internal_error"
                logger.exception("Not ready, and not for a reason that was foreseen")
            else:
                self.search, self.problem = "ready", ""
                if warming is None:
                    # A daemon, so that a server that is stopped now does not wait for it.
                    warming = threading.Thread(target=_warm, args=(assistant,), name="warming", daemon=True)
                    warming.start()
            await asyncio.sleep(_LOOK_SECONDS if self.search == "ready" else _RETRY_SECONDS)


def _warm(assistant: Assistant) -> None:
    try:
        warm(reads=assistant.model_name == EXTRACTIVE)
    except YoujuError as error:  # a question that needs it says so, too
        logger.warning("Not everything could be loaded beforehand: %s", error)


def _say_what_lacks(versions: OpenVersions) -> None:
    if lacking := versions.lacking_passages():
        hint = "`youju verify --repair` brings them in"
        logger.warning("The index lacks %d passages that the catalog counts: %s", lacking, hint)


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process lives. This does not check the services that it depends on."""
    return {"status": "alive"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Say if questions can be answered. The status is 200 if they can. Otherwise it is 503, with the part that is not
    ready and the code of its error. A model server that is away is named, too, but searching goes on without it, and so
    does `ready`.
    """
    readiness: Readiness = request.app.state.readiness
    ready = readiness.search == "ready"
    parts = {"search": {"state": readiness.search, "code": readiness.problem or None}}
    if request.app.state.workspace.assistant.is_model_away:
        parts["model"] = {"state": "failed", "code": "model_down"}
    body = {"ready": ready, "parts": parts}
    return JSONResponse(body, status_code=200 if ready else 503)
