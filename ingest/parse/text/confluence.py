"""Turns pages of Confluence into HTML: the "storage format", in a file of its own or in the export of a space.

The storage format is XHTML with tags for macros, links and pictures. What a macro shows stays; its settings go.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

_MARK = re.compile(r"<(?:ac|ri):[a-z]")
_WHOLE_PAGE = re.compile(r"<(?:html|!doctype html)\b", re.I)
_PROLOGUE = re.compile(r"\A\ufeff?+\s*+(?:<\?xml[^>]*+>\s*+)?+(?:<!DOCTYPE[^>\[]*+>)?+")
_CDATA_OR_ENTITY = re.compile(r"<!\[CDATA\[(?:[^\]]|\](?!\]>))*+(?:\]\]>)?+|&([A-Za-z][A-Za-z0-9]*+);")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_NAMESPACES = 'xmlns:ac="urn:confluence:ac" xmlns:ri="urn:confluence:ri"'
_TAGS = {
    "ac:rich-text-body": "div", "ac:plain-text-body": "pre", "ac:layout": "div", "ac:layout-section": "div",
    "ac:layout-cell": "div", "ac:task-list": "ul", "ac:task": "li", "ac:caption": "div", "ac:adf-content": "div",
}  # fmt: skip
"""What stands for a tag of Confluence. Others stay in their line."""
_SETTINGS = frozenset({
    "ac:task-id", "ac:task-uuid", "ac:task-status", "ac:placeholder", "ac:adf-attribute",
    "ac:adf-fallback", "ac:default-parameter",
})  # fmt: skip
_SIGNS = {
    "tick": "✔", "cross": "✘", "error": "✘", "warning": "⚠", "information": "ℹ", "question": "❓", "plus": "➕",
    "minus": "➖", "thumbs-up": "✔", "thumbs-down": "✘",
}  # fmt: skip
"""What icons say that stand for an answer in tables. Faces and stars only decorate."""
_ICONS = "//img[contains(concat(' ', normalize-space(@class), ' '), ' emoticon ')]"
_ARROWS = "//*[contains(concat(' ', normalize-space(@class), ' '), ' expand-control-icon ')]"
_BODIES = frozenset({"ac:rich-text-body", "ac:plain-text-body"})
_LINK_BODIES = frozenset({"ac:link-body", "ac:plain-text-link-body"})
_MACROS = frozenset({"ac:structured-macro", "ac:macro"})
_SHOWN_PARAMETERS = {"jira": "key"}
"""The parameter that a macro shows. Of most it is the title."""
_TARGETS = ("content-title", "filename", "value")
_HEADING = re.compile(r"h([1-5])")
_AROUND = (
    "//*[@id='breadcrumb-section' or @id='footer' or contains(concat(' ', @class, ' '), ' page-metadata ')"
    " or contains(concat(' ', @class, ' '), ' toc-macro ')]"
)
"""What an exported page has around its text: where it stands, who exported it, its table of contents."""
_EXPORTED = (
    "boolean(//*[@id='title-text' or contains(concat(' ', @class, ' '), ' confluenceTable ') or @class='toc-macro'])"
)
_FORMS = ("export_view", "view", "styled_view", "storage")
"""The forms in which the interface gives a page, as it is seen first."""
_PAGES = frozenset({"Page", "BlogPost"})


def is_storage(text: str) -> bool:
    """Returns True if a text has tags of the storage format. A whole page of HTML is none."""
    return _MARK.search(text) is not None and _WHOLE_PAGE.search(text) is None


def html_of(storage: str, below: int = 0) -> str:
    """Returns a page in the storage format as HTML. Its headings are moved down by so many levels."""
    content = _CDATA_OR_ENTITY.sub(_written, _PROLOGUE.sub("", storage))
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, huge_tree=True)
    page = etree.fromstring(f"<ac:page {_NAMESPACES}>{content}</ac:page>", parser)
    for node in list(page.iter(etree.Element)):
        _turn(node, _name(node), below)
    page.tag = "div"
    etree.cleanup_namespaces(page)
    return str(etree.tostring(page, method="html", encoding="unicode"))


def leave_out_surroundings(page: Any) -> None:
    """Remove what Confluence puts around the text of a page that it exports as HTML, and the name of the space in its
    title. Other pages stay as they are.
    """
    if not page.xpath(_EXPORTED):
        return
    for node in page.xpath(f"{_AROUND} | {_ARROWS}"):
        _clear(node)
    for node in page.xpath(_ICONS):
        _turn_icon(node, (node.get("alt") or "").strip("() "))
    for named in page.xpath("//*[@id='title-text'][1]"):
        whole, stated = " ".join(named.text_content().split()), page.find(".//title")
        if stated is not None and " ".join((stated.text or "").split()) == whole and " : " in whole:
            _clear(named)
            named.text = stated.text = whole.partition(" : ")[2]


def is_space(root: Any) -> bool:
    """Returns True for the XML export of a space (`entities.xml`)."""
    return root.tag == "hibernate-generic" and root.find("object[@class='BodyContent']") is not None


def space_name(root: Any) -> str | None:
    """Returns the name of an exported space."""
    return next((_property(each, "name") for each in root.iterfind("object[@class='Space']")), None)


def space_html(root: Any) -> str:
    """Returns the current pages of an exported space as one page, each below its title. Older versions, drafts and
    comments are left out.
    """
    bodies = {
        _property(each, "content"): (_property(each, "body") or "").replace("]] >", "]]>")
        for each in root.iterfind("object[@class='BodyContent']")
    }
    return "".join(
        f"<h1>{html.escape(title)}</h1>{html_of(bodies[number], below=1)}"
        for number, title in _titles(root)
        if number in bodies
    )


def pages_of(value: Any) -> list[tuple[str, str]]:
    """Returns the titles and the HTML of the pages in an answer of Confluence's HTTP interface, or an empty list."""
    found = []
    for page in value["results"] if isinstance(value, dict) and isinstance(value.get("results"), list) else [value]:
        body = page.get("body") if isinstance(page, dict) and page.get("type") in ("page", "blogpost") else None
        if not isinstance(body, dict):
            continue
        for form in _FORMS:
            stored = body[form].get("value") if isinstance(body.get(form), dict) else None
            if isinstance(stored, str) and stored.strip():
                found.append((str(page.get("title") or ""), html_of(stored) if is_storage(stored) else stored))
                break
    return found


