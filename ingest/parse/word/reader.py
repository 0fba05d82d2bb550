"""Prepares a Word document for unstructured: what unstructured does not see is stated in ordinary ways before it reads
it.

Tracked changes are accepted, and what is struck through is left out. Text boxes, notes, pictures and comments become
paragraphs after their own paragraph. Formulas and ruby become text. The targets of links are said. Headings get heading
styles.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ingest.document import Location
from ingest.parse.extracted import Attachment, Extracted
from ingest.parse.notes import FORMULAS_WITHOUT_VALUE, PARTS_NOT_READ, together
from ingest.parse.office.charts import CHARTS, read_chart
from ingest.parse.office.embedded_objects import EmbeddedObjects
from ingest.parse.office.ooxml import plain_variant, without_dangling, xml
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.word.alt_chunks import Chunks
from ingest.parse.word.contents import drop_contents
from ingest.parse.word.controls import state_controls
from ingest.parse.word.drawings import drawn_in, take_target
from ingest.parse.word.headings import state_headings, state_typed_headings
from ingest.parse.word.layout import unwrap_layout
from ingest.parse.word.links import state_links, suffix
from ingest.parse.word.merged_cells import part_merges
from ingest.parse.word.nodes import paragraph as new_paragraph
from ingest.parse.word.nodes import remove, run, text_node
from ingest.parse.word.styles import UNSEEN, Styles
from ingest.parse.word.xpaths import quicken

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_OLE = "{urn:schemas-microsoft-com:office:office}OLEObject"
_FILM = "{http://schemas.microsoft.com/office/word/2012/wordprocessingDrawing}webVideoPr"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_REMOVED = (f"{_W}del", f"{_W}moveFrom", f"{_MC}Fallback")
_UNWRAPPED = (
    *(f"{_W}{name}" for name in ("ins", "moveTo", "smartTag", "customXml", "sdtContent", "sdt", "fldSimple")),
    f"{_MC}AlternateContent",
    f"{_MC}Choice",
)
_WRITTEN = tuple(
    f"{_W}{name}" for name in ("t", "sym", "tab", "noBreakHyphen", "ruby", "footnoteReference", "endnoteReference")
)
"""What a line through a run strikes. Pictures, and the marks of fields and pages, stay."""
_SHOWN = (*_WRITTEN, *(f"{_W}{name}" for name in ("br", "cr", "drawing", "pict", "object")))
"""What is hidden with a run. The marks of fields stay, so that the fields end."""
_MAX_BOXES = 10_000
_MAX_PARAGRAPHS = 200_000
"""As many as ten thousand pages have. Unstructured needs a quarter of a millisecond for each paragraph, even for an
empty one.
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A Word document with everything stated in paragraphs and styles. `chunks` has the parts that are read apart, and
    `notes` counts what is not read. `attachments` are the documents of other programs in it.
    """

    data: bytes
    chunks: Chunks
    notes: dict[str, int]
    attachments: tuple[Attachment, ...]


def prepared(data: bytes, pictures: Pictures, comments: bool) -> Prepared:
    """Returns the same Word document with everything stated in paragraphs and styles."""
    from docx import Document

    quicken()
    plain = plain_variant(data)
    try:
        document = Document(io.BytesIO(plain))
    except KeyError:  # a part is not there
        document = Document(io.BytesIO(without_dangling(plain)))
    chunks = Chunks(data)
    stories = _Stories(document, chunks)
    body = document.element.body
    drop_contents(document)
    stories.state(body, document.part)
    margins = [(margin.element, margin) for margin in _margins(document.part)]
    for story, part in margins:
        stories.state(story, part)
    if (paragraphs := sum(1 for _ in body.iter(f"{_W}p"))) > _MAX_PARAGRAPHS:
        raise ValueError(f"{paragraphs} paragraphs, more than {_MAX_PARAGRAPHS}")
    part_merges(body)
    state_typed_headings(document, stories.styles)
    for story, part in ((body, document.part), *margins):
        _lay_out_boxes(story, part, is_margin=story is not body)
    unwrap_layout(document)
    stories.append_notes(comments)
    for story, part in ((body, document.part), *margins):
        for paragraph in list(story.iter(f"{_W}p")):
            charts = stories.charts(paragraph) if story is body else ()
            _insert_after(paragraph, [*drawn_in(paragraph, part, pictures, is_margin=story is not body), *charts])
    state_headings(document)
    stated = io.BytesIO()
    document.save(stated)
    notes = together([stories.objects.notes, {FORMULAS_WITHOUT_VALUE: stories.formulas, PARTS_NOT_READ: stories.films}])
    return Prepared(stated.getvalue(), chunks, notes, stories.objects.attachments)


def _margins(part: Any) -> Iterator[Any]:
    """Yields the headers and footers of a document."""
    for relation in part.rels.values():
        is_margin = not relation.is_external and relation.reltype.endswith(("/header", "/footer"))
        if is_margin and hasattr(relation.target_part, "element"):
            yield relation.target_part


class _Stories:
    """The texts of a Word document: its body, its headers and footers, its notes."""

    def __init__(self, document: Any, chunks: Chunks) -> None:
        self._document = document
        self.styles = Styles(document.styles.element)
        self.chunks = chunks
        self.objects = EmbeddedObjects()
        self.formulas = 0
        """How many formulas have no result."""
        self.films = 0
        """How many films of the web are shown."""
        self._charts: set[Any] = set()

    def state(self, story: Any, part: Any) -> None:
        """State everything in one story as ordinary text. `part` has the relations of the story."""
        _leave_out(story)
        state_controls(story)
        _drop_unseen(story, self.styles)
        self.formulas += state_links(story, part.rels)
        self.films += sum(1 for _ in story.iter(_FILM))
        _unwrap(story)
        _state_text(story)
        for embedded in story.iter(_OLE):
            relation = part.rels.get(embedded.get(_RELATION))
            is_here = relation is not None and not relation.is_external
            name = str(relation.target_part.partname) if is_here else ""
            self.objects.add(name, relation.target_part.blob if is_here else None)
        self.chunks.mark(story, part)

    def charts(self, paragraph: Any) -> Iterator[str]:
        """Yields a mark for each chart in a paragraph of the body, when it comes for the first time."""
        for chart in paragraph.iter(*CHARTS):
            part = self._document.part.related_parts.get(chart.get(_RELATION))
            if part in self._charts:
                continue
            self._charts.add(part)
            try:
                found = read_chart(xml(part.blob)) if part is not None else None
            except (ValueError, SyntaxError):  # SyntaxError is that of lxml
                found = None
            elements = tuple(found.elements(Location())) if found is not None else ()
            missing = {} if found is not None and found.tables else {PARTS_NOT_READ: 1}
            yield self.chunks.keep(Extracted(elements, notes=missing))

    def append_notes(self, comments: bool) -> None:
        """Add each footnote, endnote and (if requested) comment as a paragraph after the block that refers to it."""
        notes = {
            f"{_W}footnoteReference": self._notes("/footnotes", f"{_W}footnote"),
            f"{_W}endnoteReference": self._notes("/endnotes", f"{_W}endnote"),
        }
        if comments:
            notes[f"{_W}commentReference"] = self._notes("/comments", f"{_W}comment")
        numbers = 0
        for block in list(self._document.element.body):
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
                reference.getparent().replace(reference, text_node(f"[{numbers}]"))
                behind.append(f"[{numbers}] {_words(note)}")
            _insert_after(block, behind)

    def _notes(self, relation_type: str, tag: str) -> dict[str | None, Any]:
        """Returns the notes in a part of the document by their id. The marks that separate notes from the text are left
        out.
        """
        for relation in self._document.part.rels.values():
            if not relation.is_external and relation.reltype.endswith(relation_type):
                root = xml(relation.target_part.blob)
                self.state(root, relation.target_part)
                notes = (note for note in root.iter(tag) if note.get(f"{_W}type", "normal") == "normal")
                return {note.get(f"{_W}id"): note for note in notes}
        return {}


def _leave_out(story: Any) -> None:
    """Accept every deletion, and remove what stands in for older programs."""
    for node in list(story.iter(*_REMOVED)):
        parent = node.getparent()
        if parent is not None and parent.tag == f"{_W}trPr" and node.tag == f"{_W}del":
            remove(parent.getparent())  # a row that was deleted
        # The mark of a deleted paragraph end or of an inserted row is a property. It is not text.
        elif parent is not None and parent.tag not in (f"{_W}rPr", f"{_W}trPr"):
            remove(node)


def _drop_unseen(story: Any, styles: Styles) -> None:
    """Remove the text that is hidden, with its pictures, or struck through. A reader takes this for deleted."""
    if not styles.has_unseen and not any(True for _ in story.iter(*UNSEEN)):
        return
    for letters in list(story.iter(f"{_W}r")):
        look = styles.look(letters, next(letters.iterancestors(f"{_W}p"), None))
        if look.is_unseen:
            for written in list(letters.iterchildren(*(_SHOWN if look.hidden else _WRITTEN))):
                remove(written)


def _unwrap(story: Any) -> None:
    """Unwrap the nodes that python-docx does not look into."""
    for node in list(story.iter(*_UNWRAPPED)):
        parent = node.getparent()
        if parent is None or parent.tag in (f"{_W}rPr", f"{_W}trPr"):
            continue
        kept = [child for child in node if child.tag not in (f"{_W}sdtPr", f"{_W}sdtEndPr", f"{_W}smartTagPr")]
        place = parent.index(node)
        parent[place : place + 1] = kept


def _state_text(story: Any) -> None:
    """Replace formulas and annotated characters by plain text."""
    for formula in list(story.iter(f"{_M}oMath")):
        stated = run("".join(text.text or "" for text in formula.iter(f"{_M}t")))
        outer = formula.getparent()
        if outer.tag == f"{_M}oMathPara":
            formula, outer = outer, outer.getparent()
        if outer is not None:
            outer.replace(formula, stated)
    for ruby in list(story.iter(f"{_W}ruby")):
        text = "".join(text.text or "" for text in ruby.iterfind(f"{_W}rubyBase//{_W}t"))
        ruby.getparent().replace(ruby, text_node(text))


def _insert_after(block: Any, texts: Iterable[str]) -> None:
    for text in reversed([text for text in texts if text.strip()]):
        block.addnext(new_paragraph(text))


def _lay_out_boxes(story: Any, part: Any, *, is_margin: bool) -> None:
    """Move the content of text boxes to the place after the paragraph that holds the box. What a box in a header or
    footer says without letters is the number of the page.
    """
    for box in list(story.iter(f"{_W}txbxContent"))[:_MAX_BOXES]:
        holder = next((node for node in box.iterancestors(f"{_W}p")), None)
        if holder is None:
            continue
        blocks = [child for child in box if child.tag in (f"{_W}p", f"{_W}tbl")]
        if target := take_target(box, part):
            _lead_from(box, target)
        remove(box)
        if is_margin and not any(map(str.isalpha, _words(box))):
            continue
        for block in reversed(blocks):
            holder.addnext(block)


def _lead_from(box: Any, target: str) -> None:
    """Write where a click on a text box leads behind its last text."""
    said = [(paragraph, text) for paragraph in box.iter(f"{_W}p") if (text := _text(paragraph)).strip()]
    if said and (behind := suffix(said[-1][1], target)):
        said[-1][0].append(run(behind))


def _words(note: Any) -> str:
    return " ".join(_text(paragraph).strip() for paragraph in note.iter(f"{_W}p"))


def _text(paragraph: Any) -> str:
    return "".join(text.text or "" for text in paragraph.iter(f"{_W}t"))
