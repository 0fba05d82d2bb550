"""The title of a document: what its metadata states, what its first page shows, its first heading, or the name of its
file, whichever says something first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

from ingest.document import Element, Reference
from ingest.parse.extracted import Extracted
from ingest.parse.text import encoding

_SHORTEST, _LONGEST = 2, 200
_OPENING = 5
_NUMERAL = "一二三四五六七八九十百零"
_PROGRAM = (
    r"(?:(?:microsoft|wps|ms) ?)?(?:office ?)?"
    r"(?:word|excel|powerpoint|visio|wps|docx?|xlsx?|pptx?|rtf|et|dps|pdf)(?: ?(?:文字|表格|演示))?"
)
_SERVICE = r"(?:飞书|钉钉|腾讯|金山|石墨|语雀|百度|谷歌|在线|共享|我的|云|feishu|lark|google|wps|tencent|online|my)"
_NAMELESS = (
    # what programs call a file that nobody has named
    rf"(?:新建?|new|复件|copy of)? ?(?:新建)? ?(?:{_PROGRAM} ?-?)? ?(?:新建)? ?"
    r"(?:(?:文字|文本|空白)?文[档稿件]|工作[表簿]|表格|演示文稿|幻灯片(?: ?编号)?|文件夹)",
    rf"(?:new|blank|print)? ?(?:{_PROGRAM})? ?"
    r"(?:documents?|presentation|workbook|worksheet|spread ?sheet|sheet|slide(?: number)?|page|file|docs?|book|template"
    r"|report)",
    rf"新建 ?(?:{_PROGRAM}|网页)|{_PROGRAM}(?: ?文件| ?图片| ?模板)?",
    rf"{_SERVICE}? ?(?:云)?(?:文档|表格|幻灯片|docs?|sheets?|slides?)|语雀|石墨",
    r"wps office|(?:libre|open)office|writer|calc|impress",
    r"\W?untitled(?: ?(?:document|presentation|spreadsheet|page|slide|form|sheet))?\W?",
    r"\W*no title(?: specified)?\W?|unnamed|default|normal(?:\.dot[xm]?)?|(?:web|home) ?page|about:blank|index|blank",
    r"[无未](?:标题|题|命名)(?:文[档件稿]|表格|演示文稿|幻灯片|页面?)?|未知|unknown|\W?anonymous\W?|匿名|none|null"
    r"|undefined|n/a|nan|空白|网页|新标签页|首页|主页|te?mp|test",
    r"exported from confluence|(?:jasper|crystal) ?reports?|full page (?:photo|fax print)|(?:hp|epson|canon) ?scan"
    r"|remote desktop redirected printer doc|print(?:ing)?|打印(?:文[档件]|预览)?",
    # what a template has in the place of a title
    r"\W?(?:(?:sub)?title|[主副]?标题|题目|文档标题)\W?|(?:请?单?点?击?此处|请|在此处?)(?:添加|编辑|输入|键入).{0,12}"
    r"|(?:请|点击)?(?:输入|添加|键入|编辑)(?:[主副]|文档)?(?:标题|文字|文本|内容)|click to (?:add|edit).{0,30}"
    r"|(?:your|enter|add|type|insert) (?:the )?(?:document )?title(?: here)?|公司名称|company name|logo|模板|ppt ?模板"
    r"|(?:幻灯片编号|页脚|日期|内容|标题|文本|图片|页眉)占位符"
    r"|(?:slide number|footer|date|content|title|text|picture) placeholder",
    # a mail whose sender gave it no subject
    r"\W?(?:no subject|[无空]主题)\W?|(?:re|fwd?|回复|答复|转发):",
    # where a document stands among others, or a part in its document
    r"附[件录表图]|attachment|appendix|annex|enclosure|exhibit|addendum",
    r"目 ?录|(?:table of )?contents|封面|cover(?: page)?|第(?=[\d\s])|page \d+ of|第 ?\d+ ?页 ?[,，/]? ?共",
    # scanners, cameras, screens and messengers
    r"(?:camscanner|扫描全能王|(?:adobe )?scan|scanner|scanned|扫描件?)"
    r"(?: ?(?:新?建?文[档件]|new doc(?:ument)?|document|file|image|创建于|的文档))?",
    r"img|image|photo|pict?|picture|dscn?|dscf|pxl|mvimg|vid|screen ?shot|mmexport|wechat ?img|wx_camera|skm(?:bt)?_c",
    r"(?:微信|qq|钉钉|屏幕|wps)?(?:图片|截[图屏]|照片|快照)",
)
_STAMP = (
    r"(?:[\W\d_]|[年月日时分秒]|上午|下午|副本|\b(?:at|am|pm|copy|jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)\b"
    r"|(?<=\d)t(?=\d))"
)
"""A piece of a date, a time or a number, or what a program appends to the name of a copy."""
_NUMBER = rf"[{_NUMERAL}](?![^{_NUMERAL}\W])|(?<![a-z])(?:[a-z]|[ivx]{{2,5}})(?![a-z])|页"
_MEANINGLESS = re.compile(
    rf"(?:{'|'.join(_NAMELESS)})(?:{_STAMP}|{_NUMBER})*+|{_STAMP}++"
    r"|microsoft (?:office )?(?:word|powerpoint|excel) ?-.*+|doi:.*+|(?:file|https?):/.*+|[a-z]:\\.*+|\\\\.*+"
    r"|(?:[^\W_]++ ?)?(?:www\.)?1ppt\.com|.{0,12}-?www\.[\w.-]++"
    r"|\W?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\W?|(?=[a-f]*+\d)[0-9a-f]{12,128}+|tmp[0-9a-z_]{6,12}+"
)
"""What is no title, in small letters and with ordinary signs for full-width ones: `新建 Microsoft Word 文档`, `附件1`,
`CamScanner 11-03-2026 10.22`, `幻灯片编号 1`, `Microsoft Word - draft.doc`, a digest. It must match the whole title, so
`附件1：供应商准入办法` remains one.
"""
_FILE = re.compile(
    r"\.(?:docx?|docm|wps|pptx?|xls[xm]?|et|dps|pdf|indd|tex|dvi|qx[dp]|rtf|txt|html?|od[tsp]|md|jpe?g|png|tiff?|bmp|gif|"
    r"pub|ai|cdr|psd|dwg|e?ps|tmp|dot[xm]?)$"
)
_NUMBERED = re.compile(
    rf"第[{_NUMERAL}\d]{{1,5}}[章节条编篇部]|[{_NUMERAL}]{{1,3}}、|[(（][{_NUMERAL}\d]{{1,3}}[)）]"
    r"|\d{1,2}(?:\.\d{1,2}){0,4}[.、．]\s*+[^\W\d]|\d{1,2}(?:\.\d{1,2}){1,4}\s++[^\W\d]"
    r"|1\s++[^\W\d]"  # 1 范围: the first of the sections that only have a number before them
    r"|(?:[Qq]|问题?)\s*+\d{0,3}[:：.、]"
)
"""The number of a section. The first section of a document does not name the whole."""


def title_of(reference: Reference, extracted: Extracted) -> str:
    """Returns the title of the reference. Otherwise it returns the first of these that says something: the title in the
    metadata, the one that the first page shows, the first prominent heading, the file's name, the heading of the first
    section. The file's name is used if none does.
    """
    if reference.title is not None:
        return encoding.storable(reference.title)
    stated = _line(extracted.title or "")
    if _says_something(stated):
        return stated
    visible = _line(extracted.visible_title or "")
    if _says_something(visible) and not _names_a_section(visible):
        return visible
    # The name of a sheet is not the title of its workbook.
    heads = [each for each in extracted.elements if each.kind in ("title", "heading") and each.location.sheet is None]
    usable = [head for head in heads if _says_something(_line(head.text))]
    whole = [head for head in _opening(usable, heads, extracted.elements) if not _names_a_section(_line(head.text))]
    if whole:
        return _line(min(whole, key=_level).text)
    name = encoding.storable(PurePath(reference.name).stem or reference.name)
    return _line(usable[0].text) if usable and not _says_something(_line(name)) else name


def _opening(usable: list[Element], heads: list[Element], elements: Sequence[Element]) -> list[Element]:
    """Returns the headings at the beginning of a document among which its title may be: the one with which it begins,
    or the first few. Sections of equal rank below a text do not name the document.
    """
    skipped = next((place for place, head in enumerate(heads) if usable and head is usable[0]), 0)
    if usable and elements[skipped] is usable[0]:  # all before it are headings that say nothing
        return usable[:1]
    highest = min(map(_level, usable), default=0)
    return usable[:_OPENING] if sum(_level(head) == highest for head in usable) < 2 else []


def _level(heading: Element) -> int:
    return heading.level or 0


def _names_a_section(heading: str) -> bool:
    return heading.endswith((":", "：")) or _NUMBERED.match(heading) is not None


def _line(text: str) -> str:
    return " ".join(encoding.storable(text).split())


def _says_something(title: str) -> bool:
    if not _SHORTEST <= len(title) <= _LONGEST:
        return False
    plain = " ".join(unicodedata.normalize("NFKC", title).lower().split())
    return not _MEANINGLESS.fullmatch(plain) and not _FILE.search(plain)
