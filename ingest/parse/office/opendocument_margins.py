"""The headers and footers of OpenDocument texts. They stand with the page styles and not with the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

_NAMES = "{{urn:oasis:names:tc:opendocument:xmlns:{}:1.0}}"
_STYLE, _OFFICE = map(_NAMES.format, ("style", "office"))
_KINDS = {
    where: tuple(f"{_STYLE}{where}{which}" for which in ("", "-left", "-first")) for where in ("header", "footer")
}
_DEFAULT = "Standard"
"""The page style of a text that names none."""


def margins(roots: Sequence[etree._Element], where: str) -> Iterator[etree._Element]:
    """Yields the headers or the footers (`where`) that pages of the text show. `roots` are `styles.xml` and
    `content.xml`.
    """
    pages = {
        page.get(f"{_STYLE}name", ""): page
        for root in roots
        for page in root.iterfind(f".//{_OFFICE}master-styles/{_STYLE}master-page")
    }
    stated = {style.get(f"{_STYLE}master-page-name", "") for root in roots for style in root.iter(f"{_STYLE}style")}
    shown = [name for name in pages if name in stated or name == _DEFAULT] or list(pages)[:1]
    # A page style may name the one of the pages behind it: a title page, and then the others.
    for name in shown:
        following = pages[name].get(f"{_STYLE}next-style-name", name)
        if following in pages and following not in shown:
            shown.append(following)
    for name in shown:
        for kind in _KINDS[where]:
            for margin in pages[name].iterchildren(kind):
                if margin.get(f"{_STYLE}display") != "false":
                    yield margin
