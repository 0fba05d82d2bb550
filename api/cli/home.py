"""`youju home` joins a home and a database that do not know each other."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from api.cli.output import console, print_json
from api.settings import Settings, load_settings
from ingest.catalog.catalog import Catalog
from ingest.home.database import open_database
from ingest.home.identity import adopt as join
from ingest.home.lock import Ownership
from ingest.home.originals import Originals
from ingest.uploads.register import Stock, Uploads
from ingest.uploads.source import published_digests
from ingest.versions.register import Versions

app = typer.Typer(no_args_is_help=True, help="Manage the pair of the home and its database.")


@app.callback()
def home() -> None:
    """Manage the pair of the home and its database."""


@app.command()
def adopt(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Join the home and the database of the settings. Do this after the error `other_catalog` or `other_home`.

    Nothing is deleted. Originals that the database does not know stay where they are.
    """
    settings = load_settings()
    with closing(Ownership.take(settings.home, "home")):
        database = open_database(settings)
        try:
            adoption = join(database, settings.home)
        finally:
            database.dispose()
        stock = count_originals(settings)
    if as_json:
        print_json({**asdict(adoption), "originals": asdict(stock)})
        return
    console.print(f"The home {settings.home} now belongs to the catalog {adoption.catalog_id}.")
    if adoption.before is not None and adoption.before.catalog_id != adoption.catalog_id:
        console.print(f"Until now it belonged to {adoption.before.catalog_id}, which is refused from now on.")
    if stock.missing:
        console.print(f"[red]{stock.missing} uploaded documents have no file here[/red]: upload them again.")
    if stock.unknown:
        console.print(f"{stock.unknown} files in originals are unknown to this database. They stay.")


def count_originals(settings: Settings) -> Stock:
    """Count the originals of the home that the catalog knows, and those that it does not know. This takes no lock,
    because a server may own the home.
    """
    database = open_database(settings)
    try:
        catalog = Catalog(database, Versions(database).current().id)
        return Uploads(database, Originals(settings.home)).stock(published_digests(catalog))
    finally:
        database.dispose()
