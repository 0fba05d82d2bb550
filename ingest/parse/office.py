"""What unstructured leaves out of Office files: the document's own title, and outline levels."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from lxml import etree

from ingest.parse.refusals import refuse

_OUTLINE = "./w:pPr/w:outlineLvl/@w:val"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_NEWER = {"doc": "docx", "ppt": "pptx"}
_CONVERSION_SECONDS = 100


def core_title(data: bytes) -> str | None:
    """The title in the document's properties, if it has one."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if "docProps/core.xml" not in archive.namelist():
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        try:
            title: str | None = etree.fromstring(archive.read("docProps/core.xml"), parser).findtext(_TITLE)
        except etree.XMLSyntaxError:
            return None
    return title


def state_headings(data: bytes) -> bytes:
    """The same Word document, with a heading style wherever an outline level says heading and the style does not.

    Chinese templates often give their own styles an outline level; unstructured looks at style names only.
    """
    from docx import Document

    document = Document(io.BytesIO(data))
    levels: dict[str, int | None] = {}
    changed = False
    for paragraph in document.paragraphs:
        style = paragraph.style
        if style is None or style.name.startswith(("Heading", "Title", "Subtitle")):
            continue
        own = paragraph._p.xpath(_OUTLINE)
        if style.style_id not in levels:
            levels[style.style_id] = _style_level(style)
        level = _level(own[0]) if own else levels[style.style_id]
        if level is not None:
            paragraph.style = _heading_style(document, level)
            changed = True
    if not changed:
        return data
    stated = io.BytesIO()
    document.save(stated)
    return stated.getvalue()


def newer_format(data: bytes, kind: str, name: str) -> tuple[bytes, str]:
    """A doc or ppt as docx or pptx, by LibreOffice where it is installed; `needs_libreoffice` where it is not."""
    office = shutil.which("soffice")
    if office is None:
        raise refuse("needs_libreoffice", name, f"old {kind.upper()} files are read through LibreOffice only")
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder, f"document.{kind}")
        old.write_bytes(data)
        command = [office, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to",
                   _NEWER[kind], "--outdir", folder, str(old)]  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_CONVERSION_SECONDS)
            return Path(folder, f"document.{_NEWER[kind]}").read_bytes(), _NEWER[kind]
        except (OSError, subprocess.SubprocessError) as error:
            raise refuse("corrupt", name, "LibreOffice could not convert it") from error


def _style_level(style: Any) -> int | None:
    """The outline level that a style or the styles it is based on give, 1 to 9."""
    seen: set[str] = set()
    while style is not None and style.style_id not in seen:
        seen.add(style.style_id)
        if stated := style.element.xpath(_OUTLINE):
            return _level(stated[0])
        if style.name and style.name.startswith("Heading"):
            number = style.name.split()[-1]
            return int(number) if number.isdecimal() else None
        style = style.base_style
    return None


def _level(value: str) -> int | None:
    return int(value) + 1 if value.isdecimal() and int(value) <= 8 else None


def _heading_style(document: Any, level: int) -> Any:
    from docx.enum.style import WD_STYLE_TYPE

    name = f"Heading {level}"
    if name not in document.styles:
        document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    return document.styles[name]
