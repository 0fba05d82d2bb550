"""Any OpenAI-compatible chat server, over its streaming `/chat/completions`.

Our own adapter, because the usual clients drop the fields in which servers put the thinking, and an answer may
hide there.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr

from assistant.errors import ModelRejectedError
from assistant.models import role_of
from assistant.models.capabilities import Capabilities
from assistant.models.failures import check_status, connection_error, error_message, stream_cut, stream_error
from assistant.models.thinking import ThinkingFilter, thinks_always
from ingest.bodies import AS_IT_IS
from ingest.secrecy import hide_secrets_of_requests, secrets_in

logger = logging.getLogger(__name__)

_REASONING_FIELDS = ("reasoning", "reasoning_content")
_MAX_TOKENS = 4096
_MAX_LINE_BYTES = 2**20
_CHARS_PER_TOKEN = 16
"""More than any tokenizer makes of a token on average. A server that goes on beyond that ignores `max_tokens`."""


class ServerChatModel(BaseChatModel):
    """A chat model at `url` (…/v1). Asynchronous only: `astream` and `ainvoke`.

    Call options: `temperature` and `max_tokens`. `silence_seconds` is the longest wait for the next piece.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model: str
    url: str = Field(repr=False)
    api_key: SecretStr | None = None
    capabilities: Capabilities
    connect_seconds: float = 5.0
    silence_seconds: float = 60.0

    _client: httpx.AsyncClient | None = PrivateAttr(default=None)
    _thinks_first: bool = PrivateAttr(default=False)
    _plain: bool = PrivateAttr(default=False)

    @property
    def _llm_type(self) -> str:
        return "youju-server"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        raise TypeError("This model is asynchronous: use ainvoke or astream")

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        filtered = ThinkingFilter(opened=self._thinks_first or thinks_always(self.model))
        longest_chars = _CHARS_PER_TOKEN * int(kwargs.get("max_tokens") or _MAX_TOKENS)
        reply = _Reply(longest_chars, self._secrets())
        async with self._opened(messages, kwargs) as response:
            async for event in _events(response):
                shown = filtered.feed(reply.read(event))
                if filtered.thought_aloud:
                    self._thinks_first = True
                    raise ModelRejectedError(
                        "model_thinks_aloud",
                        "The model server mixes the model's thinking into its answers.",
                        "Start it with a reasoning parser or with thinking switched off; until then thinking is held "
                        "back: ask again.",
                    )
                if shown:
                    reply.shown = True
                    yield _chunk(shown)
        reply.check_whole()
        rest = filtered.finish() or reply.hidden_answer()
        if rest:
            yield _chunk(rest)
        if reply.usage is not None:
            yield _chunk("", reply.usage)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    @asynccontextmanager
    async def _opened(
        self, messages: list[BaseMessage], options: Mapping[str, Any]
    ) -> AsyncGenerator[httpx.Response, None]:
        """The response whose stream has begun, its errors and those of the connection as ModelErrors."""
        body = self._body(messages, options)
        try:
            if self.capabilities.forgiving and not self._plain:
                async with self._request(body | dict(self.capabilities.thinking_off)) as response:
                    if response.status_code not in (400, 422):
                        await check_status(response, self._secrets())
                        yield response
                        return
                    refused = await error_message(response, self._secrets())
                logger.info("The model server refuses extra fields, they are left out from now on: %s", refused)
                self._plain = True
            extras = {} if self.capabilities.forgiving else dict(self.capabilities.thinking_off)
            async with self._request(body | extras) as response:
                await check_status(response, self._secrets())
                yield response
        except httpx.HTTPError as error:
            raise connection_error(error, self.url, self.silence_seconds) from error
        except httpx.InvalidURL:
            # Its text quotes a part of the address.
            raise ModelRejectedError(
                "model_url_invalid", "YOUJU_MODEL_URL is not a web address.", "It looks like http://127.0.0.1:8000/v1."
            ) from None

    def _secrets(self) -> tuple[str, ...]:
        """What a server may not be quoted with."""
        return (*secrets_in(self.url), *([self.api_key.get_secret_value()] if self.api_key else []))

    def _request(self, body: Mapping[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.api_key.get_secret_value()}"} if self.api_key else {}
        return self._connected().stream("POST", f"{self.url.rstrip('/')}/chat/completions", json=body, headers=headers)

    def model_post_init(self, context: Any, /) -> None:
        """Have the client ready: making the first one takes a third of a second, which no asker should wait for."""
        super().model_post_init(context)
        hide_secrets_of_requests()
        self._connected()

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            timeout = httpx.Timeout(self.silence_seconds, connect=self.connect_seconds)
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
            # A proxy that the environment names is for the outside; it cannot reach this machine's loopback.
            outside = urlsplit(self.url).hostname not in ("127.0.0.1", "localhost", "::1")
            # Reading the certificates of the world takes long, and plain HTTP needs none: there, trust nothing.
            trusted = True if self.url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._client = httpx.AsyncClient(
                headers=AS_IT_IS, timeout=timeout, limits=limits, trust_env=outside, verify=trusted
            )
        return self._client

    def _body(self, messages: list[BaseMessage], options: Mapping[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": role_of(message), "content": str(message.content)} for message in messages],
            "stream": True,
            **self.capabilities.sampling,
        }
        if self.capabilities.stream_usage:
            body["stream_options"] = {"include_usage": True}
        return body | {name: options[name] for name in ("temperature", "max_tokens") if name in options}


@dataclass(slots=True)
class _Reply:
    """What has been read of one streamed reply, which may have `longest_chars`, thinking included."""

    longest_chars: int
    secrets: tuple[str, ...] = field(default=(), repr=False)
    chars: int = 0
    events: int = 0
    shown: bool = False
    reasoning: str = ""
    finish: str | None = None
    done: bool = False
    usage: UsageMetadata | None = None

    def read(self, event: str) -> str:
        """The content in one event of the stream. Raises ModelRejectedError where the event is an error."""
        self.events += 1
        if event == "[DONE]":
            self.done = True
            return ""
        try:
            data = json.loads(event)
            if error := data.get("error"):
                raise stream_error(error, self.secrets)
            if data.get("usage"):
                self.usage = _usage(data["usage"])
            choice = (data.get("choices") or [{}])[0]
            delta = choice.get("delta") or {}
        except (ValueError, AttributeError, KeyError, IndexError, RecursionError) as error:
            raise _no_chat_server() from error
        self.finish = choice.get("finish_reason") or self.finish
        thought = next((delta[name] for name in _REASONING_FIELDS if delta.get(name)), "")
        content = delta.get("content") or ""
        if not isinstance(content, str) or not isinstance(thought, str):
            raise _no_chat_server()
        self.reasoning += thought
        self._check_length(len(content) + len(thought))
        return content

    def _check_length(self, chars: int) -> None:
        self.chars += chars
        if self.chars > self.longest_chars:
            raise ModelRejectedError(
                "model_endless",
                "The model goes on far beyond the length that was asked for.",
                "Ask again; if it stays, look at the model server's settings: it ignores max_tokens.",
            )

    def check_whole(self) -> None:
        """Raises ModelRejectedError unless the stream said that it was over."""
        if self.events == 0:
            raise _no_chat_server()
        if not self.done and self.finish is None:
            raise stream_cut()

    def hidden_answer(self) -> str:
        """The answer, where a wrong reasoning parser has put all of it into the reasoning field."""
        if self.shown or self.finish != "stop":
            return ""
        return self.reasoning.rpartition("</think>")[2].strip()


def _no_chat_server() -> ModelRejectedError:
    return ModelRejectedError(
        "model_protocol",
        "The model server sent something that is not a chat completion.",
        "Check that YOUJU_MODEL_URL ends in /v1 and belongs to a chat server.",
    )


async def _events(response: httpx.Response) -> AsyncIterator[str]:
    """The data of each server-sent event, up to `[DONE]`."""
    async for line in _lines(response):
        if line.startswith(b"data:"):
            data = line[5:].decode("utf-8", "replace").strip()
            yield data
            if data == "[DONE]":
                return


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """The lines of the stream. Raises ModelRejectedError for one that does not end."""
    rest = bytearray()
    async for piece in response.aiter_raw():
        *lines, last = piece.replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            yield bytes(rest) + line
            rest.clear()
        rest += last
        if len(rest) > _MAX_LINE_BYTES:
            raise _no_chat_server()
    yield bytes(rest)


def _usage(usage: Mapping[str, Any]) -> UsageMetadata:
    prompt, completion = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
    return UsageMetadata(input_tokens=prompt, output_tokens=completion, total_tokens=prompt + completion)


def _chunk(text: str, usage: UsageMetadata | None = None) -> ChatGenerationChunk:
    return ChatGenerationChunk(message=AIMessageChunk(content=text, usage_metadata=usage))
