"""Turns a reference into a parsed document, for every format.

The reader of the format (see `readers`) gives elements in reading order. This file fills in the parts that are the same
for every format: the extracted text, the place of each element in it, and the headings above each element.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ingest.document import Element, ParsedDocument, Reference
from ingest.parse.extracted import Extracted
from ingest.parse.links import without_targets
from ingest.parse.mail.attachments import ATTACHMENT, Allowance
from ingest.parse.notes import together
from ingest.parse.readers import read
from ingest.parse.refusals import RAISE_MAX_FILE_MB, SWITCH_OCR_ON, refuse
from ingest.parse.text import characters, encoding
from ingest.parse.titles import title_of
from ingest.settings import IngestSettings

# If a change here or in a reader gives other elements for some format, raise the parser's version in
# `ingest/shaping.py`. Otherwise documents that are already in an index are not read again.
_GAP = "\n\n"
_LONGEST_PROPERTY = 200


def parse(reference: Reference, settings: IngestSettings) -> ParsedDocument:
    """Read one document. The function is pure and synchronous. Its arguments and its result are picklable, so that it
    can run in a child process.

    Raises DocumentError and nothing else: `file_missing`, `unreadable`, `empty`, `too_large`, `encrypted`, `corrupt`,
    `unsafe`, `unsupported`, `no_text`, `needs_libreoffice`, `timeout` (from LibreOffice).
    """
    data = _content(reference, settings)
    kind, extracted = read(data, reference.name, settings, Allowance())
    extracted = _readable(extracted)
    elements = tuple(_placed(extracted.elements))
    if not elements:
        hint = None if settings.ocr else SWITCH_OCR_ON
        raise refuse("no_text", reference.name, "no text was found in it", hint)
    return ParsedDocument(
        kind=kind,
        title=characters.name(title_of(reference, extracted)),
        elements=elements,
        text=_GAP.join(element.text for element in elements),
        pages=extracted.pages,
        metadata={name: encoding.storable(said)[:_LONGEST_PROPERTY] for name, said in extracted.metadata.items()},
        notes=together([extracted.notes]),
    )


def _content(reference: Reference, settings: IngestSettings) -> bytes:
    limit = settings.max_file_mb * 1024 * 1024
    size = len(reference.content) if reference.content is not None else reference.size
    try:
        if reference.content is None and reference.path is not None:
            size = reference.path.stat().st_size
        if size > limit:
            reason = f"{size >> 20} MiB, more than {settings.max_file_mb} MiB"
            raise refuse("too_large", reference.name, reason, RAISE_MAX_FILE_MB)
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


def _readable(extracted: Extracted) -> Extracted:
    """Returns the elements in the characters that a person reads. Radicals mean words where the document has Chinese
    text; elsewhere they may be meant themselves. Where the links of a heading lead is said in a paragraph below it.
    """
    is_chinese = any(characters.has_han(element.text) for element in extracted.elements)
    elements = []
    for element in extracted.elements:
        text = characters.visible(element.text)
        text = characters.ordinary(text) if is_chinese else text
        if element.kind not in ("title", "heading"):
            elements.append(replace(element, text=text))
            continue
        text = characters.close_set(text)
        elements.append(replace(element, text=without_targets(text)))
        if elements[-1].text != text:
            elements.append(Element("paragraph", text, element.location))
    return replace(extracted, elements=tuple(elements), title=characters.name(extracted.title or ""))


def _placed(elements: Iterable[Element]) -> Iterable[Element]:
    """Yields the elements with their positions in the joined text and the headings above them. The outermost heading
    comes first.
    """
    above: list[tuple[int, str]] = []
    slide: int | None = None
    start = 0
    for element in elements:
        if element.location.slide not in (slide, None):
            slide = element.location.slide
            above = [(level, heading) for level, heading in above if heading.startswith(ATTACHMENT)]
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