def _titles(root: Any) -> Iterator[tuple[str, str]]:
    for each in root.iterfind("object"):
        is_current = _property(each, "contentStatus") in (None, "current") and not _property(each, "originalVersion")
        if each.get("class") in _PAGES and is_current:
            yield (each.findtext("id") or "").strip(), _property(each, "title") or ""


def _property(thing: Any, name: str) -> str | None:
    """Returns a property of an exported object: its text, or the number of the object that it names."""
    found = thing.find(f"property[@name='{name}']")
    return None if found is None else (found.findtext("id") or found.text or "").strip()


def _written(found: re.Match[str]) -> str:
    """Returns the character of an entity of HTML, which XML does not know."""
    return found[0] if found[1] is None or found[1] in _XML_ENTITIES else html.escape(html.unescape(found[0]))


def _name(node: Any) -> str:
    """Returns the name of a tag as it is written in a page, whatever address stands for its prefix."""
    local = etree.QName(node).localname
    return f"{node.prefix}:{local}" if node.prefix in ("ac", "ri") else local


def _stated(node: Any, name: str) -> str:
    """Returns an attribute, with or without a prefix."""
    return next((value for key, value in node.attrib.items() if etree.QName(key).localname == name), "")


def _turn(node: Any, name: str, below: int) -> None:
    """Turn one tag into HTML. Those around it have been turned already, and those inside it have not."""
    if name == "ac:emoticon":
        _turn_icon(node, _stated(node, "name"), _stated(node, "emoji-fallback"))
    elif name in _SETTINGS or (name == "ac:parameter" and not _is_shown(node)):
        _clear(node)
    elif name in _MACROS:
        _turn_macro(node)
    elif name == "ac:link":
        _turn_link(node)
    elif name == "ac:image":
        node.tag = "span"
        source = next(filter(None, (_stated(child, name) for child in node for name in ("filename", "value"))), "")
        node.insert(0, etree.Element("img", src=source, alt=_stated(node, "alt")))
    elif name.startswith("ri:"):
        _clear(node)
    elif name == "time" and not len(node):
        node.text = node.text or _stated(node, "datetime")
    elif name == "ac:parameter":
        is_inside_line = node.getparent() is not None and node.getparent().tag == "span"
        node.tag = "span" if is_inside_line else "p"
    elif name.startswith("ac:"):
        node.tag = _TAGS.get(name, "span")
    else:
        node.tag = _HEADING.sub(lambda found: f"h{min(int(found[1]) + below, 6)}", name)


def _turn_macro(node: Any) -> None:
    """A macro with a body is a block. One without stands in its line, like a status."""
    children = [(child, _name(child)) for child in node.iterchildren(etree.Element)]
    settings = {_stated(child, "name"): child.text for child, name in children if name == "ac:parameter"}
    if (settings.get("hidden") or "").strip() == "true" or _stated(node, "name") == "style":
        _clear(node)
        return
    node.tag = "div" if any(name in _BODIES for _, name in children) else "span"


def _is_shown(parameter: Any) -> bool:
    macro = parameter.getparent()
    shown = "title" if macro is None else _SHOWN_PARAMETERS.get(_stated(macro, "name"), "title")
    return _stated(parameter, "name") == shown


def _turn_link(node: Any) -> None:
    """A link without words of its own shows the title of its page, or the name of its file."""
    node.tag = "span"
    if _LINK_BODIES.isdisjoint(map(_name, node.iterchildren(etree.Element))):
        found = (_stated(child, name) for child in node.iterchildren(etree.Element) for name in _TARGETS)
        node.text = next(filter(None, found), "")


def _turn_icon(node: Any, name: str, emoji: str = "") -> None:
    _clear(node)
    node.text = emoji if emoji and not emoji.startswith(":") else _SIGNS.get(name, "")


def _clear(node: Any) -> None:
    """Empty a tag. The text behind it stays. What was inside is gone from the page, so it is not turned."""
    node.clear(keep_tail=True)
    node.tag = "span"
