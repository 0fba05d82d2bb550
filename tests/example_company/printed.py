"""The PDF files with a text layer: an English manual and a Chinese policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

FONT_FILE = "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"

Block = str | tuple[str, str] | list[tuple[str, ...]] | None
"""A paragraph; ("#" or "##", heading); a table with its header row; None for a new page."""


class _Template(BaseDocTemplate):
    """Pages with a running header and a page number, and an outline made of the headings."""

    def __init__(self, path: Path, title: str, font: str, footer: str) -> None:
        super().__init__(str(path), pagesize=A4, title=title, author="Lanheng Instruments", invariant=1)
        self._running, self._font, self._footer = title, font, footer
        frame = Frame(22 * mm, 22 * mm, A4[0] - 44 * mm, A4[1] - 48 * mm, id="body")
        self.addPageTemplates(PageTemplate(id="page", frames=[frame], onPage=self._decorate))

    def _decorate(self, canvas: Any, _document: Any) -> None:
        canvas.setFont(self._font, 8)
        canvas.drawString(22 * mm, A4[1] - 15 * mm, self._running)
        canvas.drawCentredString(A4[0] / 2, 12 * mm, self._footer.format(page=canvas.getPageNumber()))

    def afterFlowable(self, flowable: Any) -> None:  # noqa: N802  (the name reportlab calls)
        level = {"h1": 0, "h2": 1}.get(getattr(getattr(flowable, "style", None), "name", ""))
        if level is not None:
            text = flowable.getPlainText()
            self.canv.bookmarkPage(text)
            self.canv.addOutlineEntry(text, text, level)


def _styles(font: str, bold: str, wrap: str | None) -> dict[str, ParagraphStyle]:
    body = ParagraphStyle("body", fontName=font, fontSize=10.5, leading=17, spaceAfter=7, wordWrap=wrap)
    return {
        "body": body,
        "title": ParagraphStyle("title", body, fontName=bold, fontSize=22, leading=30, spaceAfter=14),
        "#": ParagraphStyle("h1", body, fontName=bold, fontSize=16, leading=24, spaceBefore=8),
        "##": ParagraphStyle("h2", body, fontName=bold, fontSize=13, leading=20, spaceBefore=4),
        "cell": ParagraphStyle("cell", body, fontSize=9.5, leading=13, spaceAfter=0),
    }


def _table(rows: list[tuple[str, ...]], style: ParagraphStyle) -> Table:
    grid = [("GRID", (0, 0), (-1, -1), 0.5, colors.grey), ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke)]
    columns = zip(*rows, strict=True)
    widths = [max(stringWidth(cell, style.fontName, style.fontSize) for cell in column) + 16 for column in columns]
    cells = [[Paragraph(cell, style) for cell in row] for row in rows]
    return Table(cells, colWidths=widths, style=TableStyle(grid))


def _print(path: Path, title: str, blocks: Sequence[Block], *, chinese: bool) -> None:
    if chinese:
        pdfmetrics.registerFont(TTFont("ZenHei", FONT_FILE))
        styles, font, footer = _styles("ZenHei", "ZenHei", "CJK"), "ZenHei", "第 {page} 页"
    else:
        styles, font, footer = _styles("Helvetica", "Helvetica-Bold", None), "Helvetica", "Page {page}"
    story: list[Any] = [Paragraph(title, styles["title"])]
    for block in blocks:
        if block is None:
            story.append(PageBreak())
        elif isinstance(block, str):
            story.append(Paragraph(block, styles["body"]))
        elif isinstance(block, tuple):
            story.append(Paragraph(block[1], styles[block[0]]))
        else:
            story.extend([_table(block, styles["cell"]), Spacer(1, 8)])
    _Template(path, title, font, footer).build(story)


MANUAL: list[Block] = [
    "Document LX24-UM-EN, issue 3, May 2026. Read this manual before you switch the centrifuge on.",
    ("#", "1 Safety"),
    "Never open the lid while the rotor is turning. The lid lock releases only when the rotor has stopped.",
    "Keep a clearance of 300 mm around the centrifuge while it is running, and do not stay inside it longer "
    "than necessary.",
    "Do not spin flammable or explosive liquids. Infectious samples must be spun in sealed tubes.",
    ("#", "2 Technical data"),
    [
        ("Property", "Value"),
        ("Maximum speed", "15,800 rpm"),
        ("Maximum relative centrifugal force", "24,280 x g"),
        ("Capacity", "24 tubes of 2.0 ml"),
        ("Noise level at maximum speed", "58 dB(A)"),
        ("Weight without rotor", "17.5 kg"),
        ("Power supply", "220 to 240 V, 50/60 Hz, 380 W"),
    ],
    None,
    ("#", "3 Installation"),
    ("##", "3.1 Unpacking"),
    "Two people are needed to lift the centrifuge out of the box. Keep the box: transport damage is only "
    "accepted with the original packaging.",
    ("##", "3.2 Setting up"),
    "Place the centrifuge on a level, rigid bench. Let it reach room temperature for four hours before you "
    "connect it to the mains.",
    "The ambient temperature must be between 5 and 35 degrees Celsius, the relative humidity below 75 percent.",
    ("##", "3.3 Fitting the rotor"),
    "Wipe the motor shaft and the rotor bore. Lower the rotor onto the shaft and tighten the rotor nut with "
    "the key supplied, to a torque of 4.5 Nm.",
    None,
    ("#", "4 Operation"),
    ("##", "4.1 Loading"),
    "Load the rotor symmetrically. Opposite tubes may differ by no more than 0.5 g.",
    ("##", "4.2 Setting speed and time"),
    "Press SPEED and turn the knob to set the speed in steps of 100 rpm. Press TIME to set the running time "
    "from 10 seconds to 99 minutes.",
    ("##", "4.3 Saving a program"),
    "Hold the PROG key for three seconds to save the settings. The centrifuge stores up to 20 programs.",
    ("##", "4.4 Short spin"),
    "Hold the PULSE key. The rotor accelerates as long as the key is held, up to the speed that is set.",
    None,
    ("#", "5 Error codes"),
    "When an error occurs the rotor brakes and the display shows a code. Note the code before you switch off.",
    [
        ("Code", "Meaning", "What to do"),
        ("E02", "Lid is not locked", "Close the lid firmly; clean the latch."),
        ("E05", "Imbalance detected", "Stop, and balance the tubes."),
        ("E07", "Motor temperature above 110 degrees Celsius", "Let the motor cool for 30 minutes."),
        (
            "E09",
            "Speed sensor gives no signal",
            "Switch off and on again; call service if it returns.",
        ),
        ("E12", "Mains voltage out of range", "Check the socket; use a stabiliser."),
    ],
    "To release the lid after a power failure, pull the emergency cord behind the front cover, not earlier "
    "than ten minutes after the failure.",
    None,
    ("#", "6 Maintenance"),
    "Clean the chamber weekly with 70 percent ethanol. Never use bleach: it attacks the aluminium rotor.",
    "Grease the rotor nut once a month. Replace the lid seal every two years.",
    "An aluminium rotor must be taken out of service after seven years or 50,000 cycles, whichever comes first.",
    ("#", "7 Warranty"),
    "The warranty is 36 months from delivery for the centrifuge and 12 months for rotors and seals. "
    "It does not cover damage from corrosion or from rotors of other makers.",
]
"""Five pages; the error codes are on page 4, maintenance and warranty on page 5."""


def manual(path: Path) -> None:
    _print(path, "LX-24 High-Speed Benchtop Centrifuge: User Manual", MANUAL, chinese=False)


SECURITY_POLICY: list[Block] = [
    "文件编号：LH-IT-007，版本 2.1，自 2026 年 7 月 1 日起施行。",
    ("#", "第一章 总则"),
    "本制度适用于公司全体员工、实习生和驻场外包人员。信息安全主管负责制度的解释和检查，各部门负责人对本部门的信息安全负责。",
    "全体员工每年必须完成一次信息安全培训，新员工必须在入职后一个月内完成。",
    ("#", "第二章 信息分级"),
    "公司信息分为公开、内部、机密、绝密四级。未标注级别的文件一律按内部级管理。",
    "产品设计图纸、固件源代码和客户名单属于机密级。机密级文件只能保存在公司文件服务器的加密目录中，不得通过个人邮箱或社交软件发送。",
    "绝密级文件的查阅须经总经理书面批准，并由信息安全组登记。",
    None,
    ("#", "第三章 账号与密码"),
    ("##", "3.1 密码要求"),
    "密码长度不得少于十二位，必须同时包含大写字母、小写字母、数字和特殊符号。",
    "密码每九十天更换一次，新密码不得与最近五次使用过的密码相同。",
    "连续输错密码六次，账号锁定三十分钟；需要立即解锁的，由本人携带工牌到信息技术部办理。",
    ("##", "3.2 账号管理"),
    "一人一号，禁止共用账号。员工离职当日，信息技术部必须在下班前停用其全部账号。",
    "管理员账号必须启用硬件令牌双因素认证，每季度复核一次。",
    None,
    ("#", "第四章 终端与移动介质"),
    "公司电脑必须开启全盘加密，离开座位时锁屏，无操作五分钟自动锁屏。",
    "禁止使用私人 U 盘。确需使用移动介质的，应向信息安全组领用加密 U 盘，使用期限最长为七天。",
    "报废硬盘由信息技术部消磁后统一销毁，销毁记录保存三年。",
    ("#", "第五章 远程办公"),
    "远程办公必须通过公司 VPN 接入，禁止在公共场所的电脑上登录公司系统。",
    "在家办公打印的机密级文件，应在两个工作日内带回公司用碎纸机销毁。",
    None,
    ("#", "第六章 安全事件"),
    "发现电脑中毒、数据泄露、设备遗失等安全事件，应在三十分钟内拨打信息安全热线 6110 报告。",
    "安全事件分为三级：影响单个用户的为三级，影响一个部门的为二级，影响全公司或涉及客户数据的为一级。",
    "一级事件须在二十四小时内向总经理提交书面报告，并在五个工作日内完成根因分析。",
    ("#", "第七章 处罚"),
    "违反本制度造成机密信息泄露的，视情节给予警告、记过直至解除劳动合同的处分；构成犯罪的，移送司法机关。",
]
"""Four pages; passwords are on page 2, incidents on page 4."""


def security_policy(path: Path) -> None:
    _print(path, "信息安全管理制度", SECURITY_POLICY, chinese=True)
