"""`youju ingest` brings files and folders, or the sources of the settings, into the index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from api.cli import DONE, DONE_IN_PART, NOT_DONE
from api.cli.connection import Connection, connect
from api.cli.index import building_note
from api.cli.output import console, print_json
from api.cli.progress import RunProgress
from api.settings import load_settings
from ingest.errors import ConfigurationError, UnavailableError, YoujuError

app = typer.Typer()

_SHOWN_COUNTS = ("new", "changed", "moved", "unchanged", "rebuilt", "deleted", "failed")
_SHOWN_FAILURES = 20


@app.command()
def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Give files and folders. A folder is read with all its sub-folders.")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Ingest this source of the settings. It can be repeated.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Ingest all sources of the settings, one after the other.")
    ] = False,
    allow_deletions: Annotated[
        bool, typer.Option("--allow-deletions", help="Remove documents even if most of a source is gone.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Bring files and folders into the index.

    New and changed documents are added. Documents that are gone are removed.

    Exit code 0 means that everything went well.
    Exit code 1 means that some documents or sources failed and are listed.
    Exit code 2 means that nothing could be done.
    """
    if sum((bool(paths), bool(source), every)) != 1:
        raise typer.BadParameter("give either files and folders, or --source NAME, or --all")
    with connect(load_settings(), command="ingest") as connection:
        if paths or (source and len(source) == 1):
            wanted = {"paths": [path.absolute().as_uri() for path in paths]} if paths else {"source": (source or [])[0]}
            reports = [_run(connection, {**wanted, "allow_deletions": allow_deletions})]
            answer = reports[0]
        else:
            reports = _run_each(connection, source or _enabled(connection), allow_deletions)
            answer = {"runs": reports}
        note = building_note(connection.get("/v1/index")["building"])
    if as_json:
        print_json(answer)
    else:
        for report in reports:
            print_report(report)
        if note:
            console.print(note)
    raise typer.Exit(_outcome(reports))


def _enabled(connection: Connection) -> list[str]:
    listed = connection.get("/v1/sources")["sources"]
    names = [source["name"] for source in listed if source["enabled"] and source["place"] is not None]
    if not names:
        raise ConfigurationError(
            "no_sources", "The settings have no source that is enabled.", "Add one to youju.toml under [[sources]]."
        )
    return names


def _run_each(connection: Connection, names: list[str], allow_deletions: bool) -> list[dict[str, Any]]:
    """Run one source after the other. Returns the report of each, or its `error` if nothing could be done."""
    reports: list[dict[str, Any]] = []
    for name in names:
        try:
            report = _run(connection, {"source": name, "allow_deletions": allow_deletions})
            reports.append({"source": name, **report})
        except UnavailableError:  # the server that does the work does not answer any more
            raise
        except YoujuError as error:
            answered = {"code": error.code, "message": error.message, "hint": error.hint}
            reports.append({"source": name, "error": answered})
    return reports


def _outcome(reports: list[dict[str, Any]]) -> int:
    if all("error" in report for report in reports):
        return NOT_DONE
    return DONE_IN_PART if any("error" in report or report["failures"] for report in reports) else DONE


def _run(connection: Connection, wanted: dict[str, Any]) -> dict[str, Any]:
    """Show the progress of a run until it ends. Returns its report."""
    broke_off = YoujuError("run_broke_off", "The run broke off.", "Run it again: it goes on where it stopped.")
    with RunProgress() as progress:
        return connection.result("/v1/runs", wanted, progress.show, broke_off)


def print_report(report: dict[str, Any]) -> None:
    """Print in a readable form what a run did."""
    if "source" in report:
        console.print(f"[bold]{escape(report['source'])}[/bold]")
    if "error" in report:
        error = report["error"]
        console.print(f"  [red]{error['code']}[/red]  {escape(error['message'])}\n      {escape(error['hint'])}")
        return
    counts = ", ".join(f"{report[name]} {name}" for name in _SHOWN_COUNTS if report[name])
    console.print(
        f"{report['found']} documents: {counts or 'nothing to do'}; "
        f"{report['chunks']} chunks in {report['seconds']:.1f} s"
    )
    if report["waiting"]:
        console.print(f"{report['waiting']} chunks are found by their words only; the next run makes their vectors")
    for failure in report["failures"][:_SHOWN_FAILURES]:
        console.print(f"  [red]{failure['code']}[/red]  {escape(failure['uri'])}\n      {escape(failure['message'])}")
    if len(report["failures"]) > _SHOWN_FAILURES:
        console.print(
            f"  … and {len(report['failures']) - _SHOWN_FAILURES} more: `youju documents --failed` lists them"
        )
