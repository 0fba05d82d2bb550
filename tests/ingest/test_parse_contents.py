"""Tables of contents are no text: every section is found where it is, and not on the page that lists it."""

from __future__ import annotations

import pytest
from docx import Document

from ingest.document import ParsedDocument, Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from tests.ingest.test_parse_office import saved
from tests.ingest.test_parse_opened import opened
from tests.ingest.test_parse_rich_text import rich
from tests.ingest.tiny_ofd import ofd
from tests.ingest.tiny_ofd import text as run_of
from tests.ingest.tiny_pdf import Item, Words, pdf

SECTIONS = ("1 Scope", "2 Storage of acids", "3 Loading", "4 Emergencies", "5 Records")


def read(data: bytes, name: str = "a.pdf") -> ParsedDocument:
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))


def body() -> list[list[Item]]:
    return [
        [Words(72, 80, title, 14, bold=True), Words(72, 110, f"What {title[2:].lower()} means for every hall.")]
        for title in SECTIONS
    ]


def texts(document: ParsedDocument) -> list[str]:
    return [element.text for element in document.elements]


TEXT = [text for title in SECTIONS for text in (title, f"What {title[2:].lower()} means for every hall.")]


def led(place: int, title: str) -> list[Item]:
    return [Words(72, 120 + 18 * place, f"{title}{'.' * (70 - len(title))}{place + 2}")]


def apart(place: int, title: str) -> list[Item]:
    return [Words(72, 120 + 18 * place, title), Words(500, 120 + 18 * place, str(place + 2))]


@pytest.mark.parametrize("entry", [led, apart], ids=["dots", "right-aligned"])
@pytest.mark.parametrize("heading", ["Contents", "目 录", ""])
def test_a_table_of_contents_is_no_text_and_no_heading_above_the_sections(entry, heading: str) -> None:  # type: ignore[no-untyped-def]
    page: list[Item] = [Words(72, 80, heading, 18, bold=True)] if heading else []
    page += [item for place, title in enumerate(SECTIONS) for item in entry(place, title)]
    document = read(pdf(page, *body()))
    assert texts(document) == TEXT
    assert [element.location.heading_path for element in document.elements[1::2]] == [(title,) for title in SECTIONS]


def test_a_table_of_contents_may_take_two_pages_and_leaves_the_title_page() -> None:
    first: list[Item] = [Words(72, 60, "Handbook of the plant", 22), Words(72, 100, "Contents", 18)]
    first += [item for place, title in enumerate(SECTIONS[:2]) for item in led(place, title)]
    first += [Words(72, 300, "2.1"), Words(100, 300, "Tanks of glass. . . . . . . . . . . . . . 3")]
    second = [item for place, title in enumerate(SECTIONS[2:]) for item in led(place, title)]
    assert texts(read(pdf(first, second, *body()))) == ["Handbook of the plant", *TEXT]


def alone(place: int, title: str) -> list[Item]:
    return [Words(72, 120 + 18 * place, title)]


def test_a_table_of_contents_without_page_numbers_is_left_out_on_two_pages_too() -> None:
    page: list[Item] = [Words(72, 40, "Handbook of the plant", 22), Words(72, 80, "Contents", 18, bold=True)]
    listed = [item for place, title in enumerate(SECTIONS) for item in alone(place, title)]
    assert texts(read(pdf([*page, *listed], *body()))) == ["Handbook of the plant", *TEXT]
    two = [[*page, *listed[:3]], listed[3:]]
    assert texts(read(pdf(*two, *body()))) == ["Handbook of the plant", *TEXT]


def test_a_list_below_the_word_contents_that_is_there_twice_is_kept() -> None:
    parts = ["Contents", "Pump of steel", "Hose of rubber", "Seal of brass", "Lid of glass"]
    kit = [Words(72, 80 + 18 * place, line) for place, line in enumerate(parts)]
    for said in (texts(read(pdf(kit, kit, *body()))), texts(read("\n".join(parts * 2).encode(), "a.txt"))):
        assert "\n".join(said).count("Hose of rubber") == 2


def test_contents_without_page_numbers_are_left_out_of_text_and_word_documents() -> None:
    sections = ["1 总则", "2 储存", "3 领用"]
    text = "管理办法\n\n目录\n" + "\n".join(sections) + "\n\n" + "".join(f"{title}\n\n正文。\n\n" for title in sections)
    assert texts(read(text.encode(), "a.txt")) == ["管理办法", *(t for title in sections for t in (title, "正文。"))]
    data = written("a.docx", ["管理办法", "目录", *sections], sections)
    assert texts(read(data, "a.docx")) == ["管理办法", *(t for title in sections for t in (title, "正文。"))]


