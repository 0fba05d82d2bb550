"""How near a question is to any text at all. Against this its best hit is measured.

Cosines of one model lie between 0.7 and 0.95, those of another between 0 and 0.7. They differ between languages too,
and between questions: a short or common question is near to everything. So a cosine says something only beside the
cosines of passages that do not answer, of which 48 for each language are kept here. In the recognition of speakers the
same is called test normalisation (Auckenthaler et al. 2000).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np

from ingest.document import Language
from ingest.embedding import DenseEmbedder

VECTORS: Final = Path(__file__).with_name("background.npz")
"""The vectors of the shipped embedder, by `python -m benchmarks.background_vectors`."""
_NEAREST = 8
_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_embedding = Lock()
_embedded: dict[tuple[str, Language], np.ndarray] = {}


@dataclass(frozen=True, slots=True)
class Level:
    """The cosines of a question to the background of one language: mean and standard deviation of all, mean of the
    nearest.
    """

    mean: float
    deviation: float
    nearest: float


class Background:
    """The background of one embedder. Its vectors are stored for the shipped one. The first question embeds it for
    another, which takes seconds. Thread-safe.
    """

    def __init__(self, dense: DenseEmbedder) -> None:
        self._dense = dense

    def levels(self, query: np.ndarray) -> Mapping[str, Level]:
        """Returns the level for each language that the embedder covers, `zh` and `en`.

        Raises what the embedder raises.
        """
        covered = [language for language in _LANGUAGES if self._dense.covers(language)]
        return {language: _level(self._vectors(language) @ query) for language in covered}

    def _vectors(self, language: Language) -> np.ndarray:
        """Returns the vectors of the passages. They are kept by the name of the embedder, which says whose they are."""
        key = (self._dense.name, language)
        with _embedding:
            if key not in _embedded:
                stored = _stored(*key)
                _embedded[key] = self._dense.embed_documents(passages(language)) if stored is None else stored
            return _embedded[key]


def _level(cosines: np.ndarray) -> Level:
    nearest = np.sort(cosines)[-_NEAREST:]
    return Level(float(cosines.mean()), max(float(cosines.std()), 1e-6), float(nearest.mean()))


def _stored(name: str, language: Language) -> np.ndarray | None:
    """Returns the stored vectors, if they are those of the embedder `name` and of today's passages."""
    with np.load(VECTORS, allow_pickle=False) as stored:
        if str(stored["name"]) != name or str(stored[f"{language}_sha256"]) != digest(language):
            return None
        vectors: np.ndarray = stored[language].astype(np.float32)
        return vectors


def digest(language: str) -> str:
    """Returns the SHA-256 of the background passages of a language."""
    return hashlib.sha256("\n".join(passages(language)).encode()).hexdigest()


@cache
def passages(language: str) -> list[str]:
    """Returns the background passages of a language, `zh` or `en`."""
    return Path(__file__).with_name(f"background.{language}.txt").read_text(encoding="utf-8").splitlines()
