"""Sitemaps (sitemaps.org): XML or plain lists of addresses, and indexes of them, packed or not."""

from __future__ import annotations

import zlib
from xml.parsers import expat

from ingest.errors import DocumentError
from ingest.sources.addresses import normal

MAX_BYTES = 50 * 2**20
_MAX_URLS = 50_000


def read_sitemap(data: bytes, url: str) -> tuple[list[str], bool]:
    """The addresses that a sitemap lists, and whether they are of sitemaps again.

    Raises DocumentError `sitemap_unreadable`.
    """
    if data.startswith(b"\x1f\x8b"):
        data = _unpacked(data, url)
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        lines = data.decode("utf-8-sig", errors="replace").split()
        return _normal(lines), False
    reader = _Reader(url)
    try:
        reader.parse(data)
    except expat.ExpatError as error:
        raise _unreadable(url, str(error)) from None
    if reader.root not in ("urlset", "sitemapindex"):
        raise _unreadable(url, f"it is not a sitemap but {reader.root!r}")
    return _normal(reader.found), reader.root == "sitemapindex"


class _Reader:
    """Collects the `loc` of each `url` and `sitemap`, whatever the namespace; those of images are left out."""

    def __init__(self, url: str) -> None:
        self.root = ""
        self.found: list[str] = []
        self._url = url
        self._path: list[str] = []
        self._text = ""

    def parse(self, data: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take
        parser.StartDoctypeDeclHandler = self._refuse
        parser.Parse(data, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(" ")[2])
        self.root = self.root or self._path[0]
        self._text = ""

    def _end(self, name: str) -> None:
        if self._path[1:] in (["url", "loc"], ["sitemap", "loc"]) and len(self.found) < _MAX_URLS:
            self.found.append(self._text)
        self._path.pop()

    def _take(self, text: str) -> None:
        self._text += text

    def _refuse(self, *declared: object) -> None:
        # Entities are the one thing in XML that can blow up, and no sitemap needs them.
        raise _unreadable(self._url, "it declares a document type")


def _unpacked(data: bytes, url: str) -> bytes:
    try:
        unpacking = zlib.decompressobj(wbits=31)
        plain = unpacking.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise _unreadable(url, str(error)) from None
    if unpacking.unconsumed_tail:
        raise _unreadable(url, "it is larger than 50 MiB")
    return plain


def _normal(urls: list[str]) -> list[str]:
    return [found for url in dict.fromkeys(urls) if (found := normal(url)) is not None]


def _unreadable(url: str, reason: str) -> DocumentError:
    return DocumentError(
        "sitemap_unreadable", f"The sitemap {url} cannot be read: {reason}.", "Correct it on the site."
    )
