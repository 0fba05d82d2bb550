"""Reads web pages that are saved like a mail: single file web pages (MHT) of browsers and of Office, and exports of
Confluence.

The file has a head like a mail, the page, and its pictures. The head is no text: nobody wrote it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import urljoin

from ingest.document import Element
from ingest.parse.extracted import Extracted
from ingest.parse.html_word_markdown import read_html
from ingest.parse.mail.message import leaves, opened_mail, text_of
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.pictures.in_pages import PagePictures
from ingest.parse.text.plain import read_text

_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_FRAMES = re.compile(r"<frameset\b", re.I)
_FRAME = re.compile(r"<iframe\b([^<>]*)", re.I)
_SOURCE = re.compile(r"""\bsrc\s*+=\s*+(?:"([^"]++)"|'([^']++)')""", re.I)
_UNSEEN = re.compile(
    r"""\shidden(?=[\s=/]|$)|(?:display\s*+:\s*+none|visibility\s*+:\s*+hidden)|"""
    r"""\b(?:width|height)\s*+=\s*+["']?[01](?=["'\s]|$)""",
    re.I,
)


def read_web_archive(data: bytes, pictures: Pictures) -> Extracted:
    """Read the page, what is in frames on it, then the words in its pictures. A page of frames has its text in the
    pages behind it, as the workbooks have that Excel saves.
    """
    parts = list(leaves(opened_mail(data.lstrip(b"\xef\xbb\xbf \t\r\n"))))
    pages = [part for part in parts if part.get_content_type() in _PAGES]
    if not pages:
        plain = next((part for part in parts if part.get_content_type() == "text/plain"), None)
        return read_text(text_of(plain)) if plain is not None else Extracted(())
    beside = _beside(parts)
    words_of = PagePictures(pictures, lambda address: beside.get(address) or beside.get(address.rpartition("/")[2]))
    page = _read_page(pages[0], words_of)
    elements = page.elements
    text = text_of(pages[0])
    if _FRAMES.search(text):
        elements = tuple(element for part in pages[1:] for element in _read_page(part, words_of).elements)
    elif framed := _framed(text, _place(pages[0])):
        inside = (part for part in pages[1:] if not framed.isdisjoint(_names(part)))
        elements += tuple(element for part in inside for element in _read_page(part, words_of).elements)
    return Extracted((*elements, *_pictured(parts, pictures)), page.title)


def _framed(page: str, address: str) -> set[str]:
    """Returns the addresses of the pages that are shown in frames of a page. A frame of no size shows nothing."""
    found: set[str] = set()
    for tag in _FRAME.findall(page):
        source = _SOURCE.search(tag)
        if source and not _UNSEEN.search(tag):
            stated = html.unescape((source[1] or source[2]).strip())
            with suppress(ValueError):
                found |= {stated, urljoin(address, stated)}
    return found


def _names(part: EmailMessage) -> set[str]:
    """Returns the addresses by which a page may name a part. They are empty if nothing is stated."""
    identity = str(part.get("Content-ID") or "").strip().strip("<>")
    return {name for name in (_place(part), f"cid:{identity}" if identity else "") if name}


def _read_page(part: EmailMessage, words_of: PagePictures) -> Extracted:
    return read_html(text_of(part), _place(part), words_of)


def _place(part: EmailMessage) -> str:
    return " ".join(str(part.get("Content-Location") or "").split())


def _beside(parts: list[EmailMessage]) -> dict[str, bytes]:
    """Returns the pictures beside the page by the addresses that it may have for them: in full, as the last piece of
    it, or as the identity of the part.
    """
    found: dict[str, bytes] = {}
    for part in parts:
        payload = part.get_payload(decode=True) if part.get_content_maintype() == "image" else None
        if isinstance(payload, bytes):
            place, identity = _place(part), str(part.get("Content-ID") or "").strip().strip("<>")
            for name in (place, place.rpartition("/")[2], f"cid:{identity}"):
                found.setdefault(name, payload)
    return found


def _pictured(parts: list[EmailMessage], pictures: Pictures) -> Iterator[Element]:
    for part in parts:
        payload = part.get_payload(decode=True) if part.get_content_maintype() == "image" else None
        if isinstance(payload, bytes):
            yield from (Element("paragraph", text) for text in pictures.texts(payload))
