"""Reads what is drawn in a paragraph of a Word document: the words in its pictures and diagrams, letters that are
shapes, and where a click on them leads. A drawing is DrawingML, or VML in older documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ingest.parse.links import shown_target, with_shown
from ingest.parse.office.ooxml import diagram_texts, picture_relations
from ingest.parse.pictures.embedded import Pictures, best_of

_VML = "{urn:schemas-microsoft-com:vml}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CLICKED = "{http://schemas.openxmlformats.org/drawingml/2006/main}hlinkClick"
_PARAGRAPH = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}p"


def drawn_in(paragraph: Any, part: Any, pictures: Pictures, *, is_margin: bool) -> Iterator[str]:
    """Yields the words in the drawings of a paragraph, and where they lead. `part` has its relations. The letters in a
    header or footer that are shapes are a watermark.
    """
    for relations in _pictures(paragraph):
        found = [blob for relation in relations if (blob := _blob(part, relation)) is not None]
        if found:
            yield from pictures.texts(best_of(found))
        else:
            pictures.give_up()
    yield from diagram_texts(part, paragraph)
    if not is_margin:
        yield from (path.get("string", "") for path in paragraph.iter(f"{_VML}textpath"))
    said: dict[str, str] = {}
    for described, target in _links(paragraph, part):
        if shown := shown_target(target):
            said.setdefault(shown, with_shown(" ".join(described.split()), shown))
    yield from said.values()


def take_target(box: Any, part: Any) -> str | None:
    """Returns where a click on the shape around a text box leads. Then the shape does not say it any more."""
    target = None
    for holder in box.iterancestors():
        if holder.tag == _PARAGRAPH:
            break
        if holder.tag.startswith(_VML):
            target = holder.attrib.pop("href", target)
        for properties in holder.iterchildren("{*}cNvPr", "{*}docPr"):
            for clicked in list(properties.iterchildren(_CLICKED)):
                target = _outside(clicked, part) or target
                properties.remove(clicked)
    return target


def _pictures(paragraph: Any) -> Iterator[list[str]]:
    """Yields the relations of the files of each picture."""
    for picture in paragraph.iter("{*}blip", f"{_VML}imagedata"):
        relations = picture_relations(picture)
        if picture.tag == f"{_VML}imagedata":
            relations = [picture.get(_RELATION, "")]
        if any(relations):
            yield relations


def _blob(part: Any, relation: str) -> bytes | None:
    """Returns the file of a picture, or None if it is only linked, or not there."""
    found = part.rels.get(relation)
    return found.target_part.blob if found is not None and not found.is_external else None


def _links(paragraph: Any, part: Any) -> Iterator[tuple[str, str | None]]:
    """Yields what describes each drawing, and where a click on it leads."""
    for clicked in paragraph.iter(_CLICKED):
        yield clicked.getparent().get("descr", ""), _outside(clicked, part)
    for shape in paragraph.iter(f"{_VML}*"):
        yield shape.get("alt") or shape.get("title") or "", shape.get("href")


def _outside(clicked: Any, part: Any) -> str | None:
    """Returns where a click leads, if that is outside of the document."""
    link = part.rels.get(clicked.get(_RELATION))
    return str(link.target_ref) if link is not None and link.is_external else None
