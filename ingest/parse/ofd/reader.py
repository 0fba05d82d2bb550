"""Reads OFD: the pages as elements in reading order, by the code that also reads the pages of a PDF."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.document import Box, Element, Location
from ingest.parse.extracted import Attachment, Extracted
from ingest.parse.notes import PAGES_WITHOUT_TEXT, PARTS_NOT_READ, PICTURES_NOT_READ
from ingest.parse.ofd import geometry
from ingest.parse.ofd.content import Allowance, Drawn, Painter, Picture, page_place
from ingest.parse.ofd.geometry import POINTS
from ingest.parse.ofd.jbig2 import as_png
from ingest.parse.ofd.links import PageLinks
from ingest.parse.ofd.package import Package, text_of
from ingest.parse.ofd.resources import Resources
from ingest.parse.page.segments import Floats, Segment
from ingest.parse.page.visible_title import visible_title
from ingest.parse.pdf.garbled_runs import PLACE, garbled_in, leave_out
from ingest.parse.pdf.garbled_text import is_garbage
from ingest.parse.pdf.outline import Outline, bare
from ingest.parse.pdf.reader import Page, elements_of
from ingest.parse.pdf.silent_characters import REPLACED
from ingest.parse.pdf.text_layer import Part, parts_of
from ingest.parse.pictures import ocr
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.pictures.images import open_image, upright
from ingest.parse.properties import stated
from ingest.parse.refusals import refuse

_A4 = geometry.Box(0, 0, 210, 297)
_MAX_PAGES = 100_000
_MAX_OUTLINE = 20_000
_DEEPEST = 6
_LONGEST_SIDE_MM = 100_000
_FEW_CHARACTERS, _SOME_CHARACTERS = 60, 200
"""A page whose pictures cover half of it and that has fewer characters than the first is a scan. If they cover nearly
all of it, it is one up to the second.
"""


def read_ofd(data: bytes, name: str, pictures: Pictures, read_scans: bool) -> Extracted:
    """Read the pages of all documents in an OFD file, each element with its box, and the attachments.

    With `read_scans`, a page that is a picture is read by OCR. Raises `corrupt` and `encrypted`.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        package = Package(archive)
        root = package.root("OFD.xml")
        if root is None:
            raise refuse("corrupt", name, "its first part is damaged")
        if root.find(".//{*}Encryptions") is not None or package.located("Encryptions.xml", "OFD.xml"):
            raise refuse("encrypted", name, "its parts are encrypted")
        file = _File(package, name, pictures, read_scans)
        bodies = list(root.iterfind("{*}DocBody"))
        for body in bodies:
            file.add(body)
        if not file.pages:
            raise refuse("corrupt", name, "no page can be found in it")
        about = bodies[0].find("{*}DocInfo")
        about = about if about is not None else bodies[0]
        return Extracted(
            elements_of(file.pages, file.outline),
            text_of(about, "Title") or None,
            len(file.pages),
            stated(*(text_of(about, key) for key in ("Author", "CreationDate", "ModDate"))),
            file.notes,
            tuple(file.attachments),
            visible_title([page.parts for page in file.pages]),
        )


