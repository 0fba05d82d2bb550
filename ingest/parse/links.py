"""Says where a link leads, in the text: `the portal (https://it.example.com)`. Every format with links uses it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import unquote

from ingest.document import Element, Location

_WEB = re.compile(r"(?:https?|ftp)://[^\s<>\"]++", re.IGNORECASE)
_BARE = re.compile(r"(?:mailto|tel):([^\s<>\"?]++)(?:\?[^\s<>\"]*+)?", re.IGNORECASE)
_FILES = frozenset({
    "pdf", "ofd", "doc", "docx", "docm", "dot", "dotx", "xls", "xlsx", "xlsm", "xlsb", "xlt", "xltx", "et",
    "csv", "ppt", "pptx", "pptm", "pps", "ppsx", "dps", "odt", "ods", "odp", "odg", "rtf", "wps", "eml",
    "msg", "zip", "rar", "7z", "tar", "gz", "tgz", "vsd", "vsdx", "mpp", "dwg", "exe", "msi", "apk",
})  # fmt: skip
"""Files beside a document that a person opens. Links to other pages beside it are for finding one's way."""
_BREAKS = re.compile(r"[\t\r\n]++ *+")
"""Line breaks and tabs are no part of an address, and neither is what indents a line. Browsers do the same."""
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SHARE = "\\\\"
_NO_PATH = re.compile(r"[<>\"|*?\x00-\x1f]")
_NUMBER = re.compile(r"[+\d().\s-]++")
_LONGEST = 2_000
_INSIDE = r"[^\s<>\"()]"
_SAID = re.compile(
    rf"\s?\((?:(?:https?|ftp)://{_INSIDE}*+(?:\({_INSIDE}*+\){_INSIDE}*+)*+|[^\s()@]++@[^\s()@]++"
    rf"|(?:\\\\|[A-Za-z]:\\)[^()]*+|[^\s().]++(?:\.[^\s().]++)*?\.(?:{'|'.join(sorted(_FILES))}))\)",
    re.IGNORECASE,
)


def with_target(text: str, target: str | None) -> str:
    """Returns the text of a link, and its target in parentheses unless the text already says it."""
    return with_shown(text, shown_target(target))


def with_shown(text: str, said: str) -> str:
    """Returns the text of a link, and what is shown of its target in parentheses unless the text already says it."""
    if not said or says(text, said):
        return text
    return f"{text.rstrip()} ({said})" if text.strip() else said


def says(text: str, said: str) -> bool:
    """Returns True if the text of a link says by itself where it leads, as `shown_target` says it. A telephone number
    may be written in another way, and the name of a file beside the document is enough.
    """
    if _WEB.match(said) is not None:
        return unquote(said).rstrip("/") in unquote(text)
    if _NUMBER.fullmatch(said):
        return _digits(said) in _digits(text)
    if _is_beside(said):
        said = re.split(r"[\\/]", said)[-1]
    return said.casefold() in text.casefold()


def shown_target(target: str | None) -> str:
    """Returns what is shown of a target: an address of the web, of a mailbox or of a telephone, or the path of a file.
    It is empty for a place inside the document, for a script, and for another page beside a page.
    """
    stated = (target or "").strip()
    if not stated or len(stated) > _LONGEST:
        return ""
    plain = "".join(stated.split())
    if _WEB.fullmatch(plain):
        return "%20".join("".join(_BREAKS.split(stated)).split())
    bare = _BARE.fullmatch(plain)
    return unquote(bare[1]) if bare else _file(" ".join(stated.split()))


def is_file(target: str) -> bool:
    """Returns True for a target that is a path on a drive or on a share, whatever the address of the document is."""
    return target[:5].lower() == "file:" or target.startswith(_SHARE) or _DRIVE.match(target) is not None


def _file(stated: str) -> str:
    """Returns the path of a file, as people write it: `\\\\server\\share\\form.xlsx`, or beside the document."""
    path = _local(unquote(stated[5:])) if stated[:5].lower() == "file:" else stated
    if not any(map(str.isalnum, path)) or (_NO_PATH.search(path) and is_file(stated)):
        return ""
    if path.startswith("/") and is_file(stated):
        return path
    if path.startswith(_SHARE) or _DRIVE.match(path):
        return path.replace("/", "\\")
    beside = re.split("[?#]", path)[0]
    begin, _, suffix = beside.rpartition(".")
    is_one = suffix.lower() in _FILES and re.search(r"[^\\/.]$", begin) and ":" not in re.split(r"[\\/]", beside)[0]
    beside = unquote(beside).removeprefix("./")
    return beside if is_one and not _NO_PATH.search(beside) else ""


def _local(path: str) -> str:
    """Returns the path in an address that begins with `file:`. Two slashes stand before the name of a server; three
    stand before a path of this computer; programs write a share with more.
    """
    bare = path.lstrip("\\/")
    slashes = len(path) - len(bare)
    if _DRIVE.match(bare) or not slashes:
        return bare if slashes else ""
    if slashes in (1, 3) or bare.lower().startswith("localhost/"):
        return f"/{bare}"
    return f"{_SHARE}{bare}"


def _is_beside(said: str) -> bool:
    return not (said.startswith((_SHARE, "/")) or _DRIVE.match(said) or "@" in said)


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def linked(
    elements: Sequence[Element], target: str | None, described: str, location: Location | None = None
) -> list[Element]:
    """Returns what a shape or a picture says, and where a click on it leads: behind its last text, or behind its
    description.
    """
    if not shown_target(target):
        return list(elements)
    said = [element for element in elements if element.text.strip()]
    if said and said[-1].kind in ("paragraph", "list_item"):
        return [*said[:-1], replace(said[-1], text=with_target(said[-1].text, target))]
    return [*said, Element("paragraph", with_target(" ".join(described.split()), target), location or Location())]


def without_targets(text: str) -> str:
    """Returns a heading without the targets of its links. It stands above each of its passages, and in the title."""
    return _SAID.sub("", text) if "(" in text else text
