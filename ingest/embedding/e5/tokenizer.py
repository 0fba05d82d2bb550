"""The tokenizer of multilingual-e5-small, cut to the writing that a Chinese or English text needs.

The whole vocabulary has 250,002 pieces of a hundred languages and takes 250 MB of memory. Cut to the scripts below it
takes some 110 MB. A text in these scripts is cut into the same pieces. A character of another script becomes unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from ingest.embedding.e5.weights import WINDOW, Pieces
from ingest.embedding.parts import Parts, code_points
from ingest.replacements import Replacements

_KEPT: Final = (
    (0x0000, 0x03FF),  # Latin, its accents, Greek
    (0x1E00, 0x1EFF),  # Latin with two accents
    (0x2000, 0x2BFF),  # punctuation, currencies, units, arrows, mathematics
    (0x2E80, 0x312F),  # radicals, Chinese punctuation, kana, bopomofo
    (0x31A0, 0x9FFF),  # strokes, enclosed characters, Chinese characters
    (0xF900, 0xFAFF),  # compatibility characters
    (0xFE00, 0xFE0F),  # what makes a character a pictograph
    (0xFE30, 0xFE4F),  # vertical punctuation
    (0xFF00, 0xFFEF),  # full width
    (0x1F000, 0x1FAFF),  # pictographs
    (0x20000, 0x3FFFF),  # rare Chinese characters
)
_SPECIAL = 4
"""The first pieces: start, padding, end, unknown."""
_WORD = "\u2581"
"""Begins a word. It is the first character of a text, and stands for each blank."""
_BLANKS = re.compile(" {2,}")
_REMEMBERED_PARTS, _LONGEST_PART = 65_536, 24
"""How many parts are remembered, and how many characters such a part may have. Most take 250 bytes each."""


class E5Tokenizer:
    """Turns texts into the numbers of their pieces. Safe to call from several threads."""

    def __init__(self, pieces: Pieces) -> None:
        # Where a piece stands in the model. The cut tokenizer numbers its pieces without gaps.
        rows = np.flatnonzero(_are_kept(pieces.texts)).tolist()
        self._rows = np.array(rows)
        self._normalised, self._replacements = pieces.normalised, Replacements(pieces.normalised)
        scored = [(pieces.texts[row], score) for row, score in zip(rows, pieces.scores[rows].tolist(), strict=True)]
        self.start, self.end = pieces.start, pieces.end
        self._tokenizer = _tokenizer(scored, pieces.unknown)
        # Unknown characters side by side are one piece.
        self._parts = Parts((text for text, _ in scored), joins_unknown=True)
        self._remembered = lru_cache(_REMEMBERED_PARTS)(self._cut)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Returns the number of tokens of each text, without special tokens.

        A piece never goes over the end of a part, so each part is counted by itself. Most parts have been met before.
        """
        normal = [_BLANKS.sub(" ", text).replace(" ", _WORD) for text in self._normal(texts)]
        # Each text begins with a mark, and a mark begins a part. So all texts can be cut as one.
        marked = [text if not text or text.startswith(_WORD) else _WORD + text for text in normal]
        joined = "".join(marked)
        ends = self._parts.ends(joined)
        starts = np.append(0, ends[:-1])[: len(ends)]
        counts = np.ones(len(ends), dtype=np.int64)  # a character is one piece
        longer = np.flatnonzero(ends - starts > 1)
        parts = [joined[start:end] for start, end in zip(starts[longer].tolist(), ends[longer].tolist(), strict=True)]
        counts[longer] = np.fromiter(map(self._counted(parts), parts), np.int64, len(parts))
        before = np.concatenate(([0], np.cumsum(counts)))
        stops = np.cumsum(list(map(len, marked)), dtype=np.int64)
        totals: list[int] = np.diff(before[np.searchsorted(ends, stops, side="right")], prepend=0).tolist()
        return totals

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Returns the pieces of each text as rows of the model's table, from start to end. A text is cut to fit."""
        fitting = (ids[: WINDOW - 2] for ids in self._ids(texts))
        return [np.array([self.start, *self._rows[ids], self.end]) for ids in fitting]

    def pieces(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Returns the pieces of each text as rows of the model's table, without start and end, however many."""
        return [self._rows[ids] for ids in self._ids(texts)]

    def _counted(self, parts: Sequence[str]) -> Callable[[str], int]:
        """Returns what counts the pieces of one of these parts. Long parts, as of base64, are not remembered."""
        if max(map(len, parts), default=0) <= _LONGEST_PART:
            return self._remembered
        return lambda part: self._remembered(part) if len(part) <= _LONGEST_PART else self._cut(part)

    def _cut(self, part: str) -> int:
        return len(self._tokenizer.model.tokenize(part))

    def _normal(self, texts: Sequence[str]) -> list[str]:
        replaced = zip(texts, self._replacements.in_each(texts), strict=True)
        return [(text.translate(self._normalised) if normal is None else normal).strip() for text, normal in replaced]

    def _ids(self, texts: Sequence[str]) -> Iterator[list[int]]:
        for encoding in self._tokenizer.encode_batch_fast(self._normal(texts), add_special_tokens=False):
            yield encoding.ids


def _are_kept(texts: Sequence[str]) -> np.ndarray:
    """Returns for each piece whether all of its characters are in `_KEPT`: bool. The special pieces are kept, too.

    All pieces are looked at together: with an expression for each, it would take a fifth of a second.
    """
    kept = np.zeros(_KEPT[-1][1] + 2, dtype=bool)
    for first, last in _KEPT:
        kept[first : last + 1] = True
    others = ~kept[np.minimum(code_points("".join(texts)), len(kept) - 1)]
    before = np.concatenate(([0], np.cumsum(others)))
    ends = np.cumsum(list(map(len, texts)), dtype=np.int64)
    are_kept: np.ndarray = np.diff(before[ends], prepend=0) == 0
    are_kept[:_SPECIAL] = True
    return are_kept


def _tokenizer(scored: list[tuple[str, float]], unknown: int) -> Tokenizer:
    """Returns a unigram tokenizer that marks the beginnings of words, as SentencePiece does."""
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return tokenizer