class _File:
    """What has been read of a file: the pages of its documents, one after the other."""

    def __init__(self, package: Package, name: str, pictures: Pictures, read_scans: bool) -> None:
        self.pages: list[Page] = []
        self.outline: Outline = {}
        self.attachments: list[Attachment] = []
        self.notes: Counter[str] = Counter()
        self._package = package
        self._name = name
        self._embedded = pictures
        self._read_scans = read_scans
        self._allowance = Allowance()

    def add(self, body: Any) -> None:
        """Add one document."""
        path = self._package.located(text_of(body, "DocRoot"), "OFD.xml")
        root = self._package.root(path)
        if root is None or path is None:
            return
        files = list(_files(self._package, path, root))
        attached = {identity: attachment.name for identity, attachment in files}
        document = _Document(
            self._package, path, root, lambda resources: Painter(self._name, resources, self._allowance, attached)
        )
        pages = list(root.iterfind("{*}Pages/{*}Page"))
        if len(self.pages) + len(pages) > _MAX_PAGES:
            raise refuse("too_large", self._name, f"it has more than {_MAX_PAGES} pages")
        numbers: dict[str, int] = {}
        for page in pages:
            number = len(self.pages) + 1
            numbers[page.get("ID", "")] = number
            self.pages.append(self._page(document, page, number))
        self.outline.update(_outline(root, numbers))
        self.attachments.extend(attachment for _, attachment in files)

    def _page(self, document: _Document, node: Any, number: int) -> Page:
        path = self._package.located(node.get("BaseLoc"), document.path)
        root = self._package.root(path)
        if root is None or path is None:
            text = f"Page {number} of this file is damaged and was not read."
            return Page(number, notes=[Element("paragraph", text, Location(page=number))])
        size, drawn = document.drawn(root, path, node.get("ID", ""))
        text = "".join(map(chr, drawn.codes))
        links = _links(drawn)
        self.notes[PARTS_NOT_READ] += drawn.links_lost + drawn.parts_missing
        is_scan = _is_scan(drawn, size, len(text.strip()))
        scanned = self._scanned(drawn, size) if is_scan and self._read_scans else None
        parts, lost = ([], 0) if scanned is not None or is_garbage(text) else _parts(drawn, size, links)
        linked = [Element("paragraph", target, Location(page=number)) for target in links.others()]
        if scanned is not None:
            return Page(number, [scanned], linked)
        notes = [element for picture in drawn.pictures for element in self._pictured(picture, size, number)]
        notes.extend(linked)
        if not parts and not notes and (drawn.codes or drawn.pictures):
            self.notes[PAGES_WITHOUT_TEXT] += 1
        self.notes[PARTS_NOT_READ] += lost + drawn.runs_untold
        return Page(number, parts, notes, is_unread=is_scan and not self._read_scans)

    def _scanned(self, drawn: Drawn, size: tuple[float, float]) -> Part | None:
        """Returns the page as OCR reads its pictures."""
        segments = [found for picture in drawn.pictures for found in self._seen(picture)]
        return Part(0, *size, segments, is_scanned=True) if segments else None

    def _seen(self, picture: Picture) -> Iterator[Segment]:
        """Yields the lines that OCR finds in a picture, at their places on the page."""
        try:
            with open_image(as_png(self._package.content(picture.path)), self._name) as image:
                pixels = np.rot90(upright(image, self._name), -picture.turns)
        except Exception:  # Pillow raises errors of many kinds
            self.notes[PICTURES_NOT_READ] += 1
            return
        part = ocr.part_of(np.ascontiguousarray(pixels))
        x0, y0, x1, y1 = picture.box
        across, down = (x1 - x0) / max(part.width, 1), (y1 - y0) / max(part.height, 1)
        for line in part.segments:
            line.x0, line.x1 = x0 + line.x0 * across, x0 + line.x1 * across
            line.y0, line.y1 = y0 + line.y0 * down, y0 + line.y1 * down
            line.size *= down
            yield line

    def _pictured(self, picture: Picture, size: tuple[float, float], number: int) -> Iterator[Element]:
        x0, y0, x1, y1 = (value / side for value, side in zip(picture.box, size * 2, strict=True))
        edges = Box(number, *(round(min(max(value, 0.0), 1.0), 5) for value in (x0, y0, x1, y1)))
        for text in self._embedded.texts(as_png(self._package.content(picture.path))):
            yield Element("paragraph", text, Location(page=number, boxes=(edges,)))


class _Document:
    """The parts of one document that its pages share: resources, templates, annotations, the size of a page."""

    def __init__(self, package: Package, path: str, root: Any, painter: Callable[[Resources], Painter]) -> None:
        """`painter` gives what draws with the resources of the document."""
        self.path = path
        self._package = package
        self._resources = Resources()
        common = root.find("{*}CommonData")
        self._area = _area(common.find("{*}PageArea")) if common is not None else None
        self._templates: dict[str, Any] = {}
        for part in common if common is not None else ():
            kind = part.tag.rpartition("}")[2] if isinstance(part.tag, str) else ""
            if kind in ("PublicRes", "DocumentRes"):
                self._resources.add(package, package.located(part.text, path))
            elif kind == "TemplatePage":
                self._templates[part.get("ID", "")] = package.root(package.located(part.get("BaseLoc"), path))
        self._annotations = _annotations(package, path, root)
        self._painter = painter(self._resources)

    def drawn(self, page: Any, path: str, identity: str) -> tuple[tuple[float, float], Drawn]:
        """Returns the size of a page in points, and what is drawn on it: templates, content, annotations."""
        roots = [page]
        for use in page.iterfind("{*}Template"):
            if (template := self._templates.get(use.get("TemplateID", ""))) is not None:
                roots.append(template)
        for resource in page.iterfind("{*}PageRes"):
            self._resources.add(self._package, self._package.located(resource.text, path))
        areas = (_area(root.find("{*}Area")) for root in roots)
        area = next((found for found in areas if found is not None), self._area or _A4)
        drawn, place = Drawn(), page_place(area.x, area.y)
        for root in reversed(roots):
            self._painter.draw(root, drawn, place)
        for file in self._annotations.get(identity, ()):
            for annotation in self._visible(file):
                for appearance in annotation.iterfind("{*}Appearance"):
                    corner = geometry.box(appearance.get("Boundary"))
                    inside = geometry.Matrix(e=corner.x, f=corner.y) if corner else geometry.Matrix()
                    self._painter.draw(appearance, drawn, inside.then(place))
                    self._painter.link(appearance, drawn, place, len(drawn.codes))
        return (area.width * POINTS, area.height * POINTS), drawn

    def _visible(self, file: str) -> Iterator[Any]:
        root = self._package.root(file)
        for annotation in root.iterfind("{*}Annot") if root is not None else ():
            if annotation.get("Visible", "").lower() != "false":
                yield annotation


