"""OFD, the Chinese standard for documents of fixed pages: what is on a page is read in the order of a reader."""

from __future__ import annotations

import io
import zipfile
from functools import partial

import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse.ofd.content import Allowance
from ingest.parse.ofd.geometry import deltas
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.tiny_jbig2 import jbig2
from tests.ingest.tiny_ofd import image, line, ofd, page, text

XML = 'xmlns:ofd="http://www.ofdspec.org/2016"'


def read(data: bytes, name: str = "通知.ofd", ocr: bool = False) -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=ocr))


def resources(number: str, content: str) -> str:
    return (
        f'<ofd:Res {XML}><ofd:CompositeGraphicUnits><ofd:CompositeGraphicUnit ID="{number}"><ofd:Content>{content}'
        "</ofd:Content></ofd:CompositeGraphicUnit></ofd:CompositeGraphicUnits></ofd:Res>"
    )


def words(*pages: str, **more: object) -> str:
    return read(ofd(pages, **more)).text  # type: ignore[arg-type]


def refusal(data: bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        read(data)
    return caught.value.code


def test_lines_become_paragraphs_below_their_heading_with_page_and_box() -> None:
    lines = ["本办法适用于公司全体员工的差旅费管理工作，包括住宿费、交通费以及", "伙食补助费的报销。"]
    body = "".join(text(20, 40 + 6 * row, words) for row, words in enumerate(lines))
    parsed = read(ofd([text(60, 20, "差旅管理办法", size=7) + body, text(20, 40, "附则自发布之日起施行。")]), "无后缀")
    heading, paragraph, last = parsed.elements
    assert (parsed.kind, parsed.pages, parsed.title) == ("ofd", 2, "差旅管理办法")
    assert (heading.kind, heading.text) == ("heading", "差旅管理办法")
    assert paragraph.text == "".join(lines)
    assert paragraph.location.heading_path == ("差旅管理办法",)
    assert last.location.page == 2
    (box,) = paragraph.location.boxes
    assert (box.page, round(box.x0 * 210), round(box.y0 * 297), round(box.y1 * 297)) == (1, 20, 40, 50)


def test_a_ruled_table_keeps_its_cells() -> None:
    rows = [["城市", "部级", "处级"], ["北京", "1100", "500"], ["三亚", "1000", "400"]]
    ruled = "".join(line(20, 50 + 10 * n, 140, 50 + 10 * n) + line(20 + 40 * n, 50, 20 + 40 * n, 80) for n in range(4))
    cells = "".join(text(22 + 40 * c, 53 + 10 * r, cell) for r, row in enumerate(rows) for c, cell in enumerate(row))
    assert (
        words(ruled + cells)
        == "| 城市 | 部级 | 处级 |\n| --- | --- | --- |\n| 北京 | 1100 | 500 |\n| 三亚 | 1000 | 400 |"
    )


def test_two_columns_are_read_one_after_the_other() -> None:
    left = "".join(text(20, 40 + 6 * n, f"左栏第{'一二三四五六'[n]}行的文字一直写到栏边", size=3.5) for n in range(6))
    right = "".join(text(110, 40 + 6 * n, f"右栏第{'一二三四五六'[n]}行的文字一直写到栏边", size=3.5) for n in range(6))
    found = words(left + right)
    assert found.index("左栏第六行") < found.index("右栏第一行")


def test_the_template_of_a_page_is_part_of_it_and_what_repeats_is_left_out() -> None:
    used = '<ofd:Template TemplateID="50" ZOrder="Background"/>'
    pages = [page(text(20, 100, f"第{'一二三四'[n]}部分的正文写在这里。"), before=used) for n in range(4)]
    common = '<ofd:TemplatePage ID="50" BaseLoc="Tpls/Tpl_0/Content.xml"/>'
    template = {"Doc_0/Tpls/Tpl_0/Content.xml": page(text(20, 10, "内部资料 注意保密"))}
    once = words(pages[0], common=common, parts=template)
    assert once == "内部资料 注意保密\n\n第一部分的正文写在这里。"
    assert "内部资料" not in words(*pages, common=common, parts=template)


def test_a_matrix_moves_and_scales_text() -> None:
    scaled = (
        '<ofd:TextObject ID="9" Font="3" Size="20" CTM="0.2 0 0 0.2 -10 -5" Boundary="30 40 50 10">'
        '<ofd:TextCode X="50" Y="45" DeltaX="g 3 20">缩放文字</ofd:TextCode></ofd:TextObject>'
    )
    (element,) = read(ofd([scaled])).elements
    (box,) = element.location.boxes
    assert element.text == "缩放文字"
    assert (round(box.x0 * 210, 1), round(box.x1 * 210, 1)) == (30.0, 46.0)
    assert round(box.y1 * 297, 1) == round(40 + 45 * 0.2 - 5 + 0.14 * 4, 1)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ('CTM="0 1 -1 0 0 0"', 'X="0" Y="0" DeltaX="g 5 4"'),
        ("", 'X="0" Y="4" DeltaY="g 5 4"'),
        ('ReadDirection="90"', 'X="0" Y="4" DeltaX="g 5 0" DeltaY="4 4 4 4 4"'),
    ],
)
def test_text_that_runs_down_is_read_as_a_line(more: str, code: str) -> None:
    run = (
        f'<ofd:TextObject ID="9" Font="3" Size="4" Boundary="100 40 8 40" {more}>'
        f"<ofd:TextCode {code}>竖排文字一行</ofd:TextCode></ofd:TextObject>"
    )
    assert words(run) == "竖排文字一行"


