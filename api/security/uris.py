"""Says which part of a document's address is shown: all of it to the operator, and no path of a server to a reader.

The address of a web page is its link, and the address of an upload is its path. Everybody sees these. The address of a
file is its path on a server, which only the operator sees. A reader sees the path inside the source, `hr/leave.pdf`.
The source of the command line has no folder of its own. There a reader sees the file's name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence

from ingest.access import OPERATOR, Reader
from ingest.archives.names import SEPARATOR, split_uri
from ingest.sources.settings import FolderSettings, FsspecSettings, SourceSettings
from ingest.uploads.register import PUSH

ShownUri = Callable[[str, str], str]
"""Returns the shown uri of a document, from its source and its uri."""

_LINK = re.compile(r"https?://", re.IGNORECASE)
_ON_A_SERVER = re.compile(r"[/\\]|[A-Za-z]:[/\\]|[A-Za-z][A-Za-z0-9+.-]*:")
_USER = re.compile(r"(?<=://)[^/@]*+@")


def uris_for(reader: Reader, sources: Sequence[SourceSettings]) -> ShownUri:
    """Returns the function that shows this reader the uris of documents in these sources."""
    if reader == OPERATOR:
        return lambda source, uri: uri
    roots = {source.name: root for source in sources if (root := _root(source))}
    webs = {source.name for source in sources if source.type == "web"}

    def shown(source: str, uri: str) -> str:
        if source == PUSH:
            return uri
        known = roots.get(source)
        if known is not None and uri.startswith(f"{known}/"):
            return uri[len(known) + 1 :]
        link = _LINK.match(uri) and (source in webs or known is None)
        return uri if link or not _ON_A_SERVER.match(uri) else _name(uri)

    return shown


def _root(source: SourceSettings) -> str | None:
    if isinstance(source, FolderSettings):
        return os.path.abspath(source.path).rstrip("/")  # noqa: PTH100 - as the folder's documents are named
    if isinstance(source, FsspecSettings):
        return _USER.sub("", source.url.partition("?")[0]).rstrip("/")
    return None


def _name(uri: str) -> str:
    """Returns the name of the file. For an archive, the path in it follows."""
    parts = split_uri(uri)
    head, inner = parts or (uri, "")
    name = re.split(r"[/\\]", head.rstrip("/\\"))[-1]
    return f"{name}{SEPARATOR}{inner}" if parts else name
