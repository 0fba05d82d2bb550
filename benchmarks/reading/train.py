"""Trains the additions of `assistant/reading`, and says how well the model reads office documents of another author.

    python -m benchmarks.reading.prepare SETS --only cmrc2018 drcd squad2-en --out prepared.npz
    python -m benchmarks.reading.train prepared.npz --epochs 4 --out additions.npz

It wants torch, numpy, and a GPU (minutes); nothing of the product. On a processor that has bfloat16 (AMX), some twenty
examples a second are learned with `--bfloat16`: enough to go on from additions that are there.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.reading.judging import judged
from benchmarks.reading.network import ReadingNetwork
from benchmarks.reading.prepared import Pieces, Prepared, load
from benchmarks.reading.sampling import NEAREST, Example, Surrounded, epoch

_QUESTION, _HEADING, _UNIT, _ALL = 48, 32, 160, 320
_WARM_UP, _LEAST_SHARE = 0.1, 0.05
_HEADS = 3.0
"""The directions of the scores learn so many times as fast."""
_BEGIN, _END = 0, 1
_OFFICE = ("office_documents", "look_alikes")
_HELD_OUT = "office_held_out"

Batch = tuple[Any, Any, Any, list[Example]]


class Inputs:
    """Brings examples into batches of pieces, on the device."""

    def __init__(self, pieces: dict[str, Pieces], device: str, tokens: int) -> None:
        self._pieces = pieces
        self._device = device
        self._tokens = tokens

    def batches(self, examples: Sequence[Example], chance: random.Random) -> Iterator[Batch]:
        """Yields batches of at most so many padded tokens: rows, lengths, owners, examples."""
        inputs = [self._input(each) for each in examples]
        groups = self._groups([len(rows) + chance.randrange(24) for rows, _ in inputs])
        chance.shuffle(groups)
        for group in groups:
            longest = max(len(inputs[at][0]) for at in group)
            rows, owner = np.zeros((len(group), longest), dtype=np.int64), np.full((len(group), longest), -1)
            for row, at in enumerate(group):
                rows[row, : len(inputs[at][0])], owner[row, : len(inputs[at][1])] = inputs[at]
            lengths = [len(inputs[at][0]) for at in group]
            yield *self._there(rows, lengths, owner), [examples[at] for at in group]

    def texts(self, kind: str, texts: Sequence[tuple[str, ...]]) -> Iterator[tuple[list[int], Any, Any]]:
        """Yields batches of texts to embed: their numbers, rows, lengths."""
        found = [self._text([kind, *text]) for text in texts]
        for group in self._groups([len(each) for each in found]):
            rows = np.zeros((len(group), max(len(found[at]) for at in group)), dtype=np.int64)
            for row, at in enumerate(group):
                rows[row, : len(found[at])] = found[at]
            yield group, *self._there(rows, [len(found[at]) for at in group])

    def _text(self, parts: Sequence[str]) -> list[int]:
        pieces = [piece for part in parts for piece in self._pieces[part]]
        return [_BEGIN, *pieces[: _ALL - 2], _END]

    def _input(self, example: Example) -> tuple[list[int], list[int]]:
        """Returns the pieces of a window under its question, and the unit of each, as `assistant/reading/model.py`."""
        asked, heading = self._pieces[example.question][:_QUESTION], self._pieces[example.heading][:_HEADING]
        before = [_BEGIN, *self._pieces["query:"], *asked, _END, _END, *self._pieces["passage:"], *heading]
        units = [self._pieces[unit][:_UNIT] for unit in example.units]
        rows = [*before, *(piece for unit in units for piece in unit), _END]
        owner = [-1] * len(before) + [at for at, unit in enumerate(units) for _ in unit] + [-1]
        return rows[:_ALL], owner[:_ALL]

    def _groups(self, lengths: Sequence[int]) -> list[list[int]]:
        groups: list[list[int]] = []
        for at in sorted(range(len(lengths)), key=lengths.__getitem__):
            if groups and (len(groups[-1]) + 1) * lengths[at] <= self._tokens:
                groups[-1].append(at)
            else:
                groups.append([at])
        return groups

    def _there(self, rows: np.ndarray, lengths: Sequence[int], *owner: np.ndarray) -> list[Any]:
        return [torch.tensor(each).to(self._device) for each in (rows, np.array(lengths), *owner)]


def surrounded(prepared: Prepared, network: ReadingNetwork, inputs: Inputs) -> list[Surrounded]:
    """Returns the subjects that are trained on, with what is nearest to each question."""
    subjects = [subject for subject in prepared.subjects if subject.name != _HELD_OUT]
    windows = {
        subject.name: _vectors(network, inputs, "passage:", [(each.heading, *each.units) for each in subject.windows])
        for subject in subjects
    }
    found = []
    for subject in subjects:
        asked = _vectors(network, inputs, "query:", [(question.text,) for question in subject.questions])
        nearest = {name: _nearest(asked, vectors) for name, vectors in windows.items()}
        found.append(Surrounded(subject, nearest, whole=subject.name not in _OFFICE))
    return found


@torch.no_grad()
def _vectors(network: ReadingNetwork, inputs: Inputs, kind: str, texts: Sequence[tuple[str, ...]]) -> Any:
    vectors = torch.empty(len(texts), network.words.shape[1], device=network.words.device)
    for group, rows, lengths in inputs.texts(kind, texts):
        vectors[group] = network.vectors(rows, lengths)
    return vectors


def _nearest(asked: Any, vectors: Any) -> np.ndarray:
    """Returns the places of the nearest vectors, shape (asked, NEAREST)."""
    count = min(NEAREST, len(vectors))
    places: np.ndarray = torch.cat([(part @ vectors.T).topk(count).indices for part in asked.split(1024)]).cpu().numpy()
    return places


def loss_of(nothing: Any, units: Any, group: Sequence[Example]) -> Any:
    """Returns the cross entropy between nothing and the units, where several may be right."""
    right = torch.zeros(units.shape, dtype=torch.bool)
    for row, each in enumerate(group):
        for place in each.answers:
            if place < units.shape[1]:
                right[row, place] = True
    right = right.to(units.device)
    none = torch.tensor([not each.answers for each in group], device=units.device)
    wanted = torch.where(none, nothing, units.masked_fill(~right, -1e4).logsumexp(1))
    every = torch.cat([nothing[:, None], units], 1).logsumexp(1)
    # A window that was cut before its answer would teach nothing else.
    return (every - wanted).clamp(max=20).mean()


def train(
    network: ReadingNetwork, epochs: Sequence[Sequence[Batch]], rate: float, out: Path, *, bfloat16: bool
) -> None:
    """Trains for these epochs, prints the loss, and writes the file after each."""
    trained = {name: each for name, each in network.named_parameters() if each.requires_grad}
    heads = [each for name, each in trained.items() if name.startswith(("unit", "nothing"))]
    others = [each for name, each in trained.items() if not name.startswith(("unit", "nothing"))]
    optimiser = torch.optim.AdamW([{"params": others, "times": 1.0}, {"params": heads, "times": _HEADS}], lr=rate)
    steps, step, losses = sum(map(len, epochs)), 0, []
    for batches in epochs:
        for rows, lengths, owner, group in batches:
            gone = step / steps
            share = min(1.0, gone / _WARM_UP) * (_LEAST_SHARE + (1 - _LEAST_SHARE) * (1 + math.cos(math.pi * gone)) / 2)
            for part in optimiser.param_groups:
                part["lr"] = rate * share * part["times"]
            with torch.autocast(rows.device.type, torch.bfloat16, enabled=bfloat16):
                nothing, units = network(rows, lengths, owner)
            loss = loss_of(nothing.float(), units.float(), group)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
            optimiser.step()
            losses.append(loss.detach())
            step += 1
            if step % 50 == 0:
                print(f"{step} of {steps}: loss {torch.stack(losses[-50:]).mean().item():.3f}", flush=True)
        network.save(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prepared", type=Path, help="the file of `benchmarks.reading.prepare`")
    parser.add_argument("--start", type=Path, help="additions to go on from")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--tokens", type=int, default=12_288, help="of a batch, with padding")
    parser.add_argument("--most", type=int, default=1_500, help="questions of a set in an epoch")
    parser.add_argument("--office", type=int, default=20_000, help="questions about office documents in an epoch")
    parser.add_argument("--bfloat16", action="store_true", default=torch.cuda.is_available())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    chance, device = random.Random(given.seed), "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(given.seed)
    torch.set_float32_matmul_precision("high")
    prepared = load(given.prepared)
    print("loaded", flush=True)
    network = ReadingNetwork(prepared.model, given.rank).to(device)
    inputs = Inputs(prepared.pieces, device, given.tokens)
    subjects = surrounded(prepared, network.eval(), inputs)
    epochs = []
    for _ in range(given.epochs):
        office = [one for one in subjects if one.subject.name in _OFFICE]
        others = [one for one in subjects if one.subject.name not in _OFFICE]
        examples = [
            *epoch(office, chance, given.office, others),
            *epoch(others, chance, given.most, others),
        ]
        epochs.append(list(inputs.batches(examples, chance)))
        print(f"an epoch: {len(examples)} examples, {len(epochs[-1])} batches", flush=True)
    if given.start:
        network.start_from(given.start)
        network.to(device)
    else:
        network.standardise(*epochs[0][0][:3])
    train(network.train(), epochs, given.rate, given.out, bfloat16=given.bfloat16)
    held = next(subject for subject in prepared.subjects if subject.name == _HELD_OUT)
    print(json.dumps(judged(network.eval(), inputs, held)))


if __name__ == "__main__":
    main()