def test_words_that_are_drawn_apart_have_spaces_between_and_han_characters_have_none() -> None:
    latin = text(20, 40, "Annual", step="g 5 2") + text(33.5, 40, "Report", step="g 5 2")
    han = text(20, 60, "年度") + text(28, 60, "报告")
    assert words(latin + han) == "Annual Report\n\n年度报告"


def test_a_second_run_without_a_place_goes_on_from_the_first() -> None:
    run = (
        '<ofd:TextObject ID="9" Font="3" Size="4" Boundary="20 40 80 20"><ofd:TextCode X="0" Y="4" DeltaX="4">甲方'
        '</ofd:TextCode><ofd:TextCode Y="10" DeltaX="4">乙方</ofd:TextCode></ofd:TextObject>'
    )
    assert words(run) == "甲方乙方"


def test_steps_may_be_repeated_and_too_few() -> None:
    assert deltas("g 2 4 5", 3) == [4, 4, 5]
    assert deltas("4", 3) == [4, 4, 4]
    assert deltas("g 1000000000 4", 3) == [4, 4, 4]
    assert deltas("g -5 4", 2) is None
    assert deltas(None, 3) is None


def test_drawings_that_are_used_again_and_notes_on_the_page_are_read_and_hidden_text_is_not() -> None:
    stamp, hidden = text(0, 0, "已核对无误"), text(0, 0, "隐藏批注")
    parts = {
        "Doc_0/DocumentRes.xml": resources("60", text(0, 0, "公司专用章")),
        "Doc_0/Annots/Annotations.xml": f'<ofd:Annotations {XML}><ofd:Page PageID="100"><ofd:FileLoc>Page_0/A.xml'
        "</ofd:FileLoc></ofd:Page></ofd:Annotations>",
        "Doc_0/Annots/Page_0/A.xml": f'<ofd:PageAnnot {XML}><ofd:Annot ID="70" Type="Stamp">'
        f'<ofd:Appearance Boundary="20 200 50 10">{stamp}</ofd:Appearance></ofd:Annot>'
        '<ofd:Annot ID="71" Visible="false">'
        f'<ofd:Appearance Boundary="20 220 50 10">{hidden}</ofd:Appearance></ofd:Annot></ofd:PageAnnot>',
    }
    used = '<ofd:CompositeObject ID="61" ResourceID="60" Boundary="20 100 40 10"/>'
    found = words(
        text(20, 40, "正文") + used + text(20, 150, "看不见的字", more='Visible="false"'),
        common="<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes>",
        document="<ofd:Annotations>Annots/Annotations.xml</ofd:Annotations>",
        parts=parts,
    )
    assert found == "正文\n\n公司专用章\n\n已核对无误"


