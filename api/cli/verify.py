"""`youju verify` checks that every document is searchable, and says what is wrong with those that are not."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from api.cli import DONE, DONE_IN_PART
from api.cli.connection import Connection, connect
from api.cli.output import console, notes, print_json
from api.settings import load_settings
from ingest.errors import YoujuError
from ingest.verify.problems import MENDED, TRIED_AGAIN

app = typer.Typer()

_SHOWN = 20
_LINE_EVERY_SECONDS = 10.0
_STAGES = {
    "documents": "Reading back",
    "index": "Looking through the index",
    "sources": "Asking the sources",
    "repair": "Repairing",
    "again": "Looking again",
}


@app.command()
def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Repair what is wrong, and check it again.")] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Search for every passage. Embed each one again and compare.")
    ] = False,
    sources: Annotated[bool, typer.Option(help="Also ask the sources which documents they have.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Read every document back through search. Name each one that is not found, and say why.

    Exit code 0 means that all is well, or was repaired.
    Exit code 1 means that something is wrong and is listed.
    Exit code 2 means that the check was not possible.
    """
    body = {"repair": repair, "thorough": thorough, "sources": sources}
    with connect(load_settings(), command="verify", rebuild=repair) as connection:
        report = _verified(connection, body)
    if as_json:
        print_json(report)
    else:
        print_verification(report, repaired=repair)
    left = any(not problem["repaired"] for problem in report["problems"])
    raise typer.Exit(DONE_IN_PART if left or not report["complete"] else DONE)


def _verified(connection: Connection, body: dict[str, Any]) -> dict[str, Any]:
    """Show the progress of a verification until it ends. Returns what it found."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *times, console=notes, disable=not notes.is_terminal) as bar:
        broke_off = YoujuError("verification_broke_off", "The verification broke off.", "Run it again.")
        return connection.result("/v1/verify", body, _Shown(bar).update, broke_off)


class _Shown:
    """Shows a bar for each stage. Without a terminal, it prints a line now and then."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._stage = ""
        self._task = bar.add_task("Verifying", total=None, rate="")
        self._since = 0.0
        self._last_line = time.monotonic()

    def update(self, progress: Mapping[str, Any]) -> None:
        stage, done, total = progress["stage"], progress["done"], progress["total"] or None
        if stage != self._stage:
            self._stage, self._since = stage, progress["seconds"]
            self._bar.remove_task(self._task)
            self._task = self._bar.add_task(_STAGES[stage], total=total, rate="")
        rate = f"{done / max(progress['seconds'] - self._since, 0.1):.0f}/s, {progress['problems']} problems"
        self._bar.update(self._task, completed=done, total=total, rate=rate)
        if not notes.is_terminal and time.monotonic() - self._last_line > _LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            notes.print(f"{_STAGES[stage]}: {done} of {total or '?'}, {rate}")


def print_verification(report: Mapping[str, Any], *, repaired: bool) -> None:
    """Print in a readable form what a verification found: first what was repaired, then what is worth knowing, and at
    the end what is not searchable.
    """
    problems = report["problems"]
    mended = [problem for problem in problems if problem["repaired"]]
    left = [problem for problem in problems if not problem["repaired"]]
    hidden = {problem["document_id"]: problem for problem in reversed(left) if problem["hides"]}
    console.print(
        f"{report['chunks']:,} passages in the index; {report['documents_per_second']:.0f} documents/s, "
        f"{report['seconds']:.1f} s in all"
    )
    if report["busy"]:
        console.print(f"A run is working on {', '.join(map(escape, report['busy']))}: what it brings in is left out.")
    if mended:
        console.print(f"{len(mended)} problems were repaired:")
        _print(mended)
    others = [problem for problem in left if not problem["hides"]]
    if others:
        console.print(f"{len(others)} problems that hide no document:")
        _print(others)
    console.print(report["sentence"])
    _print(list(reversed(hidden.values())))
    if not repaired:
        _advise({problem["code"] for problem in left})


def _advise(codes: Collection[str]) -> None:
    """Say that `--repair` helps, if it can."""
    if MENDED.intersection(codes):
        console.print("`youju verify --repair` mends what it can.")
    elif TRIED_AGAIN.intersection(codes):
        console.print("Put right what made them fail; then `youju verify --repair` or the next run tries them again.")


def _print(problems: Sequence[Mapping[str, Any]]) -> None:
    for problem in problems[:_SHOWN]:
        console.print(f"  [red]{problem['code']}[/red]  {escape(problem['uri'])}\n      {escape(problem['message'])}")
    if len(problems) > _SHOWN:
        console.print(f"  … and {len(problems) - _SHOWN} more: `--json` lists all of them")
