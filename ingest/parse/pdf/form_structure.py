"""Checks if the form of a PDF can be opened safely. It looks at the structure of the form before pdfium opens it.

pdfium follows every way that leads to a field. If fields share their kids, pdfium may not finish even for a file of 2
KB. It also unpacks the whole of any stream that is in the place of a text, several times. pypdf reads one object at a
time. It is used only here.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ingest.parse.refusals import refuse

_DEEPEST = 32
"""The depth down to which pdfium follows fields."""
_MAX_VISITS = 100_000
_MAX_TEXT_BYTES = 1 << 20
"""A longer value is also not read from a field."""
_MAX_PARTS = 20_000
"""How many pages, and parts of the page tree, are searched for fields."""
_TEXTS = ("/T", "/TU", "/TM", "/V", "/DV", "/DA", "/Opt", "/Contents", "/NM")
_DOUBLED = frozenset({"/Kids", "/Fields", "/Parent", "/AcroForm", "/Pages", "/Annots", "/Root", *_TEXTS})
"""The form depends on these entries, so each may be in a dictionary only once."""

logger = logging.getLogger(__name__)


def open_form(document: Any, source: bytes | Path, name: str, password: str | None) -> None:
    """Let pdfium open the form of this document, if it has a form that can be followed.

    Raises `unsafe` if the fields contain each other in more ways than can be followed, if a text has more than 1 MiB
    when unpacked, or if an entry of the form is defined twice. If pypdf cannot follow a form, the form stays closed and
    its fields are not read.
    """
    import pypdfium2.raw as pdfium

    if document.get_formtype() == pdfium.FORMTYPE_NONE:
        return
    try:
        reason = _reason(source, password)
    except Exception:
        # pypdf raises many kinds of errors for a broken file, and RecursionError is one of them.
        logger.info("The form of %s cannot be followed and stays closed", name, exc_info=True)
        return
    if reason:
        raise refuse("unsafe", name, reason)
    document.init_forms()


def is_closed(document: Any) -> bool:
    """Returns True if the document has a form that `open_form` did not open."""
    import pypdfium2.raw as pdfium

    return document.get_formtype() != pdfium.FORMTYPE_NONE and document.formenv is None


def _reason(source: bytes | Path, password: str | None) -> str:
    """Returns the reason why the form cannot be opened, or an empty text if it can."""
    from pypdf import PdfReader

    opened = io.BytesIO(source) if isinstance(source, bytes) else source
    with _complaints() as said, PdfReader(opened, strict=False, password=password) as reader:
        root = reader.trailer["/Root"]
        roots = _items((root.get("/AcroForm") or {}).get("/Fields"))
        fields = _fields(roots)
        if fields is None:
            return "the fields of its form contain one another in more ways than can be followed"
        if any(_is_long(field) for field in (*fields, *_widgets(root.get("/Pages")))):
            return "its form has texts of more than 1 MiB"
        if _DOUBLED.intersection(said.doubled):
            return "its form is written down twice, in different ways"
    return ""


class _Complaints(logging.Handler):
    """Collects what pypdf logs about a broken file. Only entries that a dictionary has twice are kept, because pdfium
    uses the last of them and pypdf the first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.doubled: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message.startswith("Multiple definitions"):
            self.doubled.add(message.rpartition(" ")[2])


@contextmanager
def _complaints() -> Iterator[_Complaints]:
    heard = _Complaints()
    log = logging.getLogger("pypdf")
    log.propagate = False  # nobody who reads the log can repair a document
    log.addHandler(heard)
    try:
        yield heard
    finally:
        log.removeHandler(heard)


def _items(array: Any) -> list[Any]:
    """Returns the items of an array as they are in it. They are dictionaries, or references to dictionaries."""
    from pypdf.generic import ArrayObject

    array = _direct(array)
    return list(array) if isinstance(array, ArrayObject) else []


def _direct(value: Any) -> Any:
    return value.get_object() if hasattr(value, "get_object") else value


def _fields(roots: Sequence[Any]) -> list[Any] | None:
    """Returns the different fields of a form. Returns None if more ways lead to them than can be followed."""
    known: dict[Any, Any] = {}
    ways: list[tuple[Any, int, Any]] = [(field, 0, None) for field in reversed(roots)]
    visits = 0
    while ways:
        place, depth, above = ways.pop()
        visits += 1
        if visits > _MAX_VISITS:
            return None
        identity = getattr(place, "idnum", None) or id(place)
        if depth > _DEEPEST or identity == above:
            continue
        if identity not in known:
            known[identity] = (field := _direct(place)), _kids(field)
        ways += [(kid, depth + 1, identity) for kid in known[identity][1]]
    return [field for field, _ in known.values()]


def _kids(field: Any) -> list[Any]:
    return _items(field.get("/Kids")) if hasattr(field, "get") else []


def _widgets(pages: Any) -> Iterator[Any]:
    """Yields the annotations of all pages, and the fields above each of them. It visits every part of the page tree
    once.
    """
    seen: set[Any] = set()
    parts = [pages]
    while parts and len(seen) < _MAX_PARTS:
        place = parts.pop()
        identity = getattr(place, "idnum", None) or id(place)
        if identity in seen:
            continue
        seen.add(identity)
        part = _direct(place)
        parts += _kids(part)
        for annotation in _items(part.get("/Annots") if hasattr(part, "get") else None):
            field = _direct(annotation)
            for _ in range(_DEEPEST):
                if not hasattr(field, "get") or id(field) in seen:
                    break
                seen.add(id(field))
                yield field
                field = _direct(field.get("/Parent"))


def _is_long(field: Any) -> bool:
    """Returns True if a text of this field or comment is a stream of more than 1 MiB when unpacked."""
    if not hasattr(field, "get"):
        return False
    return any(_is_long_text(text) for key in _TEXTS if key in field for text in _all(field.get(key)))


def _all(value: Any) -> Iterator[Any]:
    """Yields a text, or the texts in a list, or the texts in the pairs of a list."""
    yield _direct(value)
    for item in _items(value):
        yield _direct(item)
        yield from map(_direct, _items(item))


def _is_long_text(value: Any) -> bool:
    from pypdf.errors import LimitReachedError
    from pypdf.generic import StreamObject

    try:
        return isinstance(value, StreamObject) and len(value.get_data()) > _MAX_TEXT_BYTES
    except LimitReachedError:
        return True
