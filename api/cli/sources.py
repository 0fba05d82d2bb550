"""`youju sources` lists the sources of documents and their states. `check` shows what a source would list now. `remove`
removes the documents that a former source left.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.connection import connect
from api.cli.output import console, local_time, notes, print_json
from api.settings import Settings, load_settings
from ingest.sources.settings import RESERVED_NAMES

app = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]


@app.callback(invoke_without_command=True)
def sources(context: typer.Context, as_json: AsJson = False) -> None:
    """List the sources of the settings with their schedules, documents and last runs."""
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    with connect(settings, command="sources") as connection:
        listed = connection.get("/v1/sources")
    if differing := _differing(settings, listed["sources"]):
        notes.print(
            f"The server that runs has these sources otherwise than the settings that this command reads: "
            f"{escape(', '.join(differing))}. Restart it: it reads its settings when it starts."
        )
    if as_json:
        print_json(listed)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("source", "type", "documents", "failed", "last run", "next run", "place"):
        table.add_column(column, overflow="fold")
    for source in listed["sources"]:
        last = source["last_run"]
        table.add_row(
            escape(source["name"]) + ("" if source["enabled"] else " (off)"),
            source["type"] or "[yellow]not in the settings[/yellow]",
            str(source["documents"]),
            str(source["failed"]),
            f"{last['state']} {local_time(last['started_at'])}" if last else "never",
            local_time(source["next_run_at"]) if source["next_run_at"] else "",
            escape(source["place"] or ""),
        )
        if last and last["error"]:
            table.add_row("", "", "", "", f"[red]{last['error']['code']}[/red]", "", escape(last["error"]["message"]))
    console.print(table)
    console.print(f"{len(listed['sources'])} sources")


def _differing(settings: Settings, listed: list[dict[str, Any]]) -> list[str]:
    """Returns the names of the sources that differ between the settings here and the server that answered. One of the
    two may lack the source, or its type, its schedule or its state (enabled or not) may differ.
    """
    here = {each.name: (each.type, each.enabled, each.schedule, each.time_zone) for each in settings.sources}
    there = {
        each["name"]: (each["type"], each["enabled"], each["schedule"], each["time_zone"])
        for each in listed
        if each["type"] is not None and each["name"] not in RESERVED_NAMES
    }
    return [name for name in dict.fromkeys([*here, *there]) if here.get(name) != there.get(name)]


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="Give the name of the source.")],
    limit: Annotated[int, typer.Option(min=0, max=1000, help="Show at most this many documents.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the documents of a source, but ingest none of them.

    This shows that the source can be reached, and which documents its patterns select.
    """
    with connect(load_settings(), command="sources") as connection:
        found = connection.get(f"/v1/sources/{quote(name, safe='')}/check", limit=limit)
    if as_json:
        print_json(found)
        return
    for document in found["documents"]:
        readers = ", ".join(document["access"]) or "the operator alone"
        console.print(f"{'  ' if document['known'] else '+ '}{escape(document['uri'])}  [dim]{escape(readers)}[/dim]")
    if found["found"] > len(found["documents"]):
        console.print(f"  … and {found['found'] - len(found['documents'])} more")
    console.print(
        f"{found['found']} documents, {found['new']} of them new, {found['gone']} gone, "
        f"listed in {found['seconds']:.1f} s; nothing was ingested"
    )


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Give a source that is no longer in the settings, or `local`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove all documents of a source that is no longer in the settings. The files themselves stay."""
    if not yes:
        typer.confirm(f"Remove all documents of {name} from the index?", abort=True, err=True)
    with connect(load_settings(), command="sources") as connection:
        report = connection.delete(f"/v1/sources/{quote(name, safe='')}")
    if as_json:
        print_json(report)
    else:
        console.print(f"{report['deleted']} documents removed from the index")
