"""`/healthz` and `/readyz`: whether the process lives, and whether it can answer yet."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from ingest.access import OPERATOR
from ingest.errors import YoujuError
from ingest.processes import loaded_for_good

if TYPE_CHECKING:
    from assistant.answer import Assistant

router = APIRouter()
logger = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0


@dataclass(slots=True)
class Readiness:
    """Whether a search has gone through yet: embedder, index and catalog are ready when one has."""

    search: str = "loading"
    problem: str = ""

    async def warm(self, assistant: Assistant) -> None:
        """Search once, so that nobody's question waits for the embedder; again until it works."""
        while self.search != "ready":
            try:
                with loaded_for_good():
                    await assistant.search("ready?", reader=OPERATOR, limit=1)
            except YoujuError as error:
                self.search, self.problem = "failed", error.code
                logger.warning("Not ready: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                self.search, self.problem = "failed", "internal_error"
                logger.exception("Not ready, and not for a reason that was foreseen")
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self.search, self.problem = "ready", ""


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives. Says nothing about what it depends on."""
    return {"status": "alive"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """200 once questions can be answered, else 503 with the part that is not ready and its error's code."""
    readiness: Readiness = request.app.state.readiness
    ready = readiness.search == "ready"
    body = {"ready": ready, "parts": {"search": {"state": readiness.search, "code": readiness.problem or None}}}
    return JSONResponse(body, status_code=200 if ready else 503)
