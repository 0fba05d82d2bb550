"""Finds links, images and tags in a model's Markdown. They could make a reader's program fetch or open something."""

from __future__ import annotations

import re

from ingest.document import Chunk

LINK = re.compile(
    r"\[(?P<label>[^\[\]\n]{0,300})\]\([ \t]*+<?(?P<target>[^()<>\s]{0,500})>?"
    r"(?:[ \t]++(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'))?[ \t]*+\)"
)
"""Matches the simple form of a link, or of an image without its exclamation mark. Other forms are broken by a blank."""
UNFINISHED_LINK = re.compile(r"\[[^\[\]\n]{0,300}+(?:\](?:\([^()\n]{0,500}+)?)?")
AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]{0,500})>")
DROPPED_TAG = re.compile(r"</?(?:img|a)\b[^<>]{0,500}>", re.IGNORECASE)
"""Matches the tag of an image or of a link. The tag is dropped, and the text of a link stays."""
LINE_BREAK = re.compile(r"<br[ ]?/?>", re.IGNORECASE)
TAG = re.compile(r"<[A-Za-z/!?]")
UNFINISHED_TAG = re.compile(r"<(?:[A-Za-z/!?][^<>\n]{0,500})?")

_ADDRESS = re.compile(r"https?://[^\s<>\"'`()\[\]|，。；！？、（）《》【】“”]++", re.IGNORECASE)
_TRAILING = ".,;:!?*_~"


def addresses(chunk: Chunk) -> frozenset[str]:
    """Returns the web addresses in a chunk, each as a whole, with and without the punctuation at its end."""
    found = _ADDRESS.findall(chunk.text)
    return frozenset(found) | frozenset(address.rstrip(_TRAILING) for address in found)
