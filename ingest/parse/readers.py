"""Selects the reader for each kind of document, and does the steps before and after it that are the same for every
kind.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ingest.errors import DocumentError
from ingest.parse import html_word_markdown
from ingest.parse.contents_lists import without_contents
from ingest.parse.detect import HEAD_BYTES, detect, suffix
from ingest.parse.extracted import Extracted
from ingest.parse.mail.attachments import Allowance, with_attachments
from ingest.parse.mail.message import read_eml, read_msg
from ingest.parse.mail.web_archive import read_web_archive
from ingest.parse.mail.zip_attachments import is_packed, members
from ingest.parse.notes import together
from ingest.parse.ofd.reader import read_ofd
from ingest.parse.office import opendocument_epub, opendocument_flat, rtf, slides
from ingest.parse.office.conversion import NEWER, converted
from ingest.parse.office.document_properties import with_properties
from ingest.parse.office.passwords import unlocked
from ingest.parse.pdf import reader as pdf
from ingest.parse.pictures import ocr
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.pictures.in_pages import PagePictures
from ingest.parse.refusals import refuse
from ingest.parse.sheets import reader as sheets
from ingest.parse.sniff import is_saved_page
from ingest.parse.text import characters, encoding, markup, plain
from ingest.parse.text.columns import with_tables_by_tabs
from ingest.settings import IngestSettings

_WITHOUT_PAGES = frozenset({"docx", "odt", "rtf", "html", "md", "epub"})
_WITH_TAB_STOPS = frozenset({"docx", "odt", "rtf", "pptx", "odp"})
_IMAGES = frozenset({"png", "jpeg", "tiff", "webp", "bmp", "gif", "heic"})
_NAMED_READERS: dict[str, Callable[[bytes, str], Extracted]] = {
    "xml": plain.read_xml,
}
_NAMED_PICTURED_READERS: dict[str, Callable[[bytes, str, Pictures], Extracted]] = {
    "eml": read_eml,
    "msg": read_msg,
    "ods": opendocument_epub.read_ods,
}
_PAGE_READERS: dict[str, Callable[[str, PagePictures], Extracted]] = {
    "html": lambda text, words_of: html_word_markdown.read_html(text, words_of=words_of),
    "md": html_word_markdown.read_markdown,
    "ipynb": plain.read_notebook,
}
_PICTURED_READERS: dict[str, Callable[[bytes, Pictures], Extracted]] = {
    "odt": opendocument_epub.read_odt,
    "odp": opendocument_epub.read_odp,
    "epub": opendocument_epub.read_epub,
    "rtf": rtf.read_rtf,
}
_OFFICE_READERS: dict[str, Callable[[bytes, Pictures, bool], Extracted]] = {
    "docx": partial(html_word_markdown.read_docx, read_archive=read_web_archive),
    "pptx": slides.read_pptx,
}
_TEXT_READERS: dict[str, Callable[[str], Extracted]] = {
    "csv": sheets.read_csv,
    "tsv": lambda content: sheets.read_csv(content, "\t"),
    "txt": plain.read_text,
    "rst": markup.read_rst,
    "org": markup.read_org,
    "json": plain.read_json,
}

logger = logging.getLogger(__name__)


def read(data: bytes, name: str, settings: IngestSettings, allowance: Allowance) -> tuple[str, Extracted]:
    """Returns the kind of a document and its elements. The elements of its attachments come at the end.

    Raises DocumentError and nothing else.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn of oddities in documents, which nobody here can repair
            kind, extracted = _opened(data, name, settings, inside=allowance.depth > 0)
            return kind, with_attachments(extracted, lambda d, n: read(d, n, settings, allowance)[1], allowance)
    except DocumentError:
        raise
    except Exception as error:
        logger.info("%s could not be parsed", name, exc_info=True)
        reason = encoding.storable(str(error)).strip().split("\n")[0][:200] or type(error).__name__
        raise refuse("corrupt", name, f"it cannot be read ({reason})") from error


def _opened(data: bytes, name: str, settings: IngestSettings, *, inside: bool) -> tuple[str, Extracted]:
    """Returns the kind and the content of a document. An archive is opened only `inside` another document."""
    if inside and is_packed(data, name):
        return "zip", Extracted((), attachments=members(data, name, settings.passwords))
    data, kind = unlocked(data, detect(data, name), name, settings.passwords)
    if kind == "xml" and (flat := opendocument_flat.flat_kind(data)) is not None:
        data, kind = opendocument_flat.zipped(data, name), flat
    return kind, with_properties(_read(data, kind, name, settings), data, kind)


def _read(data: bytes, kind: str, name: str, settings: IngestSettings) -> Extracted:
    if kind in NEWER:
        data, kind = converted(data, kind, name)
    pictures = Pictures(settings.ocr and settings.ocr_embedded, settings.ocr_pictures, settings.ocr_picture_seconds)
    extracted = _by_reader(data, kind, name, settings, pictures)
    elements = without_contents(extracted.elements) if kind in _WITHOUT_PAGES else extracted.elements
    elements = tuple(with_tables_by_tabs(elements)) if kind in _WITH_TAB_STOPS else elements
    return replace(extracted, elements=elements, notes=together([extracted.notes, pictures.notes]))


def _by_reader(data: bytes, kind: str, name: str, settings: IngestSettings, pictures: Pictures) -> Extracted:
    if kind == "pdf":
        return pdf.read_pdf(data, name, settings.ocr, pictures, settings.passwords)
    if kind in _IMAGES:
        return ocr.read_image(data, name, settings.ocr)
    if kind == "ofd":
        return read_ofd(data, name, pictures, settings.ocr)
    if kind in _OFFICE_READERS:
        return _OFFICE_READERS[kind](data, pictures, settings.comments)
    if kind in _PICTURED_READERS:
        return _PICTURED_READERS[kind](data, pictures)
    if kind == "xlsx":
        return sheets.read_xlsx(data, name, pictures, settings.comments)
    if kind == "xls":
        return sheets.read_xls(data, name, pictures, settings.comments)
    if kind == "html" and is_saved_page(encoding.decode(data[:HEAD_BYTES], declared=True), suffix(name)):
        return read_web_archive(data, pictures)
    if kind in _NAMED_READERS:
        return _NAMED_READERS[kind](data, name)
    if kind in _NAMED_PICTURED_READERS:
        return _NAMED_PICTURED_READERS[kind](data, name, pictures)
    # An invisible character before a mark, such as the # of a heading, would hide the mark.
    if kind in _PAGE_READERS:
        text = characters.visible(encoding.decode(data, declared=kind == "html"))
        return _PAGE_READERS[kind](text, PagePictures(pictures))
    if kind in _TEXT_READERS:
        return _TEXT_READERS[kind](characters.visible(encoding.decode(data, declared=False)))
    raise refuse("unsupported", name, f"{kind.upper()} files are not read here")
