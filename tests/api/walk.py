"""The way of one question through our code, from `POST /v1/ask` to the last event of the stream, counted.

    python -m tests.api.walk

It ingests one small text file into a home of its own, serves it, asks with a fake chat model server on loopback, and
prints every hop (`tests.walks`), of the event loop and of all threads. The chain is `api/` and `assistant/answer.py`.
The other files of `assistant/`, and `ingest/`, are doors; the search is entered in a thread of its own. The same
question was asked once before, so that models are loaded and connections are open, as they are in a server that runs.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.types import Message, Receive, Scope, Send

from api.app import create_app
from api.serving.server import Server
from api.settings import Settings
from api.workspace import Workspace
from ingest.runs import pipeline
from ingest.sources.folder import FolderSource
from tests.api.served import running
from tests.fake_openai_server import FakeOpenAIServer, Reply
from tests.ingest.inline_engine import InlineEngine
from tests.walks import Chain, Walk

_CHAIN = Chain(rooms=("api/", "assistant/answer.py"), asked=("retrieval", "reading"))
MOST_HOPS, MOST_FILES = 86, 28
_LAST = b"event: finished\n"


class _Second:
    """Stands before the application. The walk begins with the second request, when nothing of the first one is left,
    and it is over as soon as the application sends the last event.

    The assistant is closed then, because its connections belong to this event loop.
    """

    def __init__(self, workspace: Workspace, found: Walk) -> None:
        self._app = create_app(workspace)
        self._assistant = workspace.assistant
        self._found = found
        self.first_is_over = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if _LAST in message.get("body", b""):
                self._found.is_on = False
            await send(message)

        is_second = self.first_is_over.is_set()
        self._found.is_on = is_second
        await self._app(scope, receive, sent)
        self.first_is_over.set()
        if is_second:
            await self._assistant.aclose()


def walk(folder: Path, set_engine: Callable[[Callable[..., InlineEngine]], None]) -> Walk:
    """The way of one question that is answered from one passage; the home is made in `folder`.

    `set_engine` is to have the pipeline open its engines with what it is given, for the document.
    """
    documents = folder / "docs"
    documents.mkdir()
    (documents / "leave.txt").write_text("Employees have ten days of annual leave.", encoding="utf-8")
    found = Walk(_CHAIN)
    set_engine(InlineEngine)
    reply = Reply("Employees have ten days of annual leave [1].", usage={"prompt_tokens": 400, "completion_tokens": 12})
    with FakeOpenAIServer([reply]) as model:
        settings = Settings(home=folder / "home", model=model.model, model_url=model.url, log_level="warning")
        with closing(Workspace.open(settings, command="walk")) as workspace:
            workspace.ingestor.run(FolderSource([documents]))
            app = _Second(workspace, found)
            with found.noting(), running(Server(app, settings)) as url:
                _ask(url)
                app.first_is_over.wait(20)
                answer = _ask(url)
    if not (answer["citations"] and found.entered) or found.is_on:
        raise RuntimeError(f"the question was not answered: {answer}")
    return found


def _ask(url: str) -> dict[str, object]:
    """The answer, as the last event of the stream has it."""
    body = json.dumps({"question": "How many days of annual leave are there?", "stream": True}).encode()
    asked = urllib.request.Request(f"{url}/v1/ask", body, {"content-type": "application/json"})
    with urllib.request.urlopen(asked) as stream:
        events = stream.read().decode().strip().split("\n\n")
    answer: dict[str, object] = json.loads(events[-1].partition("data: ")[2])
    return answer


def main() -> None:
    with TemporaryDirectory() as folder:
        walk(Path(folder), lambda engine: setattr(pipeline, "open_engine", engine)).show()


if __name__ == "__main__":
    main()
