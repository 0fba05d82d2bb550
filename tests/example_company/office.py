"""The Word documents and the slides of the example company."""

# ruff: noqa: E501  (the long lines are sentences of the documents)

from __future__ import annotations

from pathlib import Path

from archive import freeze
from docx import Document
from docx.document import Document as WordDocument
from docx.oxml.ns import qn
from pptx import Presentation

Rows = list[tuple[str, ...]]
Block = str | tuple[str, str] | Rows
"""A paragraph; ("#" or "##", heading) or ("-", list item); a table with its header row."""
Slide = tuple[str, list[str], str]
"""Title, lines, and the notes, which may be empty."""

HANDBOOK: list[Block] = [
    ("#", "第一章 试用期"),
    "普通员工的试用期为三个月，部门负责人的试用期为六个月。试用期工资为转正工资的百分之九十。",
    "试用期内员工提出离职，应提前三天书面通知人力资源部；转正后离职应提前三十天。",
    "转正答辩在试用期结束前两周进行，由直属上级、人力资源部和一名跨部门同事组成评审小组。",
    ("#", "第二章 考勤与加班"),
    ("##", "2.1 工作时间"),
    "标准工作时间为周一至周五 9:00 至 18:00，午休一小时。弹性范围为前后各三十分钟，核心时间是 9:30 至 17:30。",
    "每月迟到累计三次以内且每次不超过十五分钟的，不扣工资；超过部分按缺勤半天处理。",
    ("##", "2.2 加班"),
    "加班须提前在 OA 系统申请，经直属上级批准后方可计算。每月加班不得超过三十六小时。",
    "工作日加班按工资的 1.5 倍计算，休息日加班优先安排调休，不能调休的按 2 倍计算，法定节假日加班按 3 倍计算。",
    "调休须在加班当日起的六个月内使用，逾期由人力资源部折算为加班费。",
    ("#", "第三章 休假"),
    ("##", "3.1 年休假"),
    "年休假天数按员工在本公司的连续工作年限（司龄）计算，见下表：",
    [
        ("司龄", "年休假天数"),
        ("满 1 年不满 3 年", "7 天"),
        ("满 3 年不满 5 年", "10 天"),
        ("满 5 年不满 10 年", "12 天"),
        ("满 10 年", "16 天"),
    ],
    "当年未休完的年休假可以顺延至次年 3 月 31 日，逾期作废。年休假以半天为最小单位。",
    ("##", "3.2 病假"),
    "病假须提供二级及以上医院的诊断证明。每年前五天病假工资照发，之后按基本工资的百分之七十发放。",
    ("##", "3.3 婚假与产假"),
    "员工结婚可享受婚假十三天，须在登记之日起一年内一次性休完。",
    "女员工产假为一百五十八天，男员工陪产假为十五天。",
    ("#", "第四章 福利"),
    "公司每年 5 月组织一次免费体检，入职满六个月的员工均可参加。",
    "员工推荐候选人并通过试用期的，推荐人获得奖金 3,000 元。",
]

TRAVEL_POLICY: list[Block] = [
    ("#", "1. Scope"),
    "This policy applies to all employees who travel on company business. It is owned by Finance.",
    ("#", "2. Booking"),
    "Book trains and flights through the OA travel portal at least five working days ahead.",
    "Economy class is the standard. Business class is allowed on flights longer than nine hours with the approval of the department head. High-speed rail is booked in second class.",
    ("#", "3. Accommodation"),
    "Hotel costs are reimbursed up to the limit per night for the city where you stay:",
    [
        ("City tier", "Cities", "Hotel limit per night", "Meal allowance per day"),
        ("Tier 1", "Beijing, Shanghai, Guangzhou, Shenzhen", "CNY 650", "CNY 120"),
        ("Tier 2", "Provincial capitals, Suzhou, Qingdao, Xiamen", "CNY 480", "CNY 100"),
        ("Tier 3", "All other cities in mainland China", "CNY 360", "CNY 80"),
        ("Overseas", "Europe and South-East Asia", "USD 175", "USD 55"),
    ],
    "Costs above the limit are paid by the traveller unless the department head agreed in advance.",
    ("#", "4. Claims"),
    "Submit an expense claim within 30 days after the end of the trip. Claims older than 90 days are rejected.",
    "Every claim needs an official invoice (fapiao). Without an invoice up to CNY 50 per trip can be claimed for local transport.",
    "Approved claims are paid with the next run on the 10th or the 25th of the month.",
    ("#", "5. Entertainment"),
    "Business meals with customers are limited to CNY 200 per person and must name everyone present. Gifts worth more than CNY 300 have to be registered with Finance.",
    ("#", "6. Private cars"),
    "Use of a private car is reimbursed at CNY 1.2 per kilometre. Tolls and parking are claimed on top.",
]

