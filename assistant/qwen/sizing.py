"""How much memory a model takes, and which models fit into a memory.

    need = weights + askers x (tokens of context x cache per token + state) + engine

The weights follow from the parameters. In eight and in four bits the embeddings and the output layer stay in bf16, as
AWQ, GPTQ and FP8 leave them. Four bits are 4.5 with the scales. The cache is in bf16. A hybrid keeps a state for each
sequence beside it. The engine takes some 1.5 GB on each GPU, and a tenth of the memory is left alone: vLLM takes 90 %
by default, and in RAM other programs need a part. Checked against what Qwen measured: docs/decisions/0023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from assistant.qwen.registry import Model

Precision = Literal["bf16", "int8", "int4"]

PRECISIONS: Final[tuple[Precision, ...]] = ("bf16", "int8", "int4")
"""The best one first."""
ENGINE_BYTES: Final = 1_500_000_000
"""What the engine takes on each GPU: its kernels, its graphs, the values between two layers."""
_USABLE: Final = 0.9
_BY_SERVERS: Final = "YaRN"
"""The only way past a native context that every server has."""
_BITS: Final = {"bf16": 16.0, "int8": 8.0, "int4": 4.5}


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory for a model: of `gpus` equal GPUs together, or, with none, of the machine. `name` says whose it is."""

    bytes: int
    gpus: int = 1
    name: str = ""

    @property
    def usable(self) -> float:
        """Bytes that weights and caches may take together."""
        return self.bytes * _USABLE - ENGINE_BYTES * max(1, self.gpus)


@dataclass(frozen=True, slots=True)
class Fit:
    """A model that fits, in the best precision in which it does.

    `askers` is how many at once have a context of `context` tokens. `longest` is the longest context of so many askers
    as were asked for. `needed` is what that many take with `context` tokens, with the engine.
    """

    model: Model
    precision: Precision
    context: int
    askers: int
    longest: int
    needed: int


def weight_bytes(model: Model, precision: Precision) -> int | None:
    """Returns the bytes of the weights of the text model. Returns None if they are not known."""
    if model.parameters is None:
        return None
    kept = model.shape.embedding_parameters if model.shape else 0
    bits = _BITS[precision]
    return int((model.parameters - kept) * bits / 8 + kept * 2)


def cache_bytes(model: Model, tokens: int, gpus: int = 1) -> int | None:
    """Returns the bytes that one sequence of so many tokens keeps, on all GPUs together. Returns None if the model's
    shape is not known.

    A GPU that has less than one head of keys to itself keeps a copy of one.
    """
    if model.shape is None:
        return None
    copies = max(1.0, gpus / model.shape.kv_heads)
    return int(tokens * model.shape.cache_bytes * copies + model.state_bytes)


def needed_bytes(model: Model, precision: Precision, context: int, askers: int, gpus: int = 1) -> int | None:
    """Returns the bytes that a model takes with so many askers at once, with the engine. None if it is not known."""
    weights, cache = weight_bytes(model, precision), cache_bytes(model, context, gpus)
    if weights is None or cache is None:
        return None
    return weights + askers * cache + ENGINE_BYTES * max(1, gpus)


def fit(
    model: Model, memory: Memory, context: int, askers: int, precisions: Sequence[Precision] = PRECISIONS
) -> Fit | None:
    """Returns the best precision in which the model has room for so many askers with so many tokens of context. Returns
    None if it has in none, if its context is shorter, or if its size is not known.
    """
    limit = model.extended if model.extension == _BY_SERVERS else model.context
    if model.shape is None or limit is None or context > limit:
        return None
    for precision in precisions:
        weights, cache = weight_bytes(model, precision), cache_bytes(model, context, memory.gpus)
        needed = needed_bytes(model, precision, context, askers, memory.gpus)
        if weights is None or cache is None or needed is None:
            continue
        room = memory.usable - weights
        if room < askers * cache:
            continue
        per_token = (cache - model.state_bytes) / context
        longest = int((room / askers - model.state_bytes) / per_token)
        return Fit(model, precision, context, int(room // cache), min(longest, limit), needed)
    return None
