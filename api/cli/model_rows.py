"""What `youju models` shows of a model of the registry: as one row, as a page, and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from assistant.qwen.find import Found
from assistant.qwen.registry import Confidence, Model, Sampling
from assistant.qwen.sizing import PRECISIONS, weight_bytes

_SURE: tuple[Confidence, ...] = ("run", "read")
_MARKS: Mapping[Confidence, str] = {
    "run": "counted",
    "read": "from a primary source",
    "secondary": "from others, not checked",
    "memory": "from memory, not checked",
}
_THINKING = {
    "never": "never thinks",
    "off": "thinks only if it is told to",
    "on": "thinks unless it is told not to, which Youju does",
    "always": "always thinks",
}
_RUNS = {
    "process": "in this process",
    "vllm": "by vLLM and servers like it",
    "gguf": "by Ollama or llama.cpp, as GGUF",
    "api": "only by the API of Alibaba Cloud",
}
_HOW = {
    "id": "by its name",
    "name": "by its name",
    "base": "as the model before it learned to chat, of the same size and licence",
    "tuned": "as the base of a fine-tuned model, from which it inherits",
    "adapter": "as the base of an adapter, from which it inherits",
    "shape": "by the shape in config.json",
}


def has_words(model: Model, words: Iterable[str]) -> bool:
    """Returns True if all the words stand in what is known of the model. `qwen3` is not in Qwen3.5, and `7b` not in
    57B, but `apache` is in Apache-2.0.
    """
    series, licence = model.series, model.licence
    told = [model.id, series.title, licence.id, licence.name, model.architecture, model.model_type, *series.runs]
    told += [_THINKING[series.thinking], "hybrid" if model.state else "", *model.aliases]
    told += ["non-commercial"] if licence.commercial == "no" else []
    text = " ".join(told).lower()
    return all(re.search(rf"(?<![a-z0-9.]){re.escape(word.lower())}(?![0-9.])", text) for word in words)


def table_of(models: Sequence[Model]) -> Table:
    """Returns a table with a row for each model."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    for column in ("model", "parameters", "context", "cache/token", "licence", "thinks"):
        table.add_column(column, no_wrap=True)
    for model in models:
        context = tokens(model.context)
        if model.extended:
            context += f" → {tokens(model.extended)}"
        table.add_row(
            escape(model.name),
            parameters(model),
            context + _doubt(model.confidence_of("context")),
            size(model.cache_bytes),
            model.licence.id + _doubt(model.confidence_of("licence")),
            model.series.thinking,
        )
    return table


def page_of(found: Found, name: str) -> Iterator[str]:
    """Yields the lines of all that is known of a model that was found by `name`, with markup."""
    model, series, licence = found.model, found.model.series, found.model.licence
    yield f"[bold]{escape(model.name)}[/bold], {escape(series.title)} of {series.released}"
    if found.how not in ("id", "name") or found.precision:
        precision = f" ({', '.join(found.precision)})" if found.precision else ""
        yield _line("found", f"{name}{precision}, {_HOW[found.how]}")
    if found.others:
        yield _line("or else", ", ".join(other.name for other in found.others))
    if series.hubs:
        yield _line("id", f"{model.id}, on Hugging Face and ModelScope")
        yield _line("parameters", parameters(model) + _mark(model, "parameters"))
    yield _line("context", _context(model) + _mark(model, "context"))
    if model.architecture:
        hybrid = ", a hybrid of attention and linear attention" if model.state else ""
        yield _line("architecture", f"{model.architecture} ({model.model_type}){hybrid}")
    if model.parameters is not None:
        state = f", and {size(model.state_bytes)} for each sequence" if model.state_bytes else ""
        yield _line("cache", f"{size(model.cache_bytes)} for each token{state}{_mark(model, 'cache_bytes')}")
        sizes = (f"{precision} {size(weight_bytes(model, precision))}" for precision in PRECISIONS)
        yield _line("weights", ", ".join(sizes))
    yield _line("thinking", _THINKING[series.thinking] + _switches(series.switches))
    yield _line("sampling", f"{_sampling(series.grounded)} for grounded answers")
    for which, recommended in (("", series.sampling), (" with thinking", series.thinking_sampling)):
        if recommended:
            yield _line("", f"{_sampling(recommended)} recommended by Qwen{which}")
    yield _line("runs", ", ".join(_RUNS[way] for way in series.runs))
    for note in filter(None, (model.note, series.note)):
        yield _line("note", note)
    yield _line("licence", f"{licence.name}{_mark(model, 'licence')}")
    yield _line("", licence.clause)
    yield _line("", licence.clause_zh)
    if (confidence := licence.doubts.get("clause", licence.confidence)) not in _SURE:
        yield _line("", f"The clause is {_MARKS[confidence]}: read the licence that comes with the weights.")


