"""The weights of the gate: those that are shipped, and those that were fitted to the questions of one home."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Literal, Self

from ingest.errors import ConfigurationError

FILE_NAME: Final = "gate.json"
"""The file in the home with weights of its own. `youju eval --refusal --fit` writes it."""
MOST_READ: Final = 6.0
"""More log odds of a reading than this, or fewer than its negative, say no more."""
NAMES: Final = (
    "reading",
    "above_background",
    "above_nearest_background",
    "wording",
    "above_dense_leg",
    "above_sparse_leg",
    "wording_x_above_background",
)
"""What a weight can be for (`assistant.gate.fitted.rows_of`). The first one is only there if a model reads."""
_LARGEST_BYTES = 2**20
_LARGEST_EXPONENT = 700.0
_GOOD_BELOW_STRICT = 2.0
"""So much less than the strict gate wants is good enough for a model, in log odds. See docs/decisions/0026."""

Line = Literal["strict", "good", "lenient"]
"""Where a gate draws its line. `strict`: nobody else refuses. `lenient`: before a model that refuses by itself. `good`:
the hits answer well enough not to be searched for again in other words."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights by the name of a feature, and the log odds that a strict and a lenient gate want."""

    intercept: float
    weights: Mapping[str, float]
    strict: float
    lenient: float

    def wanted(self, line: Line) -> float:
        """Returns the log odds that a line wants."""
        return {"strict": self.strict, "good": self.strict - _GOOD_BELOW_STRICT, "lenient": self.lenient}[line]

    def logit(self, features: Mapping[str, float]) -> float:
        """Returns the log odds that a hit with these features answers."""
        return self.intercept + math.fsum(weight * features[name] for name, weight in self.weights.items())

    def likelihood(self, rows: Iterable[Mapping[str, float]], line: Line) -> float:
        """Returns how likely the best of the hits with these features answers, from 0 to 1. It is 0.5 where the log
        odds are those that the line wants.
        """
        return self.likely(max(map(self.logit, rows)), line)

    def likely(self, logit: float, line: Line) -> float:
        """Returns log odds on the scale of `likelihood`."""
        return 1 / (1 + math.exp(min(self.wanted(line) - logit, _LARGEST_EXPONENT)))


@dataclass(frozen=True, slots=True)
class OwnWeights:
    """Weights that were fitted to the questions of one home: with which embedder, and which model read the hits, if one
    did.
    """

    embedder: str
    reading: str | None
    weights: Weights

    @classmethod
    def read(cls, home: Path) -> Self | None:
        """Returns the weights in this home, or None if it has none.

        Raises ConfigurationError (`gate_weights_unreadable`) if the file is damaged, or was made for other features.
        """
        path = home / FILE_NAME
        try:
            content = path.read_bytes()[:_LARGEST_BYTES]
            stored = json.loads(content)
            embedder, reading = stored["embedder"], stored["reading"]
            if not (isinstance(embedder, str) and isinstance(reading, str | None)):
                raise ValueError("it does not say for which embedder it is")
            return cls(embedder, reading, _checked(stored, with_reading=reading is not None))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
            raise ConfigurationError(
                "gate_weights_unreadable",
                f"{path} cannot be used ({reason}), so the shipped weights judge.",
                "Make it again with `youju eval FOLDER --refusal --fit`, or delete it.",
            ) from None

    @classmethod
    def read_or_warn(cls, home: Path) -> Self | None:
        """Returns the weights in this home. A file that cannot be read is named in the log, and counts as none."""
        try:
            return cls.read(home)
        except ConfigurationError as error:
            logger.warning("%s", error)
            return None

    def write(self, home: Path, measured: Mapping[str, Any]) -> Path:
        """Writes the weights into the home, with what was `measured` of them, and returns the file.

        Raises ConfigurationError (`gate_weights_unwritable`).
        """
        path = home / FILE_NAME
        aside = path.with_name(f"{FILE_NAME}.new")
        stored = {"embedder": self.embedder, "reading": self.reading, **asdict(self.weights)}
        try:
            home.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps({**stored, "measured": measured}, indent=2) + "\n", encoding="utf-8")
            aside.replace(path)  # a start at this moment sees the old file or the new one
        except OSError as error:
            raise ConfigurationError(
                "gate_weights_unwritable", f"{path} cannot be written: {error.strerror}.", "Check YOUJU_HOME."
            ) from None
        return path

    def misfit(self, embedder: str, reading: str | None) -> str | None:
        """Returns why hits of this embedder, which this model has read or none, cannot be judged by these weights.
        Returns None if they can be.
        """
        if embedder != self.embedder:
            return f"they were fitted with the embedder {self.embedder}, and {embedder} is in use"
        if reading != self.reading:
            return f"they were fitted {_by(self.reading)}, and hits are judged {_by(reading)}"
        return None


def chosen(own: OwnWeights | None, embedder: str, reading: str | None) -> Weights:
    """Returns the weights that judge the hits of an embedder, which the model named `reading` has read, or none: the
    home's `own` if they fit, or else the shipped ones.

    If they do not fit, the log says why, once.
    """
    if own is not None:
        reason = own.misfit(embedder, reading)
        if reason is None:
            return own.weights
        _say(reason)
    return shipped(with_reading=reading is not None)


@cache
def shipped(*, with_reading: bool) -> Weights:
    """Returns the shipped weights, for hits that a model has read or for others. They are for any embedder."""
    stored: dict[str, Any] = json.loads(Path(__file__).with_name("weights.json").read_text(encoding="utf-8"))
    return _checked(stored["with_reading" if with_reading else "without_reading"], with_reading=with_reading)


@lru_cache(16)
def _say(reason: str) -> None:
    logger.warning("The weights of the gate in %s are not used: %s. The shipped ones judge.", FILE_NAME, reason)


def _by(reading: str | None) -> str:
    return "without a model that reads" if reading is None else f"by what {reading} reads"


def _checked(stored: Mapping[str, Any], *, with_reading: bool) -> Weights:
    weights = {str(name): _number(value) for name, value in stored["weights"].items()}
    unknown = sorted(set(weights) - set(NAMES[not with_reading :]))
    if unknown or not weights:
        raise ValueError(f"unknown features {unknown}" if unknown else "it has no weights")
    intercept, strict, lenient = (_number(stored[name]) for name in ("intercept", "strict", "lenient"))
    return Weights(intercept, weights, strict, lenient)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:40]!r} is not a number")
    return float(value)
