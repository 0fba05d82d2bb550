"""Warming: loads what some question will need and no search has needed yet, so that no asker waits for it."""

from __future__ import annotations

from ingest.embedding.glosses import dictionary
from ingest.embedding.pinyin import pinyin
from ingest.language import is_traditional


def warm() -> None:
    """Load the sounds of the Chinese words, the English words of the dictionary, and the table of traditional
    characters. It takes two seconds of the processor and some 20 MB, the first time in a process.

    Raises ConfigurationError `dictionary_missing`.
    """
    pinyin()
    dictionary().is_english("warm")
    is_traditional("預熱")
