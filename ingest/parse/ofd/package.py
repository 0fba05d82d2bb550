"""Finds the parts of an OFD file by the paths that other parts name."""

from __future__ import annotations

import posixpath
import zipfile
from typing import Any

from lxml import etree

from ingest.parse.office.ooxml import xml


class Package:
    """An open OFD file. Paths are compared without case, because some programs write them in another case."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = {name.replace("\\", "/").strip("/").lower(): name for name in archive.namelist()}

    def located(self, place: str | None, beside: str, folder: str = "") -> str | None:
        """Returns the path of the part that `place` names in the part `beside`, or None if there is no such part.

        A path is relative to the part that names it, or to `folder` there. Some programs write it from the root.
        """
        place = (place or "").strip().replace("\\", "/")
        if not place:
            return None
        here = posixpath.dirname(beside)
        for above in ((here, folder), (here,), ()) if not place.startswith("/") else ((),):
            path = posixpath.normpath(posixpath.join("/", *above, place.lstrip("/"))).lstrip("/")
            if path.lower() in self._members:
                return path
        return None

    def content(self, path: str) -> bytes:
        """Returns the bytes of a part that `located` has found."""
        return self._archive.read(self._members[path.lower()])

    def root(self, path: str | None) -> Any:
        """Returns the root element of a part. Returns None if there is none, or if it is no XML."""
        if path is None or path.lower() not in self._members:
            return None
        try:
            return xml(self.content(path))
        except etree.XMLSyntaxError:
            return None


def text_of(node: Any, path: str) -> str:
    """Returns the text at a path such as `CommonData/PageArea` below a node, in any namespace. Returns an empty text if
    it is missing.
    """
    found = node.findtext("/".join(f"{{*}}{name}" for name in path.split("/")))
    return str(found or "").strip()
