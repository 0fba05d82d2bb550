"""Makes a web page ready for its reader: what nobody sees, what is struck through and lists of contents go, what a
person can open stays, and links say where they lead.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from ingest.parse.text.html_contents import drop_contents
from ingest.parse.text.html_drawings import write_drawings
from ingest.parse.text.html_links import shown_on, write_targets
from ingest.parse.text.html_numbers import show_numbers
from ingest.parse.text.html_styles import has_no_size, is_hidden, is_struck, styles_of

_OPENED = {"details": "div", "summary": "div", "figure": "div", "figcaption": "p", "form": "div", "dialog": "div",
           "del": "ins"}  # fmt: skip
"""Tags that the reader of pages leaves out with their text, though a person can read it, and others instead."""
_OPENERS = "//@aria-controls | //@data-target | //@data-bs-target | //a/@href"
_MARKS = frozenset({"class", "id", "style"})
_FRAMES_DEEP = 4
_PAGE_ITSELF = frozenset({"html", "head", "body"})
"""Scripts show what is hidden of these when the page has loaded."""
_LAID_OUT = frozenset({"td", "th", "tr", "tbody", "thead", "tfoot", "li", "dt", "dd"})
"""Parts of tables and lists. Nothing else may stand in their place."""


def prepare(page: Any, address: str | None = None) -> None:
    """Change a parsed page to what a person reads of it. `address` is where it was found; links are relative to it."""
    _open_frames(page)
    _clear_unseen(page)
    drop_contents(page)
    for node in page.iter(*_OPENED):
        node.tag = _OPENED[node.tag]
    for caption in list(page.iter("caption")):
        _say_before(caption)
    show_numbers(page)
    shown = shown_on(page, address)
    write_drawings(page, shown)
    write_targets(page, shown)


def _open_frames(page: Any) -> None:
    """Put the page that a frame has in itself (`srcdoc`) into its place, and those that its frames have."""
    for _ in range(_FRAMES_DEEP):
        for frame in page.xpath("//iframe[@srcdoc]"):
            inside, tail = frame.attrib.pop("srcdoc"), frame.tail
            with suppress(etree.ParserError):  # it has nothing in it
                shown = lxml_html.fragment_fromstring(inside, create_parent="div")
                frame.tag, frame.text, frame[:] = "div", None, [shown]
                frame.tail = tail


def _clear_unseen(page: Any) -> None:
    """Remove what is hidden or struck through. What a control of the page opens (a tab, a fold) is content."""
    styles = styles_of(page)
    opened = {word.removeprefix("#") for value in page.xpath(_OPENERS) for word in value.split()}
    unseen, blank = [], []
    is_blank, is_sizeless = [False], [False]
    walk = etree.iterwalk(page, events=("start", "end"))
    for event, node in walk:
        if event == "end":
            is_blank.pop()
            is_sizeless.pop()
            continue
        stated = styles.of(node)
        visibility = stated.get("visibility", "inherit") if node.tag not in _PAGE_ITSELF else "visible"
        is_blank.append(is_blank[-1] if visibility == "inherit" else visibility in ("hidden", "collapse"))
        # What has marks of its own may get its size from a rule that is not followed.
        is_marked = "size" in stated or not _MARKS.isdisjoint(node.attrib)
        is_sizeless.append(has_no_size(stated) if is_marked else is_sizeless[-1])
        if node.tag in _PAGE_ITSELF:
            continue
        is_closed = node.tag == "dialog" and "open" not in node.attrib
        if is_struck(stated) or ((is_hidden(stated) or is_closed) and node.get("id") not in opened):
            unseen.append(node)
            walk.skip_subtree()
        elif is_blank[-1] or is_sizeless[-1]:
            blank.append(node)
    for node in unseen:
        _remove(node)
    for node in blank:
        node.text = None
        for child in node:
            child.tail = None


def _say_before(caption: Any) -> None:
    """Put the title of a table before it. It is no row of the table, and its reader would leave it out."""
    table = next(caption.iterancestors("table"), None)
    if table is not None:
        caption.drop_tree()
        caption.tag = "p"
        caption.tail = None
        table.addprevious(caption)


def _remove(node: Any) -> None:
    """Remove an element. The text behind it stays, so a place without text stays too, where one may stand."""
    parent = node.getparent()
    if parent is not None and node.tag in _LAID_OUT and not (node.tail or "").strip():
        parent.remove(node)
        return
    # To join the text behind each with the text before it would take quadratic time.
    node.clear(keep_tail=True)
    node.tag = "span"