def test_the_outline_names_headings_of_the_size_of_the_text() -> None:
    outline = (
        '<ofd:Outlines><ofd:OutlineElem Title="第一章 总则"><ofd:Actions><ofd:Action Event="CLICK"><ofd:Goto>'
        '<ofd:Dest Type="XYZ" PageID="100"/></ofd:Goto></ofd:Action></ofd:Actions></ofd:OutlineElem></ofd:Outlines>'
    )
    body = text(20, 40, "总则") + text(20, 52, "为了规范差旅费管理，制定本办法。")
    first, second = read(ofd([body], document=outline)).elements
    assert (first.kind, first.level, second.location.heading_path) == ("heading", 1, ("总则",))


def test_title_author_and_dates_are_those_of_the_document() -> None:
    about = (
        "<ofd:DocID>1</ofd:DocID><ofd:Title>差旅费管理办法</ofd:Title><ofd:Author>李娜</ofd:Author>"
        "<ofd:CreationDate>2024-03-05</ofd:CreationDate><ofd:ModDate>2025-01-02</ofd:ModDate>"
    )
    parsed = read(ofd([text(20, 40, "正文")], about=about))
    assert parsed.title == "差旅费管理办法"
    assert parsed.metadata == {"author": "李娜", "created": "2024-03-05", "modified": "2025-01-02"}


def test_attachments_are_read_below_their_name() -> None:
    listing = (
        f'<ofd:Attachments {XML}><ofd:Attachment ID="1" Name="明细" Format="csv"><ofd:FileLoc>list.csv</ofd:FileLoc>'
        '</ofd:Attachment><ofd:Attachment ID="2" Name="x" Visible="false"><ofd:FileLoc>list.csv</ofd:FileLoc>'
        "</ofd:Attachment></ofd:Attachments>"
    )
    found = words(
        text(20, 40, "正文"),
        document="<ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments>",
        parts={"Doc_0/Attachs/Attachments.xml": listing, "Doc_0/Attachs/list.csv": "城市,标准\n三亚,500\n".encode()},
    )
    assert found == "正文\n\nAttachment: 明细.csv\n\n| 城市 | 标准 |\n| --- | --- |\n| 三亚 | 500 |"


def test_parts_are_found_in_another_case_and_from_the_root() -> None:
    data = ofd([text(20, 40, "正文")])
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(stream, "w") as copy:
        for member in archive.namelist():
            content = archive.read(member).replace(b"Pages/Page_0/Content.xml", b"/Doc_0/Pages/Page_0/Content.xml")
            copy.writestr(member.replace("Doc_0/Pages", "doc_0/pages"), content)
    assert read(stream.getvalue()).text == "正文"


def test_a_damaged_page_says_so_and_the_others_are_read() -> None:
    found = words(text(20, 40, "第一页"), text(20, 40, "第二页"), parts={"Doc_0/Pages/Page_0/Content.xml": "<ofd:Page"})
    assert found == "Page 1 of this file is damaged and was not read.\n\n第二页"


