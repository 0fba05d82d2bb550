"""Reads sitemaps (sitemaps.org): XML or plain lists of addresses, and indexes of sitemaps, packed or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from xml.parsers import expat

from ingest.errors import DocumentError
from ingest.sources.web.addresses import MAX_URL, normal
from ingest.sources.web.content_coding import unpacked

MAX_BYTES = 50 * 2**20
_MAX_URLS = 50_000
_MAX_DEPTH = 50
_MAX_TAG_BYTES = 2**20
_MAX_WORD_BYTES = 4 * MAX_URL
_PIECE_BYTES = 64 * 1024


def read_sitemap(path: Path, url: str) -> tuple[list[str], bool]:
    """Returns the addresses in the sitemap file, at most 50,000, and True if they are addresses of sitemaps again.

    The file is read in pieces and is never in memory as a whole. Raises DocumentError `sitemap_unreadable`.
    """
    pieces = _pieces(path, url)
    first = next(pieces, b"").lstrip(b"\xef\xbb\xbf \t\r\n")
    if not first.startswith(b"<"):
        return _normal(_words(chain([first], pieces))), False
    reader = _Reader(url)
    try:
        reader.parse(chain([first], pieces))
    except expat.ExpatError as error:
        raise _unreadable(url, str(error)) from None
    if reader.root not in ("urlset", "sitemapindex"):
        raise _unreadable(url, f"it is not a sitemap but {reader.root[:40]!r}")
    return _normal(reader.found), reader.root == "sitemapindex"


class _Reader:
    """Collects the `loc` of each `url` and `sitemap` in any namespace. The `loc` of an image is left out."""

    def __init__(self, url: str) -> None:
        self.root = ""
        self.found: list[str] = []
        self._url = url
        self._path: list[str] = []
        self._text = ""

    def parse(self, pieces: Iterable[bytes]) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take
        parser.StartDoctypeDeclHandler = self._refuse
        given = 0
        for piece in pieces:
            parser.Parse(piece, False)
            given += len(piece)
            if given - parser.CurrentByteIndex > _MAX_TAG_BYTES:  # expat keeps a tag until it ends
                raise _unreadable(self._url, "a tag in it does not end")
        parser.Parse(b"", True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= _MAX_DEPTH:
            raise _unreadable(self._url, "its tags are nested too deep")
        self._path.append(name.rpartition(" ")[2])
        self.root = self.root or self._path[0]
        self._text = ""

    def _end(self, name: str) -> None:
        if self._path[1:] in (["url", "loc"], ["sitemap", "loc"]) and len(self.found) < _MAX_URLS:
            self.found.append(self._text)
        self._path.pop()

    def _take(self, text: str) -> None:
        if len(self._text) <= MAX_URL:  # a longer text is not an address
            self._text += text

    def _refuse(self, *declared: object) -> None:
        # Entities are the only part of XML that can grow without limit, and no sitemap needs them.
        raise _unreadable(self._url, "it declares a document type")


def _pieces(path: Path, url: str) -> Iterator[bytes]:
    """Yields the sitemap in pieces. A packed file is unpacked."""
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        size = 0
        try:
            for piece in unpacked(iter(lambda: file.read(_PIECE_BYTES), b""), "gzip" if is_packed else ""):
                size += len(piece)
                if size > MAX_BYTES:
                    raise _unreadable(url, "it is larger than 50 MiB")
                yield piece
        except DocumentError as error:
            raise error if error.code == "sitemap_unreadable" else _unreadable(url, error.message) from None


def _words(pieces: Iterable[bytes]) -> list[str]:
    """Returns the addresses of a plain list."""
    found: list[str] = []
    rest = b""
    for piece in pieces:
        words = (rest + piece).split()
        ends_in_word = bool(piece) and not piece[-1:].isspace()
        rest = words.pop()[:_MAX_WORD_BYTES] if words and ends_in_word else b""
        found += (word.decode("utf-8", errors="replace") for word in words if len(word) <= _MAX_WORD_BYTES)
        if len(found) >= _MAX_URLS:
            return found[:_MAX_URLS]
    return [*found, rest.decode("utf-8", errors="replace")]


def _normal(urls: list[str]) -> list[str]:
    return [found for url in dict.fromkeys(urls) if (found := normal(url)) is not None]


def _unreadable(url: str, reason: str) -> DocumentError:
    return DocumentError(
        "sitemap_unreadable", f"The sitemap {url} cannot be read: {reason}.", "Correct it on the site."
    )
