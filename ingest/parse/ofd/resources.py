"""The resources of an OFD file: fonts, pictures, and drawings that pages use again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ingest.parse.ofd.package import Package, text_of

_BOLD_FONTS = ("bold", "black", "simhei", "heiti", "黑体")


@dataclass(frozen=True, slots=True)
class Font:
    """`name` is in lower case."""

    name: str = ""
    is_bold: bool = False


@dataclass(slots=True)
class Resources:
    """What the objects of pages name by a number. `pictures` has the paths of the files."""

    fonts: dict[str, Font] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    drawings: dict[str, Any] = field(default_factory=dict)

    def add(self, package: Package, path: str | None) -> None:
        """Add the resources that the part at `path` lists."""
        root = package.root(path)
        if root is None or path is None:
            return
        folder = root.get("BaseLoc", "")
        for font in root.iterfind(".//{*}Font"):
            self.fonts[font.get("ID", "")] = _font(font)
        for media in root.iterfind(".//{*}MultiMedia"):
            file = package.located(text_of(media, "MediaFile"), path, folder)
            if file is not None and media.get("Type", "Image") == "Image":
                self.pictures[media.get("ID", "")] = file
        for unit in root.iterfind(".//{*}CompositeGraphicUnit"):
            self.drawings[unit.get("ID", "")] = unit


def _font(node: Any) -> Font:
    name = (node.get("FontName") or node.get("FamilyName") or "").lower()
    bold = node.get("Bold", "").lower() == "true" or any(word in name for word in _BOLD_FONTS)
    return Font(name, bold)
