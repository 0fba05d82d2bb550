"""`youju ingest`: bring files and folders into the index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from api.cli import DONE, DONE_IN_PART
from api.cli.connection import connect
from api.cli.output import console, print_json
from api.cli.progress import RunProgress
from api.settings import load_settings
from ingest.errors import YoujuError

app = typer.Typer()

_SHOWN_FAILURES = 20


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; folders are read to the bottom.")],
    allow_deletions: Annotated[
        bool, typer.Option("--allow-deletions", help="Remove documents even where most of them are gone.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Bring files and folders into the index: new ones, changed ones, and the removal of those that are gone.

    Exit code 0: all of it; 1: some documents failed, and are listed; 2: nothing could be done.
    """
    body = {"paths": [path.absolute().as_uri() for path in paths], "allow_deletions": allow_deletions}
    with connect(load_settings(), command="ingest") as connection:
        report = follow(connection.stream("/v1/runs", body))
    if as_json:
        print_json(report)
    else:
        print_report(report)
    raise typer.Exit(DONE_IN_PART if report["failures"] else DONE)


def follow(events: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    """Show the progress of a run until it ends, and give back its report."""
    with RunProgress() as progress:
        for name, data in events:
            if name == "failed":
                error = data["error"]
                raise YoujuError(error["code"], error["message"], error["hint"])
            if name == "finished":
                return dict(data)
            progress.show(data)
    raise YoujuError("run_broke_off", "The run broke off.", "Run it again: it goes on where it stopped.")


def print_report(report: dict[str, Any]) -> None:
    """What a run did, for people."""
    counts = ", ".join(
        f"{report[name]} {name}" for name in ("new", "changed", "unchanged", "deleted", "failed") if report[name]
    )
    console.print(
        f"{report['found']} documents: {counts or 'nothing to do'}; "
        f"{report['chunks']} chunks in {report['seconds']:.1f} s"
    )
    for failure in report["failures"][:_SHOWN_FAILURES]:
        console.print(f"  [red]{failure['code']}[/red]  {escape(failure['uri'])}\n      {escape(failure['message'])}")
    if len(report["failures"]) > _SHOWN_FAILURES:
        console.print(
            f"  … and {len(report['failures']) - _SHOWN_FAILURES} more: `youju documents --failed` lists them"
        )
