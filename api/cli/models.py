"""`youju models` lists the Qwen chat models, shows one with its licence, and says which fit into a memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from typer.core import TyperGroup

from api.cli.model_rows import as_json as model_as_json
from api.cli.model_rows import has_words, page_of, parameters, size, table_of, tokens
from api.cli.output import console, notes, print_json
from assistant.qwen.defaults import MOST_CONTEXT
from assistant.qwen.find import Found, Missing, find
from assistant.qwen.memory import memory_here, parse_memory
from assistant.qwen.registry import Model, registry
from assistant.qwen.sizing import Fit, Memory, fit
from ingest.errors import RequestError

_WIDEST = 200
_FORMATS = {
    "bf16": {"process": "in this process", "vllm": "vLLM", "gguf": "GGUF"},
    "int8": {"vllm": "FP8", "gguf": "GGUF Q8_0"},
    "int4": {"vllm": "AWQ", "gguf": "GGUF Q4_K_M"},
}
"""How a model runs in a precision: with which files. FP8 and AWQ are for vLLM. This process loads a model as it is."""


class _Models(TyperGroup):
    """Takes what is no command for words to look for, so that `youju models qwen3` is `youju models list qwen3`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, "--help"):
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_Models, help="List the Qwen chat models, show one of them, or find those that fit.")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME | WORD...]",
        help="Name a model, a folder or an adapter to see all of it, or give words to list the models that have them.",
    ),
]
OnlyWords = Annotated[
    list[str] | None, typer.Argument(metavar="[WORD...]", help="Give words to look only at models that have them.")
]


@app.callback()
def models() -> None:
    """List the Qwen chat models, show one of them, or find those that fit.

    `youju models` lists all, `youju models NAME` shows one, and `youju models WORD` lists those with this word.
    """


@app.command("list")
def list_(words: Words = None, as_json: AsJson = False) -> None:
    """List the Qwen chat models, or show one with its licence."""
    wanted = words or []
    found = find(wanted[0]) if len(wanted) == 1 else None
    if isinstance(found, Found):
        _show(found, wanted[0], as_json)
        return
    listed = _with_words(wanted, found)
    if as_json:
        print_json({"models": [model_as_json(model) for model in listed]})
        return
    _print(table_of(listed))
    notes.print("[dim]? is not from a primary source. `youju models NAME` shows one with its licence.[/dim]")


@app.command("fit")
def fit_(
    words: OnlyWords = None,
    memory: Annotated[
        str | None,
        typer.Option(help="Give the memory, such as 24GB or 2x80GB. That of this machine is taken if it is not given."),
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(min=512, help="Give the tokens of context of each asker. Up to 16384 are taken if not given."),
    ] = None,
    askers: Annotated[int, typer.Option(min=1, max=100_000, help="Give how many ask at the same time.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Find the models that fit into a memory, with how much context, and for how many askers at once.

    It counts the weights, the cache of every asker, and the engine. A tenth of the memory is left alone.
    """
    room = parse_memory(memory) if memory is not None else memory_here()
    rows = [model for model in _with_words(words or [], None) if model.parameters is not None]
    demand = _Demand(room, context, askers)
    fitting = sorted(filter(None, map(demand.fit, rows)), key=lambda each: each.model.parameters or 0, reverse=True)
    if as_json:
        print_json(_fitting_as_json(demand, fitting))
        return
    whose = f"{room.name}, {size(room.bytes)}" if memory is None else size(room.bytes)
    console.print(escape(f"{whose}: {len(fitting)} of {len(rows)} models fit."))
    if fitting:
        _print(_fitting_table(demand, fitting))


def _print(table: Table) -> None:
    """Print a table as wide as it is. A narrow terminal wraps its lines, and a pipe loses nothing."""
    table.width = Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum
    console.print(table, crop=False)


@dataclass(frozen=True, slots=True)
class _Demand:
    """What models must have room for. Without a `context`, each has the one that Youju would take."""

    memory: Memory
    context: int | None
    askers: int

    def fit(self, model: Model) -> Fit | None:
        """Returns how the model fits, or None."""
        context = self.context or min(model.context or MOST_CONTEXT, MOST_CONTEXT)
        return fit(model, self.memory, context, self.askers)


def _with_words(words: Sequence[str], missing: Missing | Found | None) -> list[Model]:
    """Returns the models that have the words. Raises RequestError (`model_unknown`) if there are none."""
    listed = [model for model in registry().models if has_words(model, words)]
    if listed:
        return listed
    message = f"No model has all of these words: {' '.join(words)}."
    if isinstance(missing, Missing):
        message = missing.message
    raise RequestError("model_unknown", message[:600], "`youju models` lists the Qwen chat models.")


def _show(found: Found, name: str, as_json: bool) -> None:
    if as_json:
        others = [other.id for other in found.others]
        how = {"name": name, "how": found.how, "precision": list(found.precision), "others": others}
        print_json({"found": how, "model": model_as_json(found.model)})
        return
    for line in page_of(found, name):
        console.print(line)


def _ways(fitted: Fit, demand: _Demand) -> list[str]:
    """Returns how a model runs in this precision. vLLM wants a GPU. In this process a model takes only one GPU, and
    writes one answer at a time.
    """
    without = {"vllm"} if demand.memory.gpus == 0 else set()
    without |= {"process"} if demand.memory.gpus > 1 or demand.askers > 1 else set()
    runs = [way for way in fitted.model.series.runs if way not in without]
    return [_FORMATS[fitted.precision][way] for way in runs if way in _FORMATS[fitted.precision]]


def _fitting_table(demand: _Demand, fitting: Sequence[Fit]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    of_all = "" if demand.askers == 1 else f" of {demand.askers}"
    for column in ("model", "parameters", "weights", "needs", "askers at context", f"longest{of_all}", "licence"):
        table.add_column(column, no_wrap=True)
    table.add_column("runs", overflow="fold", min_width=10)
    for each in fitting:
        model = each.model
        reached = f" ({model.extension})" if each.longest > (model.context or 0) else ""
        table.add_row(
            escape(model.name),
            parameters(model),
            each.precision,
            size(each.needed),
            f"{each.askers} at {tokens(each.context)}",
            f"{tokens(each.longest)}{reached}",
            model.licence.id,
            ", ".join(_ways(each, demand)),
        )
    return table


def _fitting_as_json(demand: _Demand, fitting: Sequence[Fit]) -> dict[str, Any]:
    return {
        "memory": asdict(demand.memory),
        "askers": demand.askers,
        "fitting": [
            {
                "id": each.model.id,
                "precision": each.precision,
                "needed_bytes": each.needed,
                "context": each.context,
                "askers_at_once": each.askers,
                "longest_context": each.longest,
                "extension": each.model.extension if each.longest > (each.model.context or 0) else None,
                "licence": each.model.licence.id,
                "thinking": each.model.series.thinking,
                "runs": _ways(each, demand),
            }
            for each in fitting
        ],
    }
