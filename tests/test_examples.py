"""The example company holds documents and questions of each kind. That they answer these, `test_main_job` shows."""

from __future__ import annotations

import json
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"
QUESTIONS = json.loads((Path(__file__).parent / "example_company" / "questions.json").read_text(encoding="utf-8"))


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
