"""What a page says about itself and others: its links, its canonical address, and what it asks of robots."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from ingest.sources.addresses import normal
from ingest.sources.charsets import text_codec

MAX_LINKS: Final = 10_000
_MAX_LINK_CHARS = 2**20

_REFRESH = re.compile(r"[\d.\s]*[;,]\s*url\s*=\s*['\"]?([^'\"]+)", re.I)
_DECLARED = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.I)


@dataclass(slots=True)
class PageLinks:
    """`links` are normal addresses, each once; none where the page asks that they not be followed."""

    links: list[str] = field(default_factory=list)
    canonical: str | None = None
    is_indexed: bool = True


def read_links(data: bytes, url: str, charset: str | None, agent: str) -> PageLinks:
    """What the page at `url` says to the robot `agent`. Never fails: what cannot be read is left out."""
    declared = _DECLARED.search(data[:4096])
    names = (charset, declared[1].decode("ascii") if declared else None, "utf-8")
    reader = _Reader(url, agent)
    try:
        reader.feed(decoded(data, *(name for name in names if name)))
        reader.close()
    except AssertionError:  # the standard library's way to say that a declaration makes no sense
        pass
    found = reader.found
    if reader.is_nofollow:
        found.links = []
    return found


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


class _Reader(HTMLParser):
    def __init__(self, url: str, agent: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found = PageLinks()
        self.is_nofollow = False
        self._url = url
        self._agent = agent.lower()
        self._base = url
        self._seen: set[str] = set()
        self._chars = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
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

    def _related(self, given: dict[str, str]) -> None:
        relations = given.get("rel", "").lower().split()
        if "canonical" in relations:
            self.found.canonical = self.found.canonical or normal(given.get("href", ""), self._base)
        elif {"next", "prev"} & set(relations):
            self._link(given.get("href"))

    def _meta(self, given: dict[str, str]) -> None:
        content = given.get("content", "")
        if given.get("name", "").lower() in ("robots", self._agent):
            words = robots_words(content, self._agent)
            self.found.is_indexed = self.found.is_indexed and not {"noindex", "none"} & words
            self.is_nofollow = self.is_nofollow or bool({"nofollow", "none"} & words)
        elif given.get("http-equiv", "").lower() == "refresh" and (target := _REFRESH.match(content)):
            self._link(target[1])

    def _link(self, href: str | None) -> None:
        url = normal(href, self._base) if href and not href.startswith("#") else None
        if url is not None and url not in self._seen and len(self._seen) < MAX_LINKS and self._chars < _MAX_LINK_CHARS:
            self._seen.add(url)
            self._chars += len(url)
            self.found.links.append(url)
