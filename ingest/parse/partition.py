"""HTML, Markdown, Word, PowerPoint and mail, by unstructured. The only file that imports it.

Out of the box unstructured downloads an English spaCy model at first use, sends telemetry, and guesses headings
from English grammar. Here it gets a blank multilingual pipeline, no telemetry, and a title length of zero words,
which leaves only the headings that the format itself states (styles, tags, placeholders).
"""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from lxml import html as lxml_html

from ingest.document import Element, ElementKind, Location
from ingest.parse import encoding
from ingest.parse.extracted import Extracted
from ingest.parse.office import core_title, state_headings
from ingest.parse.tables import markdown, rows_of_html, spread

_ENVIRONMENT = {
    "DO_NOT_TRACK": "true",
    "SCARF_NO_ANALYTICS": "true",
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
    "UNSTRUCTURED_TITLE_MAX_WORD_LENGTH": "0",
}
_KINDS: dict[str, ElementKind] = {
    "Title": "heading",
    "ListItem": "list_item",
    "Table": "table",
    "CodeSnippet": "code",
    "FigureCaption": "caption",
    "Image": "caption",
}
_NO_LANGUAGE_DETECTION = [""]
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n(?:---|\.\.\.)\n", re.S)
_XML_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^>]*\?>")
_NARROW_CHARSET = re.compile(rb"""(charset="?|=\?)(?:gb2312|gbk)(?=["?;\s])""", re.I)


@lru_cache(maxsize=1)
def _unstructured() -> Any:
    """The partitioners, with the network and the guessing switched off."""
    os.environ.update(_ENVIRONMENT)
    import spacy

    pipeline = spacy.blank("xx")
    pipeline.add_pipe("sentencizer")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations of its dependencies, at import
        from unstructured.nlp import tokenize
        from unstructured.partition.docx import partition_docx
        from unstructured.partition.email import partition_email
        from unstructured.partition.html import partition_html
        from unstructured.partition.md import partition_md
        from unstructured.partition.msg import partition_msg
        from unstructured.partition.pptx import partition_pptx

    tokenize._get_nlp = lambda: pipeline
    return SimpleNamespace(
        docx=partition_docx, email=partition_email, html=partition_html, md=partition_md,
        msg=partition_msg, pptx=partition_pptx,
    )  # fmt: skip


def read_html(text: str) -> Extracted:
    """A web page. The title is that of its `<title>`."""
    body = _XML_DECLARATION.sub("", text)
    if not body.strip():
        return Extracted(())
    page = lxml_html.fromstring(body)
    for table in page.xpath("//table[.//@colspan or .//@rowspan][not(.//table)]"):
        spread(table)  # unstructured forgets the spans of the cells
    parts = _unstructured().html(text=lxml_html.tostring(page, encoding="unicode"), languages=_NO_LANGUAGE_DETECTION)
    return Extracted(tuple(_elements(parts)), title=page.findtext(".//title"))


def read_markdown(text: str) -> Extracted:
    """Markdown with tables and fenced code. A front matter is left out; its `title:` is the title."""
    title = None
    if front := _FRONT_MATTER.match(text):
        text = text[front.end() :]
        line = re.search(r"^title:\s*(.+)$", front.group(1), re.M)
        title = line.group(1).strip("\"' ") if line else None
    if not text.strip():
        return Extracted((), title)
    parts = _unstructured().md(text=text, languages=_NO_LANGUAGE_DETECTION)
    return Extracted(tuple(_elements(parts)), title)


def read_docx(data: bytes) -> Extracted:
    """A Word document, with its headers and footers once each."""
    parts = _unstructured().docx(file=io.BytesIO(state_headings(data)), languages=_NO_LANGUAGE_DETECTION)
    pages = max((part.metadata.page_number or 0 for part in parts), default=0)
    return Extracted(tuple(_elements(_once(parts), page="page")), core_title(data), pages or None)


def read_pptx(data: bytes) -> Extracted:
    """Slides with their notes; `location.slide` counts from 1."""
    parts = _unstructured().pptx(file=io.BytesIO(data), include_slide_notes=True, languages=_NO_LANGUAGE_DETECTION)
    return Extracted(tuple(_elements(parts, page="slide")), core_title(data))


def read_eml(data: bytes) -> Extracted:
    """A mail: the subject as title, who and when as the first paragraph, the body, attachments that are text."""
    data = _NARROW_CHARSET.sub(rb"\1gb18030", data)
    message = message_from_bytes(data, policy=policy.default)
    fields = {field: str(message.get(field) or "").strip() for field in ("Subject", "From", "To", "Cc", "Date")}
    parts = _unstructured().email(file=io.BytesIO(data), languages=_NO_LANGUAGE_DETECTION)
    attached = [element for part in message.iter_attachments() for element in _attachment(part)]
    return _mail(fields, [*_elements(parts), *attached])


def read_msg(data: bytes) -> Extracted:
    """A mail saved by Outlook, like `read_eml`, without the attachments."""
    parts = _unstructured().msg(file=io.BytesIO(data), languages=_NO_LANGUAGE_DETECTION)
    about = parts[0].metadata if parts else SimpleNamespace()
    fields = {
        "Subject": getattr(about, "subject", None) or "",
        "From": ", ".join(getattr(about, "sent_from", None) or ()),
        "To": ", ".join(getattr(about, "sent_to", None) or ()),
        "Date": getattr(about, "last_modified", None) or "",
    }
    return _mail(fields, list(_elements(parts)))


def _mail(fields: dict[str, str], body: list[Element]) -> Extracted:
    lines = "\n".join(f"{name}: {value}" for name, value in fields.items() if value and name != "Subject")
    head = [Element("title", fields["Subject"])] if fields["Subject"] else []
    if lines:
        head.append(Element("paragraph", lines))
    return Extracted((*head, *body), fields["Subject"] or None)


def _attachment(part: EmailMessage) -> Iterator[Element]:
    if part.get_content_maintype() != "text":
        return
    payload = part.get_payload(decode=True)
    text = encoding.decode(payload, declared=True) if isinstance(payload, bytes) else ""
    yield Element("heading", part.get_filename() or "attachment", level=1)
    if part.get_content_subtype() == "html":
        yield from read_html(text).elements
    else:
        yield from (Element("paragraph", block.strip()) for block in re.split(r"\n\s*\n", text) if block.strip())


def _once(parts: Iterable[Any]) -> Iterator[Any]:
    """Every section of a Word document repeats its header and footer; say them once."""
    seen: set[str] = set()
    for part in parts:
        if part.category in {"Header", "Footer"}:
            if part.text in seen:
                continue
            seen.add(part.text)
        yield part


def _elements(parts: Iterable[Any], page: str = "") -> Iterator[Element]:
    """Our elements. `page` names the field of the location that unstructured's page number fills."""
    for part in parts:
        about = part.metadata
        kind = _KINDS.get(part.category, "paragraph")
        text = part.text.strip()
        if kind == "table" and about.text_as_html:
            text = markdown(rows_of_html(about.text_as_html))
        if not text or part.category == "PageBreak":
            continue
        location = Location()
        if about.page_number and page == "page":
            location = Location(page=about.page_number)
        elif about.page_number and page == "slide":
            location = Location(slide=about.page_number)
        level = (about.category_depth or 0) + 1 if kind == "heading" else None
        yield Element(kind, text, location, level)
