"""Links of OFD: where a click on a text, a picture or an annotation leads is said, as in other formats."""

from __future__ import annotations

from tests.ingest.test_parse_ofd import XML, read
from tests.ingest.tiny_ofd import image, line, ofd, page, text


def clicked(drawn: str, *actions: str, event: str = "CLICK") -> str:
    """The same object with actions."""
    stated = "".join(f'<ofd:Action Event="{event}">{action}</ofd:Action>' for action in actions)
    end = drawn.rindex("</ofd:") if "</ofd:" in drawn else None
    if end is None:
        return drawn.replace("/>", f"><ofd:Actions>{stated}</ofd:Actions></ofd:ImageObject>")
    return f"{drawn[:end]}<ofd:Actions>{stated}</ofd:Actions>{drawn[end:]}"


def uri(address: str, more: str = "") -> str:
    return f'<ofd:URI URI="{address}" {more}/>'


def said(content: str, **more: object) -> tuple[list[str], dict[str, int]]:
    parsed = read(ofd([content], **more))  # type: ignore[arg-type]
    return [element.text for element in parsed.elements], dict(parsed.notes)


def test_the_target_of_a_text_stands_behind_it() -> None:
    portal = clicked(text(20, 40, "报销门户"), uri("https://expense.example.com/new"))
    form = clicked(text(20, 60, "申请表"), uri("forms/申请表.docx", 'Base="https://hr.example.com/"'))
    assert said(text(20, 20, "第一节 报销") + portal + text(36, 40, "每日开放") + form) == (
        [
            "第一节 报销",
            "报销门户 (https://expense.example.com/new)每日开放",
            "申请表 (https://hr.example.com/forms/申请表.docx)",
        ],
        {},
    )


def test_a_link_that_is_cut_into_several_says_its_target_once() -> None:
    action = uri("https://it.example.com")
    content = clicked(text(20, 40, "服务"), action) + clicked(text(28, 40, "台"), action)
    assert said(content)[0] == ["服务台 (https://it.example.com)"]


def test_a_link_of_an_annotation_is_that_of_the_text_below_it() -> None:
    area = clicked(
        line(0, 0, 16, 0.1).replace('Boundary="0 0 16.3 0.4"', 'Boundary="0 0 16 5"'), uri("mailto:hr@corp.cn")
    )
    annotations = (
        f'<ofd:PageAnnot {XML}><ofd:Annot ID="70" Type="Link"><ofd:Appearance Boundary="20 40 16 5">{area}'
        "</ofd:Appearance></ofd:Annot></ofd:PageAnnot>"
    )
    parts = {
        "Doc_0/Annotations.xml": f'<ofd:Annotations {XML}><ofd:Page PageID="100"><ofd:FileLoc>Annots/A.xml'
        "</ofd:FileLoc></ofd:Page></ofd:Annotations>",
        "Doc_0/Annots/A.xml": annotations,
    }
    found = said(
        text(20, 40, "联系人事") + text(20, 60, "以上"),
        parts=parts,
        document="<ofd:Annotations>Annotations.xml</ofd:Annotations>",
    )
    assert found == (["联系人事 (hr@corp.cn)", "以上"], {})


def test_a_link_to_an_attached_file_says_its_name() -> None:
    listed = (
        f'<ofd:Attachments {XML}><ofd:Attachment ID="81" Name="费用表" Format="csv"><ofd:FileLoc>a.csv</ofd:FileLoc>'
        "</ofd:Attachment></ofd:Attachments>"
    )
    content = clicked(text(20, 40, "见附表"), '<ofd:GotoA AttachID="81"/>')
    content += clicked(text(20, 60, "见丙"), '<ofd:GotoA AttachID="82"/>', uri(""))
    texts, notes = said(
        content,
        parts={"Doc_0/Attachments.xml": listed, "Doc_0/a.csv": "项目,金额\n机票,900\n"},
        document="<ofd:Attachments>Attachments.xml</ofd:Attachments>",
    )
    assert texts[:2] == ["见附表 (费用表.csv)", "见丙"]
    assert notes == {"parts_not_read": 2}, "an attachment that is not there, and an address that is not stated"


def test_the_target_of_a_picture_is_a_line_of_its_own() -> None:
    content = text(20, 20, "扫码填报") + clicked(image(20, 60, 30, 30), uri("https://form.example.com/7"))
    texts, _ = said(content, parts={"Doc_0/Res/image.png": b""})
    assert texts == ["扫码填报", "https://form.example.com/7"]


def test_places_inside_the_document_and_other_events_are_no_links() -> None:
    inside = clicked(text(20, 40, "见第二页"), '<ofd:Goto><ofd:Dest Type="Fit" PageID="101"/></ofd:Goto>')
    opened = clicked(text(20, 60, "打开时"), uri("https://a.example.com"), event="PO")
    script = clicked(text(20, 80, "脚本"), uri("javascript:alert(1)"))
    assert said(inside + opened + script) == (["见第二页", "打开时", "脚本"], {})


def test_targets_stand_in_the_cells_of_a_ruled_table() -> None:
    lines = [line(20, y, 120, y) for y in (40, 50, 60)] + [line(x, 40, x, 60) for x in (20, 70, 120)]
    cells = [text(22, 42, "系统"), text(72, 42, "入口"), text(22, 52, "门禁")]
    cells.append(clicked(text(72, 52, "打开"), uri("https://door.example.com")))
    texts = said(page("".join([*lines, *cells])))[0]
    assert texts == ["| 系统 | 入口 |\n| --- | --- |\n| 门禁 | 打开 (https://door.example.com) |"]