def _links(drawn: Drawn) -> PageLinks:
    return PageLinks(drawn.actions, *_characters(drawn))


def _characters(drawn: Drawn) -> tuple[npt.NDArray[np.uint32], Floats]:
    return np.array(drawn.codes, dtype=np.uint32), np.array(drawn.boxes, dtype=np.float64).reshape(-1, 4)


def _parts(drawn: Drawn, size: tuple[float, float], links: PageLinks) -> tuple[list[Part], int]:
    """Returns the text of a page in each direction. Also returns how many runs of characters the file does not tell.
    Nothing here draws the shapes of an OFD file, so these cannot be read.
    """
    if not drawn.codes:
        return [], 0

    def styled(segment: Segment, places: npt.NDArray[np.intp]) -> Segment:
        first, last = int(places[segment.first]), int(places[segment.last])
        look = drawn.styles[drawn.looks[first]]
        segment.size, segment.font = look.size or segment.size, look.font
        segment.bold = look.is_bold and drawn.styles[drawn.looks[last]].is_bold
        links.write(segment, first, last)
        return segment

    codes, boxes = _characters(drawn)
    turns = np.array(drawn.turns, dtype=np.int64)
    codes[codes == REPLACED] = PLACE
    parts = list(parts_of(codes, boxes, turns, drawn.rulings(), size, styled))
    segments = [segment for part in parts for segment in part.segments]
    lost = leave_out(garbled_in(segments, codes, boxes, turns, np.zeros(codes.size)))
    for part in parts:
        part.segments = [segment for segment in part.segments if segment.text]
    return [part for part in parts if part.segments], lost


def _area(node: Any) -> geometry.Box | None:
    """Returns the box of a page. Returns None if none is stated, or if it has no size that a page can have."""
    edges = geometry.box(text_of(node, "PhysicalBox")) if node is not None else None
    if edges is None or not all(0 < side < _LONGEST_SIDE_MM for side in (edges.width, edges.height)):
        return None
    return edges


def _is_scan(drawn: Drawn, size: tuple[float, float], characters: int) -> bool:
    """Returns True if the pictures of a page are the page."""
    covered = sum(_covered(picture, size) for picture in drawn.pictures)
    return characters < _SOME_CHARACTERS and covered > (0.5 if characters < _FEW_CHARACTERS else 0.9)


def _covered(picture: Picture, size: tuple[float, float]) -> float:
    """Returns the fraction of the page that a picture covers."""
    x0, y0, x1, y1 = picture.box
    width, height = min(x1, size[0]) - max(x0, 0.0), min(y1, size[1]) - max(y0, 0.0)
    return max(width, 0.0) * max(height, 0.0) / (size[0] * size[1])


def _annotations(package: Package, path: str, root: Any) -> dict[str, list[str]]:
    """Returns the files with the annotations of each page, by the page's identity."""
    found: dict[str, list[str]] = {}
    listing = package.located(text_of(root, "Annotations"), path) or ""
    pages = package.root(listing)
    for page in pages.iterfind("{*}Page") if pages is not None else ():
        if (file := package.located(text_of(page, "FileLoc"), listing)) is not None:
            found.setdefault(page.get("PageID", ""), []).append(file)
    return found


def _files(package: Package, path: str, root: Any) -> Iterator[tuple[str, Attachment]]:
    """Yields the files attached to a document, each with its identity."""
    listing = package.located(text_of(root, "Attachments"), path) or ""
    listed = package.root(listing)
    for entry in listed.iterfind("{*}Attachment") if listed is not None else ():
        if entry.get("Visible", "").lower() == "false":
            continue
        file = package.located(text_of(entry, "FileLoc"), listing)
        ending = PurePosixPath(file or "").suffix or f".{entry.get('Format', '').strip('.').lower()}".rstrip(".")
        name = entry.get("Name") or PurePosixPath(file or "attachment").name
        name = name if PurePosixPath(name).suffix.lower() == ending.lower() else name + ending
        yield entry.get("ID", ""), Attachment(name, package.content(file) if file is not None else None)


def _outline(root: Any, numbers: dict[str, int]) -> Outline:
    """Returns the headings that the outline names. `numbers` are those of the pages, by identity."""
    levels: Outline = {}
    stack = [(node, 1) for node in reversed(root.findall("{*}Outlines/{*}OutlineElem"))]
    while stack and len(levels) < _MAX_OUTLINE:
        node, level = stack.pop()
        target = node.find("{*}Actions/{*}Action/{*}Goto/{*}Dest")
        page = numbers.get(target.get("PageID", "")) if target is not None else None
        if page is not None:
            levels.setdefault((page, bare(node.get("Title", ""))), level)
        if level < _DEEPEST:
            stack.extend((inner, level + 1) for inner in reversed(node.findall("{*}OutlineElem")))
    return levels
