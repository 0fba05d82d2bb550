"""No secret of the settings is in what a failing model server makes us say: to the asker, in errors, in the log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import traceback
from base64 import b64encode

import aiohttp
import pytest

from assistant.errors import ModelError
from assistant.models import complete
from assistant.models.failures import read_refusal
from assistant.models.from_settings import open_model
from assistant.models.server import ServerChatModel
from assistant.request import Message, Request
from assistant.settings import AssistantSettings
from ingest.network.bodies import ERROR_BYTES
from tests.fake_openai_server import FakeOpenAIServer, Reply

KEY, PASSWORD = "key-4f21c9", "hunter2pw"
PAIR = b64encode(f"me:{PASSWORD}".encode()).decode()
ECHO = f"no: {KEY} {PASSWORD} {PAIR} http://me:{PASSWORD}@host/v1?key={KEY} Bearer {KEY}"


def secret_url(port: int) -> str:
    return f"http://me:{PASSWORD}@127.0.0.1:{port}/v1"


def failing(url: str) -> ModelError:
    model = open_model(AssistantSettings(model="qwen", model_url=url, model_api_key=KEY), hub=False)
    assert isinstance(model, ServerChatModel)
    assert PASSWORD not in repr(model)

    async def ask() -> None:
        try:
            await complete(model, Request((Message("user", "now"),)))
        finally:
            await model.aclose()

    with pytest.raises(ModelError) as caught:
        asyncio.run(ask())
    return caught.value


def clean(error: ModelError, caplog: pytest.LogCaptureFixture) -> bool:
    said = "\n".join((str(error), error.hint, "".join(traceback.format_exception(error)), caplog.text))
    return not any(secret in said for secret in (KEY, PASSWORD, PAIR))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401, error={"error": {"message": ECHO}}),
        Reply(status=404, error={"error": {"message": ECHO}}),
        Reply(status=422, error={"detail": ECHO}),
        Reply(status=429, error=ECHO),
        Reply(status=500, error={"error": {"message": "x" * 290 + ECHO}}),
        Reply(status=500, error=[ECHO]),
        Reply("Ten", error_in_stream=ECHO),
    ],
)
def test_a_server_that_echoes_secrets_is_not_repeated(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeOpenAIServer([reply]) as server:
        error = failing(secret_url(server.port))
    assert clean(error, caplog)
    assert len(error.message) < 400


def test_a_server_that_cannot_be_reached_is_named_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = failing(secret_url(port))
    assert error.code == "model_unreachable"
    assert f"http://127.0.0.1:{port}" in error.message
    assert clean(error, caplog)


@pytest.mark.parametrize("text", ['{"error": {"message": "', "<html>"])
def test_an_error_without_end_is_read_to_its_beginning_only(text: str) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Broken\r\n\r\n" + text.encode())
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 1000)
                await writer.drain()

    async def refused() -> str:
        async with await asyncio.start_server(endless, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as response:
                refusal = await read_refusal(response)
            server.close()
            assert len(refusal.body) <= ERROR_BYTES
            return refusal.said

    assert len(asyncio.run(asyncio.wait_for(refused(), 30))) <= 302
