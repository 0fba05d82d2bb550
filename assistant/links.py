"""The links, images and tags of a model's Markdown: what could make a reader's program fetch or open something."""

from __future__ import annotations

import re

from ingest.document import Chunk

LINK = re.compile(
    r"\[(?P<label>[^\[\]\n]{0,300})\]\([ \t]*+<?(?P<target>[^()<>\s]{0,500})>?"
    r"(?:[ \t]++(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'))?[ \t]*+\)"
)
"""A link, or an image without its exclamation mark, in the simple form. Other forms are broken apart."""
UNFINISHED_LINK = re.compile(r"\[[^\[\]\n]{0,300}+(?:\](?:\([^()\n]{0,500}+)?)?")
AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]{0,500})>")
DROPPED_TAG = re.compile(r"</?(?:img|a)\b[^<>]{0,500}>", re.IGNORECASE)
"""An image goes, and of a link the text stays."""
LINE_BREAK = re.compile(r"<br[ ]?/?>", re.IGNORECASE)
TAG = re.compile(r"<[A-Za-z/!?]")
UNFINISHED_TAG = re.compile(r"<(?:[A-Za-z/!?][^<>\n]{0,500})?")

_ADDRESS = re.compile(r"https?://[^\s<>\"'`()\[\]|，。；！？、（）《》【】“”]++", re.IGNORECASE)
_TRAILING = ".,;:!?*_~"


def addresses(chunk: Chunk) -> frozenset[str]:
    """The web addresses that stand in a chunk, each as a whole."""
    found = _ADDRESS.findall(chunk.text)
    return frozenset(found) | frozenset(address.rstrip(_TRAILING) for address in found)
