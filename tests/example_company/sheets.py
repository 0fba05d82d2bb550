"""The workbooks of the example company."""

from __future__ import annotations

from pathlib import Path

from archive import freeze
from openpyxl import Workbook
from openpyxl.styles import Font

Cell = str | int | float
Sheets = dict[str, list[tuple[Cell, ...]]]


def _workbook(path: Path, title: str, sheets: Sheets) -> None:
    workbook = Workbook()
    workbook.remove(workbook.active)
    workbook.properties.title = title
    workbook.properties.creator = "Lanheng Instruments"
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for column in "ABCDEF":
            sheet.column_dimensions[column].width = 22
    workbook.save(path)
    freeze(path)


def price_list(path: Path) -> None:
    _workbook(
        path,
        "2026 年产品价格表",
        {
            "分光光度计": [
                ("型号", "名称", "目录价（元）", "经销商价（元）", "交货期（天）"),
                ("CS-600", "紫外可见分光光度计（基础型）", 26800, 22780, 10),
                ("CS-620", "紫外可见分光光度计（双光束）", 45800, 38930, 15),
                ("CS-620P", "紫外可见分光光度计（制药版）", 57600, 48960, 25),
            ],
            "离心机": [
                ("型号", "名称", "目录价（元）", "经销商价（元）", "交货期（天）"),
                ("LX-16", "小型台式离心机", 8900, 7560, 7),
                ("LX-24", "高速台式离心机", 19600, 16660, 12),
                ("LX-24M", "大容量台式离心机", 23900, 20310, 18),
            ],
            "酸度计": [
                ("型号", "名称", "目录价（元）", "经销商价（元）", "交货期（天）"),
                ("PH-7", "便携式酸度计", 1980, 1680, 3),
                ("PH-9", "台式酸度计", 4200, 3570, 5),
            ],
            "配件": [
                ("料号", "名称", "目录价（元）", "适用型号"),
                ("A-1001", "石英比色皿（10 mm，两只）", 680, "CS 全系列"),
                ("A-1015", "氘灯", 2350, "CS-620、CS-620P"),
                ("A-2004", "12 位角转子", 3100, "LX-24"),
                ("A-3002", "复合电极", 520, "PH-7、PH-9"),
            ],
            "折扣": [
                ("条件", "折扣", "说明"),
                ("单笔订单满 10 台", "九五折", "按目录价计算"),
                ("单笔订单满 30 台", "九折", "按目录价计算"),
                ("高校和科研院所", "九二折", "须提供采购公函，不与数量折扣同时使用"),
                ("以旧换新", "减 1,500 元", "仅限 CS 系列，旧机须为本公司产品"),
            ],
        },
    )


def office_list(path: Path) -> None:
    _workbook(
        path,
        "Office contacts and assets",
        {
            "Contacts": [
                ("Desk", "Extension", "Room", "Email"),
                ("Reception", 6000, "Building 1, lobby", "reception@lanheng.example"),
                ("First aid", 6119, "Building 1, room 104", "firstaid@lanheng.example"),
                ("Payroll", 6310, "Building 1, room 412", "payroll@lanheng.example"),
                ("Warehouse", 6455, "Building 4, gate 2", "warehouse@lanheng.example"),
                ("Press office", 6702, "Building 1, room 508", "press@lanheng.example"),
            ],
            "Meeting rooms": [
                ("Room", "Floor", "Seats", "Projector asset tag", "Video conferencing"),
                ("Xixi", "Building 1, floor 5", 40, "AV-0031", "yes"),
                ("Longjing", "Building 1, floor 3", 12, "AV-0044", "yes"),
                ("Qiantang", "Building 3, floor 2", 8, "AV-0052", "no"),
                ("Lingyin", "Building 2, floor 4", 6, "none", "no"),
            ],
            "Lab equipment": [
                ("Asset tag", "Equipment", "Location", "Calibration due", "Keeper"),
                ("EQ-1107", "Reference thermometer", "Lab 3-201", "2027-02-28", "Xu Lin"),
                ("EQ-1123", "Torque tester", "Lab 3-204", "2026-12-15", "Pan Wei"),
                ("EQ-1130", "Optical bench", "Lab 3-301", "2027-05-31", "Jiang Tao"),
            ],
        },
    )
