"""The tokenizer of a model at a server, from a folder on this machine or, if this is allowed, from a hub.

It counts the tokens of a prompt where the server has no route for that. No weights are needed: `tokenizer.json`, and
the chat template beside it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.errors import ModelUnavailableError
from ingest.errors import ConfigurationError

logger = logging.getLogger(__name__)

_FILE = "tokenizer.json"
_PER_MESSAGE = 8
"""Tokens around a message, if no template says how many there are. Qwen's takes five."""


class OwnTokenizer:
    """Counts tokens as one model does. The first count loads the tokenizer, which takes some seconds."""

    def __init__(self, name: str, *, hub: bool) -> None:
        """`name` is the folder of a model or its `tokenizer.json`. `hub` allows the name of a model on a hub.

        Raises ConfigurationError (`tokenizer_not_found`).
        """
        path = Path(name).expanduser()
        if not (path.is_dir() or path.is_file() or hub):
            raise ConfigurationError(
                "tokenizer_not_found",
                f"YOUJU_MODEL_TOKENIZER names no folder and no file on this machine: {name}",
                f"Set it to the folder of the model, or to its {_FILE}; weights are not needed. YOUJU_HUB=true allows "
                "the name of a model on a hub.",
            )
        self._name = str(path) if path.exists() else name
        self._file = path.is_file()
        self._hub = not path.exists()
        self._lock = threading.Lock()
        self._loaded: Any = None
        self._failed = False

    async def count(self, messages: Sequence[Mapping[str, str]]) -> int | None:
        """Returns the tokens of a prompt, with the beginning of the answer. Returns None if the tokenizer cannot be
        loaded, which is logged once.
        """
        if self._failed:
            return None
        try:
            return await asyncio.to_thread(self._count, messages)
        except ModelUnavailableError as error:
            self._failed = True
            logger.warning("Tokens of prompts are only estimated: %s %s", error.message, error.hint)
            return None

    def load(self) -> None:
        """Load the tokenizer. Raises ModelUnavailableError (`tokenizer_not_loaded`)."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._opened()

    def _opened(self) -> Any:
        from transformers import AutoTokenizer, PreTrainedTokenizerFast

        try:
            if self._file:
                return PreTrainedTokenizerFast(tokenizer_file=self._name)
            return AutoTokenizer.from_pretrained(self._name, local_files_only=not self._hub, trust_remote_code=False)
        except Exception as error:  # the Rust library raises bare exceptions for a damaged file
            first = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ModelUnavailableError(
                "tokenizer_not_loaded",
                f"The tokenizer {self._name} cannot be loaded: {first[:300]}",
                f"YOUJU_MODEL_TOKENIZER is the folder of the model at the server, with its {_FILE}, or that file.",
            ) from error

    def _count(self, messages: Sequence[Mapping[str, str]]) -> int:
        self.load()
        tokenizer = self._loaded
        if tokenizer.chat_template is not None:
            try:
                prompt = tokenizer.apply_chat_template(
                    list(messages), add_generation_prompt=True, enable_thinking=False, tokenize=False
                )
            except Exception as error:  # a template is a program, and may fail in any way
                logger.debug("The chat template of %s cannot be rendered: %s", self._name, type(error).__name__)
            else:
                return len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
        texts = [message["content"] for message in messages]
        return sum(_PER_MESSAGE + len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)
