"""Texts in, vectors out: the shipped model, read from its package and computed by ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ingest.document import Language
from ingest.embedding import is_covered
from ingest.embedding.e5.model import OpenedModel, opened
from ingest.embedding.e5.weights import NAME, SHA256, WIDTH, WINDOW

LANGUAGES: Final = ("zh", "en", "mixed")
_QUERY, _PASSAGE = "query: ", "passage: "
"""What the model wants before a text (arXiv:2402.05672)."""
_PROMPT_TOKENS = 4


class E5Embedder:
    """multilingual-e5-small. The first text loads what it needs, which takes a second. Thread-safe."""

    dimension = WIDTH
    max_tokens = WINDOW - 2 - _PROMPT_TOKENS

    def __init__(self, file: Path, *, languages: Collection[str] = LANGUAGES, query_prompt: str | None = None) -> None:
        self.name = f"{NAME}-{SHA256[:12]}"
        self._file = file
        self._languages = languages
        self._query_prompt = _QUERY if query_prompt is None else query_prompt

    @property
    def computed_by(self) -> str:
        """Returns how vectors are computed, for the operator."""
        threads = _processors()
        return f"8-bit by ONNX Runtime, {threads} {'thread' if threads == 1 else 'threads'}"

    def covers(self, language: Language) -> bool:
        """Returns True if texts of this language get a vector."""
        return is_covered(language, self._languages)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of tokens of each text, without special tokens."""
        return self._opened.tokenizer.count(texts)

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of passages: float32, shape (len(texts), dimension). A text is cut after 512 tokens."""
        return self._opened.embed([_PASSAGE + text for text in texts], _processors())

    def embed_query(self, text: str) -> np.ndarray:
        """Returns the vector of a query: float32, shape (dimension,)."""
        # A query is so short that waking other threads takes longer than they save. On a busy machine it takes ten
        # times as long, and they would lose time for the passages that are being embedded.
        vector: np.ndarray = self._opened.embed([self._query_prompt + text], 1)[0]
        return vector

    @property
    def _opened(self) -> OpenedModel:
        return opened(self._file)


def _processors() -> int:
    """Returns how many processors this process may use. `OMP_NUM_THREADS` lowers it, as for other libraries: Ray sets
    it for its workers.
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, int(wanted)) if wanted.isdecimal() and int(wanted) else there
