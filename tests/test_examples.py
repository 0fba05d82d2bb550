"""The example company holds what the questions about it ask for, each answer in one place that a citation can name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ingest.document import Passage
from ingest.embedding.from_settings import token_counter
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings
from ingest.sources.folder import FolderSource
from ingest.split import split

EXAMPLES = Path(__file__).parent.parent / "examples"
QUESTIONS = json.loads((Path(__file__).parent / "example_company" / "questions.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def passages() -> dict[str, list[Passage]]:
    """The passages of every example, by file name."""
    settings = IngestSettings()
    count_tokens = token_counter(settings)
    return {
        reference.name: split(parse(reference, settings), settings, count_tokens)
        for reference in FolderSource([EXAMPLES]).references()
    }


def unspaced(text: str) -> str:
    # What is read from a scan may lack the spaces between Chinese characters and figures.
    return re.sub(r"\s", "", text)


def test_there_are_documents_of_many_kinds_and_they_are_small() -> None:
    files = [path for path in EXAMPLES.iterdir() if path.is_file()]
    assert len(files) >= 15
    assert {"md", "docx", "pptx", "xlsx", "pdf", "jpg", "html", "eml", "csv"} == {path.suffix[1:] for path in files}
    assert sum(path.stat().st_size for path in files) < 2_000_000


def test_the_questions_cover_both_languages_and_every_kind_of_place() -> None:
    answerable, unanswerable = QUESTIONS["answerable"], QUESTIONS["unanswerable"]
    assert {item["kind"] for item in answerable} == {"text", "table", "slide", "scan"}
    for language in ("zh", "en"):
        assert sum(item["language"] == language for item in answerable) >= 5
        assert sum(item["language"] == language for item in unanswerable) >= 2


@pytest.mark.parametrize("item", QUESTIONS["answerable"], ids=lambda item: str(item["answer"]))
def test_the_answer_stands_where_the_question_expects_it(
    item: dict[str, Any], passages: dict[str, list[Passage]]
) -> None:
    holding = [passage for passage in passages[item["file"]] if unspaced(item["answer"]) in unspaced(passage.text)]
    expected = {place: item.get(place) for place in ("page", "slide", "sheet") if place in item}
    places = [{place: getattr(passage.location, place) for place in expected} for passage in holding]
    assert expected in places
