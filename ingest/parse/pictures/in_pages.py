"""Reads the pictures that a web page, a mail or a Markdown text names by addresses."""

from __future__ import annotations

from collections.abc import Callable

from ingest.parse.pictures.embedded import Pictures
from ingest.parse.pictures.svg import data_of


class PagePictures:
    """The pictures of a page. Called with an address, it gives the paragraphs in the picture when it comes for the
    first time. A picture that is not in the document is counted: nothing is fetched.
    """

    def __init__(self, pictures: Pictures, find: Callable[[str], bytes | None] = lambda address: None) -> None:
        """`find` gives the bytes of a picture that the document has beside the page, by its address, or None."""
        self._pictures = pictures
        self._find = find
        self._seen: set[str] = set()

    def __call__(self, address: str) -> tuple[str, ...]:
        if address in self._seen:
            return ()
        self._seen.add(address)
        data = data_of(address) if address[:5].lower() == "data:" else self._find(address)
        if data is None:
            self._pictures.give_up()
            return ()
        return self._pictures.texts(data)
