"""A chat model on a server: any that is OpenAI-compatible, or Ollama by its own interface.

This is our own adapter. The usual clients drop the fields in which servers put the thinking, and an answer may be in
those fields.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, closing, suppress
from functools import partial
from secrets import token_urlsafe
from typing import Any

import aiohttp
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr

from assistant.errors import ModelError, ModelRejectedError
from assistant.models import Described
from assistant.models.circuit import Circuit
from assistant.models.connection import ChatConnection
from assistant.models.deadlines import Deadlines, in_time
from assistant.models.failures import check_packing, connection_error, error_of, no_chat_server, read_refusal
from assistant.models.langchain import LangChainModel, as_sent, options_of, usage_of
from assistant.models.refused_fields import RefusedFields
from assistant.models.reply import Reply
from assistant.models.servers.counting import count_tokens
from assistant.models.servers.identity import Identity, identify
from assistant.models.servers.kinds import Server, ServerKind, server_at, servers
from assistant.models.servers.streams import DONE, Decoder
from assistant.models.servers.wires import Asked, Wire, wire_of
from assistant.models.suited import Suited, found_at, suited
from assistant.models.telling import Telling
from assistant.models.thinking import thinks_always
from assistant.models.tokenizer import OwnTokenizer
from assistant.qwen.defaults import usual_context
from assistant.request import Message, Piece, Request
from assistant.sse import EndlessEventError, ServerSentEvent
from ingest.network.retrying import BRISK, TRANSIENT_STATUS, TransientError, retried_beside
from ingest.network.secrecy import scrubbed, secrets_in, without_secrets

logger = logging.getLogger(__name__)

_LATER = TRANSIENT_STATUS - {500}
"""These statuses are worth another try. 500 is not, because chat servers also send it for requests that they can never
serve: for a prompt that is too long or breaks a template."""
_MAX_TOKENS = 4096
_MOST_SHOWN = 5
_GONE = ("model_unreachable", "model_unknown")
"""Errors after which another server, or another model, may be at the address."""


class ServerChatModel(LangChainModel):
    """A chat model at `url` (…/v1, or …/api for Ollama's own interface). It is only asynchronous: `astream`, `ainvoke`.

    Its call options are `temperature` and `max_tokens`. `silence_seconds` is the longest wait for the next byte,
    `first_token_seconds` and `answer_seconds` are those of `Deadlines`. If `model` is empty, the only model of the
    server is taken. `kind` says what kind of server it is; if that is `auto`,
    the server is asked. `context_tokens` is the window that the settings state; a server that can be told is told.
    `tokenizer` counts the tokens of a prompt where the server does not.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    url: str = Field(repr=False)
    api_key: SecretStr | None = None
    kind: ServerKind = "auto"
    context_tokens: int | None = None
    tokenizer: OwnTokenizer | None = None
    connect_seconds: float = 5.0
    silence_seconds: float = 60.0
    first_token_seconds: float = 120.0
    answer_seconds: float = 600.0

    model: str = ""

    _connection: ChatConnection = PrivateAttr()
    _circuit: Circuit = PrivateAttr(default_factory=Circuit)
    _identity: Identity | None = PrivateAttr(default=None)
    _refused: RefusedFields = PrivateAttr(default_factory=RefusedFields)
    _salt: str = PrivateAttr(default_factory=token_urlsafe)

    @property
    def _llm_type(self) -> str:
        return "youju-server"

    @property
    def server(self) -> Server:
        """What is known of this kind of server. It may change when the server has been asked."""
        if self._identity is not None:
            return self._identity.server
        return servers()[self.kind] if self.kind != "auto" else server_at(self.url) or servers()["auto"]

    @property
    def suited(self) -> Suited:
        """What this kind of server is sent for its model."""
        return suited(self.server, found_at(self.model, self._identity))

    @property
    def is_away(self) -> bool:
        """True if the last questions failed because the server was away or silent."""
        return self._circuit.is_away

    async def described(self) -> Described:
        """Returns what the server says of its model. If it cannot be asked now, it is asked again next time."""
        await self.identified()
        return Described(self._window(), cuts=not self.server.refuses)

    async def count_tokens(self, messages: Sequence[Message]) -> int | None:
        """Returns the tokens of a prompt as the server counts them, or else `tokenizer`, or None."""
        sent = [{"role": message.role, "content": message.text} for message in messages]
        counted = None
        if not self._circuit.is_open:
            with suppress(aiohttp.ClientError, TimeoutError):
                counted = await count_tokens(self._connection.fetch, self.url, self.server, self.model, sent)
        if counted is None and self.tokenizer is not None:
            return await self.tokenizer.count(sent)
        return counted

    async def identified(self) -> Identity | None:
        """Returns what stands at the address, or None if that cannot be said now, or would be waited for in vain.

        Takes the server's only model if none is named.
        """
        return None if self._circuit.is_open else await self._identified()

    async def _identified(self) -> Identity | None:
        if self._identity is None or not self._identity.is_final:
            try:
                self._identity = await identify(
                    self._connection.fetch,
                    self.url,
                    kind=self.kind,
                    model=self.model or None,
                    wanted=self.context_tokens,
                )
            except (aiohttp.ClientError, ValueError, TimeoutError):
                return None  # the question itself fails with an error that says the way out
            logger.info("The model server at %s is %s", without_secrets(self.url), self._identity.server.title)
        if not self.model and (only := self._identity.only) is not None:
            self.model = only.name
        return self._identity

    async def _check_named(self) -> None:
        """Find out what the server is, and check that it is known which of its models is meant."""
        identity = await self._identified()
        if self.model or identity is None:
            return
        names = ", ".join(scrubbed(model.name, self._secrets()) for model in identity.models[:_MOST_SHOWN])
        said = f"has several models: {names}" if names else "does not say which models it has"
        raise ModelRejectedError(
            "model_missing",
            f"YOUJU_MODEL is not set, and the model server {said}.",
            "Set YOUJU_MODEL to the name of one.",
        )

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
        async with aclosing(self._in_time([as_sent(message) for message in messages], kwargs)) as told:
            async for text, ended in told:
                yield _chunk(text, ended.usage if ended else None, ended.finish if ended else None)

    async def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Yields the model's answer, piece by piece. Closing the generator stops the model.

        It does not go through LangChain's messages. To make one costs more than all else that is done for a piece.
        """
        messages = [{"role": message.role, "content": message.text} for message in request.messages]
        async with aclosing(self._in_time(messages, options_of(request))) as told:
            async for text, ended in told:
                if ended is None:
                    yield Piece(text)
                else:
                    yield Piece(text, usage_of(ended.usage), ended.finish, ended.thought)

    async def _in_time(
        self, messages: Sequence[Mapping[str, str]], options: Mapping[str, Any]
    ) -> AsyncGenerator[tuple[str, Reply | None], None]:
        """Yields what `_told` yields, within the deadlines, unless the server has been away all the time."""
        deadlines = Deadlines(self.first_token_seconds, self.answer_seconds)
        with self._circuit.attempt() as attempt:
            async with aclosing(in_time(self._told(messages, options), deadlines)) as told:
                async for item in told:
                    attempt.heard()
                    yield item

    async def _told(
        self, messages: Sequence[Mapping[str, str]], options: Mapping[str, Any]
    ) -> AsyncGenerator[tuple[str, Reply | None], None]:
        """Yields the texts of the answer. The last one is empty, and the whole reply comes with it."""
        await self._check_named()
        always = self.suited.always_thinks or thinks_always(self.model)
        wire, most = wire_of(self.server), int(options.get("max_tokens") or _MAX_TOKENS)
        decoder = wire.decoder()
        async with self._opened(wire, messages, options) as (response, sent, refused):
            told = Telling(always, most, self._secrets(), wire.reader(sent))
            try:
                async with (
                    aclosing(self._connection.pieces(response)) as pieces,
                    aclosing(_events(pieces, decoder)) as batches,
                ):
                    async for events in batches:
                        if shown := told.take(events):
                            yield shown, None
            except aiohttp.ClientError:
                if told.reply.finish is None:
                    raise
                # The answer was complete, so an error at the end of the connection does not matter.
        told.reply.check_whole(decoder.stray)
        self._remember(refused)
        if rest := told.finish(thinking_off=self.suited.is_silent(sent)):
            yield rest, None
        told.reply.check_said()
        yield "", told.reply

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()

    @asynccontextmanager
    async def _opened(
        self, wire: Wire, messages: Sequence[Mapping[str, str]], options: Mapping[str, Any]
    ) -> AsyncGenerator[tuple[aiohttp.ClientResponse, Mapping[str, Any], RefusedFields], None]:
        """Yields the response whose stream has begun, the body that was sent, and the fields that the server refused.

        Errors of the server and of the connection are raised as ModelErrors.
        """
        try:
            begin = partial(self._begun, wire.address(self.url), wire.body(self._asked(messages, options)))
            response, sent, refused = await retried_beside(begin, BRISK)
            with closing(response):
                check_packing(response)
                yield response, sent, refused
        except aiohttp.InvalidURL:
            # The text of this error quotes a part of the address, so it is not used.
            raise ModelRejectedError(
                "model_url_invalid", "YOUJU_MODEL_URL is not a web address.", "It looks like http://127.0.0.1:8000/v1."
            ) from None
        except ModelError as error:
            if error.code in _GONE:
                self._forget()
            raise
        except aiohttp.ClientError as error:
            raise connection_error(error, self.url, self.silence_seconds) from error

    async def _begun(
        self, address: str, body: Mapping[str, Any]
    ) -> tuple[aiohttp.ClientResponse, Mapping[str, Any], RefusedFields]:
        """Returns the values of `_opened` from one try. Raises TransientError if another try may succeed. It is safe to
        try again, because the asker has received nothing yet.
        """
        refused = self._refused
        while True:
            sent = self.suited.switched_off(refused.without(body))
            try:
                response = await self._connection.post(address, sent)
            except aiohttp.SocketTimeoutError:
                raise  # it has already waited as long as it may
            except aiohttp.ClientConnectionError as error:
                raise TransientError(connection_error(error, self.url, self.silence_seconds)) from error
            if response.status < 300:
                return response, sent, refused
            with closing(response):
                refusal = await read_refusal(response, self._secrets())
            more = refused
            if refusal.status in (400, 422) and not refusal.is_overflow:
                more = refused.and_named(sent, refusal.body)
            if more == refused:
                failed = error_of(refusal)
                raise TransientError(failed, refusal.retry_seconds) if refusal.status in _LATER else failed
            refused = more

    def _forget(self) -> None:
        """Forget what was learnt of a server that is gone. Another one may come in its place."""
        self._identity, self._refused = None, RefusedFields()

    def _remember(self, refused: RefusedFields) -> None:
        """Stop sending the fields that this server refuses. A request without them has just succeeded."""
        known = self._refused
        self._refused = known.and_those_of(refused)
        if self._refused != known:
            names = ", ".join(self._refused.names())
            logger.warning("The model server refuses fields of the request, which are no longer sent: %s", names)

    def _secrets(self) -> tuple[str, ...]:
        """Returns the secrets that must not appear when a server is quoted."""
        return (*secrets_in(self.url), self._salt, *([self.api_key.get_secret_value()] if self.api_key else []))

    def model_post_init(self, context: Any, /) -> None:
        """Prepare the connection. Nothing is opened yet."""
        super().model_post_init(context)
        self._connection = ChatConnection(
            self.url, self.api_key, connect_seconds=self.connect_seconds, silence_seconds=self.silence_seconds
        )

    def _asked(self, messages: Sequence[Mapping[str, str]], options: Mapping[str, Any]) -> Asked:
        suits = self.suited
        return Asked(
            self.model,
            messages,
            suits.thinking_off,
            suits.sampling,
            self._window(),
            options.get("temperature"),
            options.get("max_tokens"),
            {self.server.salt: self._salt} if self.server.salt else {},
        )

    def _window(self) -> int | None:
        """Returns the window that the server says the model has, or the one that it is told to give it."""
        served = self._identity.of(self.model) if self._identity and self.model else None
        if (served and served.window_tokens) or self.server.wire != "ollama":
            return served.window_tokens if served else None
        return self.context_tokens or usual_context(self.model)


async def _events(pieces: AsyncIterator[bytes], decoder: Decoder) -> AsyncGenerator[Sequence[ServerSentEvent], None]:
    """Yields the events of each piece of a stream, up to `DONE`."""
    try:
        async for piece in pieces:
            events = decoder.feed(piece)
            last = next((number for number, event in enumerate(events, 1) if event.data == DONE), None)
            yield events[:last]
            if last is not None:
                return
        yield decoder.finish()
    except EndlessEventError:
        raise no_chat_server() from None


def _chunk(text: str, usage: UsageMetadata | None = None, finish: str | None = None) -> ChatGenerationChunk:
    ended = {"finish_reason": finish} if finish else {}
    message = AIMessageChunk(content=text, usage_metadata=usage, response_metadata=ended)
    return ChatGenerationChunk(message=message)
