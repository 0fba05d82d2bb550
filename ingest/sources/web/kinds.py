"""Says which kinds of files are read from the web, by the type that the site states and by the address."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_UNREAD_KINDS: Final = ("image/", "video/", "audio/", "font/", "model/", "multipart/")
_UNREAD: Final = frozenset(
    {
        "text/css", "text/javascript", "application/javascript", "application/x-javascript", "application/wasm",
        "application/rss+xml", "application/atom+xml", "application/manifest+json", "application/ld+json",
        "application/zip", "application/gzip", "application/x-gzip", "application/x-tar", "application/x-7z-compressed",
        "application/x-rar-compressed", "application/vnd.rar", "application/x-bzip2", "application/x-xz",
        "application/java-archive", "application/x-msdownload", "application/x-msi", "application/x-apple-diskimage",
        "application/vnd.android.package-archive", "application/x-shockwave-flash", "application/pgp-signature",
    }
)  # fmt: skip
_DEAD_ENDS: Final = frozenset(
    {
        ".css", ".js", ".mjs", ".map", ".json", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif", ".ico",
        ".bmp", ".tif", ".tiff", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".mp4", ".m4a", ".m4v", ".avi",
        ".mov", ".mkv", ".webm", ".ogg", ".wav", ".flac", ".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar",
        ".jar", ".war", ".whl", ".exe", ".msi", ".dmg", ".pkg", ".deb", ".rpm", ".apk", ".ipa", ".iso", ".img", ".bin",
        ".dll", ".so", ".sig", ".asc", ".rss", ".atom", ".torrent",
    }
)  # fmt: skip
_DOCUMENTS: Final = frozenset(
    {
        ".pdf", ".doc", ".docx", ".ppt", ".pptx", ".xls", ".xlsx", ".odt", ".ods", ".odp", ".rtf", ".epub", ".txt",
        ".md", ".rst", ".org", ".csv", ".tsv", ".eml", ".msg", ".xml", ".htm", ".html", ".xhtml",
        ".wps", ".wpt", ".et", ".ett", ".dps", ".dpt", ".ofd",
    }
)  # fmt: skip
_SUFFIXES: Final = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/rtf": ".rtf",
    "application/msword": ".doc",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt",
    "application/ofd": ".ofd",
    "application/vnd.ms-works": ".wps",
    "application/wps-office.wps": ".wps",
    "application/wps-office.wpt": ".wpt",
    "application/wps-office.et": ".et",
    "application/wps-office.ett": ".ett",
    "application/wps-office.dps": ".dps",
    "application/wps-office.dpt": ".dpt",
    "application/kswps": ".wps",
    "application/kset": ".et",
    "application/ksdps": ".dps",
    "application/epub+zip": ".epub",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
}

_WPS: Final = {".doc": {".wps", ".wpt"}, ".xls": {".et", ".ett"}, ".ppt": {".dps", ".dpt"}}
"""What WPS Office calls its files of these families. Sites state the type of the family for them."""


def is_html(media_type: str) -> bool:
    """Returns True if a page of this type has links. Without a type it counts as a page, as in a browser."""
    return media_type in _HTML or not media_type


def is_readable(url: str, media_type: str) -> bool:
    """Returns True if a file of this type may be a document."""
    if media_type == "application/octet-stream":
        return _suffix(url) in _DOCUMENTS
    return media_type not in _UNREAD and not media_type.startswith(_UNREAD_KINDS)


def leads_nowhere(url: str) -> bool:
    """Returns True if the name in the address says that it is neither a document nor leads to one."""
    return _suffix(url) in _DEAD_ENDS


def name_of(url: str, media_type: str) -> str:
    """Returns a file name for the content at an address, with the suffix of its type."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name or "index"
    ending = _SUFFIXES.get(media_type, "")
    endings = {ending, f"{ending}l", ending[:-1], *_WPS.get(ending[:4], ())}
    is_named = not ending or _suffix(url) in (_DOCUMENTS if ending == ".txt" else endings)
    return name if is_named else name + ending


def _suffix(url: str) -> str:
    return PurePosixPath(urlsplit(url).path).suffix.lower()
