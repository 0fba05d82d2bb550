"""Parse: a reference becomes elements, whatever the format of the document.

The format's reader gives elements in reading order; this file finds the reader, and fills in what is the same for
every format: the extracted text, each element's place in it, and the headings above it.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import PurePath

from ingest.document import Element, ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse import encoding, ocr, office, opened, partition, pdf, rtf, sheets, text
from ingest.parse.detect import detect
from ingest.parse.extracted import Extracted
from ingest.parse.refusals import refuse
from ingest.settings import IngestSettings

PARSER_VERSION = "1"
"""Part of the pipeline's fingerprint: raise it when the elements of some format change."""

_GAP = "\n\n"
_OLD_OFFICE = ("doc", "ppt")
_IMAGES = frozenset({"png", "jpeg", "tiff", "webp", "bmp"})
_MEANINGLESS = re.compile(
    r"(untitled|无标题|未命名|document|文档|word document|powerpoint presentation|presentation|演示文稿|"
    r"slide|幻灯片|workbook|工作簿|title|标题)\s*\d*|microsoft (office )?(word|powerpoint|excel) ?-.*|"
    r"doi:.*|.*\.(docx?|wps|pptx?|xlsx?|pdf|indd|tex|dvi|qxd|rtf|txt|html?)",
    re.I,
)
_BINARY_READERS: dict[str, Callable[[bytes], Extracted]] = {
    "docx": partition.read_docx,
    "pptx": partition.read_pptx,
    "eml": partition.read_eml,
    "msg": partition.read_msg,
    "odt": opened.read_odt,
    "epub": opened.read_epub,
    "rtf": rtf.read_rtf,
}
_NAMED_READERS: dict[str, Callable[[bytes, str], Extracted]] = {
    "xlsx": sheets.read_xlsx,
    "xls": sheets.read_xls,
    "xml": text.read_xml,
}
_TEXT_READERS: dict[str, Callable[[str], Extracted]] = {
    "html": partition.read_html,
    "md": partition.read_markdown,
    "csv": sheets.read_csv,
    "tsv": lambda content: sheets.read_csv(content, "\t"),
    "txt": text.read_text,
    "rst": text.read_text,
    "org": text.read_text,
    "json": text.read_json,
    "ipynb": text.read_notebook,
}

logger = logging.getLogger(__name__)


def parse(reference: Reference, settings: IngestSettings) -> ParsedDocument:
    """Read one document. Pure and synchronous; arguments and result are picklable, for a child process.

    Raises DocumentError and nothing else: `file_missing`, `unreadable`, `empty`, `too_large`, `encrypted`,
    `corrupt`, `unsafe`, `unsupported`, `no_text`, `needs_libreoffice`.
    """
    data = _content(reference, settings)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn of oddities in documents: nothing anyone here can act on
            kind = detect(data, reference.name)
            extracted = _read(data, kind, reference.name, settings)
    except DocumentError:
        raise
    except Exception as error:
        logger.info("%s could not be parsed", reference.uri, exc_info=True)
        reason = encoding.storable(str(error)).strip().split("\n")[0][:200] or type(error).__name__
        raise refuse("corrupt", reference.name, f"it cannot be read ({reason})") from error
    elements = tuple(_placed(extracted.elements))
    if not elements:
        raise refuse("no_text", reference.name, "no text was found in it")
    return ParsedDocument(
        kind=kind,
        title=_title(reference, extracted),
        elements=elements,
        text=_GAP.join(element.text for element in elements),
        pages=extracted.pages,
        metadata=dict(extracted.metadata),
    )


def _content(reference: Reference, settings: IngestSettings) -> bytes:
    limit = settings.max_file_mb * 1024 * 1024
    size = len(reference.content) if reference.content is not None else reference.size
    try:
        if reference.content is None and reference.path is not None:
            size = reference.path.stat().st_size
        if size > limit:
            raise refuse("too_large", reference.name, f"{size >> 20} MiB, more than {settings.max_file_mb} MiB")
        data = reference.content
        if data is None:
            data = reference.path.read_bytes() if reference.path is not None else b""
    except (FileNotFoundError, NotADirectoryError) as error:
        raise refuse("file_missing", reference.name, "the file is not there") from error
    except OSError as error:
        raise refuse("unreadable", reference.name, f"the file cannot be read ({error.strerror})") from error
    if not data:
        raise refuse("empty", reference.name, "the file has no content")
    return data


def _read(data: bytes, kind: str, name: str, settings: IngestSettings) -> Extracted:
    if kind in _OLD_OFFICE:
        data, kind = office.newer_format(data, kind, name)
        kind = detect(data, name)
    if kind == "pdf":
        return pdf.read_pdf(data, name, settings.ocr)
    if kind in _IMAGES:
        return ocr.read_image(data, name, settings.ocr)
    if kind in _BINARY_READERS:
        return _BINARY_READERS[kind](data)
    if kind in _NAMED_READERS:
        return _NAMED_READERS[kind](data, name)
    if kind in _TEXT_READERS:
        return _TEXT_READERS[kind](encoding.decode(data, declared=kind == "html"))
    raise refuse("unsupported", name, f"{kind.upper()} files are not read here")


def _placed(elements: Iterable[Element]) -> Iterable[Element]:
    """The elements with their characters in the joined text and the headings above them, outermost first."""
    above: list[tuple[int, str]] = []
    start = 0
    for element in elements:
        content = encoding.storable(element.text).strip()
        if not content:
            continue
        if element.kind == "heading" and element.level is not None:
            above = [(level, heading) for level, heading in above if level < element.level]
        location = replace(
            element.location,
            heading_path=tuple(heading for _, heading in above),
            start=start,
            end=start + len(content),
        )
        yield replace(element, text=content, location=location)
        if element.kind == "heading" and element.level is not None:
            above.append((element.level, " ".join(content.split())))
        start += len(content) + len(_GAP)


def _title(reference: Reference, extracted: Extracted) -> str:
    """What the reference says, or the metadata, or the first heading that stands out, or the file's name."""
    if reference.title is not None:
        return encoding.storable(reference.title)
    stated = " ".join(encoding.storable(extracted.title or "").split())
    if 2 <= len(stated) <= 200 and not _MEANINGLESS.fullmatch(stated):
        return stated
    # The name of a sheet is no title of its workbook.
    heads = [e for e in extracted.elements if e.kind in ("title", "heading") and e.location.sheet is None]
    opening = heads[:1] if heads and heads[0] is extracted.elements[0] else heads[:5]
    first = min(opening, key=lambda element: element.level or 0, default=None)
    found = " ".join(encoding.storable(first.text).split()) if first else ""
    return found if 2 <= len(found) <= 200 else PurePath(reference.name).stem or reference.name