def as_json(model: Model) -> dict[str, Any]:
    """Returns all that is known of a model, and what follows from it, as one JSON object."""
    series, licence = model.series, model.licence
    weights = {precision: weight_bytes(model, precision) for precision in PRECISIONS}
    return {
        "id": model.id,
        "name": model.name,
        "huggingface": model.id if "huggingface" in series.hubs else None,
        "modelscope": model.id if "modelscope" in series.hubs else None,
        "series": series.title,
        "released": series.released,
        "parameters": model.parameters,
        "active": model.active,
        "context": model.context,
        "extended": model.extended,
        "extension": model.extension or None,
        "architecture": model.architecture or None,
        "model_type": model.model_type or None,
        "shape": asdict(model.shape) if model.shape else None,
        "cache_bytes_per_token": model.cache_bytes,
        "state_bytes_per_sequence": model.state_bytes,
        "weight_bytes": weights if model.parameters is not None else None,
        "licence": {
            **{name: value for name, value in asdict(licence).items() if name != "doubts"},
            "doubts": dict(licence.doubts),
        },
        "thinking": series.thinking,
        "switches": list(series.switches),
        "grounded_sampling": _sent(series.grounded),
        "sampling": _sent(series.sampling),
        "thinking_sampling": _sent(series.thinking_sampling),
        "runs": list(series.runs),
        "aliases": list(model.aliases),
        "notes": [note for note in (model.note, series.note) if note],
        "confidence": model.confidence,
        "doubts": {**series.doubts, **model.doubts},
    }


def parameters(model: Model) -> str:
    """Returns how many parameters a model has, and how many of them work on one token if that is not all."""
    if model.parameters is None or model.active is None:
        return "–"
    return _billions(model.parameters) + (f", {_billions(model.active)} active" if _is_mixture(model) else "")


def tokens(number: int | None) -> str:
    """Returns a number of tokens in thousands (of 1024) or millions, as contexts are named."""
    if number is None:
        return "–"
    if number >= 900_000:
        return f"{number / 1e6:.3g}M"
    return f"{number / 1024:.3g}k"


def size(number: int | None) -> str:
    """Returns a number of bytes in the unit that suits it."""
    if number is None:
        return "–"
    for unit, one in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if number >= one:
            return f"{number / one:.1f} {unit}" if number < 100 * one else f"{number / one:.0f} {unit}"
    return f"{number / 2**10:.0f} KiB"


def _is_mixture(model: Model) -> bool:
    return model.active != model.parameters


def _billions(number: int) -> str:
    return f"{number / 1e9:.3g}B" if number < 1e12 else f"{number / 1e12:.3g}T"


def _context(model: Model) -> str:
    if model.context is None:
        return "not known"
    extended = f", {model.extended:,} by {model.extension}" if model.extended else ""
    return f"{model.context:,} tokens{extended}"


def _switches(switches: Sequence[str]) -> str:
    return f" (switched by {', '.join(switches)})" if switches else ""


def _sent(sampling: Sampling | None) -> dict[str, Any] | None:
    return {name: value for name, value in asdict(sampling).items() if value is not None} if sampling else None


def _sampling(sampling: Sampling) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in (_sent(sampling) or {}).items())


def _doubt(confidence: Confidence) -> str:
    return "" if confidence in _SURE else " ?"


def _mark(model: Model, name: str) -> str:
    confidence = model.confidence_of(name)
    return "" if confidence in _SURE else f" ({_MARKS[confidence]})"


def _line(label: str, text: str) -> str:
    return f"  {label:<13}{escape(text)}"
