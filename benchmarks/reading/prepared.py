"""What the training is given, in one file: texts in pieces, and what it needs of the shipped model.

It is made where the product is installed (`prepare`), and read where there is a GPU and nothing but torch and numpy.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Pieces = tuple[int, ...]
"""Rows of the table of words that comes with the texts."""

_BLOCK = 32
_MARKS = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Window:
    """Units of a document that stand one after the other, and the title above them."""

    document: str
    heading: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the windows of the documents that belong to it, and which of them answers by which units.

    `own` without `answered` means that they do not answer it. `answers` are short answers in plain letters.
    """

    text: str
    own: tuple[int, ...]
    answered: tuple[int, tuple[int, ...]] | None
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """The windows of a set of documents, and questions about them."""

    name: str
    windows: tuple[Window, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Subjects, the pieces of every text in them, and the numbers of the shipped model by name."""

    subjects: tuple[Subject, ...]
    pieces: dict[str, Pieces]
    model: dict[str, np.ndarray]


def plain(text: str) -> str:
    """Returns the letters and digits of a text, in lower case."""
    return _MARKS.sub("", text.lower())


def write(path: Path, subjects: Sequence[Subject], pieces: dict[str, Pieces], model: dict[str, np.ndarray]) -> None:
    """Writes the file: the numbers compressed, and the texts beside them."""
    told = {
        "pieces": pieces,
        "subjects": [
            {
                "name": subject.name,
                "windows": [(each.document, each.heading, each.units) for each in subject.windows],
                "questions": [(each.text, each.own, each.answered, each.answers) for each in subject.questions],
            }
            for subject in subjects
        ],
    }
    texts = gzip.compress(json.dumps(told, ensure_ascii=False).encode(), 6, mtime=0)
    small = {name: each for whole, array in model.items() for name, each in _stored(whole, array).items()}
    np.savez_compressed(path, texts=np.frombuffer(texts, dtype=np.uint8), **small)


def load(path: Path) -> Prepared:
    """Reads what `write` has written."""
    with np.load(path, allow_pickle=False) as stored:
        numbers = {name: stored[name] for name in stored.files}
    told = json.loads(gzip.decompress(numbers.pop("texts").tobytes()))
    subjects = tuple(
        Subject(
            each["name"],
            tuple(Window(document, heading, tuple(units)) for document, heading, units in each["windows"]),
            tuple(
                Question(text, tuple(own), (found[0], tuple(found[1])) if found else None, tuple(answers))
                for text, own, found, answers in each["questions"]
            ),
        )
        for each in told["subjects"]
    )
    return Prepared(subjects, {text: tuple(each) for text, each in told["pieces"].items()}, dict(_read(numbers)))


def _stored(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    """Returns an array as it is stored: a matrix of the shipped model as its numbers of four bits and their scales."""
    if array.ndim == 2 and array.shape[1] % _BLOCK == 0:
        blocks = array.reshape(-1, _BLOCK)
        # The number that is furthest from zero is -8 (Q4_0).
        scales = (np.take_along_axis(blocks, np.abs(blocks).argmax(1)[:, None], 1) / -8).astype(np.float16)
        whole = np.rint(blocks / np.where(scales == 0, 1, scales.astype(np.float32))).astype(np.int8)
        if np.array_equal(whole * scales.astype(np.float32), blocks):
            return {f"{name}.whole": whole.reshape(array.shape), f"{name}.scales": scales}
    return {name: array}


def _read(stored: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    for name, array in stored.items():
        if name.endswith(".whole"):
            scales = stored[f"{name.removesuffix('.whole')}.scales"].astype(np.float32)
            yield name.removesuffix(".whole"), (array.reshape(-1, _BLOCK) * scales).reshape(array.shape)
        elif not name.endswith(".scales"):
            yield name, array
