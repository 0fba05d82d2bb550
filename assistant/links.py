"""Finds links, images and tags in a model's Markdown. They could make a reader's program fetch or open something."""

from __future__ import annotations

import re

from ingest.document import Chunk

_NOT_IN_ADDRESS = r"\s<>\"'`()\[\]|，。；！？、（）《》【】“”"
LINK = re.compile(
    r"\[(?P<label>[^\[\]\n]{0,300})\]\([ \t]*+<?(?P<target>[^()<>\s]{0,500})>?"
    r"(?:[ \t]++(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'))?[ \t]*+\)"
)
"""Matches the simple form of a link, or of an image without its exclamation mark. Other forms are broken by a blank."""
UNFINISHED_LINK = re.compile(r"\[[^\[\]\n]{0,300}+(?:\](?:\([^()\n]{0,500}+)?)?")
AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]{0,500})>")
DROPPED_TAG = re.compile(r"</?(?:img|a)\b[^<>]{0,500}>", re.IGNORECASE)
"""Matches the tag of an image or of a link. The tag is dropped, and the text of a link stays."""
BARE_ADDRESS = re.compile(rf"(?P<scheme>https?:(?=//)|ftp:(?=//)|www\.)[^{_NOT_IN_ADDRESS}]{{0,500}}+", re.IGNORECASE)
"""Matches a web address that stands in the text. Many programs make a link of it, unless it has a blank behind
`scheme`."""
UNFINISHED_ADDRESS = re.compile(r"(?:h(?:t(?:tp?(?:s?(?::/?)?)?)?)?|f(?:tp?(?::/?)?)?|w(?:ww?)?)\Z", re.IGNORECASE)
LINE_BREAK = re.compile(r"<br[ ]?/?>", re.IGNORECASE)
TAG = re.compile(r"<[A-Za-z/!?]")
UNFINISHED_TAG = re.compile(r"<(?:[A-Za-z/!?][^<>\n]{0,500})?")
OPENING = re.compile(
    r"(?<!\s)\s*+[\[［【<]|!(?=\[|\Z)|\](?=[(:]|\Z)|(?<![ \t])[ \t]++\Z"
    rf"|(?i:https?://|ftp://|www\.|{UNFINISHED_ADDRESS.pattern})"
)
"""Matches where a citation marker, a link, an image, a tag or an address may begin. It also matches the blanks before a
marker: one that is dropped takes them with it."""
_TO_MARKER = re.compile(r"[^。！？!?；;\n\[［【]*+[。！？!?；;]?+[ \t]*+(?=[\[［【]|\Z)")
_TO_NEXT = re.compile(r"(?:[^\[［【\n]++|\n(?![ \t]*+\n))*+")

_ADDRESS = re.compile(rf"(?:https?://|www\.)[^{_NOT_IN_ADDRESS}]++", re.IGNORECASE)
_TRAILING = ".,;:!?*_~"


def sentence_ahead(text: str, start: int) -> re.Match[str] | None:
    """Returns the rest of a sentence up to its marker, or None if no marker ends it."""
    return _TO_MARKER.match(text, start)


def paragraph_ahead(text: str, start: int) -> re.Match[str] | None:
    """Returns the rest of a paragraph up to the next bracket. It is never None."""
    return _TO_NEXT.match(text, start)


def without_end(address: str) -> str:
    """Returns an address without the punctuation at its end, which belongs to the sentence around it."""
    return address.rstrip(_TRAILING)


def addresses(chunk: Chunk) -> frozenset[str]:
    """Returns the web addresses in a chunk, each as a whole, with and without the punctuation at its end."""
    found = _ADDRESS.findall(chunk.text)
    return frozenset(found) | frozenset(without_end(address) for address in found)
