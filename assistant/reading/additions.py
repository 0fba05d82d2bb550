"""What was trained: additions of low rank to the matrices of the layers, and two directions that give the scores.

The addition to a matrix of shape (rows, columns) is the product of two narrow ones, (rows, rank) and (rank, columns)
(Hu et al. 2021, arXiv:2106.09685). They are stored as float16. `benchmarks/reading/train.py` makes the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ingest.embedding.e5.network import LayerWeights


@dataclass(frozen=True, slots=True)
class Additions:
    """The trained numbers. `unit` and `nothing` are directions of length WIDTH, each with its constant."""

    narrow: dict[str, tuple[np.ndarray, np.ndarray]]
    unit: tuple[np.ndarray, float]
    nothing: tuple[np.ndarray, float]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads the file. Takes milliseconds."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            numbers = {name: stored[name].astype(np.float32) for name in stored.files}
        names = {name.rpartition(".")[0] for name in numbers if name.endswith(".left")}
        return cls(
            {name: (numbers[f"{name}.left"], numbers[f"{name}.right"]) for name in names},
            (numbers["unit"], float(numbers["unit_constant"])),
            (numbers["nothing"], float(numbers["nothing_constant"])),
        )


class WithAdditions:
    """`LayerWeights` of a model with the additions. It is read once, when the layers are loaded."""

    def __init__(self, weights: LayerWeights, additions: Additions) -> None:
        self._weights = weights
        self._narrow = additions.narrow

    def matrix(self, name: str, columns: int) -> np.ndarray:
        """Returns a matrix with its addition: float32, shape (rows, columns)."""
        matrix = self._weights.matrix(name, columns)
        added = self._narrow.get(name)
        return matrix if added is None else matrix + added[0] @ added[1]

    def vector(self, name: str) -> np.ndarray:
        """Returns a tensor of one dimension. Nothing is added to these."""
        return self._weights.vector(name)
