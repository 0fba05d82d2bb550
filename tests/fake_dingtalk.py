"""DingTalk, as far as a robot sees it: the gateway that gives tickets, the stream, and the webhooks of chats.

It runs in a thread of its own on a free port of loopback, speaks HTTP and WebSocket for real, and writes down
everything it is told. Use it as a context manager.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web
from pydantic import SecretStr

from api.dingtalk.callback import sign
from api.dingtalk.settings import DingTalkSettings

BOT_TOPIC = "/v1.0/im/bot/messages/get"
_BODY_BYTES = 20_000


@dataclass(frozen=True)
class Sent:
    """A message that reached a webhook, whether or not it was shown."""

    session: str
    body: dict[str, Any]
    errcode: int
    at: float

    @property
    def text(self) -> str:
        return self.body["markdown"]["text"]


class FakeDingTalk:
    """One application with one robot. Lists only grow; `until` waits for them to."""

    client_id = "dingfake"
    client_secret = "fake-app-secret-7f3a"

    def __init__(self) -> None:
        self.opened: list[dict[str, Any]] = []
        self.acknowledged: list[tuple[dict[str, Any], float]] = []
        self.sent: list[Sent] = []
        self.connections = 0
        self.tickets: list[str] = []
        self.refusals: deque[dict[str, Any] | int | Callable[[], Any]] = deque()
        self.longest_text = 10**9
        self.retry_after: str | None = None
        self._numbers = itertools.count(1)
        self._valid: dict[str, float] = {}
        self._sockets: list[web.WebSocketResponse] = []
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()

    # ---- its life

    def __enter__(self) -> FakeDingTalk:
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        app = web.Application()
        app.router.add_post("/v1.0/gateway/connections/open", self._open)
        app.router.add_get("/connect", self._connect)
        app.router.add_post("/v1.0/oauth2/accessToken", self._token)
        app.router.add_post("/robot/sendBySession", self._send)
        runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port: int = runner.addresses[0][1]
        self.base = f"http://127.0.0.1:{self.port}"
        self._ready.set()
        await self._stop.wait()
        for socket in list(self._sockets):
            await socket.close()
        await runner.cleanup()

    # ---- what it is told

    async def _open(self, request: web.Request) -> web.Response:
        body = await request.json()
        with self._changed:
            self.opened.append(body)
            self._changed.notify_all()
        if (body["clientId"], body["clientSecret"]) != (self.client_id, self.client_secret):
            refusal = {"requestid": "R", "code": "authFailed", "message": "鉴权失败"}
            return web.json_response(refusal, status=401)
        ticket = str(uuid.uuid4())
        self.tickets.append(ticket)
        self._valid[ticket] = time.monotonic() + 90
        return web.json_response({"endpoint": f"ws://127.0.0.1:{self.port}/connect", "ticket": ticket})

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        # A ticket is good once, for ninety seconds.
        if self._valid.pop(request.query.get("ticket", ""), 0.0) < time.monotonic():
            return web.Response(status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        with self._changed:
            self.connections += 1
            self._changed.notify_all()
        async for frame in socket:
            if frame.type == WSMsgType.TEXT:
                with self._changed:
                    self.acknowledged.append((json.loads(frame.data), time.monotonic()))
                    self._changed.notify_all()
        self._sockets.remove(socket)
        with self._changed:
            self._changed.notify_all()
        return socket

    async def _token(self, _: web.Request) -> web.Response:
        return web.json_response({"accessToken": f"tok-{uuid.uuid4().hex}", "expireIn": 7200})

    async def _send(self, request: web.Request) -> web.Response:
        raw = await request.read()
        body = json.loads(raw)
        status, answer = 200, {"errcode": 0, "errmsg": "ok"}
        refusal = self.refusals.popleft() if self.refusals else None
        if callable(refusal):
            refusal = refusal()
        if isinstance(refusal, int):
            status, answer = refusal, {"code": "ServiceUnavailable"}
        elif refusal is not None:
            answer = refusal
        elif len(raw) > _BODY_BYTES or len(body.get("markdown", {}).get("text", "")) > self.longest_text:
            answer = {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"}
        errcode = answer.get("errcode", -1) if status == 200 else -1
        with self._changed:
            self.sent.append(Sent(request.query["session"], body, errcode, time.monotonic()))
            self._changed.notify_all()
        headers = {"Retry-After": self.retry_after} if status != 200 and self.retry_after else None
        return web.json_response(answer, status=status, headers=headers)

    # ---- what it does

    def message(self, text: str | None = "你好", **changes: Any) -> dict[str, Any]:
        """A message in a group, as the robot gets it; `single` chats and other kinds by `changes`."""
        now_ms, number = int(time.time() * 1000), next(self._numbers)
        session = f"secret-session-{number}"
        body = {
            "msgtype": "text",
            "msgId": f"msg{uuid.uuid4().hex}==",
            "createAt": now_ms,
            "conversationType": "2",
            "conversationId": "cidFAKE==",
            "conversationTitle": "测试群",
            "isInAtList": True,
            "atUsers": [{"dingtalkId": "$:LWCP_v1:$bot"}],
            "chatbotCorpId": "dingcorp",
            "chatbotUserId": "$:LWCP_v1:$bot",
            "senderCorpId": "dingcorp",
            "senderId": "$:LWCP_v1:$user",
            "senderNick": "张三",
            "senderStaffId": "manager7",
            "sessionWebhook": f"{self.base}/robot/sendBySession?session={session}",
            "sessionWebhookExpiredTime": now_ms + 5_400_000,
            "robotCode": self.client_id,
        }
        if text is not None:
            body["text"] = {"content": f" {text}"}
        return body | changes

    def single(self, text: str, **changes: Any) -> dict[str, Any]:
        """A message in a single chat."""
        return self.message(text, **({"conversationType": "1", "conversationId": "cidSINGLE=="} | changes))

    def push(self, data: Any, *, kind: str = "CALLBACK", topic: str = BOT_TOPIC, every: bool = False) -> str:
        """Send a frame down the newest connection, or `every` one; the frame's id, by which it is acknowledged."""
        identity = f"frame-{next(self._numbers)}"
        headers = {
            "topic": topic,
            "messageId": identity,
            "contentType": "application/json",
            "time": str(int(time.time() * 1000)),
            "appId": "app-1",
            "connectionId": "connection-1",
        }
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        frame = {"specVersion": "1.0", "type": kind, "headers": headers, "data": text}
        self.push_raw(json.dumps(frame), every=every)
        return identity

    def push_raw(self, text: str, *, every: bool = False) -> None:
        """Send any text down the connection."""
        for socket in self._sockets if every else self._sockets[-1:]:
            self._do(socket.send_str(text))

    def drop(self, code: int = 1011) -> None:
        """Close the newest connection."""
        self._do(self._sockets[-1].close(code=code))

    def signed(self, *, secret: str | None = None, age_seconds: float = 0.0) -> dict[str, str]:
        """The headers of a callback."""
        timestamp = str(int((time.time() - age_seconds) * 1000))
        return {"timestamp": timestamp, "sign": sign(timestamp, secret or self.client_secret)}

    def settings(self, **changes: Any) -> DingTalkSettings:
        """The bot's settings for this DingTalk, with short pauses."""
        values: dict[str, Any] = {
            "client_id": self.client_id,
            "client_secret": SecretStr(self.client_secret),
            "api_base": self.base,
            "oapi_base": self.base,
            "reconnect_seconds": (0.05, 0.4),
            "retry_seconds": (0.01, 0.05),
        }
        return DingTalkSettings(**(values | changes))

    # ---- what a test asks

    def acknowledgement(self, identity: str) -> dict[str, Any] | None:
        """How the frame was acknowledged, or None."""
        return next((ack for ack, _ in self.acknowledged if ack["headers"]["messageId"] == identity), None)

    async def acknowledges(self, identity: str) -> dict[str, Any]:
        """Wait for the acknowledgement of a frame."""
        await self.until(lambda: self.acknowledgement(identity) is not None)
        found = self.acknowledgement(identity)
        assert found is not None
        return found

    def shown(self, message: dict[str, Any] | None = None) -> list[str]:
        """The texts that can be read in the chat of `message`, or in all."""
        session = message["sessionWebhook"].partition("session=")[2] if message else None
        return [sent.text for sent in self.sent if not sent.errcode and session in (None, sent.session)]

    async def until(self, claim: Callable[[], object], seconds: float = 10.0) -> None:
        """Return when the claim holds; it is looked at whenever something was written down."""
        await asyncio.to_thread(self.wait, claim, seconds)

    def wait(self, claim: Callable[[], object], seconds: float = 10.0) -> None:
        """`until`, for code without an event loop."""
        with self._changed:
            assert self._changed.wait_for(lambda: bool(claim()), seconds), "it did not happen"

    def _do(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)
