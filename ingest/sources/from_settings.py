"""Makes sources from their settings."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import ConfigurationError, RequestError
from ingest.settings import IngestSettings
from ingest.sources import Source
from ingest.sources.archives import ArchiveSource
from ingest.sources.folder import FolderSource
from ingest.sources.selection import Selection
from ingest.sources.settings import FolderSettings, FsspecSettings, SourceSettings, WebSettings

if TYPE_CHECKING:
    from ingest.sources.remote.source import RemoteSource
    from ingest.sources.web.source import WebSource


def open_source(source: SourceSettings, settings: IngestSettings) -> Source:
    """Returns the source that these settings describe. It reads nothing and connects to nothing until it is listed.

    Raises ConfigurationError if a package that it needs is missing.
    """
    if isinstance(source, WebSettings):
        # Where all sources are folders, a server starts without the clients of other sources.
        web: type[WebSource] = importlib.import_module("ingest.sources.web.source").WebSource
        return web(source, settings)
    opened: FolderSource | RemoteSource
    if isinstance(source, FolderSettings):
        opened = FolderSource.of(source, settings.home)
    elif isinstance(source, FsspecSettings):
        remote: type[RemoteSource] = importlib.import_module("ingest.sources.remote.source").RemoteSource
        opened = remote(source, max_file_mb=settings.max_file_mb, home=settings.home)
    else:
        raise ConfigurationError("unknown_source_type", f"Sources of type {source.type!r} cannot be read yet.")
    return ArchiveSource(opened, settings, Selection.of(source, hidden=source.hidden)) if source.archives else opened


def open_paths(paths: Iterable[Path], settings: IngestSettings) -> Source:
    """Returns the source `local` for these files and folders of this machine. Archives are treated as folders."""
    return ArchiveSource(FolderSource(paths, archives=True, home=settings.home), settings)


def files_holding(uris: Iterable[str]) -> list[Path]:
    """Returns the existing files of this machine that hold these documents.

    A file is the document itself or its archive.
    """
    files: set[Path] = set()
    for uri in uris:
        path = Path(uri)
        while not path.exists() and path != path.parent:
            path = path.parent
        if path.is_file():
            files.add(path)
    return sorted(files)


def open_sources(settings: IngestSettings) -> list[Source]:
    """Returns all enabled sources, in the order of the settings. Raises the same errors as `open_source`."""
    return [open_source(source, settings) for source in settings.sources if source.enabled]


def named(settings: IngestSettings, name: str) -> SourceSettings:
    """Returns the settings of the source called `name`. Raises RequestError if there is none."""
    for source in settings.sources:
        if source.name == name:
            return source
    known = ", ".join(source.name for source in settings.sources)
    raise RequestError(
        "unknown_source",
        f"No source is called {name!r}.",
        f"{f'The sources are: {known}.' if known else 'Add it to youju.toml under [[sources]].'} "
        "A server that runs sees a new one once it is restarted.",
    )
