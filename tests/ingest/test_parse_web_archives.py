"""Web pages that are saved like a mail: the page is read, and not its head."""

from __future__ import annotations

import base64
import quopri

import pytest

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.test_parse_text import read
from tests.ingest.test_parse_word import picture

HTML = (
    "<html><head><title>值班手册</title></head><body><h1>值班手册</h1><p>P0 须在 5 分钟内响应。</p>"
    '<p>详见<a href="more.html">附录</a></p></body></html>'
)
CONFLUENCE = "Date: Wed, 4 Nov 2026 08:00:00 +0000 (UTC)\nMessage-ID: <1@wiki>\nSubject: Exported From Confluence\n"
BROWSER = (
    "From: <Saved by Blink>\nSnapshot-Content-Location: https://wiki.corp.example/d/p\nSubject: =?utf-8?Q?=E5=80=BC?=\n"
    "Date: Wed, 4 Nov 2026 08:00:00 -0000\n"
)
EXPLORER = (
    'From: "Saved by Internet Explorer 11"\nSubject: =?gb2312?B?1rWw4MrWsuE=?=\nDate: Wed, 4 Nov 2026 16:00:00 +0800\n'
)


def part(content: str, location: str = "", kind: str = "text/html", charset: str = "utf-8") -> str:
    encoded = quopri.encodestring(content.encode(charset)).decode()
    return (
        f"--XX\nContent-Type: {kind}; charset={charset}\nContent-Transfer-Encoding: quoted-printable\n"
        f"Content-Location: {location}\n\n{encoded}\n"
    )


def archive(head: str, *parts: str, end: str = "\n") -> bytes:
    fields = f'{head}MIME-Version: 1.0\nContent-Type: multipart/related;\n\ttype="text/html";\n\tboundary="XX"\n\n'
    return (fields + "".join(parts) + "--XX--\n").replace("\n", end).encode()


def texts(parsed: ParsedDocument) -> list[str]:
    return [element.text for element in parsed.elements]


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (CONFLUENCE, "a.doc"), (CONFLUENCE, "a"), ("", "a.doc"), ("", "a.mht"), (BROWSER, "a.mhtml"),
        (BROWSER, "a.eml"), (EXPLORER, "a.mht"), ("\n", "a.doc"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_saved_page_is_a_page_and_its_head_is_no_text(head: str, name: str, end: str) -> None:
    parsed = read(archive(head, part(HTML, "file:///C:/a.html"), end=end), name)
    assert (parsed.kind, parsed.title) == ("html", "值班手册")
    assert texts(parsed) == ["值班手册", "P0 须在 5 分钟内响应。", "详见附录"]


def test_a_saved_page_without_a_title_has_that_of_its_first_heading() -> None:
    parsed = read(archive(CONFLUENCE, part("<h1>报销指南</h1><p>当月报销。</p>", charset="gb2312")), "a.doc")
    assert (parsed.title, texts(parsed)) == ("报销指南", ["报销指南", "当月报销。"])


def test_links_of_a_saved_page_are_relative_to_where_it_was() -> None:
    parsed = read(archive(BROWSER, part(HTML, "https://wiki.corp.example/d/p")), "a.mhtml")
    assert texts(parsed)[-1] == "详见附录 (https://wiki.corp.example/d/more.html)"


def test_a_page_alone_and_a_workbook_of_pages_are_read() -> None:
    alone = f"MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\nContent-Location: x\n\n{HTML}"
    assert texts(read(alone, "a.mht"))[1] == "P0 须在 5 分钟内响应。"
    inside = "<frameset><frame src=s1.htm><noframes><body>no frames</body></noframes></frameset>"
    frames = f"<html><head><title>限额</title></head>{inside}</html>"
    sheets = [part(f"<table><tr><td>城市<td>限额</tr><tr><td>{city}<td>一级</tr></table>") for city in ("北京", "上海")]
    parsed = read(archive("", part(frames), *sheets), "a.xls")
    assert (parsed.title, [text.split("\n")[-1] for text in texts(parsed)]) == (
        "限额",
        ["| 北京 | 一级 |", "| 上海 | 一级 |"],
    )


def test_pictures_of_a_saved_page_are_read_behind_it() -> None:
    encoded = base64.encodebytes(picture("Serial 4711").getvalue()).decode()
    shown = f"--XX\nContent-Type: image/png\nContent-Transfer-Encoding: base64\nContent-Location: a.png\n\n{encoded}\n"
    data = archive(CONFLUENCE, part(HTML), shown)
    parsed = parse(Reference("local", "a.doc", "a.doc", len(data), 0, content=data), IngestSettings())
    assert "4711" in parsed.elements[-1].text


@pytest.mark.parametrize("name", ["a.eml", "a", "a.mht", "a.doc"])
def test_a_mail_of_the_same_form_stays_a_mail(name: str) -> None:
    head = "From: a@corp.example\nTo: b@corp.example\nSubject: 通知\nMessage-ID: <1@corp.example>\n"
    parsed = read(archive(head, part(HTML)), name)
    assert (parsed.kind, parsed.title) == ("eml", "通知")
    assert read(archive("From: a@corp.example\nSubject: 草稿\n", part(HTML)), "a.eml").kind == "eml"


def test_what_frames_on_a_page_show_is_read() -> None:
    frames = (
        '<p>正文</p><iframe src="cid:frame-1@mhtml.blink"></iframe><iframe src="inner.html" width="300"></iframe>'
        '<iframe src="cid:ad@mhtml.blink" width="1" height="1"></iframe>'
    )
    page = part(f"<html><body>{frames}</body></html>", "https://wiki.corp.example/d/p.html")
    named = part("<p>框内一</p>").replace("Content-Location: ", "Content-ID: <frame-1@mhtml.blink>")
    beside = part("<p>框内二</p>", "https://wiki.corp.example/d/inner.html")
    unseen = part("<p>跟踪</p>").replace("Content-Location: ", "Content-ID: <ad@mhtml.blink>")
    other = part("<p>别的页</p>", "https://wiki.corp.example/d/other.html")
    assert texts(read(archive(BROWSER, page, named, beside, unseen, other), "a.mhtml")) == ["正文", "框内一", "框内二"]
