"""Writes where the links of a web page lead into its text: `the portal (https://it.example.com)`.

Navigation and code stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urldefrag, urljoin

from lxml import etree

from ingest.parse.links import is_file, says, shown_target

_LEFT_ALONE = frozenset({"nav", "header", "footer", "pre", "code", "head", "title", "template", "button"})
_CHROME_ROLES = frozenset({"navigation", "menu", "menubar", "banner", "contentinfo", "tablist", "toolbar"})
_CHROME_NAMES = frozenset({
    "nav", "navbar", "navigation", "menu", "breadcrumb", "breadcrumbs", "pagination", "pager", "footer", "topbar",
})  # fmt: skip
"""Ids and classes of blocks for finding one's way, as pages without `<nav>` have them."""
_NO_TEXT_INSIDE = frozenset({"br", "img", "hr", "input", "wbr", "code", "kbd", "samp", "svg"})
_DEEPEST_WORDS = 20
_CANONICAL = "//link[@rel='canonical']/@href"

Shown = Callable[[str], str]
"""Gives what is said of the target of a link, as the page states it. It is empty if nothing is."""


def shown_on(page: Any, address: str | None) -> Shown:
    """Returns what tells the full target of a link on a page. Relative ones are resolved where the page says its own
    address, or `address` does. It is empty for places on the same page, and for what cannot be said.
    """
    base, own = _addresses(page, address)
    return partial(_target, base=base, own=own)


def write_targets(page: Any, shown: Shown) -> None:
    """Write the target of each link behind its text."""
    if not page.xpath("boolean(//a[@href])"):
        return
    for pushed in page.xpath("//a[@href]//button"):
        pushed.tag = "span"  # a link in the shape of a button; others do something on the page
    links: list[tuple[Any, str]] = []
    is_alone = [False]
    innermost: Any = None
    for event, node in etree.iterwalk(page, events=("start", "end")):
        if event == "start":
            is_alone.append(is_alone[-1] or _is_left_alone(node))
            innermost = node if node.tag == "a" else innermost
            continue
        is_alone.pop()
        if node.tag == "a" and node is innermost and not is_alone[-1]:
            _collect(node, shown(node.get("href") or ""), links)
    for node, target in links:
        append_target(node, target)


def _collect(node: Any, target: str, links: list[tuple[Any, str]]) -> None:
    """Note a link with a target that its text does not say. The words of a picture are those that stand for it."""
    texts = (*node.itertext(etree.Element), *(picture.get("alt") or "" for picture in node.iter("img")))
    text = " ".join("".join(texts).split())
    if target and text and not says(text, target):
        links.append((node, target))


def _is_left_alone(node: Any) -> bool:
    given = node.attrib
    if node.tag in _LEFT_ALONE or given.get("role", "").lower() in _CHROME_ROLES:
        return True
    names = f"{given.get('id', '')} {given.get('class', '')}".lower().split()
    return not _CHROME_NAMES.isdisjoint(names) and node.tag not in ("html", "body")


def _addresses(page: Any, address: str | None) -> tuple[str, str]:
    """Returns the address that links of the page are relative to, and its own. They are empty if nothing tells them."""
    own = next(
        (each.strip() for each in (*page.xpath(_CANONICAL), address) if shown_target(each) and not is_file(each)), ""
    )
    bases = page.xpath("//base/@href")[:1]
    try:
        base = urljoin(own, bases[0].strip()) if bases else own
    except ValueError:
        base = own
    return base, urldefrag(own)[0]


def _target(stated: str, base: str, own: str) -> str:
    stated = stated.strip()
    if is_file(stated):
        return shown_target(stated)
    stated = "".join(stated.split()) if ":" in stated or base else stated
    if stated.startswith("//") and not base:
        stated = f"https:{stated}"  # a page that was saved no longer says which of the two it came by
    try:
        whole = urljoin(base, stated)
        is_here = stated.startswith("#") or (own and urldefrag(whole)[0] == own)
    except ValueError:
        return ""
    return "" if is_here else shown_target(whole)


def append_target(link: Any, target: str) -> None:
    """Write a target behind the last words of a link, inside the block that has them."""
    node, last = link, _last_child(link)
    for _ in range(_DEEPEST_WORDS):
        if last is None or (last.tail or "").strip() or not _has_words(last):
            break
        node, last = last, _last_child(last)
    if last is None:
        node.text = f"{(node.text or '').rstrip()} ({target})"
    elif last.tag == "img" and last.get("alt") and not (last.tail or "").strip():
        last.set("alt", f"{last.get('alt').rstrip()} ({target})")  # the reader of pages makes it a caption
    else:
        last.tail = f"{(last.tail or '').rstrip()} ({target})"


def _last_child(node: Any) -> Any:
    """Returns the last child of an element, or None. A comment counts only if there is text behind it."""
    children = node.iterchildren(reversed=True)
    return next((each for each in children if isinstance(each.tag, str) or (each.tail or "").strip()), None)


def _has_words(node: Any) -> bool:
    """Returns True if there is text in a child of a link, or a picture with words that stand for it."""
    if not isinstance(node.tag, str) or node.tag in _NO_TEXT_INSIDE:
        return False
    return any(map(str.strip, node.itertext(etree.Element))) or any(each.get("alt") for each in node.iter("img"))
