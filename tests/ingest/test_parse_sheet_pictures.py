"""Pictures in workbooks: their words are read on the sheet, or in the cell, where they stand."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest
from openpyxl.drawing.image import Image as SheetImage
from PIL import Image, ImageDraw, ImageFont

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_metafile import emf
from tests.ingest.tiny_xls import Cell, Pictured, old_book

_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_RICH = "http://schemas.microsoft.com/office/spreadsheetml/2017/richdata"


def picture(text: str, kind: str = "PNG") -> bytes:
    image = Image.new("L", (420, 120), 255)
    ImageDraw.Draw(image).text((60, 40), text, fill=0, font=ImageFont.load_default(32))
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def read(data: bytes, name: str, **settings: bool) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(**settings))


def placed(document: ParsedDocument) -> list[tuple[str, str | None]]:
    return [(element.text, element.location.cells) for element in document.elements if element.kind == "paragraph"]


def relations(*targets: str, kind: str = "image") -> str:
    listed = "".join(
        f'<Relationship Id="rId{number}" Type="{_R}/{kind}" Target="{target}"/>'
        for number, target in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}">{listed}</Relationships>'


def changed(data: bytes, parts: dict[str, str | bytes], replaced: tuple[bytes, bytes] = (b"", b"")) -> bytes:
    """A workbook with further parts, or with others in place of its own. `replaced` holds for its first sheet."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            if name not in parts:
                content = old.read(name)
                new.writestr(name, content.replace(*replaced) if name.endswith("/sheet1.xml") else content)
        for name, part in parts.items():
            new.writestr(name, part)
    return stream.getvalue()


