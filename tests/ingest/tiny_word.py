"""Makes small Word documents of XML, and reads documents as a run does."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from docx import Document
from docx.oxml import parse_xml

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings

NAMES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TYPES = "[Content_Types].xml"
TYPES = {
    "mht": "message/rfc822", "htm": "text/html", "xhtml": "application/xhtml+xml", "txt": "text/plain",
    "rtf": "application/rtf", "docx": _WORD, "bin": "application/octet-stream",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


def read(data: bytes, name: str = "a.docx", **settings: Any) -> ParsedDocument:
    reference = Reference("local", name, name, len(data), 0, content=data)
    return parse(reference, IngestSettings(**{"ocr": False, **settings}))


def word(*blocks: str, styles: str = "", **parts: str) -> bytes:
    """A Word document of these blocks of XML; `parts` are its footnotes, endnotes or comments, as XML."""
    document = Document()
    for style in parse_xml(f"<w:styles {NAMES}>{styles}</w:styles>"):
        document.styles.element.append(style)
    for block in blocks:
        document.element.body.insert(len(document.element.body) - 1, parse_xml(block.replace(">", f" {NAMES}>", 1)))
    stream = io.BytesIO()
    document.save(stream)
    return with_parts(stream.getvalue(), parts)


def with_parts(data: bytes, parts: dict[str, str]) -> bytes:
    kinds = {part: f"application/vnd.openxmlformats-officedocument.wordprocessingml.{part}+xml" for part in parts}
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w") as new:
        for member in old.namelist():
            text = old.read(member)
            if member == _TYPES:
                overrides = "".join(f'<Override PartName="/word/{p}.xml" ContentType="{k}"/>' for p, k in kinds.items())
                text = text.replace(b"</Types>", f"{overrides}</Types>".encode())
            if member == "word/_rels/document.xml.rels":
                relations = "".join(f'<Relationship Id="x{p}" Type="{base}/{p}" Target="{p}.xml"/>' for p in parts)
                text = text.replace(b"</Relationships>", f"{relations}</Relationships>".encode())
            new.writestr(member, text)
        for part, content in parts.items():
            new.writestr(f"word/{part}.xml", content.replace(">", f" {NAMES}>", 1))
    return changed.getvalue()


def related(data: bytes, relations: dict[str, str], part: str = "document", **files: bytes) -> bytes:
    """The document with more relations of one part: an address on the web for each id, or the name of a file that is
    taken in whole. `files` are those files; `__` in a name is its dot.
    """
    path, changed = f"word/_rels/{part}.xml.rels", io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w") as new:
        members = {member: old.read(member) for member in old.namelist()}
        empty = b"<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'></Relationships>"
        stated = "".join(_relation(identity, target) for identity, target in relations.items())
        members[path] = members.get(path, empty).replace(b"</Relationships>", f"{stated}</Relationships>".encode())
        types = "".join(f'<Default Extension="{end}" ContentType="{kind}"/>' for end, kind in TYPES.items())
        members[_TYPES] = members[_TYPES].replace(b"<Override", f"{types}<Override".encode(), 1)
        members |= {f"word/{name.replace('__', '.')}": content for name, content in files.items()}
        for member, content in members.items():
            new.writestr(member, content)
    return changed.getvalue()


def _relation(identity: str, target: str) -> str:
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    if ":" in target:
        return f'<Relationship Id="{identity}" Type="{base}/hyperlink" TargetMode="External" Target="{target}"/>'
    return f'<Relationship Id="{identity}" Type="{base}/aFChunk" Target="{target}"/>'


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def texts(parsed: ParsedDocument) -> list[str]:
    return [element.text for element in parsed.elements]
