"""How a passage's place is said, and where the page opens it."""

from __future__ import annotations

from typing import Any

import pytest

from api.answers.places import passage_url, place
from ingest.document import Language, Location
from tests.api.scripted_assistant import CHUNKS, HANDBOOK


@pytest.mark.parametrize(
    ("location", "language", "said"),
    [
        ({"page": 3}, "en", "p. 3"),
        ({"page": 3}, "zh", "第 3 页"),
        ({"slide": 2}, "en", "slide 2"),
        ({"slide": 2}, "mixed", "第 2 张幻灯片"),
        ({"sheet": "Prices", "cells": "A1:B3"}, "en", "sheet Prices A1:B3"),
        ({"sheet": "价格"}, "zh", "工作表 价格"),
        ({"heading_path": ("Leave",)}, "en", ""),
    ],
)
def test_a_place_is_said_in_the_language_of_its_passage(
    location: dict[str, Any], language: Language, said: str
) -> None:
    assert place(Location(**location), language) == said


@pytest.mark.parametrize("base_url", ["https://kb.example", "https://kb.example/"])
def test_a_passage_has_an_address_in_the_page(base_url: str) -> None:
    url = passage_url(base_url, CHUNKS[0])
    assert url == f"https://kb.example/#/documents/{HANDBOOK}/passages/{CHUNKS[0].id}"