def workbook(*images: bytes) -> bytes:
    """A workbook with a table, and pictures beside it, each ten rows below the one before."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Stock"
    for row in (["Part", "Count"], ["Bearing", 5]):
        sheet.append(row)
    for number, data in enumerate(images):
        sheet.add_image(SheetImage(io.BytesIO(data)), f"D{10 * number + 4}")
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_pictures_in_an_old_workbook_are_read_on_their_cells(kind: str) -> None:
    rows = {0: {0: Cell("Part"), 1: Cell("Count")}, 1: {0: Cell("Bearing"), 1: Cell(5.0)}}
    document = read(old_book(rows, pictures=[Pictured(picture("Serial 4711", kind), (5, 2))]), "stock.xls")
    assert placed(document) == [("Serial 4711", "C6:C6")]
    assert document.elements[-1].location.sheet == "Sheet1"
    assert document.notes == {}


def test_of_an_old_workbook_what_is_on_no_sheet_comes_at_the_end_and_what_is_hidden_is_left_out() -> None:
    drawn = [
        Pictured(picture("Hidden 1111"), hidden=True),
        Pictured(emf([("Night desk 8301", 0, 0)]), None),
        Pictured(emf([("Day desk 8300", 0, 0)]), (1, 1)),
    ]
    document = read(old_book({0: {0: Cell("Part")}}, pictures=drawn), "stock.xls")
    assert [element.text for element in document.elements][-2:] == ["Day desk 8300", "Night desk 8301"]
    assert document.elements[-1].location.sheet is None
    assert "Hidden" not in document.text


def test_pictures_that_are_not_read_are_counted_in_an_old_workbook() -> None:
    drawn = [Pictured(picture("Serial 4711")[:300]), Pictured(emf(), (9, 9))]
    assert read(old_book({0: {0: Cell("Part")}}, pictures=drawn), "a.xls").notes == {"pictures_not_read": 2}
    whole = [Pictured(picture("Serial 4711"))]
    document = read(old_book({0: {0: Cell("Part")}}, pictures=whole), "a.xls", ocr_embedded=False)
    assert document.notes == {"pictures_not_read": 1}


def test_a_sheet_with_nothing_but_a_picture_has_its_name_above_it() -> None:
    document = read(old_book({}, pictures=[Pictured(picture("Serial 4711"))]), "a.xls")
    assert [(element.kind, element.text) for element in document.elements] == [
        ("heading", "Sheet1"), ("paragraph", "Serial 4711"),
    ]  # fmt: skip


def test_drawings_and_pictures_of_a_group_on_a_sheet_are_read() -> None:
    data = workbook(picture("Serial 4711"), picture("Replaced"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        drawing = archive.read("xl/drawings/drawing1.xml").decode()
    first = drawing[drawing.index("<xdr:pic>") if "<xdr:pic>" in drawing else drawing.index("<pic>") :]
    tag = "xdr:pic" if first.startswith("<xdr:") else "pic"
    one = first[: first.index(f"</{tag}>") + len(f"</{tag}>")]
    group = tag.replace("pic", "grpSp")
    grouped = drawing.replace(one, f"<{group}>{one}{one.replace('rId1', 'rId2')}</{group}>", 1)
    parts: dict[str, str | bytes] = {
        "xl/drawings/drawing1.xml": grouped,
        "xl/media/image2.png": emf([("Night desk 8301", 0, 0)]),
    }
    assert placed(read(changed(data, parts), "a.xlsx")) == [("Serial 4711", "D4:D4"), ("Night desk 8301", "D4:D4")]


def test_a_picture_outside_the_file_and_one_that_is_hidden_are_not_read() -> None:
    data = workbook(picture("Serial 4711"), picture("Hidden 1111"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        drawing = archive.read("xl/drawings/drawing1.xml").decode()
    place = drawing.rindex("cNvPr ") + len("cNvPr ")
    outside = relations("../media/gone.png", "../media/image2.png")
    parts: dict[str, str | bytes] = {
        "xl/drawings/drawing1.xml": f'{drawing[:place]}hidden="1" {drawing[place:]}',
        "xl/drawings/_rels/drawing1.xml.rels": outside,
    }
    document = read(changed(data, parts), "a.xlsx")
    assert placed(document) == []
    assert document.notes == {"pictures_not_read": 1}


def test_pictures_of_headers_are_read_with_their_sheet() -> None:
    parts: dict[str, str | bytes] = {
        "xl/worksheets/_rels/sheet1.xml.rels": relations("../drawings/v.vml", kind="vmlDrawing"),
        "xl/drawings/_rels/v.vml.rels": relations("../media/head.png"),
        "xl/media/head.png": picture("Northwind Trading"),
    }
    assert placed(read(changed(workbook(), parts), "a.xlsx")) == [("Northwind Trading", None)]


def test_a_picture_that_wps_office_puts_into_a_cell_is_the_text_of_the_cell() -> None:
    value = '<c r="B3" t="str"><f>_xlfn.DISPIMG("ID_7",1)</f><v>=DISPIMG("ID_7",1)</v></c>'
    row = f'</row><row r="3"><c r="A3" t="inlineStr"><is><t>Pump</t></is></c>{value}</row></sheetData>'.encode()
    drawn = (
        f'<e:cellImages xmlns:e="http://www.wps.cn/officeDocument/2017/etCustomData" xmlns:r="{_R}"><e:cellImage>'
        '<pic><nvPicPr><cNvPr id="2" name="ID_7"/></nvPicPr><blipFill><blip r:embed="rId1"/></blipFill></pic>'
        "</e:cellImage></e:cellImages>"
    )
    parts: dict[str, str | bytes] = {
        "xl/cellimages.xml": drawn,
        "xl/_rels/cellimages.xml.rels": relations("media/a.png"),
        "xl/media/a.png": picture("Serial 4711"),
    }
    document = read(changed(workbook(), parts, (b"</row></sheetData>", row)), "a.xlsx")
    assert document.elements[1].text.splitlines()[-1] == "| Pump | Serial 4711 |"
    without = read(changed(workbook(), {}, (b"</row></sheetData>", row)), "a.xlsx")
    assert "DISPIMG" not in without.text
    assert without.notes == {"pictures_not_read": 1}


def test_a_picture_that_excel_places_in_a_cell_is_the_text_of_the_cell_and_other_errors_stay() -> None:
    cells = '<c r="A3" t="e" vm="1"><v>#VALUE!</v></c><c r="B3" t="e" vm="2"><v>#FIELD!</v></c>'
    row = f'</row><row r="3">{cells}</row></sheetData>'.encode()
    block = '<bk><extLst><ext><x:rvb i="{}"/></ext></extLst></bk>'
    key = '<s t="_localImage"><k n="_rvRel:LocalImageIdentifier" t="i"/><k n="CalcOrigin" t="i"/></s>'
    parts: dict[str, str | bytes] = {
        "xl/metadata.xml": f'<metadata xmlns:x="{_RICH}"><futureMetadata name="XLRICHVALUE">{block.format(0)}'
        f'{block.format(1)}</futureMetadata><valueMetadata><bk><rc t="1" v="0"/></bk><bk><rc t="1" v="1"/></bk>'
        "</valueMetadata></metadata>",
        "xl/richData/rdrichvalue.xml": '<rvData><rv s="0"><v>0</v><v>5</v></rv><rv s="1"><v>8</v></rv></rvData>',
        "xl/richData/rdrichvaluestructure.xml": f'<rvStructures>{key}<s t="_error"><k n="e"/></s></rvStructures>',
        "xl/richData/richValueRel.xml": f'<richValueRels xmlns:r="{_R}"><rel r:id="rId1"/></richValueRels>',
        "xl/richData/_rels/richValueRel.xml.rels": relations("../media/a.png"),
        "xl/media/a.png": picture("Serial 4711"),
    }
    document = read(changed(workbook(), parts, (b"</row></sheetData>", row)), "a.xlsx")
    assert document.elements[1].text.splitlines()[-1] == "| Serial 4711 | #FIELD! |"