@pytest.mark.parametrize("leader", ["…", "·", ".", "—"])
def test_leaders_are_no_text_in_another_encoding(leader: str) -> None:
    titles = ["第一章 总则", "第二章 储存", "第三章 领用"]
    listed = "".join(
        run_of(20, 50 + 8 * place, title) + run_of(48, 50 + 8 * place, leader * 30) + run_of(180, 50 + 8 * place, "2")
        for place, title in enumerate(titles)
    )
    document = read(ofd([run_of(20, 30, "目录") + listed, run_of(20, 30, "本章规定储存的办法。")]), "a.ofd")
    assert (texts(document), document.notes) == (["本章规定储存的办法。"], {})


@pytest.mark.parametrize(
    "lines",
    [
        ["Coffee..................25", "Tea.....................38", "Juice...................52"],
        ["Zhang San...............8001", "Li Si...................8002", "Wang Wu.................8003"],
        ["Name....................", "Department..............", "Phone..................."],
    ],
    ids=["prices", "telephones", "a form"],
)
def test_other_lists_with_dots_are_kept(lines: list[str]) -> None:
    page: list[Item] = [Words(72, 100 + 20 * place, line) for place, line in enumerate(lines)]
    kept = " ".join(texts(read(pdf(page))))
    assert all(line.split(".")[0] in kept for line in lines)


def test_a_table_of_contents_typed_into_a_text_file_is_left_out() -> None:
    listed = "目  录\n\n1 范围 ……………… 1\n2 储存要求 ……………… 2"
    text = f"化学品标准\n\n{listed}\n\n1 范围\n本标准适用于厂区。\n\n2 储存要求\n液位不超过八成。"
    assert texts(read(text.encode(), "a.txt")) == [
        "化学品标准",
        "1 范围\n本标准适用于厂区。",
        "2 储存要求\n液位不超过八成。",
    ]


def test_a_file_of_contents_alone_is_kept() -> None:
    page = [item for place, title in enumerate(SECTIONS) for item in led(place, title)]
    assert "Storage of acids" in " ".join(texts(read(pdf(page))))


def written(name: str, lines: list[str], sections: list[str]) -> bytes:
    """A document of a word processor that begins with these lines, and has these sections."""
    if name == "a.docx":
        document = Document()
        for line in lines:
            document.add_paragraph(line)
        for title in sections:
            document.add_heading(title)
            document.add_paragraph("正文。")
        return saved(document)
    if name == "a.odt":
        body = "".join(f"<text:p>{line}</text:p>" for line in lines).replace("\t", "<text:tab/>")
        body += "".join(f'<text:h text:outline-level="1">{t}</text:h><text:p>正文。</text:p>' for t in sections)
        return opened("text", f"<office:text>{body}</office:text>")
    body = "".join(f"{line}\\par " for line in lines).replace("\t", "\\tab ")
    body += "".join(f"\\outlinelevel0 {t}\\par \\outlinelevel9 正文。\\par " for t in sections)
    return rich(body)


@pytest.mark.parametrize("name", ["a.docx", "a.odt", "a.rtf"])
def test_contents_that_are_typed_in_a_document_are_left_out(name: str) -> None:
    sections = ["1 总则", "2 储存", "3 领用"]
    entries = [f"{title}\t{page}" for page, title in enumerate(sections, 3)]
    document = read(written(name, ["管理办法", "目  录", "前言\tII", *entries], sections), name)
    assert texts(document) == ["管理办法", *(text for title in sections for text in (title, "正文。"))]
    prices = ["苹果\t5", "梨\t6", "桃\t8", "李\t9"]
    table = "|  |  |\n| --- | --- |\n| 苹果 | 5 |\n| 梨 | 6 |\n| 桃 | 8 |\n| 李 | 9 |"
    assert texts(read(written(name, prices, sections), name))[0] == table
    # Where nothing has these headings, it is a table like others.
    listed = "|  |  |\n| --- | --- |\n| 1 总则 | 3 |\n| 2 储存 | 4 |\n| 3 领用 | 5 |"
    assert texts(read(written(name, ["目录", *entries], []), name)) == ["目录", listed]


def test_names_before_rising_numbers_are_a_table() -> None:
    names = ["Wang Fang", "Li Qiang", "Zhao Min", "Chen Wei", "Sun Li"]
    page = [item for place, name in enumerate(names) for item in apart(place, name)]
    assert all(name in read(pdf(page, *body())).text for name in names)
