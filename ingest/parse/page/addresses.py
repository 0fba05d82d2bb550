"""Joins addresses and codes that are broken at the end of a line: of the web, of a mailbox, of a package."""

from __future__ import annotations

import re

_LONGEST = 300
"""How far from the break an address is looked at."""
_CODE_BEFORE = re.compile(r"://|[@_=?&#\\\d]|[^\W\d_]\.\w|/[^/]*+/")
_CODE_AFTER = re.compile(r"://|[@_=\\]|[a-z]\.[a-z0-9]{2}|-\d")
_CAMEL = re.compile(r"[a-z][A-Z]")
_ROOTS = ("/", "~", "./", "www.", "--")
"""What paths, addresses and the options of commands begin with."""
_URL = re.compile(r"[a-z]{3,5}://|www\.", re.IGNORECASE)
_OPEN_ENDS = "/?=&_%#~:@+"
"""No address ends with these. So it goes on in the next line."""
_GOES_ON = re.compile(r"[/?&=#._%~]\w")
_INSIDE = re.compile(r"[/=?&_%]|\w\.[a-z]{2,4}(?![a-z])", re.IGNORECASE)
_CLOSING = frozenset("，。；、）")


def is_code(left: str, right: str) -> bool:
    """Returns True if the hyphen at the end of `left` is inside an address or a code, and not a word of prose."""
    before, after = _last(left)[:-1], _first(right)
    return before.startswith(_ROOTS) or bool(_CODE_BEFORE.search(before) or _CODE_AFTER.search(after))


def is_name(left: str, right: str) -> bool:
    """Returns True if the hyphen is likely to be inside the name of something in a program: `order-serviceApi`."""
    return bool(_CAMEL.search(_last(left)) or _CAMEL.search(_first(right)))


def goes_on(left: str, right: str) -> bool:
    """Returns True if `right` begins with the rest of an address that `left` ends with."""
    before, after = _last(left), _first(right)
    if not before or not after:
        return False
    if _URL.search(before):
        # In Chinese text, a word that is alone between an address and a mark is the rest of the address.
        is_closed = after[0].islower() and before[-1].isalnum() and right[len(after) : len(after) + 1] in _CLOSING
        return is_closed or _url_goes_on(before, after)
    if before.lower().endswith(("http:", "https:", "http:/", "https:/")):
        return after.startswith("/")
    if "@" in before[1:]:
        ends_open = before[-1] in "@." and (after[0].islower() or after[0].isdecimal())
        return ends_open or (after[0] == "." and after[1:2].isalnum())
    return ("@" in after[1:] and before[-1] == "_") or (after[0] == "@" and before[-1].isalnum() and "." in after)


def _url_goes_on(before: str, after: str) -> bool:
    if before[-1] in _OPEN_ENDS or _GOES_ON.match(after):
        return True
    if _URL.match(after) or "@" in after:
        return False
    if before[-1] == ".":
        return after[0].islower() or after[0].isdecimal()
    return before[-1].isalnum() and bool(_INSIDE.search(after))


def _last(text: str) -> str:
    """Returns what `text` ends with, back to a blank or to a letter that no address has."""
    tail = text[-_LONGEST:]
    start = len(tail)
    while start and "!" <= tail[start - 1] <= "~":
        start -= 1
    return tail[start:].lstrip("([{<\"'")


def _first(text: str) -> str:
    """Returns what `text` begins with, up to a blank or to a letter that no address has."""
    head = text[:_LONGEST]
    stop = 0
    while stop < len(head) and "!" <= head[stop] <= "~":
        stop += 1
    return head[:stop]
