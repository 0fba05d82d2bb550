"""Finds the pictures of an XLSX workbook: those that lie on a sheet, and those that stand in a cell as its value.

openpyxl drops the kinds that Pillow does not open, all but one of a group, and pictures in cells. WPS Office puts
a picture into a cell by the formula DISPIMG, Excel by a rich value ([MS-XLSX] 2.1.31).
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

from lxml import etree

from ingest.document import Location
from ingest.parse.office.ooxml import picture_relations, xml
from ingest.parse.pictures.embedded import Pictures, best_of
from ingest.parse.sheets.formulas.calculator import Formula
from ingest.parse.sheets.regions import cell_range
from ingest.parse.sheets.rich_values import RichValue

_ANCHORS = ("{*}twoCellAnchor", "{*}oneCellAnchor", "{*}absoluteAnchor")
_WPS_FORMULA = re.compile(r"""=?(?:_xlfn\.)?DISPIMG\(\s*"([^"]{1,100})""", re.I)
_LONGEST_FORMULA = 300
_LAST_PLACE = 1 << 20


class _Relation(NamedTuple):
    """`kind` is the last word of its type. `target` is the path of a part, or empty if it is outside the file."""

    kind: str
    target: str


class DrawnPictures:
    """The pictures of a workbook, which are read by `pictures`."""

    def __init__(self, data: bytes, pictures: Pictures) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(data))
        self._names = frozenset(self._archive.namelist())
        self._pictures = pictures
        self._given: set[str] = set()

    def on(self, sheet: str) -> Iterator[tuple[bytes, Location]]:
        """Yields the pictures that lie on a sheet and their places. Those of headers have the sheet only."""
        part = self._sheets.get(sheet, "")
        for relation in self._relations(part).values():
            if relation.kind == "drawing":
                yield from self._anchored(relation.target, sheet)
            elif relation.kind == "vmlDrawing":
                images = self._relations(relation.target).values()
                paths = dict.fromkeys(image.target for image in images if image.kind == "image")
                yield from ((data, Location(sheet=sheet)) for path in paths for data in self._contents(path))
            elif relation.kind == "image":
                yield from ((data, Location(sheet=sheet)) for data in self._contents(relation.target))

    def words(self, value: object) -> str | None:
        """Returns the words in the picture that stands in a cell with this value. Returns None if none does."""
        if isinstance(value, RichValue):
            path = self._rich_values.get(value.number)
            if path is None:
                return None
        else:
            text = value.text if isinstance(value, Formula) else value
            if not isinstance(text, str) or "DISPIMG" not in text[:_LONGEST_FORMULA]:
                return None
            found = _WPS_FORMULA.match(text)
            if found is None:
                return None
            path = self._wps_images.get(found[1], "")
        return " ".join(text for data in self._contents(path) for text in self._pictures.texts(data))

    @cached_property
    def _sheets(self) -> dict[str, str]:
        """Returns the parts of the sheets by their names."""
        book = next((each.target for each in self._relations("").values() if each.kind == "officeDocument"), "")
        root, relations = self._root(book), self._relations(book)
        found = {}
        for sheet in root.iterfind("{*}sheets/{*}sheet") if root is not None else ():
            relation = relations.get(_attribute(sheet, "id"))
            found[sheet.get("name", "")] = relation.target if relation is not None else ""
        return found

    @cached_property
    def _wps_images(self) -> dict[str, str]:
        """Returns the paths of the pictures in cells of WPS Office by their names."""
        part = "xl/cellimages.xml"
        root, relations, found = self._root(part), self._relations(part), {}
        for image in root.iter("{*}pic") if root is not None else ():
            name, blip = next(image.iter("{*}cNvPr"), None), next(image.iter("{*}blip"), None)
            relation = relations.get(_attribute(blip, "embed")) if blip is not None else None
            if name is not None and relation is not None:
                found[name.get("name", "")] = relation.target
        return found

    @cached_property
    def _rich_values(self) -> dict[int, str]:
        """Returns the paths of the pictures that are values of cells, by the numbers that the cells state."""
        folder = "xl/richData"
        metadata, values = self._root("xl/metadata.xml"), self._root(f"{folder}/rdrichvalue.xml")
        structures, links = self._root(f"{folder}/rdrichvaluestructure.xml"), self._root(f"{folder}/richValueRel.xml")
        if metadata is None or values is None or structures is None or links is None:
            return {}
        relations = self._relations(f"{folder}/richValueRel.xml")
        paths = [relations.get(_attribute(link, "id")) for link in links.iterfind("{*}rel")]
        keys = [[key.get("n", "") for key in each.iterfind("{*}k")] for each in structures.iterfind("{*}s")]
        stated = [_picture_of(value, keys) for value in values.iterfind("{*}rv")]
        blocks = metadata.iterfind("{*}futureMetadata[@name='XLRICHVALUE']/{*}bk")
        numbers = [_number(next(block.iter("{*}rvb"), None), "i") for block in blocks]
        found: dict[int, str] = {}
        for number, block in enumerate(metadata.iterfind("{*}valueMetadata/{*}bk"), 1):
            place = _at(stated, _at(numbers, _number(block.find("{*}rc"), "v")))
            relation = _at(paths, place)
            if relation is not None:
                found[number] = relation.target
        return found

    def _anchored(self, part: str, sheet: str) -> Iterator[tuple[bytes, Location]]:
        root, relations = self._root(part), self._relations(part)
        for anchor in root.iter(*_ANCHORS) if root is not None else ():
            where = Location(sheet=sheet, cells=_cells(anchor))
            for blip in anchor.iter("{*}blip"):
                if any(_is_hidden(holder) for holder in blip.iterancestors("{*}pic", "{*}sp", "{*}grpSp")):
                    continue
                stated = [relations[name].target for name in picture_relations(blip) if name in relations]
                yield from ((data, where) for data in self._best(stated))

    def _best(self, paths: list[str]) -> Iterator[bytes]:
        """Yields the bytes of the file of a picture that is read, for the first time."""
        ways = [self._archive.read(path) for path in paths[:-1] if path in self._names]
        last = list(self._contents(paths[-1])) if paths else []
        if last:
            yield best_of([*ways, *last])

    def _contents(self, path: str) -> Iterator[bytes]:
        """Yields the bytes of a picture for the first time. One that is not in the file is counted."""
        if path in self._given:
            return
        self._given.add(path)
        if path in self._names:
            yield self._archive.read(path)
        else:
            self._pictures.give_up()

    def _relations(self, part: str) -> dict[str, _Relation]:
        folder, name = posixpath.split(part)
        root = self._root(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = {}
        for relation in root.iterfind("{*}Relationship") if root is not None else ():
            path = posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/")
            is_outside = relation.get("TargetMode") == "External"
            kind = relation.get("Type", "").rpartition("/")[2]
            found[relation.get("Id", "")] = _Relation(kind, "" if is_outside else path)
        return found

    def _root(self, part: str) -> Any:
        """Returns the root of a part, or None if there is none, or if it is no XML."""
        if part not in self._names:
            return None
        try:
            return xml(self._archive.read(part))
        except etree.XMLSyntaxError:
            return None


def _attribute(node: Any, name: str) -> str:
    """Returns an attribute of a node in any namespace."""
    return next((str(value) for key, value in node.attrib.items() if key.rpartition("}")[2] == name), "")


def _is_hidden(node: Any) -> bool:
    stated = next(node.iterfind("*/{*}cNvPr"), None)
    return stated is not None and stated.get("hidden") in ("1", "true")


def _cells(anchor: Any) -> str | None:
    start, end = anchor.find("{*}from"), anchor.find("{*}to")
    if start is None:
        return None
    top, left, bottom, right = (
        _place(corner, name) for corner in (start, end if end is not None else start) for name in ("row", "col")
    )
    return cell_range(top, max(bottom, top) + 1, left, max(right, left) + 1)


def _place(corner: Any, name: str) -> int:
    text = (corner.findtext(f"{{*}}{name}") or "").strip()
    return min(int(text), _LAST_PLACE) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _picture_of(value: Any, keys: list[list[str]]) -> int | None:
    """Returns which relation of rich values a value names as its picture."""
    names = _at(keys, _number(value, "s")) or []
    stated = [part.text or "" for part in value.iterfind("{*}v")]
    texts = [text for name, text in zip(names, stated, strict=False) if name.endswith("LocalImageIdentifier")]
    return int(texts[0]) if texts and texts[0].isascii() and texts[0].isdecimal() and len(texts[0]) < 9 else None


def _number(node: Any, attribute: str) -> int | None:
    text = node.get(attribute, "") if node is not None else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None


def _at(items: list[Any], place: int | None) -> Any:
    return items[place] if place is not None and place < len(items) else None
