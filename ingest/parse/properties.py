"""What a document states of itself beside its title: `author`, `created`, `modified`. Every format uses the same keys.

Authors that no person chose are left out: programs, accounts of the system, the owners that installers enter.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from ingest.parse.text.encoding import storable

_MAX_AUTHOR_CHARACTERS = 200
_MAX_DATE_CHARACTERS = 64
_YEARS = range(1981, 2200)
"""Formats count from 1601, 1900, 1904, 1970 or 1980. A date of these years is a clock that was never set."""
_NOBODY = frozenset({
    "administrator", "administrateur", "admin", "root", "user", "users", "owner", "author", "anonymous", "unknown",
    "unnamed", "guest", "default", "test", "microsoft", "windows", "office", "pc", "mac", "apple", "lenovo",
    "thinkpad", "hp", "dell", "asus", "acer", "huawei", "samsung", "microsoftoffice", "microsoftcorporation",
    "microsoftofficeuser", "windowsuser", "lenovouser", "hpuser", "delluser", "mcsystem", "openpyxl", "pythondocx",
    "pythonpptx", "xlsxwriter", "apachepoi", "poi", "sheetjs", "aspose", "asposewords", "phpword", "phpspreadsheet",
    "unknowncreator", "unknownauthor", "docx4j", "docx", "pptxgenjs", "easyexcel", "reportlab", "wps", "wpsoffice",
    "kingsoft", "libreoffice", "管理员", "系统管理员", "超级管理员", "用户", "普通用户", "默认用户", "匿名",
    "匿名用户", "未知", "未知作者", "作者", "微软", "微软用户", "微软中国", "windows用户", "microsoft用户",
    "office用户", "联想", "联想用户", "华硕", "戴尔", "惠普", "华为", "雨林木风", "番茄花园", "深度技术",
    "系统之家",
})  # fmt: skip
_ACCOUNT = re.compile(r"(?:wps|user|admin|pc|desktop|微软用户|用户)[a-z]{0,3}[0-9]+|savedby[a-z0-9]+|由\w{1,40}保存")
"""What WPS Office calls an account without a name, accounts that a system has numbered, and browsers that have saved a
page as a mail (MHTML).
"""
_TEMPLATES = frozenset({
    datetime(2013, 12, 23, 23, 15), datetime(2013, 1, 27, 9, 14, 16), datetime(2013, 1, 27, 9, 15, 58),
})  # fmt: skip
"""When the templates inside python-docx and python-pptx were made. Their documents keep these moments."""
_DATE = re.compile(
    r"(?P<year>[0-9]{4})\s?(?:[-/.年]\s?)?(?P<month>[0-9]{1,2})\s?(?:[-/.月]\s?)?(?P<day>[0-9]{1,2})日?"
    r"(?:[T ]\s?(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r"\s?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?)?"
)

_NAMED_IN_PAGES = {
    "author": ("author", "dc.creator", "dcterms.creator", "citation_author", "article:author"),
    "created": ("article:published_time", "pubdate", "publishdate", "dcterms.created", "dc.date", "date"),
    "modified": ("article:modified_time", "og:updated_time", "dcterms.modified", "last-modified"),
}
"""What web pages call these properties in `<meta name=…>` or `<meta property=…>`, the most exact name first."""


def stated(
    author: str | None = None, created: str | date | None = None, modified: str | date | None = None
) -> dict[str, str]:
    """Returns the metadata of a document. What is missing, or means nothing, has no key. Dates are in ISO 8601."""
    found = {"author": _person(author or ""), "created": iso(created), "modified": iso(modified)}
    return {key: value for key, value in found.items() if value}


def iso(moment: str | date | None) -> str:
    """Returns a date, with its time where that is known, in ISO 8601. Returns an empty text if it is no date."""
    if isinstance(moment, str):
        moment = _read(moment)
    if moment is None or moment.year not in _YEARS:
        return ""
    if isinstance(moment, datetime):
        moment = moment.replace(microsecond=0)
        return "" if moment.replace(tzinfo=None) in _TEMPLATES else moment.isoformat()
    return moment.isoformat()


def of_page(page: Any) -> dict[str, str]:
    """Returns what a web page states of itself. `page` is an element of lxml."""
    named: dict[str, str] = {}
    for meta in page.iterfind(".//meta"):
        name = meta.get("name") or meta.get("property") or meta.get("http-equiv") or ""
        named.setdefault(name.strip().lower(), meta.get("content") or "")
    found = {
        key: next((named[name] for name in names if named.get(name)), "") for key, names in _NAMED_IN_PAGES.items()
    }
    if found["author"].startswith(("https://", "http://")):  # Open Graph wants the address of a profile
        found["author"] = ""
    return stated(**found)


def _read(text: str) -> date | None:
    found = _DATE.fullmatch(text.strip()[:_MAX_DATE_CHARACTERS])
    if found is None:
        return None
    try:
        day = date(int(found["year"]), int(found["month"]), int(found["day"]))
        if found["hour"] is None:
            return day
        moment = datetime(day.year, day.month, day.day, int(found["hour"]), int(found["minute"]))
        return moment.replace(second=int(found["second"] or 0), tzinfo=_zone(found["zone"]))
    except ValueError:
        return None


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text[0] not in "+-":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _person(author: str) -> str:
    """Returns the author as one line, or an empty text if it names nobody."""
    name = " ".join(storable(author[: 4 * _MAX_AUTHOR_CHARACTERS]).split())[:_MAX_AUTHOR_CHARACTERS].strip()
    bare = re.sub(r"[\W_]", "", name).casefold()
    return "" if not bare or bare.isdecimal() or bare in _NOBODY or _ACCOUNT.fullmatch(bare) else name
