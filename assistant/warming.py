"""Warming: loads what some question will need and no search has needed yet, so that no asker waits for it."""

from __future__ import annotations

from assistant.reading.model import Window, shipped
from ingest.embedding.glosses import dictionary
from ingest.embedding.pinyin import pinyin
from ingest.language import is_traditional


def warm(*, reads: bool) -> None:
    """Load the sounds of the Chinese words, the English words of the dictionary, and the table of traditional
    characters. It takes two seconds of the processor and some 20 MB, the first time in a process. If `reads`, load the
    model that reads the evidence, too: another second, and some 60 MB.

    Raises ConfigurationError (`dictionary_missing`, and the errors of the shipped model's file).
    """
    pinyin()
    dictionary().is_english("warm")
    is_traditional("預熱")
    model = shipped() if reads else None
    if model is not None:
        model.read("ready? 好了", [Window("", ("好了。",))])
