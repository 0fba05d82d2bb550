"""`youju search` finds the passages that match a query."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from api.cli.connection import ONLY_SOURCE, connect, scope
from api.cli.output import console, print_changed, print_json, titled_place
from api.settings import load_settings

app = typer.Typer()

_SHOWN_CHARS = 200


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="Write what to look for.")],
    source: Annotated[list[str] | None, typer.Option(help=ONLY_SOURCE)] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Print at most this many passages.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Find the passages that match a query. The best one comes first."""
    with connect(load_settings(), command="search") as connection:
        found = connection.post("/v1/search", {"query": query, "limit": limit} | scope(source))
    if as_json:
        print_json(found)
        return
    print_changed(found)
    for hit in found["hits"]:
        title, place = titled_place(hit)
        console.print(f"[cyan]{hit['number']:>2}[/cyan]  [bold]{escape(title)}[/bold]{escape(place)}")
        console.print(f"    {escape(' '.join(hit['text'].split())[:_SHOWN_CHARS])}")
        console.print(f"    [dim]{escape(hit['uri'])}  score {hit['score']:.3f}[/dim]")
    if not found["hits"]:
        console.print("Nothing matches. `youju documents` lists what there is to be found.")
