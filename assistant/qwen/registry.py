"""The Qwen chat models, their series and their licences, as frozen data from `assistant/qwen/models.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

Confidence = Literal["run", "read", "secondary", "memory"]
"""How a figure is known: counted by us, read in a primary source, read elsewhere, or remembered."""
Thinking = Literal["never", "off", "on", "always"]
"""Whether a model thinks: it cannot, it does if it is told to, it does unless it is told not to, it always does."""
Runs = Literal["process", "vllm", "gguf", "api"]
"""How a model can be run: in this process by transformers, by vLLM and servers like it, by llama.cpp or Ollama from a
GGUF, or only at Alibaba Cloud.
"""

_BF16, _FP32 = 2, 4
_COUNTED = ("parameters", "active", "shape", "state", "cache_bytes", "state_bytes")
_TAPS = 4
"""A hybrid's convolution has four taps, and transformers keeps as many inputs."""


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence, with the clause that bites.

    `commercial` is `yes`, `no`, or `conditions`. `monthly_users` is the number of active users above which another
    licence is needed. `outputs` says whether answers may train other models: `free`, `named` if the product then has
    to name Qwen, `own-family` if only Qwen models may be trained, or `unknown`.
    """

    id: str
    name: str
    commercial: Literal["yes", "conditions", "no"]
    outputs: Literal["free", "named", "own-family", "unknown"]
    clause: str
    clause_zh: str
    confidence: Confidence
    monthly_users: int | None = None
    doubts: Mapping[str, Confidence] = field(default_factory=dict)

    @property
    def bites(self) -> bool:
        """True if the licence asks more of a company than to keep its notice."""
        return self.commercial != "yes" or self.outputs != "free"


@dataclass(frozen=True, slots=True)
class Sampling:
    """Values for sampling, as a request sends them. What is None is not sent."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """What models that were published together have in common.

    `switches` are the ways in which thinking is switched off, apart from a server's own. `sampling` and
    `thinking_sampling` are what Qwen recommends without and with thinking. `grounded` is what is sent here: a low
    temperature, and no penalty, because one would punish the second [1] and every quoted term. A model that always
    thinks keeps the temperature that Qwen recommends, because greedy thinking repeats itself without end.
    """

    id: str
    title: str
    released: str
    thinking: Thinking
    switches: tuple[str, ...]
    runs: tuple[Runs, ...]
    hubs: tuple[str, ...]
    grounded: Sampling
    confidence: Confidence
    sampling: Sampling | None = None
    thinking_sampling: Sampling | None = None
    note: str = ""
    doubts: Mapping[str, Confidence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of the text model. In a hybrid only `attention_layers` of the layers keep a cache that grows."""

    layers: int
    attention_layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool

    @property
    def cache_bytes(self) -> int:
        """Bytes of cache for each token, in bf16: a key and a value for each head of each layer with attention."""
        return 2 * self.attention_layers * self.kv_heads * self.head_dim * _BF16

    @property
    def embedding_parameters(self) -> int:
        """Parameters that are not quantised: the embeddings, and the output layer if it is not the same."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """The heads of a hybrid's layers without attention. Each sequence keeps a state of a fixed size for them."""

    key_heads: int
    value_heads: int
    head_dim: int

    def bytes_of(self, layers: int) -> int:
        """Returns the bytes of the state of one sequence: a matrix for each value head, in fp32 as Qwen's
        config.json says, and the last inputs of the convolution in bf16.
        """
        matrices = self.value_heads * self.head_dim * self.head_dim * _FP32
        inputs = (2 * self.key_heads + self.value_heads) * self.head_dim * _TAPS * _BF16
        return layers * (matrices + inputs)


@dataclass(frozen=True, slots=True)
class Model:
    """A Qwen chat model. `id` is its name on the hubs, or at the service for a model without weights.

    `parameters` counts the text model, `active` those that work on one token. `context` is the native context in
    tokens, and `extended` what `extension` reaches (YaRN, for example). What is None is not known. `confidence_of`
    says how a field is known.
    """

    id: str
    series: Series
    licence: Licence
    confidence: Confidence
    parameters: int | None = None
    active: int | None = None
    context: int | None = None
    extended: int | None = None
    extension: str = ""
    architecture: str = ""
    model_type: str = ""
    shape: Shape | None = None
    state: LinearHeads | None = None
    aliases: tuple[str, ...] = ()
    note: str = ""
    doubts: Mapping[str, Confidence] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The id without the organisation."""
        return self.id.rpartition("/")[2]

    @property
    def longest(self) -> int | None:
        """The longest context in tokens that the model can be brought to."""
        return self.extended or self.context

    @property
    def cache_bytes(self) -> int | None:
        """Bytes of cache for each token of a sequence."""
        return self.shape.cache_bytes if self.shape else None

    @property
    def state_bytes(self) -> int:
        """Bytes that a hybrid keeps for each sequence, however long that is. Other models keep none."""
        if self.state is None or self.shape is None:
            return 0
        return self.state.bytes_of(self.shape.layers - self.shape.attention_layers)

    @property
    def thinks_always(self) -> bool:
        """True if nothing stops the model from thinking."""
        return self.series.thinking == "always"

    def confidence_of(self, name: str) -> Confidence:
        """Returns how the field `name` is known. Only what follows from the shape was counted by us."""
        usual: Confidence = "read" if self.confidence == "run" and name not in _COUNTED else self.confidence
        return self.doubts.get(name, usual)


@dataclass(frozen=True, slots=True)
class Registry:
    """All models, series and licences, in the order of the file: the oldest first."""

    licences: tuple[Licence, ...]
    series: tuple[Series, ...]
    models: tuple[Model, ...]


_FILE: Final = "models.toml"


@cache
def registry() -> Registry:
    """Returns the registry. The first call reads the file, which takes some 50 ms."""
    stored = tomllib.loads(files("assistant.qwen").joinpath(_FILE).read_text(encoding="utf-8"))
    licences = {row["id"]: Licence(**row) for row in stored["licences"]}
    series = {row["id"]: _series(row) for row in stored["series"]}
    models = tuple(_model(row, series, licences) for row in stored["models"])
    return Registry(tuple(licences.values()), tuple(series.values()), models)


def _series(row: Mapping[str, Any]) -> Series:
    samplings = {name: Sampling(**row[name]) for name in ("sampling", "thinking_sampling", "grounded") if name in row}
    return Series(**{**row, **_tuples(row, ("switches", "runs", "hubs")), **samplings})


def _model(row: Mapping[str, Any], series: Mapping[str, Series], licences: Mapping[str, Licence]) -> Model:
    parts: dict[str, Any] = {"series": series[row["series"]], "licence": licences[row["licence"]]}
    parts |= {name: kind(**row[name]) for name, kind in (("shape", Shape), ("state", LinearHeads)) if name in row}
    return Model(**{**row, **_tuples(row, ("aliases",)), **parts})


def _tuples(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(row[name]) for name in names if name in row}
