"""Writes what a web page draws into it as ordinary text: image maps, SVG, and the VML of Office.

Office writes VML into comments, and beside them what browsers show instead. So only that is taken from these comments
that the page does not say anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from ingest.parse.links import says, with_shown
from ingest.parse.pictures.svg import read_svg
from ingest.parse.text.html_links import Shown, append_target
from ingest.parse.text.html_pictures import insert_words

_CONDITIONAL = re.compile(r"\[if\b[^\]]*+\]>(.*)<!\[endif\]\s*+\Z", re.S | re.I)
_VML = "v:"
_BLOCKS = frozenset({
    "p", "div", "center", "table", "tr", "td", "th", "li", "ul", "ol", "dl", "dt", "dd", "br", "hr", "h1", "h2", "h3",
    "h4", "h5", "h6", "body", "pre", "blockquote", "v:textbox",
})  # fmt: skip
_ICON = (64.0, 20.0)
"""In pixels. An SVG whose longer or shorter side is smaller is an icon."""
_NUMBER = re.compile(r"\s*+(\d{1,6}(?:\.\d{0,6})?)(?:px)?\s*+")


def write_drawings(page: Any, shown: Shown) -> None:
    """Write the texts and links of what a page draws. What is hidden must be gone already."""
    _write_vml(page, shown)
    _write_svg(page, shown)
    _write_maps(page, shown)


def _write_maps(page: Any, shown: Shown) -> None:
    """Write the areas of each image map behind the picture that has it."""
    maps: dict[str, Any] = {}
    for each in page.iter("map"):
        for name in (each.get("name"), each.get("id")):
            maps.setdefault((name or "").casefold(), each)
    written: set[Any] = set()
    for picture in page.xpath("//*[@usemap]") if maps else ():
        found = maps.get(picture.get("usemap").strip().removeprefix("#").casefold())
        if found is not None and found not in written:
            written.add(found)
            areas = (_area(area, shown) for area in found.iter("area") if area.get("href") is not None)
            insert_words(picture, tuple(dict.fromkeys(filter(None, areas))))


def _area(area: Any, shown: Shown) -> str:
    named = area.get("alt") or area.get("title") or area.get("aria-label") or ""
    return with_shown(" ".join(named.split()), shown(area.get("href")))


def _write_svg(page: Any, shown: Shown) -> None:
    """Write the lines of each SVG in its place. Of one without text, its title is read."""
    for drawn in list(page.iter("svg")):
        if next(drawn.iterancestors("svg"), None) is not None:
            continue
        found = read_svg(drawn, shown)
        described = found.title or drawn.get("aria-label") or ""
        is_link = next(drawn.iterancestors("a"), None) is not None
        words = found.lines or tuple(filter(None, [described if is_link or not _is_icon(drawn) else ""]))
        drawn.clear(keep_tail=True)
        drawn.tag = "span"
        for address in found.pictures:
            drawn.append(etree.Element("img", src=address))
        if is_link and len(words) == 1:
            drawn.text = words[0]
        else:
            insert_words(drawn, words)


def _is_icon(drawn: Any) -> bool:
    viewed = (drawn.get("viewbox") or "").replace(",", " ").split()[2:4]
    sides = []
    for place, name in enumerate(("width", "height")):
        stated = _NUMBER.fullmatch(drawn.get(name) or "") or _NUMBER.fullmatch("".join(viewed[place : place + 1]))
        sides.append(float(stated[1]) if stated else _ICON[0])
    return drawn.get("aria-hidden") == "true" or max(sides) < _ICON[0] or min(sides) < _ICON[1]


def _write_vml(page: Any, shown: Shown) -> None:
    """Turn VML into tags of HTML, and write what stands in comments for Office only."""
    drawn = [(comment, inside) for comment in page.iter(etree.Comment) if (inside := _vml_in(comment.text or ""))]
    if drawn:
        said = set(_lines_of(page))
        links = {address.strip() for address in page.xpath("//@href")}
        pictured = {name for names in page.xpath("//@*[name()='v:shapes']") for name in names.split()}
        for comment, inside in drawn:
            shapes = _shapes_in(inside)
            for shape in shapes:
                _leave_out(shape, links, pictured)
                _turn(shape, shown)
            lines = (line for shape in shapes for line in _lines_of(shape) if line not in said)
            insert_words(comment, tuple(dict.fromkeys(lines)))
            for picture in [each for shape in reversed(shapes) for each in reversed(list(shape.iter("img")))]:
                picture.tail = None
                comment.addnext(picture)
    _turn(page, shown)


def _vml_in(comment: str) -> str:
    """Returns the VML in a comment for Office. It is empty if there is none."""
    found = _CONDITIONAL.match(comment) if f"<{_VML}" in comment else None
    return found[1] if found else ""


def _shapes_in(inside: str) -> list[Any]:
    """Returns the shapes in the VML of a comment that are in no other one and not hidden."""
    parser = lxml_html.HTMLParser(huge_tree=True)
    root = lxml_html.document_fromstring(f"<html><body>{inside}", parser=parser)
    shapes = []
    walk = etree.iterwalk(root, events=("start",))
    for _, node in walk:
        if _is_vml(node):
            walk.skip_subtree()
            if "visibility:hidden" not in "".join(node.get("style", "").split()):
                shapes.append(node)
    return shapes


def _leave_out(shape: Any, links: set[str], pictured: set[str]) -> None:
    """Remove the links and the pictures of a shape that the page has in another way, too."""
    for node in list(shape.iter(etree.Element)):
        if node.get("href", "").strip() in links:
            node.attrib.pop("href", None)
        holder = node.getparent()
        if node.tag == "v:imagedata" and holder is not None and holder.get("id") in pictured:
            node.tag = "span"


def _turn(root: Any, shown: Shown) -> None:
    """Turn the VML in an element into tags of HTML, with its texts and where its links lead."""
    nodes = [node for node in root.iter(etree.Element) if _is_vml(node)]
    links = [node for node in nodes if node.get("href")]
    for node in nodes:
        if node.tag == "v:imagedata" and node.get("src"):
            _turn_picture(node)
        elif node.tag == "v:textpath":
            node.text = f" {node.get('string') or ''} {node.text or ''}"
        if node.tag != "img":
            node.tag = "div" if node.tag == "v:textbox" else "span"
    for node, following in zip_longest(links, links[1:]):
        is_outer = following is not None and node in following.iterancestors()
        target = "" if is_outer else shown(node.get("href"))
        words = " ".join("".join(node.itertext(etree.Element)).split())
        pictured = any(each.get("alt") for each in node.iter("img"))
        if not words and not pictured:
            node.text = with_shown(" ".join((node.get("alt") or node.get("title") or "").split()), target)
        elif target and not says(words, target):
            append_target(node, target)


def _turn_picture(node: Any) -> None:
    shape = node.getparent()
    stated = shape.attrib if shape is not None else {}
    described = node.get("o:title") or node.get("title") or stated.get("alt") or ""
    source = node.get("src")
    for child in reversed(list(node)):  # of a tag that is not closed
        node.addnext(child)
    node.clear(keep_tail=True)
    node.tag = "img"
    node.set("src", source)
    node.set("alt", described)


def _is_vml(node: Any) -> bool:
    return isinstance(node.tag, str) and node.tag.startswith(_VML)


def _lines_of(root: Any) -> Iterator[str]:
    """Yields the lines of text in an element, as its blocks part them."""
    pieces: list[str] = []
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "start":
            if node.tag in _BLOCKS:
                yield from _joined(pieces)
            pieces.append(node.text or "")
        else:
            if node.tag in _BLOCKS:
                yield from _joined(pieces)
            pieces.append((node.tail or "") if node is not root else "")
    yield from _joined(pieces)


def _joined(pieces: list[str]) -> Iterator[str]:
    """Yields the text of these pieces if there is any, and forgets them."""
    if text := " ".join("".join(pieces).split()):
        yield text
    pieces.clear()
