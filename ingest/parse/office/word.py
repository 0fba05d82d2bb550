"""Prepares a Word document for unstructured: what unstructured does not see is stated in ordinary ways before it reads
it.

Tracked changes are accepted. Text boxes, notes, pictures and comments become paragraphs after their own paragraph.
Formulas and ruby become text. Outline levels become heading styles.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

from ingest.parse.office.merged_cells import part_merges
from ingest.parse.office.ooxml import diagram_texts, plain_variant, xml
from ingest.parse.office.xpaths import quicken
from ingest.parse.pictures.embedded import Pictures

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_REMOVED = (f"{_W}del", f"{_W}moveFrom", f"{_MC}Fallback")
_UNWRAPPED = (
    *(f"{_W}{name}" for name in ("ins", "moveTo", "smartTag", "customXml", "sdtContent", "sdt", "fldSimple")),
    f"{_MC}AlternateContent",
    f"{_MC}Choice",
)
_OUTLINE = "./w:pPr/w:outlineLvl/@w:val"
_HIDDEN = ".//w:r[w:rPr/w:vanish[not(@w:val='0' or @w:val='false')]]"
_GONE_ROWS = ".//w:tr[w:trPr/w:del]"
_PICTURES = ".//*[local-name()='blip']/@r:embed | .//*[local-name()='imagedata']/@r:id"
_MAX_BOXES = 10_000
_MAX_PARAGRAPHS = 200_000
"""As many as ten thousand pages have. Unstructured needs a quarter of a millisecond for each paragraph, even for an
empty one.
"""


def prepared(data: bytes, pictures: Pictures, comments: bool) -> bytes:
    """Returns the same Word document with everything stated in paragraphs and styles."""
    from docx import Document

    quicken()
    document = Document(io.BytesIO(plain_variant(data)))
    stories = [relation.target_part for relation in document.part.rels.values() if _is_margin(relation)]
    for story in (document.element.body, *(part.element for part in stories if hasattr(part, "element"))):
        _resolve_changes(story)
        _state_text(story)
    body = document.element.body
    if (paragraphs := sum(1 for _ in body.iter(f"{_W}p"))) > _MAX_PARAGRAPHS:
        raise ValueError(f"{paragraphs} paragraphs, more than {_MAX_PARAGRAPHS}")
    part_merges(body)
    _lay_out_boxes(body)
    _append_notes(document, comments)
    for paragraph in list(body.iter(f"{_W}p")):
        _insert_after(paragraph, _drawn(document.part, paragraph, pictures))
    _state_headings(document)
    stated = io.BytesIO()
    document.save(stated)
    return stated.getvalue()


def _is_margin(relation: Any) -> bool:
    return not relation.is_external and relation.reltype.endswith(("/header", "/footer"))


def _resolve_changes(story: Any) -> None:
    """Accept every tracked change, and remove or unwrap the nodes that python-docx does not look into."""
    for gallery in list(story.iter(f"{_W}docPartGallery")):
        contents = next(gallery.iterancestors(f"{_W}sdt"), None)
        if gallery.get(f"{_W}val") == "Table of Contents" and contents is not None:
            _remove(contents)
    for row in story.xpath(_GONE_ROWS):
        row.getparent().remove(row)
    for node in list(story.iter(*_REMOVED)):
        parent = node.getparent()
        # The mark of a deleted paragraph end or of an inserted row is a property. It is not text.
        if parent is not None and parent.tag not in (f"{_W}rPr", f"{_W}trPr"):
            _remove(node)
    for run in story.xpath(_HIDDEN):
        _remove(run)
    for node in list(story.iter(*_UNWRAPPED)):
        parent = node.getparent()
        if parent is None or parent.tag in (f"{_W}rPr", f"{_W}trPr"):
            continue
        kept = [child for child in node if child.tag not in (f"{_W}sdtPr", f"{_W}sdtEndPr", f"{_W}smartTagPr")]
        place = parent.index(node)
        parent[place : place + 1] = kept


def _remove(node: Any) -> None:
    if (parent := node.getparent()) is not None:
        parent.remove(node)


def _state_text(story: Any) -> None:
    """Replace formulas and annotated characters by plain text."""
    for formula in list(story.iter(f"{_M}oMath")):
        run = _run("".join(text.text or "" for text in formula.iter(f"{_M}t")))
        outer = formula.getparent()
        if outer.tag == f"{_M}oMathPara":
            formula, outer = outer, outer.getparent()
        if outer is not None:
            outer.replace(formula, run)
    for ruby in list(story.iter(f"{_W}ruby")):
        text = "".join(text.text or "" for text in ruby.iterfind(f"{_W}rubyBase//{_W}t"))
        ruby.getparent().replace(ruby, _text(text))


def _text(text: str) -> Any:
    from docx.oxml import OxmlElement

    node = OxmlElement("w:t")
    node.text = text
    node.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return node


def _run(text: str) -> Any:
    from docx.oxml import OxmlElement

    run = OxmlElement("w:r")
    run.append(_text(text))
    return run


def _paragraph(text: str) -> Any:
    from docx.oxml import OxmlElement

    paragraph = OxmlElement("w:p")
    paragraph.append(_run(text))
    return paragraph


def _insert_after(block: Any, texts: Iterable[str]) -> None:
    for text in reversed([text for text in texts if text.strip()]):
        block.addnext(_paragraph(text))


def _lay_out_boxes(body: Any) -> None:
    """Move the content of text boxes to the place after the paragraph that holds the box."""
    for box in list(body.iter(f"{_W}txbxContent"))[:_MAX_BOXES]:
        holder = next((node for node in box.iterancestors(f"{_W}p")), None)
        if holder is None:
            continue
        blocks = [child for child in box if child.tag in (f"{_W}p", f"{_W}tbl")]
        _remove(box)
        for block in reversed(blocks):
            holder.addnext(block)


def _append_notes(document: Any, comments: bool) -> None:
    """Add each footnote, endnote and (if requested) comment as a paragraph after the block that refers to it."""
    notes = {
        f"{_W}footnoteReference": _notes(document, "/footnotes", f"{_W}footnote"),
        f"{_W}endnoteReference": _notes(document, "/endnotes", f"{_W}endnote"),
    }
    if comments:
        notes[f"{_W}commentReference"] = _notes(document, "/comments", f"{_W}comment")
    numbers = 0
    for block in list(document.element.body):
        behind: list[str] = []
        for reference in list(block.iter(*notes)):
            note = notes[reference.tag].get(reference.get(f"{_W}id"))
            if note is None:
                continue
            if reference.tag == f"{_W}commentReference":
                author = note.get(f"{_W}author")
                behind.append(f"Comment ({author}): {_words(note)}" if author else f"Comment: {_words(note)}")
                continue
            numbers += 1
            reference.getparent().replace(reference, _text(f"[{numbers}]"))
            behind.append(f"[{numbers}] {_words(note)}")
        _insert_after(block, behind)


def _notes(document: Any, relation_type: str, tag: str) -> dict[str | None, Any]:
    """Returns the notes in a part of the document by their id. The marks that separate notes from the text are left
    out.
    """
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(relation_type):
            root = xml(relation.target_part.blob)
            return {note.get(f"{_W}id"): note for note in root.iter(tag) if note.get(f"{_W}type", "normal") == "normal"}
    return {}


def _words(note: Any) -> str:
    kept = deepcopy(note)
    for node in list(kept.iter(*_REMOVED)):
        _remove(node)
    paragraphs = ("".join(text.text or "" for text in p.iter(f"{_W}t", f"{_M}t")) for p in kept.iter(f"{_W}p"))
    return " ".join(paragraph.strip() for paragraph in paragraphs)


def _drawn(part: Any, paragraph: Any, pictures: Pictures) -> Iterator[str]:
    """Yields the words in the pictures and diagrams of a paragraph."""
    for relation in paragraph.xpath(_PICTURES):
        if (picture := part.related_parts.get(relation)) is not None:
            yield from pictures.texts(picture.blob)
    yield from diagram_texts(part, paragraph)


def _state_headings(document: Any) -> None:
    """Give a paragraph a heading style if its outline level says that it is a heading and its style does not.

    Chinese templates often give their own styles an outline level. Unstructured looks at the names of styles only.
    """
    levels: dict[str, int | None] = {}
    styles: dict[str | None, Any] = {}
    for paragraph in document.paragraphs:
        named = paragraph._p.style
        if named not in styles:
            styles[named] = paragraph.style  # this property looks through all styles
        style = styles[named]
        if style is None or style.name.startswith(("Heading", "Title", "Subtitle")):
            continue
        if style.name.lower().startswith(("toc ", "目录 ")):
            _remove(paragraph._p)
            continue
        own = paragraph._p.xpath(_OUTLINE)
        if style.style_id not in levels:
            levels[style.style_id] = _style_level(style)
        level = _level(own[0]) if own else levels[style.style_id]
        if level is not None:
            paragraph.style = _heading_style(document, level)


def _style_level(style: Any) -> int | None:
    """Returns the outline level of a style, or of a style that it is based on, from 1 to 9. Returns None if there is
    none.
    """
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