def test_what_cannot_be_read_is_refused_with_its_reason() -> None:
    assert refusal(ofd([])) == "corrupt"
    assert refusal(ofd([text(20, 40, "正文")], parts={"OFD.xml": "<a"})) == "corrupt"
    assert refusal(ofd([text(20, 40, "正文")], parts={"Encryptions.xml": "<a/>"})) == "encrypted"
    assert refusal(ofd([""])) == "no_text"
    assert (
        refusal(ofd([text(20, 40, "正文")], parts={"Doc_0/x.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}))
        == "unsafe"
    )


@pytest.mark.parametrize("objects", [20_000, pytest.param(Allowance().objects, marks=pytest.mark.slow)])
def test_drawings_that_contain_each_other_many_times_are_no_document(
    objects: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.parse.ofd.reader.Allowance", partial(Allowance, objects=objects))

    def again(number: int) -> str:
        return f'<ofd:CompositeObject ResourceID="{number}" Boundary="0 0 1 1"/>' * 200

    units = "".join(resources(str(number), again(number + 1)) for number in range(60, 70))
    parts = {"Doc_0/DocumentRes.xml": f"<ofd:Res {XML}>{units}</ofd:Res>"}
    data = ofd([again(60)], common="<ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes>", parts=parts)
    assert refusal(data) == "too_large"


def test_a_page_that_is_a_picture_is_read_by_ocr_at_its_places() -> None:
    scan = Image.new("L", (595, 842), 255)
    ImageDraw.Draw(scan).text((60, 400), "Travel expenses policy", fill=0, font=ImageFont.load_default(28))
    stream = io.BytesIO()
    scan.save(stream, "PNG")
    pages = [image(0, 0, 210, 297), text(20, 40, "正文")]
    parsed = read(ofd(pages, parts={"Doc_0/Res/image.png": stream.getvalue()}), ocr=True)
    first, second = parsed.elements
    assert (first.text, second.text, second.location.page) == ("Travel expenses policy", "正文", 2)
    (box,) = first.location.boxes
    assert 0.05 < box.x0 < 0.15
    assert 400 / 842 - 0.01 < box.y0 < box.y1 < 440 / 842


@pytest.mark.parametrize("form", [{}, {"as_file": True}, {"as_file": True, "ordered": False}])
def test_a_page_that_is_a_jbig2_picture_is_read(form: dict[str, bool]) -> None:
    scan = Image.new("L", (595, 842), 255)
    ImageDraw.Draw(scan).text((60, 400), "Travel expenses policy", fill=0, font=ImageFont.load_default(28))
    pages = [image(0, 0, 210, 297), text(20, 40, "正文")]
    parsed = read(ofd(pages, parts={"Doc_0/Res/image.png": jbig2(scan, **form)}), ocr=True)
    assert (parsed.text, parsed.notes) == ("Travel expenses policy\n\n正文", {})


def test_a_jbig2_picture_that_is_cut_off_or_huge_is_counted() -> None:
    scan = Image.new("L", (595, 842), 255)
    pages = [image(0, 0, 210, 297), text(20, 40, "正文")]
    huge = jbig2(scan)[:11] + b"\xff" * 8 + jbig2(scan)[19:]
    for data in (jbig2(scan, as_file=True)[:20], huge):
        parsed = read(ofd(pages, parts={"Doc_0/Res/image.png": data}), ocr=True)
        assert parsed.text == "正文"
        assert parsed.notes["pictures_not_read"] >= 1


def test_a_picture_of_a_kind_that_is_not_read_leaves_the_other_pages() -> None:
    pages = [image(0, 0, 210, 297), text(20, 40, "正文")]
    assert read(ofd(pages, parts={"Doc_0/Res/image.png": b"\x97JB2\r\n\x1a\n"}), ocr=True).text == "正文"


def test_pictures_and_drawings_that_the_file_does_not_have_are_counted() -> None:
    used = '<ofd:CompositeObject ID="61" ResourceID="60" Boundary="20 100 40 10"/>'
    parsed = read(ofd([text(20, 40, "正文") + used + image(20, 60, 90, 30, "77")]))
    assert (parsed.text, parsed.notes) == ("正文", {"parts_not_read": 2})
