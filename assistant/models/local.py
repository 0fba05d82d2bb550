"""A transformers chat model in this process, from a folder on this machine or, if this is allowed, from a hub."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, PrivateAttr

from assistant.errors import ModelBusyError, ModelUnavailableError
from assistant.models import Described
from assistant.models.langchain import LangChainModel, as_sent, message_of
from assistant.models.loading import Precision, config_of, load
from assistant.models.prefixes import PrefixCache, reads_in_parts
from assistant.models.thinking import OPENING, ThinkingFilter
from assistant.qwen.registry import Sampling
from assistant.request import Message
from ingest.errors import ConfigurationError

logger = logging.getLogger(__name__)

_DEFAULT_TOKENS = 1024
_USUAL = Sampling(top_p=0.8, top_k=20)


class LocalChatModel(LangChainModel):
    """A causal language model with a chat template. It writes one answer at a time.

    `waiting` other answers wait for their turn, in the order in which they were asked for. The next one is told that
    the model is busy.

    Its call options are `temperature` (0 is greedy) and `max_tokens`. The first answer loads the weights.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    path: str
    hub: bool = False
    sampling: Sampling = _USUAL
    precision: Precision = "auto"
    waiting: int = 16

    _asked: int = PrivateAttr(default=0)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)
    # The model has its own thread. Otherwise answers that wait would occupy the threads of the searches.
    _turns: ThreadPoolExecutor = PrivateAttr(default_factory=lambda: ThreadPoolExecutor(1, "youju-model"))
    _loaded: tuple[Any, Any, PrefixCache | None] | None = PrivateAttr(default=None)

    @classmethod
    def open(
        cls,
        name: str,
        *,
        hub: bool,
        sampling: Sampling = _USUAL,
        precision: Precision = "auto",
        waiting: int = 16,
    ) -> LocalChatModel:
        """Returns the model in the folder `name`, or the one with that name on the hub if `hub` allows it. `sampling`
        has the values beside the temperature.

        Raises ConfigurationError (`model_not_found`).
        """
        folder = Path(name).expanduser()
        if not folder.is_dir() and not hub:
            raise ConfigurationError(
                "model_not_found",
                f"YOUJU_MODEL names no folder on this machine: {name}",
                "Set it to the folder of a chat model, set YOUJU_MODEL_URL to use a server, or set YOUJU_HUB=true "
                "to download models.",
            )
        if folder.is_dir():
            path, known = str(folder), folder.resolve().name
        else:
            path, known = name, name
        return cls(
            model=known,
            path=path,
            hub=not folder.is_dir(),
            sampling=sampling,
            precision=precision,
            waiting=waiting,
        )

    @property
    def _llm_type(self) -> str:
        return "youju-local"

    async def described(self) -> Described:
        """Returns the context window that the folder of the model states."""
        return Described(await asyncio.to_thread(self._window))

    async def count_tokens(self, messages: Sequence[Message]) -> int | None:
        """Returns the tokens of a prompt. Returns None before the first answer, which loads the tokenizer."""
        if self._loaded is None:
            return None
        tokenizer, said = self._loaded[0], [message_of(message) for message in messages]
        return int((await asyncio.to_thread(_tokens, tokenizer, said))["input_ids"].shape[-1])

    def _window(self) -> int | None:
        config = config_of(self.path)  # a hub has none here, and loading a damaged one says what is wrong
        inner = config.get("text_config", config)
        stated = inner.get("max_position_embeddings") if isinstance(inner, dict) else None
        return stated if isinstance(stated, int) and stated > 0 else None

    async def aclose(self) -> None:
        """Close the model. It cancels answers that wait for their turn, and does not wait for the running answer."""
        self._turns.shutdown(wait=False, cancel_futures=True)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        pieces: list[str] = []
        usage, finish = self._run(messages, kwargs, pieces.append, threading.Event())
        filtered = ThinkingFilter()
        text = filtered.feed("".join(pieces)) + filtered.finish(cut=finish == "length")
        message = AIMessage(content=text, usage_metadata=usage, response_metadata={"finish_reason": finish})
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        if self._asked > self.waiting:
            raise ModelBusyError(
                "model_busy",
                f"The model in this process writes one answer at a time, and {self.waiting} others wait for it.",
                "Ask again in a moment. YOUJU_MODEL_WAITING says how many may wait; a server writes many at once.",
            )
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[str | None] = asyncio.Queue()
        stopped = threading.Event()

        def put(piece: str) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        try:
            turn = self._turns.submit(self._run, messages, kwargs, put, stopped)
        except RuntimeError:
            raise _closed() from None
        running = asyncio.wrap_future(turn)
        running.add_done_callback(lambda _: pieces.put_nowait(None))
        self._asked += 1
        filtered = ThinkingFilter()
        try:
            while (piece := await pieces.get()) is not None:
                if shown := filtered.feed(piece):
                    yield ChatGenerationChunk(message=AIMessageChunk(content=shown))
            if running.cancelled():
                raise _closed()
            usage, finish = await running
            rest = filtered.finish(cut=finish == "length")
            ended = AIMessageChunk(content=rest, usage_metadata=usage, response_metadata={"finish_reason": finish})
            yield ChatGenerationChunk(message=ended)
        finally:
            # The thread checks this after every token. We wait for the thread, so that its errors are not lost.
            stopped.set()
            turn.cancel()  # this only works on an answer that has not begun
            try:
                await asyncio.gather(running, return_exceptions=True)
            finally:
                self._asked -= 1

    def _run(
        self,
        messages: list[BaseMessage],
        options: Mapping[str, Any],
        put: Callable[[str], None],
        stopped: threading.Event,
    ) -> tuple[UsageMetadata, str]:
        """Generate in this thread, and pass each piece of text to `put`.

        Returns the exact token counts, and `length` if the limit of tokens ended the answer, else `stop`.
        """
        import torch
        from transformers import StoppingCriteriaList

        with self._lock:
            tokenizer, model, prefixes = self._load()
            prompt = _tokens(tokenizer, messages).to(model.device)
            length = int(prompt["input_ids"].shape[-1])
            cache = None
            if prefixes is not None:
                with torch.inference_mode():
                    cache = prefixes.read(prompt["input_ids"], [as_sent(message) for message in messages], stopped)
            if stopped.is_set():
                return UsageMetadata(input_tokens=length, output_tokens=0, total_tokens=length), "stop"
            if _opens_thinking(tokenizer, prompt):
                put(OPENING)
            temperature = float(options.get("temperature", 0.0))
            most = int(options.get("max_tokens", _DEFAULT_TOKENS))
            top_p, top_k = self.sampling.top_p or _USUAL.top_p, self.sampling.top_k or _USUAL.top_k
            sampling = (
                {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": top_k}
                if temperature
                else {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
            )
            with torch.inference_mode():
                output = model.generate(
                    **prompt,
                    **sampling,
                    past_key_values=cache,
                    max_new_tokens=most,
                    streamer=_streamer(tokenizer, put),
                    stopping_criteria=StoppingCriteriaList([lambda ids, scores, **_: _halt(ids, stopped)]),
                )
        said = int(output.shape[-1]) - length
        cut = said >= most and int(output[0, -1]) not in _end_ids(model)
        usage = UsageMetadata(input_tokens=length, output_tokens=said, total_tokens=length + said)
        return usage, "length" if cut else "stop"

    def _load(self) -> tuple[Any, Any, PrefixCache | None]:
        if self._loaded is None:
            tokenizer, model = load(self.path, hub=self.hub, precision=self.precision)
            self._loaded = tokenizer, model, PrefixCache(tokenizer, model) if reads_in_parts(model) else None
            logger.info("Loaded the chat model %s on %s as %s", self.model, model.device, model.dtype)
        return self._loaded


def _closed() -> ModelUnavailableError:
    return ModelUnavailableError("model_closed", "The chat model has been closed.", "Ask again when it is back.")


def _tokens(tokenizer: Any, messages: list[BaseMessage]) -> Any:
    """Returns the prompt's ids and mask. Thinking is switched off, if the template has a switch for it."""
    return tokenizer.apply_chat_template(
        [as_sent(message) for message in messages],
        add_generation_prompt=True,
        enable_thinking=False,
        return_tensors="pt",
        return_dict=True,
    )


def _opens_thinking(tokenizer: Any, prompt: Any) -> bool:
    """Returns True if the template has written the opening tag of the thinking, so that the model will not write it."""
    return str(tokenizer.decode(prompt["input_ids"][0, -8:])).rstrip().endswith(OPENING)


def _end_ids(model: Any) -> tuple[int, ...]:
    """Returns the ids of the tokens that end an answer."""
    ids = model.generation_config.eos_token_id
    return tuple(ids) if isinstance(ids, list | tuple) else (ids,)


def _streamer(tokenizer: Any, put: Callable[[str], None]) -> Any:
    from transformers import TextStreamer

    class Streamer(TextStreamer):  # type: ignore[misc]  # transformers is not typed
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            if text:
                put(text)

    return Streamer(tokenizer, skip_prompt=True, skip_special_tokens=True)


def _halt(ids: Any, stopped: threading.Event) -> Any:
    import torch

    return torch.full((ids.shape[0],), stopped.is_set(), dtype=torch.bool, device=ids.device)
