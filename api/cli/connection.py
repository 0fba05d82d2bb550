"""Connects a command to the home: through the server that owns it, or through a private server for this command only.

In both cases the command uses HTTP over a local socket, so it does the same thing with and without a server.
"""

from __future__ import annotations

import contextlib
import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx

from api.serving.server import check_socket_folder
from api.settings import Settings
from assistant.sse import EndlessEventError, EventDecoder
from ingest.errors import UnavailableError, YoujuError
from ingest.home.lock import find_owner
from ingest.home.processes import loaded_for_good
from ingest.network.bodies import AS_IT_IS

ONLY_SOURCE = "Look in this source alone. It can be repeated."
"""The help of `--source` where something is looked for."""
_LONGEST_EVENT_BYTES = 1 << 28
"""Only our own server sends these events. The limit is high, because all problems of a verification are one event."""
# The JSON is written in ASCII. So even an argument that is not valid text reaches the server, and the server's error
# says what is wrong with it.
_JSON = {"content-type": "application/json"}


class Connection:
    """Sends HTTP requests to a home. An error that the server answers with is raised here."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def get(self, path: str, **parameters: Any) -> Any:
        """Returns the JSON that answers a GET."""
        return self._answered(self._client.get(path, params=parameters))

    def documents(self, **parameters: Any) -> list[Any]:
        """Returns all documents of `GET /v1/documents`. It asks for one page after another."""
        page = self.get("/v1/documents", **parameters)
        found: list[Any] = page["documents"]
        while page["next_cursor"] is not None:
            page = self.get("/v1/documents", **parameters, cursor=page["next_cursor"])
            found += page["documents"]
        return found

    def post(self, path: str, body: object) -> Any:
        """Returns the JSON that answers a POST."""
        return self._answered(self._client.post(path, content=json.dumps(body), headers=_JSON))

    def delete(self, path: str) -> Any:
        """Returns the JSON that answers a DELETE."""
        return self._answered(self._client.delete(path))

    def stream(self, path: str, body: object) -> Iterator[tuple[str, Any]]:
        """Yields the server-sent events that answer a POST, as (name, data)."""
        with self._client.stream("POST", path, content=json.dumps(body), headers=_JSON) as response:
            if response.is_error:
                response.read()
                self._answered(response)
            # This reads bytes, and not the client's lines: httpx splits lines at characters that an answer may contain.
            decoder = EventDecoder(longest_bytes=_LONGEST_EVENT_BYTES)
            try:
                for piece in response.iter_bytes():
                    for event in decoder.feed(piece):
                        yield event.name, json.loads(event.data)
            except EndlessEventError as error:
                raise UnavailableError("server_gone", str(error), "Look at the output of `youju serve`.") from None

    def result(self, path: str, body: object, show: Callable[[Any], None], broke_off: YoujuError) -> dict[str, Any]:
        """Returns the result of work that a POST starts. `show` gets the progress as it comes.

        Raises the error that the work ends with, or `broke_off` if the stream ends without a result or an error.
        """
        for name, data in self.stream(path, body):
            if name == "failed":
                error = data["error"]
                raise YoujuError(error["code"], error["message"], error["hint"])
            if name == "finished":
                return dict(data)
            if data:
                show(data)
        raise broke_off

    def _answered(self, response: httpx.Response) -> Any:
        if not response.is_error:
            return response.json()
        error = response.json()["error"]
        raise YoujuError(error["code"], error["message"], error.get("hint", ""))


def scope(names: Sequence[str] | None) -> dict[str, Any]:
    """Returns the field of a question or a search that keeps it to these sources, or nothing to look in all."""
    return {"sources": list(names)} if names else {}


@contextlib.contextmanager
def connect(settings: Settings, *, command: str, rebuild: bool = False) -> Iterator[Connection]:
    """Gives a connection to the home of these settings. With `rebuild`, an index that is gone is created again, empty.

    Raises OwnedError if another command, and not a server, owns the home at the moment. Raises ConfigurationError
    `socket_folder_unsafe` if another user could answer in the server's place.
    """
    owner = find_owner(settings.home)
    if owner is not None and owner.socket is not None:
        check_socket_folder(Path(owner.socket), settings.home)
        with _client(owner.socket) as client:
            yield Connection(client)
        return
    with _private_server()(settings, command, rebuild) as socket_name, _client(socket_name) as client:
        yield Connection(client)


def _private_server() -> Callable[[Settings, str, bool], AbstractContextManager[str]]:
    """Returns `api.cli.private_server.private_server`.

    The module is loaded by its name, and only where no server owns the home. With it comes the whole application, which
    takes longer to load than a server takes to answer.
    """
    serve: Callable[[Settings, str, bool], AbstractContextManager[str]]
    with loaded_for_good():
        serve = importlib.import_module("api.cli.private_server").private_server
    return serve


@contextlib.contextmanager
def _client(socket_name: str) -> Iterator[httpx.Client]:
    # Reading has no time limit: an answer or a run may take long, and the server is on this machine.
    timeout = httpx.Timeout(None, connect=10.0)
    transport = httpx.HTTPTransport(uds=socket_name)
    with httpx.Client(transport=transport, base_url="http://localhost", headers=AS_IT_IS, timeout=timeout) as client:
        try:
            yield client
        except httpx.TransportError as error:
            raise UnavailableError(
                "server_gone",
                f"The server that owns this home stopped answering ({type(error).__name__}).",
                "Look at its output, start `youju serve` again, or run the command once more without it.",
            ) from None
