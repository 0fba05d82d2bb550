"""Whether a statement means what a passage in another language says, by the embedder.

The likeness of a statement to a sentence is compared with its likeness to everyday texts that have nothing to do with
it (`assistant.signals.background`), so that one line fits every embedder.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Literal

import numpy as np

from assistant.signals.background import Background
from ingest.document import Language
from ingest.embedding import DenseEmbedder
from ingest.errors import YoujuError

logger = logging.getLogger(__name__)

Meant = Literal["yes", "no", "unknown"]
FAR, NEAR = 0.5, 1.2
"""So many deviations: below the first, the passage says something else; from the second on, it says this. From
`benchmarks.citation_check`, on the half of the documents that is for fitting."""
_SECONDS = 2.0
_REST_SECONDS = 30.0
_SENTENCES = 24
"""At most so many sentences and rows of a passage are embedded."""
_REMEMBERED = 1024
"""Sentences whose vectors are kept, some 1.5 KB each."""


class Meaning:
    """Compares statements with passages by the embedder of the index that answers questions. It blocks, a limited time.
    Thread-safe.
    """

    def __init__(self, dense: Callable[[], DenseEmbedder], *, seconds: float = _SECONDS) -> None:
        """`dense` is asked for the embedder each time, because the index may be switched. A statement is given up after
        so many `seconds`.
        """
        self._dense = dense
        self._seconds = seconds
        self._rests_until = 0.0
        self._vector = lru_cache(_REMEMBERED)(_Vector)
        self._embedding = ThreadPoolExecutor(1, thread_name_prefix="meaning")

    def says(self, statement: str, sentences: Sequence[str], language: Language) -> Meant:
        """Returns if the sentences, which are in `language`, say what the statement says. It is `unknown` if nothing
        can tell: there is no embedder for both languages, it fails or takes too long, or the likeness lies between.
        """
        nearness = self.nearness(statement, sentences, language)
        if nearness is None or FAR <= nearness < NEAR:
            return "unknown"
        return "yes" if nearness >= NEAR else "no"

    def nearness(self, statement: str, sentences: Sequence[str], language: Language) -> float | None:
        """Returns how many deviations the nearest sentence lies above the nearest everyday texts, or None if that is
        not known. After a failure, nothing is asked for some time.
        """
        return self._asked(lambda: self._nearness(statement, tuple(sentences[:_SENTENCES]), language))

    def nearer(
        self, said: Sequence[str], these: Sequence[Sequence[str]], those: Sequence[Sequence[str]], language: Language
    ) -> float | None:
        """Returns how many deviations nearer the nearest of `those` is to what is said than the nearest of `these`, or
        None if that is not known.

        Each is given in several forms, of which the same ones are compared. The form counts in which the difference is
        smallest.
        """
        return self._asked(lambda: self._nearer(said, these, those, language))

    def _asked(self, question: Callable[[], float | None]) -> float | None:
        if time.monotonic() < self._rests_until:
            return None
        future = self._embedding.submit(question)
        try:
            return future.result(self._seconds)
        except TimeoutError:
            future.cancel()
            logger.warning("Citations across languages are not checked: the embedder took over %g s", self._seconds)
        except YoujuError as error:
            logger.warning("Citations across languages are not checked (%s): %s", error.code, error.message)
        self._rests_until = time.monotonic() + _REST_SECONDS
        return None

    def close(self) -> None:
        """Give up what is being embedded."""
        self._embedding.shutdown(wait=False, cancel_futures=True)

    def _nearness(self, statement: str, sentences: Sequence[str], language: Language) -> float | None:
        dense = self._dense()
        if not sentences or not (dense.covers("zh") and dense.covers("en")):
            return None
        said = dense.embed_query(statement)
        level = Background(dense).levels(said).get(language)
        if level is None:
            return None
        cosines = self._vectors(dense, sentences) @ said
        return float((cosines.max() - level.nearest) / level.deviation)

    def _nearer(
        self, said: Sequence[str], these: Sequence[Sequence[str]], those: Sequence[Sequence[str]], language: Language
    ) -> float | None:
        dense = self._dense()
        if not dense.covers("zh") or not dense.covers("en"):
            return None
        gains = []
        for form, text in enumerate(said):
            vector = dense.embed_query(text)
            level = Background(dense).levels(vector).get(language)
            if level is None:
                return None
            best = [
                float((self._vectors(dense, [each[form] for each in side]) @ vector).max()) for side in (these, those)
            ]
            gains.append((best[1] - best[0]) / level.deviation)
            if said.count(text) == len(said):
                break
        return min(gains)

    def _vectors(self, dense: DenseEmbedder, sentences: Sequence[str]) -> np.ndarray:
        """Returns the vectors of the sentences. They are kept, because the same few passages are cited in many
        answers. One thread calls this.
        """
        entries = [self._vector(dense.name, sentence) for sentence in sentences]
        fresh = [entry for entry in dict.fromkeys(entries) if entry.value is None]
        if fresh:
            for entry, vector in zip(fresh, dense.embed_documents([entry.text for entry in fresh]), strict=True):
                entry.value = vector
        return np.stack([entry.value for entry in entries if entry.value is not None])


class _Vector:
    """A sentence and its vector, once it is embedded."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.value: np.ndarray | None = None
