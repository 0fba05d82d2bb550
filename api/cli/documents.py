"""`youju documents`: what there is, and in which state."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.connection import connect
from api.cli.output import console, print_json
from api.settings import load_settings

app = typer.Typer()


@app.command()
def documents(
    failed: Annotated[bool, typer.Option("--failed", help="Only those that could not be ingested.")] = False,
    source: Annotated[str | None, typer.Option(help="Only those of this source.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the documents, their states, and why one failed."""
    parameters = {"failed": failed, **({"source": source} if source else {})}
    with connect(load_settings(), command="documents") as connection:
        listed = connection.get("/v1/documents", **parameters)
    if as_json:
        print_json(listed)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("state", "kind", "lang", "chunks", "title", "uri"):
        table.add_column(column, overflow="fold")
    for document in listed["documents"]:
        table.add_row(
            document["state"],
            document["kind"],
            document["language"],
            str(document["chunks"]),
            escape(document["title"]),
            escape(document["uri"]),
        )
        if document["error"]:
            table.add_row(
                "", "", "", "", f"[red]{document['error']['code']}[/red]", escape(document["error"]["message"])
            )
    console.print(table)
    console.print(f"{len(listed['documents'])} documents")
