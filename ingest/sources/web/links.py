"""What a page says about itself and others: its links, its canonical address, and what it asks of robots."""

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
"""The parser looks for what an end tag ends among all that is open; a page that leaves so much open is read by a new
one from there on. Links do not need what is around them."""
_RAW = frozenset(("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext"))
"""Their text is no markup, whatever it looks like."""

_REFRESH = re.compile(r"[\d.\s]*[;,]\s*url\s*=\s*['\"]?([^'\"]+)", re.I)
_DECLARED = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.I)


@dataclass(slots=True)
class PageLinks:
    """`links` are normal addresses, each once; none where the page asks that they not be followed."""

    links: list[str] = field(default_factory=list)
    canonical: str | None = None
    is_indexed: bool = True


def read_links(
    data: bytes, url: str, charset: str | None, agent: str, is_ended: Callable[[], bool] = lambda: False
) -> PageLinks:
    """What the page at `url` says to the robot `agent`. What cannot be read is left out.

    Raises DocumentError: `too_slow` where it takes more than 10 seconds of this thread; `web_unreachable` as soon as
    `is_ended` says so.
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
    """The text in pieces that begin where a tag may begin, as far as there are any."""
    start = 0
    while start < len(text):
        end = start + _PIECE_CHARS
        if end < len(text) and (tag := text.rfind("<", start + 1, end)) > 0:
            end = tag
        yield text[start:end]
        start = end


def decoded(data: bytes, *charsets: str) -> str:
    """The text in the first of these encodings that there is; what does not fit is replaced."""
    known = (text_codec(name) for name in charsets)
    return data.decode(next(filter(None, known), "utf-8"), errors="replace")


def robots_words(text: str, agent: str) -> set[str]:
    """The words of a robots meta tag or an `X-Robots-Tag` that are meant for all robots or for `agent`."""
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
    """Told by the parser of each tag; `is_deep`: many are open, and a new parser may begin at the next one."""

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
        """The parser ends, and with it what was open."""
        self._depth = 0

    def end(self, tag: str) -> None:
        """Called by the parser."""
        self._depth -= 1
        self._is_raw = False

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        """Called by the parser."""
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
