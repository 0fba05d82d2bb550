"""What only some questions need is loaded before one of them is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.reading import model
from assistant.reading.additions import Additions
from assistant.rewording.chinese import heard_alike
from assistant.warming import warm
from ingest.embedding import glosses, pinyin


def test_after_warming_no_question_reads_the_dictionary_file(monkeypatch: pytest.MonkeyPatch) -> None:
    warm(reads=False)

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
        warm(reads=False)


def test_warming_for_quotations_loads_the_model_that_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    model._loaded.cache_clear()
    warm(reads=False)
    assert model._loaded.cache_info().currsize == 0
    warm(reads=True)

    def gone(path: Path) -> Additions:
        raise AssertionError(f"{path} is read once more")

    monkeypatch.setattr(Additions, "load", gone)
    found = model.shipped()
    assert found is not None
    assert found.read("年假几天", [model.Window("", ("年假七天。",))])
