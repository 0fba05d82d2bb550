"""What only some questions need is loaded before one of them is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.rewording.chinese import heard_alike
from assistant.warming import warm
from ingest.embedding import glosses, pinyin


def test_after_warming_no_question_reads_the_dictionary_file(monkeypatch: pytest.MonkeyPatch) -> None:
    warm()

    def gone() -> Path:
        raise AssertionError("the dictionary is read once more")

    monkeypatch.setattr(pinyin, "dictionary_file", gone)
    monkeypatch.setattr(glosses, "dictionary_file", gone)
    assert "食堂" in heard_alike("食唐", exactly=True)
    assert glosses.dictionary().is_english("leave")


def test_warming_needs_what_is_not_loaded_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise FileNotFoundError

    pinyin._loaded.cache_clear()
    monkeypatch.setattr(pinyin, "dictionary_file", gone)
    with pytest.raises(FileNotFoundError):
        warm()
