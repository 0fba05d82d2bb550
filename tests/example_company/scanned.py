"""The scans: a page without any text layer, slightly skewed and noisy as an office scanner leaves it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from archive import WRITTEN
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from printed import FONT_FILE

PAGE = (1240, 1754)
"""A4 at 150 dots per inch."""

Line = tuple[str, int]
"""A line of text and its size in pixels."""


def _draw(size: tuple[int, int], lines: list[Line], font_file: str) -> Image.Image:
    page = Image.new("L", size, 250)
    pen = ImageDraw.Draw(page)
    y = 150
    for text, pixels in lines:
        pen.text((130, y), text, fill=35, font=ImageFont.truetype(font_file, pixels))
        y += int(pixels * 1.9)
    return page


def _scan(page: Image.Image, degrees: float, seed: int) -> Image.Image:
    """The page as a scanner would give it: turned a little, soft, with grain."""
    turned = page.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=250).filter(ImageFilter.GaussianBlur(0.7))
    grain = np.random.default_rng(seed).normal(0, 6, (page.height, page.width))
    return Image.fromarray(np.clip(np.asarray(turned) + grain, 0, 255).astype(np.uint8))


def fire_drill(path: Path) -> None:
    """One image-only page in Chinese."""
    lines = [
        ("关于开展消防演练的通知", 52),
        ("各部门：", 34),
        ("为提高全体员工的消防安全意识，公司定于 2026 年 12 月 9 日", 34),
        ("下午 14:30 在杭州总部举行消防演练，预计用时四十分钟。", 34),
        ("一、集合地点：3 号楼南侧停车场。", 34),
        ("二、总指挥：曹敏，联系电话：6125。", 34),
        ("三、听到警报后，请走楼梯撤离，不得乘坐电梯。", 34),
        ("四、各楼层安全员负责清点人数，五分钟内上报。", 34),
        ("五、演练期间实验室须关闭气源，并切断加热设备的电源。", 34),
        ("行政组", 34),
        ("2026 年 11 月 16 日", 34),
    ]
    page = _scan(_draw(PAGE, lines, FONT_FILE), degrees=0.8, seed=9)
    stamp: time.struct_time = WRITTEN.timetuple()
    page.save(path, "PDF", resolution=150, quality=70, title="", creationDate=stamp, modDate=stamp)


def laboratory_notice(path: Path) -> None:
    """One notice in English, photographed from the door of a laboratory."""
    lines = [
        ("NOTICE: CALIBRATION LABORATORY", 46),
        ("Room 3-207 is closed from 1 to 5 December 2026", 34),
        ("while the air conditioning is replaced.", 34),
        ("Urgent calibrations: please use room 3-110.", 34),
        ("Bring samples before 11:00; results are ready", 34),
        ("after two working days.", 34),
        ("Questions: Xu Lin, extension 6518", 34),
    ]
    _scan(_draw((1150, 800), lines, "DejaVuSans.ttf"), degrees=-0.6, seed=4).save(path, quality=72)
