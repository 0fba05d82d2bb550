"""`youju documents` lists the documents and their states. `retry` and `drop` change documents that failed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.connection import connect
from api.cli.output import console, print_json
from api.settings import load_settings

app = typer.Typer()


@app.callback(invoke_without_command=True)
def documents(
    context: typer.Context,
    failed: Annotated[
        bool, typer.Option("--failed", help="List only the documents that could not be ingested.")
    ] = False,
    source: Annotated[str | None, typer.Option(help="List only the documents of this source.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="List only the documents of this format, such as pdf, docx or md.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """List the documents and their states. For a document that failed, say why.

    Under a document, `not taken` counts what it has and could not be read, such as formulas without a value.

    Passages that wait are found by their words. A run makes their vectors, and then they are found by meaning too.
    """
    if context.invoked_subcommand is not None:
        return
    given = {"source": source, "kind": kind}
    parameters = {"failed": failed, **{name: value for name, value in given.items() if value is not None}}
    with connect(load_settings(), command="documents") as connection:
        listed = connection.documents(**parameters)
    if as_json:
        print_json({"documents": listed})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("state", "kind", "lang", "chunks", "waiting", "title", "uri"):
        table.add_column(column, overflow="fold")
    for document in listed:
        table.add_row(
            document["state"],
            document["kind"],
            document["language"],
            str(document["chunks"]),
            str(document["waiting"] or ""),
            escape(document["title"]),
            escape(document["uri"]),
        )
        if document["notes"]:
            table.add_row("", "", "", "", "", "[yellow]not taken[/yellow]", _told(document["notes"]))
        if document["error"]:
            table.add_row(
                "", "", "", "", "", f"[red]{document['error']['code']}[/red]", escape(document["error"]["message"])
            )
    console.print(table)
    console.print(f"{len(listed)} documents")


def _told(notes: Mapping[str, int]) -> str:
    """Returns what could not be taken from a document: `3 formulas without value`."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in notes.items())


_Named = Annotated[
    list[str] | None,
    typer.Argument(help="Name the documents by id or address, as `youju documents --failed` shows them."),
]
_All = Annotated[bool, typer.Option("--all", help="Take all documents that failed.")]


@app.command()
def retry(named: _Named = None, all_of_them: _All = False) -> None:
    """Let the next run try failed documents again. It does not matter how often they have failed."""
    changed = _change("retry", named, all_of_them)
    console.print(f"{changed} documents will be tried again by the next run.")


@app.command()
def drop(named: _Named = None, all_of_them: _All = False) -> None:
    """Give failed documents up. Until they change, no run tries them again and no list shows them."""
    changed = _change("drop", named, all_of_them)
    console.print(f"{changed} documents are given up. `youju documents retry` takes one up again.")


def _change(what: str, named: list[str] | None, all_of_them: bool) -> int:
    # The catalog names a file by its absolute path. A user in the same folder may give a relative path.
    known = [str(Path(name).absolute()) if Path(name).exists() else name for name in named or []]
    with connect(load_settings(), command="documents") as connection:
        return int(connection.post(f"/v1/documents/failed/{what}", {"documents": known, "all": all_of_them})["changed"])
