"""How near a question is to any text at all. Against this its best hit is measured.

Cosines of one model lie between 0.7 and 0.95, those of another between 0 and 0.7. They differ between languages too,
and between questions: a short or common question is near to everything. So a cosine says something only beside the
cosines of passages that do not answer, of which 48 for each language are kept here. In the recognition of speakers the
same is called test normalisation (Auckenthaler et al. 2000).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np

from ingest.embedding import DenseEmbedder

_NEAREST = 8
_LANGUAGES: Final = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Level:
    """The cosines of a question to the background of one language: mean and standard deviation of all, mean of the
    nearest.
    """

    mean: float
    deviation: float
    nearest: float


class Background:
    """The background of one embedder. The first question embeds it, which takes a second. Thread-safe."""

    def __init__(self, dense: DenseEmbedder) -> None:
        self._dense = dense
        self._lock = Lock()
        self._vectors: dict[str, np.ndarray] | None = None

    def levels(self, query: np.ndarray) -> Mapping[str, Level]:
        """Returns the level for each language that the embedder covers, `zh` and `en`.

        Raises what the embedder raises.
        """
        with self._lock:
            if self._vectors is None:
                covered = [language for language in _LANGUAGES if self._dense.covers(language)]
                self._vectors = {language: self._dense.embed_documents(passages(language)) for language in covered}
        return {language: _level(vectors @ query) for language, vectors in self._vectors.items()}


def _level(cosines: np.ndarray) -> Level:
    nearest = np.sort(cosines)[-_NEAREST:]
    return Level(float(cosines.mean()), max(float(cosines.std()), 1e-6), float(nearest.mean()))


@cache
def passages(language: str) -> list[str]:
    """Returns the background passages of a language, `zh` or `en`."""
    return Path(__file__).with_name(f"background.{language}.txt").read_text(encoding="utf-8").splitlines()
