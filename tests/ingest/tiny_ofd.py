"""Writes OFD files by hand: pages of runs of text, lines and pictures."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

_OFD = 'xmlns:ofd="http://www.ofdspec.org/2016"'


def text(x: float, y: float, words: str, *, size: float = 4.0, more: str = "", step: str = "") -> str:
    """Returns a run of text whose left upper corner is at (x, y), in millimetres."""
    count = len(words) - 1
    steps = f'DeltaX="{step or f"g {count} {size}"}"' if count else ""
    return (
        f'<ofd:TextObject ID="9" Font="3" Size="{size}" Boundary="{x} {y} {size * len(words)} {size * 1.2}" {more}>'
        f'<ofd:TextCode X="0" Y="{size * 0.9}" {steps}>{words}</ofd:TextCode></ofd:TextObject>'
    )


def line(x0: float, y0: float, x1: float, y1: float) -> str:
    """Returns a straight line."""
    return (
        f'<ofd:PathObject ID="8" Boundary="{x0} {y0} {x1 - x0 + 0.3} {y1 - y0 + 0.3}" LineWidth="0.3">'
        f"<ofd:AbbreviatedData>M 0 0 L {x1 - x0} {y1 - y0}</ofd:AbbreviatedData></ofd:PathObject>"
    )


def image(x: float, y: float, width: float, height: float, resource: str = "5") -> str:
    """Returns the picture with this number."""
    return (
        f'<ofd:ImageObject ID="7" ResourceID="{resource}" Boundary="{x} {y} {width} {height}" '
        f'CTM="{width} 0 0 {height} 0 0"/>'
    )


def page(content: str, before: str = "") -> str:
    """Returns the part of a page with this content."""
    return (
        f'<ofd:Page {_OFD}>{before}<ofd:Content><ofd:Layer ID="1" Type="Body"><ofd:PageBlock ID="2">{content}'
        "</ofd:PageBlock></ofd:Layer></ofd:Content></ofd:Page>"
    )


def ofd(
    pages: Sequence[str],
    *,
    about: str = "",
    common: str = "",
    document: str = "",
    parts: dict[str, str | bytes] | None = None,
) -> bytes:
    """Returns an OFD file. `pages` are the contents of its pages, or whole parts. The other arguments are XML for
    `DocInfo`, `CommonData` and `Document`, and further parts by their path.
    """
    whole = [content if content.startswith("<ofd:Page ") else page(content) for content in pages]
    listed = "".join(f'<ofd:Page ID="{n + 100}" BaseLoc="Pages/Page_{n}/Content.xml"/>' for n in range(len(pages)))
    files: dict[str, str | bytes] = {
        "OFD.xml": f'<?xml version="1.0" encoding="UTF-8"?><ofd:OFD {_OFD} Version="1.0" DocType="OFD"><ofd:DocBody>'
        f"<ofd:DocInfo>{about}</ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f"<ofd:Document {_OFD}><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 210 297"
        f"</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes>{common}</ofd:CommonData>"
        f"<ofd:Pages>{listed}</ofd:Pages>{document}</ofd:Document>",
        "Doc_0/PublicRes.xml": f'<ofd:Res {_OFD} BaseLoc="Res"><ofd:Fonts><ofd:Font ID="3" FontName="宋体"/>'
        '<ofd:Font ID="4" FontName="黑体"/></ofd:Fonts><ofd:MultiMedias>'
        '<ofd:MultiMedia ID="5" Type="Image" Format="PNG">'
        "<ofd:MediaFile>image.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias></ofd:Res>",
    }
    files |= {f"Doc_0/Pages/Page_{number}/Content.xml": content for number, content in enumerate(whole)}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (files | (parts or {})).items():
            archive.writestr(name, content)
    return stream.getvalue()
