"""Lists of contents in Word, OpenDocument, RTF, web pages and Markdown are no text. Sections stay where they are."""

from __future__ import annotations

import pytest

from tests.ingest.test_parse_opened import opened
from tests.ingest.tiny_word import read, run, texts, word

SECTIONS = ("总则", "住宿标准", "报销流程")
BODY = "".join(f"<h2 id='s{n}'>{title}</h2><p>{title}的规定见本节。</p>" for n, title in enumerate(SECTIONS))
TEXT = [text for title in SECTIONS for text in (title, f"{title}的规定见本节。")]
TAB = "<w:r><w:tab/></w:r>"
BEGIN, MIDDLE, END = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))
FIELD = f'{BEGIN}<w:r><w:instrText> TOC \\o "1-3" \\n </w:instrText></w:r>{MIDDLE}'
SECTION = '<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr>{}</w:p>'


def paragraphs() -> list[str]:
    said = ((SECTION.format(run(title)), f"<w:p>{run(f'{title}的规定见本节。')}</w:p>") for title in SECTIONS)
    return [block for blocks in said for block in blocks]


@pytest.mark.parametrize("heading", ["目录", "目　录", "Contents"])
def test_a_field_without_page_numbers_goes_with_its_heading(heading: str) -> None:
    first, second, third = (run(title) for title in SECTIONS)
    listed = [f"<w:p>{FIELD}{first}</w:p>", f"<w:p>{second}</w:p>", f"<w:p>{third}</w:p>", f"<w:p>{END}</w:p>"]
    assert texts(read(word(f"<w:p>{run(heading)}</w:p>", *listed, *paragraphs()))) == TEXT


def test_text_behind_a_field_and_a_field_that_does_not_end_are_kept() -> None:
    assert texts(read(word(f"<w:p>{FIELD}{run('一')}{END}{run('后文')}</w:p>", *paragraphs()))) == ["后文", *TEXT]
    assert texts(read(word(f"<w:p>{FIELD}{run('一')}</w:p>", *paragraphs()))) == ["一", *TEXT]


@pytest.mark.parametrize("name", ["toc 1", "目录 1", "WPSOffice手动目录 1", "TOC Heading", "table of figures"])
def test_paragraphs_in_styles_for_contents_are_left_out(name: str) -> None:
    style = f'<w:style w:type="paragraph" w:styleId="list"><w:name w:val="{name}"/></w:style>'
    entry = '<w:p><w:pPr><w:pStyle w:val="list"/></w:pPr>{}</w:p>'
    listed = [entry.format(run(title)) for title in SECTIONS]
    assert texts(read(word(f"<w:p>{run('目录')}</w:p>", *listed, *paragraphs(), styles=style))) == TEXT


@pytest.mark.parametrize("gap", [TAB, run("…………"), run("........")])
def test_contents_typed_by_hand_are_left_out(gap: str) -> None:
    listed = [f"<w:p>{run(title)}{gap}{run(str(n))}</w:p>" for n, title in enumerate(SECTIONS, 2)]
    parsed = read(word(f"<w:p>{run('目 录')}</w:p>", *listed, *paragraphs()))
    assert texts(parsed) == TEXT
    assert [e.location.heading_path for e in parsed.elements[1::2]] == [(title,) for title in SECTIONS]


def test_a_list_of_prices_with_tabs_is_kept() -> None:
    listed = [
        f"<w:p>{run(name)}{TAB}{run(price)}</w:p>" for name, price in (("茶", "12"), ("咖啡", "25"), ("果汁", "31"))
    ]
    assert texts(read(word(*listed, *paragraphs()))) == [
        "|  |  |\n| --- | --- |\n| 茶 | 12 |\n| 咖啡 | 25 |\n| 果汁 | 31 |", *TEXT,
    ]  # fmt: skip


def test_contents_typed_in_opendocument_are_left_out() -> None:
    listed = "".join(f"<text:p>{title}<text:tab/>{n}</text:p>" for n, title in enumerate(SECTIONS, 2))
    body = "".join(
        f'<text:h text:outline-level="1">{title}</text:h><text:p>{title}的规定见本节。</text:p>' for title in SECTIONS
    )
    document = opened("text", f"<office:text><text:p>目录</text:p>{listed}{body}</office:text>")
    assert texts(read(document, "a.odt")) == TEXT


def _encoded(text: str) -> str:
    return "".join(f"\\u{ord(letter)}?" for letter in text)


@pytest.mark.parametrize("is_field", [True, False])
def test_contents_of_rich_text_are_left_out(is_field: bool) -> None:
    entries = "".join(
        f"\\pard {_encoded(title)}{'' if is_field else f'{chr(92)}tab {n}'}\\par "
        for n, title in enumerate(SECTIONS, 2)
    )
    listed = f"{{\\field{{\\*\\fldinst TOC \\\\o}}{{\\fldrslt {entries}}}}}" if is_field else entries
    body = "".join(
        f"\\pard\\outlinelevel0 {_encoded(t)}\\par\\pard {_encoded(t + '的规定见本节。')}\\par " for t in SECTIONS
    )
    document = f"{{\\rtf1\\ansi {_encoded('目录')}\\par {listed}{body}}}"
    assert texts(read(document.encode(), "a.rtf")) == TEXT


@pytest.mark.parametrize(
    "listed",
    [
        "<h2>目录</h2><ul>{}</ul>",
        "<div><p>目录</p></div><nav><ul>{}</ul></nav>",
        "<nav><b>目录</b><ol>{}</ol></nav>",
    ],
)
def test_links_to_the_sections_of_a_page_are_no_text(listed: str) -> None:
    links = "".join(f"<li>{n}. <a href='#s{n}'>{n} {title}</a></li>" for n, title in enumerate(SECTIONS))
    assert texts(read(f"<html><body>{listed.format(links)}{BODY}</body></html>".encode(), "a.html")) == TEXT


def test_contents_of_markdown_are_no_text() -> None:
    links = "\n".join(f"- [{title}](#{title})" for title in SECTIONS)
    body = "\n\n".join(f"## {title}\n\n{title}的规定见本节。" for title in SECTIONS)
    assert texts(read(f"## 目录\n\n{links}\n\n{body}".encode(), "a.md")) == TEXT


def test_links_that_say_more_than_names_of_sections_are_kept() -> None:
    more = "".join(f"<li><a href='#s{n}'>{title}</a>：每年一月修订，先看这里</li>" for n, title in enumerate(SECTIONS))
    away = "".join(f"<li><a href='/p/{n}'>{title}</a></li>" for n, title in enumerate(SECTIONS))
    for items in (more, away):
        kept = texts(read(f"<html><body><ul>{items}</ul>{BODY}</body></html>".encode(), "a.html"))
        assert len(kept) == 3 + len(TEXT)
