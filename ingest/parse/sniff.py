"""Detects the kind of a text by the marks of its format, if its name does not tell the kind or cannot be trusted."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable

_NAMED = {
    "md": "md", "markdown": "md", "html": "html", "htm": "html", "xhtml": "html", "csv": "csv", "tsv": "tsv",
    "eml": "eml", "mht": "eml", "mhtml": "eml", "xml": "xml", "json": "json", "jsonl": "json", "ipynb": "ipynb",
    "rst": "rst", "org": "org",
}  # fmt: skip
_PLAIN = frozenset({"txt", "text"})
"""If a file is named as a text, its words are meant. Markup in it counts only if it is a whole document of another
kind.
"""
_UNSAYING = frozenset({"", "bin", "dat", "tmp", "bak", "download", "pdf", "rtf", "zip"}) | frozenset(
    {"doc", "docx", "docm", "ppt", "pptx", "xls", "xlsx", "xlsm", "odt", "ods", "epub", "msg"}
    | {"wps", "wpt", "et", "ett", "dps", "dpt", "ofd"}
)
"""Suffixes that do not tell the kind of a text, or that only binary files should have."""
_COMMENTS = r"(?:<!--(?:(?!-->).)*-->\s*)*"
_HTML = re.compile(rf"\s*(?:<\?xml[^>]*>\s*)?{_COMMENTS}<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_FRAGMENT = re.compile(r"\s*<(?:table|div|p|h[1-6]|meta|style|ul|ol|span|section|article)\b[^>]*>", re.I)
_ATTRIBUTES = r"(?:\s+[\w.:-]+\s*=\s*[\"'][^\"']*[\"'])*"
_XML = re.compile(rf"\s*(?:<\?xml\b|{_COMMENTS}<[A-Za-z][\w.:-]*{_ATTRIBUTES}\s*/?>)", re.S)
_MAIL = re.compile(r"(?:^[A-Za-z][A-Za-z-]*:.*\n(?:[ \t].*\n)*){3,}", re.M)
_MAIL_FIELDS = re.compile(r"^(from|received|return-path|message-id|mime-version):", re.I | re.M)
_HEAD = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*+:[^\n]*+\n(?:[ \t][^\n]*+\n)*+)++")
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]*+):[ \t]*+(?:\n[ \t]++)?+([^;\n]*+)", re.M)
_SENT_FIELDS = frozenset({"to", "cc", "bcc", "received", "return-path", "delivered-to", "reply-to"})
_PAGE_SUFFIXES = frozenset({"mht", "mhtml", "doc", "xls", "ppt", "wps", "et", "dps", "htm", "html"})
_ORG = re.compile(r"^(?:#\+(?:title|author|date|options|startup|begin_\w+)[:\s]|:PROPERTIES:)", re.I | re.M)
_RST_TITLE = re.compile(r"^(\S.{1,100})\n([=~^\"*#+])\2{2,}[ \t]*$", re.M)
_RST_MARK = re.compile(r"^\.\. [\w-]+::|^\.\. _[^:]+:|:[a-z]+:`[^`]+`|::\s*$", re.M)
_MARKDOWN = tuple(
    re.compile(pattern, re.M)
    for pattern in (
        r"(?:\A|\n[ \t]*\n)#{1,6} \S",
        r"^(?:```|~~~)\w*[ \t]*$",
        r"^\|?(?:[ \t]*:?-{3,}:?[ \t]*\|)+[-: \t]*$",
        r"!?\[[^\]\n]{1,200}\]\((?:https?:|\.{0,2}/|#|\w)[^)\s]*\)",
        r"\*\*[^*\n]+\*\*",
        r"^[-*] \S.*\n[-*] \S",
        r"^\S.*\n(?:={4,}|-{4,})[ \t]*$",
    )
)
_MIN_ROWS = 3
_MAX_CELL_CHARACTERS = 300


def text_kind(head: str, suffix: str, whole: bool, is_notebook: Callable[[], bool]) -> str:
    """Returns the kind of a text from its beginning and the suffix of its name. `whole` is True if `head` is the whole
    text.
    """
    named = _NAMED.get(suffix)
    if _HTML.match(head) and named not in {"md", "eml"}:
        return "html"
    if named in {None, "eml", "html"} and is_saved_page(head, suffix):
        return "html"
    if named in ("json", "ipynb"):
        return "ipynb" if is_notebook() else "json"
    if named is not None:
        return named
    start = head.lstrip()
    fields = _MAIL.match(start)
    if fields and len(_MAIL_FIELDS.findall(fields.group())) >= 2:
        return "eml"
    if start.startswith("{") and is_notebook():
        return "ipynb"
    if suffix in _PLAIN and start[:1] in ("{", "[") and _is_json(start, whole):
        return "json"
    return _sniffed(head, whole) if suffix in _UNSAYING else ("xml" if start.startswith("<?xml") else "txt")


def is_saved_page(head: str, suffix: str) -> bool:
    """Returns True for a web page in the form of a mail, as browsers, Word and Confluence save it. A mail has a
    recipient or was received. A draft without either is a mail too, unless its name is that of a page or a document.
    """
    fields = _HEAD.match(head.lstrip("\ufeff \t\n"))
    stated = {name.lower(): value.strip().lower() for name, value in _FIELD.findall(fields[0])} if fields else {}
    if "mime-version" not in stated or not _SENT_FIELDS.isdisjoint(stated):
        return False
    if stated.get("content-type") not in ("multipart/related", "text/html"):
        return False
    if "snapshot-content-location" in stated:
        return True
    return suffix in _PAGE_SUFFIXES or (suffix != "eml" and "from" not in stated)


def _sniffed(head: str, whole: bool) -> str:
    start = head.lstrip()
    if start[:1] in ("{", "[") and _is_json(start, whole):
        return "json"
    if _FRAGMENT.match(start) and re.search(r"</\w+>", start):
        return "html"
    if _XML.match(start) and ("</" in start or "/>" in start):
        return "xml"
    if _ORG.search(head) and re.search(r"^\*+ \S", head, re.M):
        return "org"
    if _RST_MARK.search(head) and _RST_TITLE.search(head):
        return "rst"
    if sum(pattern.search(head) is not None for pattern in _MARKDOWN) >= 2 and not start.startswith("#!"):
        return "md"
    for delimiter, kind in (("\t", "tsv"), (",", "csv"), (";", "csv"), ("|", "csv")):
        if _is_table(head, delimiter, whole):
            return kind
    return "txt"


def _is_json(start: str, whole: bool) -> bool:
    """Returns True for JSON, or for a file with one JSON value a line. If the text is too long to be read here as a
    whole, its beginning must look like JSON.
    """
    first, *others = start.split("\n")
    for candidate, rest in ((start, []), (first, others[:3])):
        try:
            if isinstance(json.loads(candidate), (dict, list)):
                return all(line.strip()[:1] in ("{", "[", "") for line in rest)
        except (ValueError, RecursionError):
            continue
    return not whole and re.match(r'[\[{]\s*(?:"(?:[^"\\\n]|\\.)*"\s*[:,]|[\[{])', start) is not None


def _is_table(head: str, delimiter: str, whole: bool) -> bool:
    """Returns True if all lines have the same number of short cells. A table of two columns must have at least six
    lines. Other tables need three.
    """
    lines = head.rstrip("\n").split("\n")
    lines = [line for line in (lines if whole else lines[:-1]) if line.strip()][:50]
    if len(lines) < _MIN_ROWS or sum(delimiter in line for line in lines) < len(lines):
        return False
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return False
    widths = {len(row) for row in rows}
    if len(widths) != 1 or any(len(cell) > _MAX_CELL_CHARACTERS for row in rows for cell in row):
        return False
    prose = delimiter in ",;" and any(cell.startswith(" ") and cell.strip() for row in rows for cell in row[1:])
    prose = prose or any("。" in cell for row in rows for cell in row)
    if delimiter == ";" and not any(row[-1].strip() for row in rows):  # statements of a program
        return False
    return len(rows) * (widths.pop() - 1) >= 2 * _MIN_ROWS and not prose
