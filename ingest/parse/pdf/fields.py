"""Reads the parts of a PDF that are not in the text of its pages: filled-in fields, comments, and metadata."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import numpy as np

from ingest.document import Box, Element, Location
from ingest.parse import properties
from ingest.parse.pdf.form_structure import MAX_ANNOTATIONS
from ingest.parse.pdf.text_layer import displayed

_MAX_BYTES = 1 << 20
_HIDDEN = 0b100010
"""The annotation flags for "hidden" and "do not view"."""
_PASSWORD_FIELD = 1 << 13
_INDEX = re.compile(r"\[\d+\]$")
_LAYERS = re.compile(r"#|(topmost)?(sub)?form\d*$", re.I)
_DATE = re.compile(
    r"(?:D:)?(?P<digits>\d{4,14})\s*(?:(?P<sign>[+-])(?P<hours>\d{2})'?(?P<minutes>\d{2})?'?|Z.*)?$",
)


def fields_and_comments(document: Any, page: Any, number: int) -> list[Element]:
    """Returns the filled-in form fields of a page as "name: value", and the texts of its comments. Each has its box."""
    import pypdfium2.raw as pdfium

    found: dict[str, Element] = {}
    for place in range(min(pdfium.FPDFPage_GetAnnotCount(page.raw), MAX_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page.raw, place)
        if not annotation:
            continue
        try:
            text = _text(document, annotation)
            if text and text not in found:
                found[text] = Element("paragraph", text, location_of(annotation, page, number))
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return list(found.values())


def metadata_of(document: Any) -> dict[str, str]:
    """Returns the metadata that the file states: `author`, `created`, `modified`. Dates are in ISO 8601."""
    created, modified = map(document.get_metadata_value, ("CreationDate", "ModDate"))
    return properties.stated(document.get_metadata_value("Author"), _date(created), _date(modified))


def _text(document: Any, annotation: Any) -> str:
    import pypdfium2.raw as pdfium

    if is_hidden(annotation):
        return ""
    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    if kind == pdfium.FPDF_ANNOT_WIDGET:
        return _field(document.formenv.raw, annotation) if document.formenv else ""
    if kind in (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP):
        return ""
    return contents_of(annotation)


def is_hidden(annotation: Any) -> bool:
    """Returns True if an annotation is not shown on a screen."""
    import pypdfium2.raw as pdfium

    return bool(pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN)


def contents_of(annotation: Any) -> str:
    """Returns the text that an annotation states."""
    import pypdfium2.raw as pdfium

    contents = _string(partial(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents"))
    return contents.replace("\r\n", "\n").replace("\r", "\n").strip()


def _field(form: Any, annotation: Any) -> str:
    """Returns "name: value" for a filled-in field. Returns an empty text for an empty field, a
    button, or a password.
    """
    import pypdfium2.raw as pdfium

    def asked(call: Callable[..., int]) -> str:
        return _string(partial(call, form, annotation)).strip()

    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if (
        pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD_FIELD
        and kind == pdfium.FPDF_FORMFIELD_TEXTFIELD
    ):
        return ""
    if kind in (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON):
        chosen = pdfium.FPDFAnnot_IsChecked(form, annotation)
        value = (asked(pdfium.FPDFAnnot_GetFormFieldExportValue) or "✓") if chosen else ""
    elif kind == pdfium.FPDF_FORMFIELD_LISTBOX:
        value = ", ".join(_selected(form, annotation))
    elif kind in (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX):
        value = asked(pdfium.FPDFAnnot_GetFormFieldValue)
    else:
        value = ""
    name = asked(pdfium.FPDFAnnot_GetFormFieldAlternateName) or _plain(asked(pdfium.FPDFAnnot_GetFormFieldName))
    return f"{name}: {value}" if name and value else value


def _selected(form: Any, annotation: Any) -> Iterator[str]:
    import pypdfium2.raw as pdfium

    for place in range(min(pdfium.FPDFAnnot_GetOptionCount(form, annotation), 1000)):
        if pdfium.FPDFAnnot_IsOptionSelected(form, annotation, place):
            yield _string(partial(pdfium.FPDFAnnot_GetOptionLabel, form, annotation, place))


def _plain(name: str) -> str:
    """Returns a field's full name without the layers that a form designer adds, as in "form1[0].#page[0].City[0]"."""
    *layers, last = (_INDEX.sub("", part) for part in name.split("."))
    return ".".join([*(layer for layer in layers if not _LAYERS.match(layer)), last])


def _string(call: Callable[[Any, int], int]) -> str:
    """Returns the text that pdfium writes as UTF-16. pdfium states the size of the buffer first."""
    size = call(None, 0)
    if not 2 < size <= _MAX_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    # If a parameter is a pointer to 16-bit letters, pypdfium2 accepts only this pointer type.
    call(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")


def location_of(annotation: Any, page: Any, number: int) -> Location:
    """Returns where an annotation is on its page."""
    import pypdfium2.raw as pdfium

    rectangle = pdfium.FS_RECTF()
    pdfium.FPDFAnnot_GetRect(annotation, rectangle)
    sides = (rectangle.left, rectangle.right, rectangle.bottom, rectangle.top)
    left, right, bottom, top = (value if np.isfinite(value) else 0.0 for value in sides)
    width, height = (max(side, 1e-6) for side in page.get_size())
    ((x0, y0, x1, y1),) = displayed(
        np.array([[min(left, right), max(bottom, top), max(left, right), min(bottom, top)]]), page
    )
    corners = (x0 / width, y0 / height, x1 / width, y1 / height)
    box = Box(number, *(round(min(max(float(corner), 0.0), 1.0), 5) for corner in corners))
    return Location(page=number, boxes=(box,))


def _date(stated: str) -> str:
    """Returns a PDF date, such as "D:20250314093000+08'00'", in ISO 8601. Returns an empty text if it is not a date."""
    match = _DATE.match(stated.strip())
    if match is None:
        return ""
    digits = match["digits"]
    filled = digits + "00000101000000"[len(digits) :]
    try:
        moment = datetime.strptime(filled, "%Y%m%d%H%M%S")
        if match["sign"]:
            offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
            moment = moment.replace(tzinfo=timezone(-offset if match["sign"] == "-" else offset))
        elif "Z" in stated:
            moment = moment.replace(tzinfo=UTC)
    except ValueError:
        return ""
    return moment.isoformat()
