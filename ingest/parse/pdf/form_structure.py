"""Opens the form of a PDF at the first page with a field, if that is safe. It looks at the structure of the form before
pdfium does.

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
MAX_ANNOTATIONS = 5_000
"""So many annotations of a page are looked at."""
_TEXTS = ("/T", "/TU", "/TM", "/V", "/DV", "/DA", "/Opt", "/Contents", "/NM")
_DOUBLED = frozenset({"/Kids", "/Fields", "/Parent", "/AcroForm", "/Pages", "/Annots", "/Root", *_TEXTS})
"""The form depends on these entries, so each may be in a dictionary only once."""

logger = logging.getLogger(__name__)


class Form:
    """The form of an open document. pdfium opens it at the first page with a field, because many forms have none and
    the check of their structure reads the whole file.

    `is_closed` is True if there are fields, and the form cannot be followed. They are then not read.
    """

    def __init__(self, document: Any, source: bytes | Path, name: str, password: str | None) -> None:
        import pypdfium2.raw as pdfium

        self.is_closed = False
        self._document, self._source, self._name, self._password = document, source, name, password
        self._is_untried = document.get_formtype() != pdfium.FORMTYPE_NONE

    def page(self, index: int) -> Any:
        """Returns a pypdfium2 page, counted from 0, that the caller closes. The form is open if the page has a field.

        Raises PdfiumError if there is no such page, and DocumentError `unsafe` if the fields contain each other in more
        ways than can be followed, if a text has more than 1 MiB when unpacked, or if an entry of the form is defined
        twice.
        """
        page = self._document[index]
        if self._is_untried and _has_field(page):
            page.close()  # pdfium shows the fields of those pages that are opened after the form
            self._open()
            page = self._document[index]
        return page

    def _open(self) -> None:
        self._is_untried = False
        try:
            reason = _reason(self._source, self._password)
        except Exception:
            # pypdf raises many kinds of errors for a broken file, and RecursionError is one of them.
            logger.info("The form of %s cannot be followed and stays closed", self._name, exc_info=True)
            self.is_closed = True
            return
        if reason:
            raise refuse("unsafe", self._name, reason)
        self._document.init_forms()


def _has_field(page: Any) -> bool:
    """Returns True if a page shows a field, or if it has more annotations than are looked at."""
    import pypdfium2.raw as pdfium

    count = pdfium.FPDFPage_GetAnnotCount(page.raw)
    return count > MAX_ANNOTATIONS or any(_is_field(page, place) for place in range(count))


def _is_field(page: Any, place: int) -> bool:
    import pypdfium2.raw as pdfium

    annotation = pdfium.FPDFPage_GetAnnot(page.raw, place)
    if not annotation:
        return False
    try:
        return bool(pdfium.FPDFAnnot_GetSubtype(annotation) == pdfium.FPDF_ANNOT_WIDGET)
    finally:
        pdfium.FPDFPage_CloseAnnot(annotation)


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
