"""Reads what a page says about itself and others: its links, its canonical address, and its rules for robots."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from ingest.errors import DocumentError
from ingest.sources.web.addresses import normal
from ingest.sources.web.charsets import text_codec

MAX_LINKS: Final = 10_000
_MAX_LINK_CHARS = 2**20
_MAX_SECONDS = 10.0
_PIECE_CHARS = 2**14
_DEEP = 256
"""At each end tag the parser searches all open tags. If a page leaves this many tags open, a new parser reads the rest.
Links do not need the tags around them.
"""
_RAW = frozenset(("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext"))
"""The text of these tags is not markup, whatever it looks like."""

_REFRESH = re.compile(r"[\d.\s]*[;,]\s*url\s*=\s*['\"]?([^'\"]+)", re.I)
_DECLARED = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.I)


@dataclass(slots=True)
class PageLinks:
    """`links` are normal addresses, each only once. There are none if the page asks robots not to follow them."""

    links: list[str] = field(default_factory=list)
    canonical: str | None = None
    is_indexed: bool = True


def read_links(
    data: bytes, url: str, charset: str | None, agent: str, is_ended: Callable[[], bool] = lambda: False
) -> PageLinks:
    """Returns what the page at `url` says to the robot `agent`. Parts that cannot be read are left out.

    Raises DocumentError `too_slow` if it takes more than 10 seconds of processor time of this thread, and
    `web_unreachable` as soon as `is_ended` returns True.
    """
    declared = _DECLARED.search(data[:4096])
    names = (charset, declared[1].decode("ascii") if declared else None, "utf-8")
    reader = _Reader(url, agent)
    began = time.thread_time()
    parser = _parser(reader)
    for piece in _pieces(decoded(data, *(name for name in names if name))):
        if is_ended():
            raise DocumentError("web_unreachable", f"{url} was not read: the run was ended.", "Run again.")
        if time.thread_time() - began > _MAX_SECONDS:
            raise DocumentError("too_slow", f"The links of {url} take too long to read.", "Exclude it from the source.")
        if reader.is_deep:
            parser.close()
            parser = _parser(reader)
        parser.feed(piece.encode("utf-8", "replace"))
    parser.close()
    found = reader.found
    if reader.is_nofollow:
        found.links = []
    return found


def _parser(reader: _Reader) -> etree.HTMLParser:
    return etree.HTMLParser(target=reader, encoding="utf-8", recover=True, no_network=True, huge_tree=False)


def _pieces(text: str) -> Iterator[str]:
    """Yields the text in pieces. Each piece begins where a tag may begin, if there is such a place."""
    start = 0
    while start < len(text):
        end = start + _PIECE_CHARS
        if end < len(text) and (tag := text.rfind("<", start + 1, end)) > 0:
            end = tag
        yield text[start:end]
        start = end


def decoded(data: bytes, *charsets: str) -> str:
    """Returns the text in the first of these encodings that exists. Bytes that do not fit are replaced."""
    known = (text_codec(name) for name in charsets)
    return data.decode(next(filter(None, known), "utf-8"), errors="replace")


def robots_words(text: str, agent: str) -> set[str]:
    """Returns the words of a robots meta tag or an `X-Robots-Tag` that are meant for all robots or for `agent`."""
    words: set[str] = set()
    addressed = True
    for part in text.lower().split(","):
        name, colon, rest = part.partition(":")
        if colon and name.strip() not in ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"):
            addressed = name.strip() == agent.lower()
            part = rest
        if addressed:
            words.add(part.strip())
    return words


class _Reader:
    """Receives each tag from the parser. `is_deep`: many tags are open, and a new parser may begin at the next one."""

    def __init__(self, url: str, agent: str) -> None:
        self.found = PageLinks()
        self.is_nofollow = False
        self._url = url
        self._agent = agent.lower()
        self._base = url
        self._seen: set[str] = set()
        self._chars = 0
        self._depth = 0
        self._is_raw = False

    @property
    def is_deep(self) -> bool:
        return self._depth > _DEEP and not self._is_raw

    def close(self) -> None:
        """End the parser, and everything that is still open."""
        self._depth = 0

    def end(self, tag: str) -> None:
        """The parser calls this at an end tag."""
        self._depth -= 1
        self._is_raw = False

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        """The parser calls this at a start tag."""
        self._depth += 1
        self._is_raw = tag in _RAW
        if tag == "base" and given.get("href"):
            self._base = normal(given["href"], self._url) or self._base
        elif tag in ("a", "area"):
            if "nofollow" not in given.get("rel", "").lower().split():
                self._link(given.get("href"))
        elif tag in ("iframe", "frame"):
            self._link(given.get("src"))
        elif tag == "link":
            self._related(given)
        elif tag == "meta":
            self._meta(given)

    def _related(self, given: Mapping[str, str]) -> None:
        relations = given.get("rel", "").lower().split()
        if "canonical" in relations:
            self.found.canonical = self.found.canonical or normal(given.get("href", ""), self._base)
        elif {"next", "prev"} & set(relations):
            self._link(given.get("href"))

    def _meta(self, given: Mapping[str, str]) -> None:
        content = given.get("content", "")
        if given.get("name", "").lower() in ("robots", self._agent):
            words = robots_words(content, self._agent)
            self.found.is_indexed = self.found.is_indexed and not {"noindex", "none"} & words
            self.is_nofollow = self.is_nofollow or bool({"nofollow", "none"} & words)
        elif given.get("http-equiv", "").lower() == "refresh" and (target := _REFRESH.match(content)):
            self._link(target[1])

    def _link(self, href: str | None) -> None:
        if not href or href.startswith("#") or len(self._seen) >= MAX_LINKS or self._chars >= _MAX_LINK_CHARS:
            return
        url = normal(href, self._base)
        if url is not None and url not in self._seen:
            self._seen.add(url)
            self._chars += len(url)
            self.found.links.append(url)
