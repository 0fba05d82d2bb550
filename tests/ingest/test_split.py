"""Splitting: structure first, then sentence ends, then length; and where each passage stood."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest

from ingest.document import Box, Element, ElementKind, Location, ParsedDocument, Passage
from ingest.settings import MINILM, IngestSettings
from ingest.split import split
from tests.ingest.inline_engine import shipped_counter

SETTINGS = IngestSettings(chunk_tokens=64)


def document(*elements: Element, title: str = "Handbook") -> ParsedDocument:
    """A parsed document whose elements stand one blank line apart, as the parser leaves them."""
    placed: list[Element] = []
    start = 0
    for element in elements:
        old = element.location
        location = Location(
            old.page, old.slide, old.sheet, old.cells, old.heading_path, start, start + len(element.text), old.boxes
        )
        placed.append(Element(element.kind, element.text, location, element.level))
        start += len(element.text) + 2
    return ParsedDocument("md", title, tuple(placed), "\n\n".join(element.text for element in elements))


def paragraph(text: str, *path: str, kind: ElementKind = "paragraph") -> Element:
    return Element(kind, text, Location(heading_path=path))


def heading(text: str, *path: str, level: int = 1) -> Element:
    return Element("heading", text, Location(heading_path=path), level)


def cut(parsed: ParsedDocument, settings: IngestSettings = SETTINGS) -> list[Passage]:
    return split(parsed, settings, shipped_counter())


def assert_covers(parsed: ParsedDocument, passages: Sequence[Passage]) -> None:
    kept = "".join(passage.text for passage in passages)
    assert "".join(kept.split()) == "".join(parsed.text.split())
    for passage in passages:
        assert parsed.text[passage.location.start : passage.location.end] == passage.text


def test_short_neighbours_under_one_heading_share_a_passage() -> None:
    parsed = document(paragraph("Leave is fifteen days.", "Leave"), paragraph("Ask HR for more.", "Leave"))
    [passage] = cut(parsed)
    assert passage.text == "Leave is fifteen days.\n\nAsk HR for more."
    assert passage.location.heading_path == ("Leave",)
    assert passage.language == "en"


def test_a_heading_opens_a_passage_and_is_kept_as_its_path() -> None:
    parsed = document(
        heading("Leave"), paragraph("Fifteen days.", "Leave"), heading("Travel"), paragraph("By train.", "Travel")
    )
    passages = cut(parsed)
    assert [(p.text, p.location.heading_path) for p in passages] == [
        ("Fifteen days.", ("Leave",)),
        ("By train.", ("Travel",)),
    ]


def test_a_heading_that_no_path_repeats_stays_in_the_text() -> None:
    parsed = document(Element("heading", "Guessed heading"), paragraph("Text."), heading("Last words"))
    assert [passage.text for passage in cut(parsed)] == ["Guessed heading\n\nText.", "Last words"]
    assert_covers(parsed, cut(parsed))


def test_slides_and_sheets_are_not_joined() -> None:
    slides = [Element("paragraph", f"Slide {n}", Location(slide=n)) for n in (1, 2)]
    assert [passage.location.slide for passage in cut(document(*slides))] == [1, 2]


@pytest.mark.parametrize(
    ("sentence", "tokens", "language"),
    [("The quick brown fox jumps over the lazy dog. ", 64, "en"), ("员工每年有十五天带薪年假。", 128, "zh")],
)
def test_a_long_paragraph_is_cut_at_sentence_ends(sentence: str, tokens: int, language: str) -> None:
    parsed = document(paragraph((sentence * 60).strip()))
    passages = cut(parsed)
    assert len(passages) > 5
    assert all(passage.text.endswith(sentence.strip()[-1]) and passage.language == language for passage in passages)
    assert_covers(parsed, passages)
    assert max(shipped_counter()([passage.text for passage in passages])) + 6 <= tokens


def test_no_passage_is_over_the_limit_with_its_headings() -> None:
    words = "Every employee of the company may take the train. " * 80
    parsed = document(paragraph(words.strip(), "Travel", "By train and by bus"))
    for passage in cut(parsed):
        line = " › ".join(("Handbook", *passage.location.heading_path))
        assert shipped_counter()([f"{line}\n{passage.text}"])[0] + 6 <= 64


def test_a_passage_of_any_length_leaves_room_for_the_six_tokens_that_a_model_adds() -> None:
    longest = 0
    for words in range(50, 70):
        for passage in cut(document(paragraph(("word " * words).strip(), "Travel"))):
            [tokens] = shipped_counter()([f"Handbook › Travel\n{passage.text}"])
            longest = max(longest, tokens)
    assert longest == 64 - 6


def test_chinese_gets_wider_passages_and_the_widest_where_it_has_no_vectors() -> None:
    parsed = document(paragraph("员工每年有十五天带薪年假。" * 40))
    settings = {
        "covered by another model": {"embedding_model": "folder", "embedding_languages": ("zh", "en")},
        "covered by the shipped model": {},
        "not covered": {"embedding_model": MINILM},
        "not wanted": {"embedding_languages": ("en",)},
    }
    passages = {name: cut(parsed, SETTINGS.model_copy(update=update)) for name, update in settings.items()}
    longest = {name: max(shipped_counter()([passage.text for passage in found])) for name, found in passages.items()}
    assert 32 < longest["covered by another model"] <= 64 < longest["covered by the shipped model"] <= 128
    assert 128 < longest["not covered"] <= 256
    assert len(passages["covered by another model"]) > 1.5 * len(passages["covered by the shipped model"])
    assert len(passages["covered by the shipped model"]) > 1.5 * len(passages["not covered"])
    assert passages["not wanted"] == passages["not covered"]


@pytest.mark.parametrize(("chunk_tokens", "most"), [(256, 512), (384, 512), (600, 600)])
def test_a_wider_passage_is_not_wider_than_what_the_shipped_model_sees(chunk_tokens: int, most: int) -> None:
    parsed = document(paragraph("员工每年有十五天带薪年假。" * 400))
    passages = cut(parsed, SETTINGS.model_copy(update={"chunk_tokens": chunk_tokens}))
    assert most // 2 < max(shipped_counter()([passage.text for passage in passages])) + 6 <= most


@pytest.mark.parametrize("text", ["word " * 3000, "汉字" * 3000, "QWxhZGRpbjpvcGVu" * 3000, "😀" * 20_000])
def test_text_without_sentence_ends_is_cut_by_length(text: str) -> None:
    parsed = document(paragraph(text.strip()))
    passages = cut(parsed)
    assert len(passages) > 5
    assert_covers(parsed, passages)


def table(rows: int, cells: str | None = None) -> Element:
    lines = ["| Model | Price |", "| --- | --- |", *(f"| GT-{n} | {n * 10} |" for n in range(1, rows + 1))]
    return Element("table", "\n".join(lines), Location(sheet="Prices", cells=cells))


def test_a_table_that_fits_stays_whole() -> None:
    [passage] = cut(document(table(3, "A1:B4")))
    assert passage.text == table(3).text
    assert passage.location.cells == "A1:B4"


def test_a_long_table_is_cut_by_rows_under_a_repeated_header() -> None:
    parsed = document(table(40, "A1:B41"))
    passages = cut(parsed)
    assert len(passages) > 3
    assert all(passage.text.startswith("| Model | Price |\n| --- | --- |\n| GT-") for passage in passages)
    rows = [line for passage in passages for line in passage.text.split("\n")[2:]]
    assert rows == table(40).text.split("\n")[2:]
    for passage in passages[1:]:
        covered = parsed.text[passage.location.start : passage.location.end]
        assert passage.text == f"| Model | Price |\n| --- | --- |\n{covered}"


def test_parts_of_a_table_know_their_cells() -> None:
    cells = [passage.location.cells for passage in cut(document(table(40, "A1:B41")))]
    assert cells[0] is not None
    assert cells[0].startswith("A1:B")
    ends = [int(part.split(":B")[1]) for part in cells if part]
    starts = [int(part.split(":")[0][1:]) for part in cells if part]
    assert starts[1:] == [end + 1 for end in ends[:-1]]
    assert ends[-1] == 41


def test_parts_of_a_table_without_a_header_repeat_no_data_and_know_their_cells() -> None:
    lines = [f"| Gate {number} | 8{number:03} |" for number in range(40)]
    passages = cut(
        document(Element("table", "\n".join(["|  |  |", "| --- | --- |", *lines]), Location(cells="A1:B40")))
    )
    assert len(passages) > 3
    assert [line for passage in passages for line in passage.text.split("\n")[2:]] == lines
    assert all(passage.text.startswith("|  |  |\n| --- | --- |\n| Gate ") for passage in passages)
    rows = [tuple(map(int, re.findall(r"\d+", passage.location.cells or ""))) for passage in passages]
    assert rows[0][0] == 1
    assert [first for first, _ in rows[1:]] == [last + 1 for _, last in rows[:-1]]
    assert rows[-1][1] == 40


def test_a_header_of_two_rows_is_repeated_and_counted_as_two() -> None:
    header = "| City | Limit·Low | Limit·High |\n| --- | --- | --- |"
    lines = [f"| Town {number} | {number} | {number + 1} |" for number in range(40)]
    passages = cut(document(Element("table", "\n".join([header, *lines]), Location(cells="A3:C44"))))
    assert all(passage.text.startswith(f"{header}\n| Town ") for passage in passages)
    rows = [tuple(map(int, re.findall(r"\d+", passage.location.cells or ""))) for passage in passages]
    assert (rows[0][0], rows[-1][1]) == (3, 44)
    assert rows[0][1] - 4 == passages[0].text.count("\n") - 1
    assert [first for first, _ in rows[1:]] == [last + 1 for _, last in rows[:-1]]


def test_a_title_above_a_table_is_repeated_with_its_header() -> None:
    lines = [f"| Town {number} | {number} |" for number in range(60)]
    text = "\n".join(["Limits by town\n", "| Town | Limit |", "| --- | --- |", *lines])
    passages = cut(document(Element("table", text)))
    assert len(passages) > 2
    assert all(passage.text.startswith("Limits by town\n\n| Town | Limit |\n| --- | --- |\n") for passage in passages)


def test_code_is_cut_by_lines() -> None:
    parsed = document(paragraph("\n".join(f"value_{n} = call({n})" for n in range(60)), kind="code"))
    passages = cut(parsed)
    assert len(passages) > 3
    assert all(passage.text.endswith(")") and passage.text.startswith("value_") for passage in passages)


def test_boxes_are_merged_per_element_and_page() -> None:
    lines = (Box(1, 0.1, 0.8, 0.5, 0.85), Box(1, 0.2, 0.85, 0.9, 0.9), Box(2, 0.1, 0.1, 0.4, 0.2))
    parsed = document(
        Element("paragraph", "First text.", Location(page=1, boxes=lines)),
        Element("paragraph", "Second text.", Location(page=2, boxes=(Box(2, 0.1, 0.3, 0.4, 0.4),))),
    )
    [passage] = cut(parsed)
    assert passage.location.page == 1
    assert passage.location.boxes == (
        Box(1, 0.1, 0.8, 0.9, 0.9), Box(2, 0.1, 0.1, 0.4, 0.2), Box(2, 0.1, 0.3, 0.4, 0.4),
    )  # fmt: skip


def test_a_part_of_an_element_takes_its_part_of_the_boxes() -> None:
    boxes = tuple(Box(1, 0.0, n / 10, 1.0, (n + 1) / 10) for n in range(10))
    text = ("The quick brown fox jumps over the lazy dog. " * 20).strip()
    passages = cut(document(Element("paragraph", text, Location(page=1, boxes=boxes))))
    assert passages[0].location.boxes[0].y0 == 0.0
    assert passages[0].location.boxes[0].y1 < 0.7
    assert passages[-1].location.boxes[0].y1 == 1.0


def test_overlap_repeats_whole_sentences_of_the_same_element() -> None:
    text = " ".join(f"Sentence number {n} stands right here." for n in range(40))
    passages = cut(document(paragraph(text)), SETTINGS.model_copy(update={"chunk_overlap_tokens": 10}))
    for before, after in pairwise(passages):
        assert after.location.start < before.location.end
        assert after.text.startswith("Sentence number")


def test_the_same_document_is_always_cut_the_same_way() -> None:
    parsed = document(paragraph("One. " * 200), table(30), paragraph("员工每年有年假。" * 60))
    assert cut(parsed) == cut(parsed)


def test_a_document_without_text_has_no_passages() -> None:
    assert cut(document()) == []


def test_time_grows_with_the_length_of_the_text_and_not_faster() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 5000
    began = time.thread_time()
    cut(document(paragraph(text)))
    once = time.thread_time() - began
    began = time.thread_time()
    cut(document(paragraph(text * 4)))
    assert time.thread_time() - began < 12 * once + 0.5