PURCHASING: list[Block] = [
    ("#", "一、总则"),
    "本办法适用于公司所有物料、设备和服务的采购，由采购组负责解释。",
    ("#", "二、审批权限"),
    ("-", "单笔采购金额不足 5,000 元的，由部门负责人审批。"),
    ("-", "单笔采购金额在 5,000 元以上、不足 50,000 元的，由部门负责人和财务部共同审批。"),
    ("-", "单笔采购金额在 50,000 元以上的，须报总经理审批。"),
    ("#", "三、比价与招标"),
    "单笔金额超过 20,000 元的采购必须取得至少三家供应商的书面报价，超过 300,000 元的必须公开招标。",
    "紧急采购可以先采购后补手续，但须在三个工作日内补齐审批单。",
    ("#", "四、供应商管理"),
    "供应商每半年评审一次，按质量（50 分）、交期（30 分）、价格（20 分）打分。",
    "评审低于 60 分的供应商暂停合作，整改合格后方可恢复。关键零部件必须保持两家以上合格供应商。",
    ("#", "五、付款"),
    "标准付款条件为货到验收合格后 45 天。预付款比例不得超过合同金额的 30%。",
]

ONBOARDING: list[Slide] = [
    ("Welcome to Lanheng", ["Onboarding for new colleagues", "People team, 2026"], ""),
    (
        "Your first day",
        [
            "9:00 Badge and laptop at the reception of Building 1",
            "10:30 Welcome talk in the Xixi meeting room",
            "14:00 Safety briefing, mandatory before you enter a laboratory",
        ],
        "Remind everyone to bring their ID card and a bank account number for payroll.",
    ),
    (
        "Your buddy",
        [
            "Every newcomer has a buddy for the first 60 days",
            "Your buddy is never your line manager",
            "Lunch with your buddy in week one is paid by the company",
        ],
        "The lunch budget for buddy and newcomer together is CNY 150.",
    ),
    (
        "Training in the first month",
        [
            "Week 1: product basics (online, 3 hours)",
            "Week 2: information security course, pass mark 80%",
            "Week 4: two days on the production line in Shaoxing",
        ],
        "Who fails the security course twice loses network access until it is passed.",
    ),
    (
        "Where to ask",
        ["Payroll and leave: People team", "Laptop and VPN: IT helpdesk", "Everything else: your buddy"],
        "",
    ),
]

ROADMAP: list[Slide] = [
    ("2027 年产品路线图", ["研发中心", "2026 年 10 月"], ""),
    (
        "分光光度计：CS-640",
        ["2027 年 3 月发布", "光谱带宽 1.0 nm，波长范围 190 至 1100 nm", "首次支持蓝牙导出数据"],
        "CS-640 发布后，CS-600 停止接单，但备件继续供应七年。",
    ),
    (
        "离心机：LX-30R",
        ["2027 年 8 月发布", "首款带制冷的台式离心机，最低温度 -10 ℃", "目标噪声低于 54 分贝"],
        "制冷压缩机由绍兴生产基地试装，第一批 200 台。",
    ),
    (
        "酸度计：PH-12",
        ["2027 年 11 月发布", "电池续航 400 小时", "可更换电极，兼容 PH-9 的电极"],
        "",
    ),
    (
        "研发投入",
        ["2027 年研发预算为 4,100 万元", "其中软件占 35%", "计划新增 18 名工程师"],
        "预算已由总经理在 9 月批准。",
    ),
]


def _document(path: Path, title: str, blocks: list[Block], font: str | None = None) -> None:
    document = Document()
    document.core_properties.title = title
    document.core_properties.author = "Lanheng Instruments"
    if font:
        style = document.styles["Normal"]
        style.font.name = font
        style.element.rPr.rFonts.set(qn("w:eastAsia"), font)
    document.add_heading(title, 0)
    for block in blocks:
        if isinstance(block, str):
            document.add_paragraph(block)
        elif isinstance(block, list):
            _table(document, block)
        elif block[0] == "-":
            document.add_paragraph(block[1], style="List Bullet")
        else:
            document.add_heading(block[1], len(block[0]))
    document.save(str(path))
    freeze(path)


def _table(document: WordDocument, rows: Rows) -> None:
    table = document.add_table(rows=0, cols=len(rows[0]), style="Table Grid")
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text


def handbook(path: Path) -> None:
    _document(path, "员工手册（2026 版）", HANDBOOK, font="宋体")


def travel_policy(path: Path) -> None:
    _document(path, "Travel and Expense Policy", TRAVEL_POLICY)


def purchasing(path: Path) -> None:
    _document(path, "采购管理办法", PURCHASING, font="宋体")


def _slides(path: Path, slides: list[Slide]) -> None:
    presentation = Presentation()
    presentation.core_properties.title = slides[0][0]
    presentation.core_properties.author = "Lanheng Instruments"
    for title, lines, notes in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = "\n".join(lines)
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    presentation.save(str(path))
    freeze(path)


def onboarding(path: Path) -> None:
    _slides(path, ONBOARDING)


def roadmap(path: Path) -> None:
    _slides(path, ROADMAP)
