"""`youju runs` lists, shows, follows and cancels runs of the ingestion in any process.

It reads their records from SQL directly, so that it also works while `youju ingest` owns the home.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from api.cli import DONE, DONE_IN_PART
from api.cli.output import console, local_time, notes, print_json
from api.cli.progress import RunProgress
from api.http.run_progress import LOOK_SECONDS, Following, RunBody, RunsBody, RunWithFailuresBody
from api.settings import load_settings
from ingest.home.database import open_database
from ingest.runs.records import Runs

app = typer.Typer()

RunId = Annotated[str, typer.Argument(metavar="ID", help="Give the id of the run, or the beginning of it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]

_TIMES = ("started_at", "finished_at")
_STYLES = {"running": "bold", "done": "green", "failed": "red", "interrupted": "yellow", "cancelled": "yellow"}


@app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    source: Annotated[str | None, typer.Option(help="List only the runs of this source.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="List at most this many runs.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the runs, the newest first. Use `show`, `follow` and `cancel` for one of them."""
    if context.invoked_subcommand is not None:
        return
    with _opened() as record:
        listed = [RunBody.of(run) for run in record.runs(source=source, limit=limit)]
    if as_json:
        print_json(RunsBody(runs=listed).model_dump())
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("run", "source", "by", "state", "started", "done", "new", "chg", "del", "failed", "waiting"):
        table.add_column(column, overflow="fold", no_wrap=column != "source")
    failed = []
    for run in listed:
        figures = (f"{run.done}/{run.found}", run.new, run.changed, run.deleted, run.failed, run.waiting or "")
        state = f"[{_STYLES[run.state]}]{run.state}[/]"
        started = local_time(run.started_at)
        table.add_row(run.run_id[:8], escape(run.source), run.trigger, state, started, *map(str, figures))
        if run.error is not None:
            failed.append((run.run_id, run.error))
    console.print(table)
    for run_id, error in failed:
        _print_failure({"code": error.code, "uri": run_id[:8], "message": error.message})


@app.command()
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """Show one run, and the documents that it could not ingest."""
    with _opened() as record:
        found = RunWithFailuresBody.read(record, _whole(record, run_id)).model_dump()
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if name in _TIMES and value is not None:
            value = local_time(value, "seconds")
        if name not in ("failures", "error"):
            console.print(f"{name:<22}{'' if value is None else escape(str(value))}")
    for failure in [*([{"uri": "the run", **found["error"]}] if found["error"] else []), *found["failures"]]:
        _print_failure(failure)


@app.command()
def follow(run_id: RunId, as_json: AsJson = False) -> None:
    """Show the progress of a run until it ends. Ctrl-C stops only this command. The run goes on.

    Exit code 0 means that the run is done.
    Exit code 1 means that some documents failed, or that the run ended early.
    Exit code 2 means that there is no such run.
    """
    with _opened() as record:
        last = _followed(Following(record, _whole(record, run_id)), as_json=as_json)
    if as_json:
        print_json(last)
    else:
        console.print(f"{last['state']}: {last['done']} of {last['found']} documents, {last['failed']} failed")
    raise typer.Exit(DONE if last["state"] == "done" and not last["failed"] else DONE_IN_PART)


@app.command()
def cancel(run_id: RunId, as_json: AsJson = False) -> None:
    """Ask a run to end. It ends cleanly within seconds, and the next run continues from there."""
    with _opened() as record:
        run = RunBody.of(record.cancel(_whole(record, run_id)))
    if as_json:
        print_json(run.model_dump())
    else:
        console.print(f"The run of {escape(run.source)} will end in a moment: `youju runs follow {run.run_id}`")


@contextmanager
def _opened() -> Iterator[Runs]:
    database = open_database(load_settings())
    try:
        yield Runs(database)
    finally:
        database.dispose()


def _whole(record: Runs, beginning: str) -> str:
    """Returns the id among the newest runs that begins with this text. Returns the text itself if no id begins with it,
    or more than one.
    """
    found = [run.id for run in record.runs(limit=500) if run.id.startswith(beginning.lower())]
    return found[0] if len(found) == 1 else beginning


def _followed(following: Following, *, as_json: bool) -> dict[str, Any]:
    with RunProgress() as progress:
        while True:
            for name, data in following.look():
                if name == "finished":
                    return data
                if name == "failure" and not as_json:
                    _print_failure(data)
                if name == "progress":
                    progress.show(data)
            time.sleep(LOOK_SECONDS)


def _print_failure(failure: dict[str, Any]) -> None:
    notes.print(f"  [red]{failure['code']}[/red]  {escape(failure['uri'])}\n      {escape(failure['message'])}")
