"""`POST /v1/verify` checks that every document is searchable that should be, and says what is wrong with the others.

It is for the operator only, because its result names documents that others may not read.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from api.http.known_fields import RequestBody
from api.http.streaming import EVENTS, EventStream, begun, worked
from api.routes import workspace_of
from api.security.guard import current_operator
from ingest.errors import RequestError
from ingest.verify.problems import Problem, Verification
from ingest.verify.verifier import Verifier

router = APIRouter(prefix="/v1/verify", dependencies=[Depends(current_operator)])


class VerifyRequest(RequestBody):
    """What to check, and if problems have to be repaired."""

    repair: bool = Field(False, description="Mend what is wrong, and look at it again.")
    thorough: bool = Field(False, description="Search for every passage, and embed each again to compare.")
    sources: bool = Field(True, description="Ask the sources, too, what they have.")


class ProblemBody(BaseModel):
    """A problem of a document or of a source. For a source, `document_id` is null and `uri` is its name.

    `hides` is true if a search cannot find the document, or a part of it, because of the problem.
    """

    uri: str
    document_id: str | None
    source: str
    code: str
    message: str
    hides: bool
    repaired: bool

    @classmethod
    def of(cls, problem: Problem) -> ProblemBody:
        return cls(**asdict(problem))


class VerificationBody(BaseModel):
    """What was checked, and the problems that were found. `sentence` is a short summary. `busy` are the sources that a
    run works on. Their unfinished documents are not reported as problems.
    """

    documents: int
    searchable: int
    chunks: int
    orphans: int
    busy: list[str]
    seconds: float
    documents_per_second: float
    complete: bool
    sentence: str
    problems: list[ProblemBody]

    @classmethod
    def of(cls, verification: Verification) -> VerificationBody:
        fields = {**asdict(verification), "sentence": verification.sentence()}
        fields["problems"] = [ProblemBody.of(problem) for problem in verification.problems]
        return cls(**fields)


@router.post("", response_class=Response, responses={200: EVENTS})
async def verify(asked: VerifyRequest, request: Request) -> Response:
    """Verify the documents, and send server-sent events: `progress`, then `finished` or `failed`.

    If the client goes away, the verification ends, and what it has repaired stays repaired. Only one verification runs
    at a time. Another one is refused with 409 `verification_under_way`.
    """
    verifying: asyncio.Lock = request.app.state.verifying
    if verifying.locked():
        raise RequestError(
            "verification_under_way",
            "The documents are being verified already.",
            "Wait for its end, or end it where it was started; then verify again.",
        )
    workspace = workspace_of(request)
    verifier = Verifier(workspace.store, workspace.settings, workspace.ingestor)
    latest: dict[str, Any] = {}

    def work(stop: threading.Event) -> dict[str, Any]:
        verification = verifier.verify(
            repair=asked.repair,
            thorough=asked.thorough,
            ask_sources=asked.sources,
            on_progress=lambda progress: latest.update(asdict(progress)),
            stop=stop,
        )
        return VerificationBody.of(verification).model_dump()

    async def alone() -> AsyncGenerator[str, None]:
        async with verifying, aclosing(worked(work, lambda: dict(latest), request.scope)) as lines:
            async for line in lines:
                yield line

    # `begun` takes the lock at once, so that no other request takes it between the check above and this line.
    return EventStream(await begun(alone()))
