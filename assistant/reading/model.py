"""A question and windows of passages in, log odds for each of their units out."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np

from assistant.reading.additions import Additions, WithAdditions
from ingest.embedding.e5.model import OpenedModel, batches, opened
from ingest.embedding.e5.network import Network
from ingest.embedding.e5.weights import packaged_file
from ingest.language import fold

logger = logging.getLogger(__name__)

SHIPPED: Final = Path(__file__).with_name("additions.npz")
_QUESTION, _HEADING, _UNIT, _ALL = 48, 32, 160, 320
"""At most so many tokens of a question, a heading, a unit, and a window with all of them. The training had the same."""
_QUERY, _PASSAGE = "query:", "passage:"
_REMEMBERED = 2048
"""Windows whose scores are kept, some 0.3 KB each. The gate and the quotation read the same ones."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a passage that is read at once: the title and headings above it, and its sentences or rows in order."""

    heading: str
    units: tuple[str, ...]


class ReadingModel:
    """The model that reads. The first window loads it, which takes a second. Thread-safe.

    The score of a unit is the natural logarithm of how much likelier it is that this unit answers than that nothing in
    its window does. Above 0 it is likelier than not.
    """

    def __init__(self, file: Path, additions: Path = SHIPPED) -> None:
        self._file = file
        self._additions = additions
        self._reading = Lock()
        self._read_before = lru_cache(_REMEMBERED)(_Entry)

    @cached_property
    def name(self) -> str:
        """Returns the identity of what was trained. Scores of different names are on different scales."""
        return f"{self._additions.stem}-{hashlib.sha256(self._additions.read_bytes()).hexdigest()[:12]}"

    def read(self, question: str, windows: Sequence[Window]) -> list[tuple[float, ...]]:
        """Returns the scores of each window's units, in the order of the windows.

        Windows that were read with the same question lately are not read again. One call computes at a time: a second
        would take the processor from searches, and end no sooner.
        """
        with self._reading:
            entries = [self._read_before(question, window) for window in windows]
            fresh = [entry for entry in dict.fromkeys(entries) if entry.scores is None]
            if fresh:
                read = _loaded(self._file, self._additions).read(question, [entry.window for entry in fresh])
                for entry, scores in zip(fresh, read, strict=True):
                    entry.scores = scores
            return [entry.scores or () for entry in entries]


class _Entry:
    """A window that was asked for with a question, and its scores once it is read."""

    def __init__(self, question: str, window: Window) -> None:
        self.window = window
        self.scores: tuple[float, ...] | None = None


def shipped() -> ReadingModel | None:
    """Returns the model over the shipped embedder's weights, or None where their package is not installed."""
    file = packaged_file()
    return None if file is None else ReadingModel(file)


@cache
def _loaded(file: Path, additions: Path) -> _Loaded:
    return _Loaded(opened(file), Additions.load(additions))


class _Loaded:
    """The layers with their additions. They are loaded once for each process."""

    def __init__(self, model: OpenedModel, additions: Additions) -> None:
        self._model = model
        self._additions = additions
        # One thread: the other processors are for those who search meanwhile.
        self._network = Network(WithAdditions(model.weights, additions), threads=1)
        self._query, self._passage = model.tokenizer.pieces([_QUERY, _PASSAGE])
        logger.info("Loaded the model that reads passages, in eight bits")

    def read(self, question: str, windows: Sequence[Window]) -> list[tuple[float, ...]]:
        """Returns the scores of each window's units. A unit beyond the length that is read has -inf."""
        [asked] = self._model.tokenizer.pieces([fold(question)])
        inputs = [self._pieces(asked[:_QUESTION], window) for window in windows]
        scores: list[tuple[float, ...]] = [()] * len(windows)
        for batch in batches([len(pieces) for pieces, _ in inputs]):
            hidden, _ = self._model.hidden([inputs[i][0] for i in batch], self._network)
            for row, i in enumerate(batch):
                scores[i] = self._scores(hidden[row], inputs[i][1], len(windows[i].units))
        return scores

    def _pieces(self, asked: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Returns the pieces of a window under its question, and for each piece the number of its unit, or -1."""
        tokenizer = self._model.tokenizer
        heading, *units = tokenizer.pieces([fold(text) for text in (window.heading, *window.units)])
        units = [unit[:_UNIT] for unit in units]
        start, end = np.array([tokenizer.start]), np.array([tokenizer.end])
        before = np.concatenate([start, self._query, asked, end, end, self._passage, heading[:_HEADING]])
        owners = [np.full(len(unit), number) for number, unit in enumerate(units)]
        pieces = np.concatenate([before, *units, end]).astype(np.int64)
        owner = np.concatenate([np.full(len(before), -1), *owners, [-1]])
        return pieces[:_ALL], owner[:_ALL]

    def _scores(self, hidden: np.ndarray, owner: np.ndarray, count: int) -> tuple[float, ...]:
        """Returns for each unit the logarithm of the sum of its tokens' odds, less that of nothing."""
        direction, constant = self._additions.nothing
        nothing = float(hidden[0] @ direction) + constant
        direction, constant = self._additions.unit
        tokens = hidden[: len(owner)] @ direction + constant
        return tuple(
            float(np.logaddexp.reduce(tokens[owner == unit])) - nothing if (owner == unit).any() else -np.inf
            for unit in range(count)
        )
