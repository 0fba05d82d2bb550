"""`youju index` lists the versions of the index, switches to another one, or drops one."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.connection import connect
from api.cli.output import console, local_time, print_json
from api.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Manage the versions of the index.")

IndexId = Annotated[
    int, typer.Argument(metavar="ID", help="Give the number of the version, as `youju index list` shows it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]

_STYLES = {"current": "green", "building": "bold", "kept": "dim", "dropping": "red"}


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the versions of the index.

    One of them answers questions. Others may be kept, and one may be under construction.
    """
    with connect(load_settings(), command="index") as connection:
        _show(connection.get("/v1/index"), as_json)


@app.command()
def switch(index_id: IndexId, as_json: AsJson = False) -> None:
    """Let a version answer questions from now on. Runs keep it up to date until the settings change again."""
    with connect(load_settings(), command="index") as connection:
        listed = connection.post(f"/v1/index/{index_id}/switch", {})
    _show(listed, as_json)
    if not as_json:
        console.print(f"Index {index_id} answers questions. `youju ingest` brings it up to date.")


@app.command()
def drop(index_id: IndexId, as_json: AsJson = False) -> None:
    """Remove a version that does not answer questions. You cannot switch back to it afterwards."""
    with connect(load_settings(), command="index") as connection:
        _show(connection.delete(f"/v1/index/{index_id}"), as_json)


def building_note(building: dict[str, Any] | None) -> str | None:
    """Returns one or two sentences about an index that is being built (`BuildingBody`), or None."""
    if building is None:
        return None
    failed = f", {building['failed']} failed" if building["failed"] else ""
    name = f"Index {building['id']}" if building["id"] else "Another index"
    note = (
        f"{name}, which the settings ask for, has {building['ready']} of {building['documents']} documents{failed}. "
        f"Questions go on against index {building['current']} until it has all; each `youju ingest` goes on building."
    )
    if building["failed"]:
        note += f" `youju index switch {building['id']}` does without what failed."
    return note


def _show(listed: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(listed)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    for column in ("index", "state", "documents", "passages", "failed", "lacking", "since", "tokens"):
        table.add_column(column, no_wrap=True)
    table.add_column("embedder", overflow="fold", min_width=12)
    for each in listed["indexes"]:
        state = f"[{_STYLES[each['state']]}]{each['state']}{', pinned' if each['pinned'] else ''}[/]"
        figures = (each["documents"], each["chunks"], each["failed"], each["lacking"])
        since = local_time(each["switched_at"] or each["created_at"])
        tokens = str(each["chunk_tokens"] or "")
        table.add_row(str(each["id"]), state, *map(str, figures), since, tokens, escape(each["embedder"]))
    console.print(table)
    if note := building_note(listed["building"]):
        console.print(note)
