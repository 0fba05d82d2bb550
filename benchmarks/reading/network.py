"""The layers of the shipped model in torch, with the additions that are trained and the directions of the scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

WIDTH, LAYERS, HEADS, EPSILON = 384, 12, 12, 1e-12
_SCALE, _DROPOUT = 2.0, 0.05
_MATRICES = ("q", "k", "v", "ao", "fi", "fo")
_NOT_THERE = -1e4


class _Linear(nn.Module):
    """A matrix that stays as it is, and two narrow ones whose product is added to it."""

    def __init__(self, matrix: Any, bias: Any, rank: int) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix, requires_grad=False)
        self.bias = nn.Parameter(bias, requires_grad=False)
        self.right = nn.Parameter(torch.randn(rank, matrix.shape[1]) / matrix.shape[1] ** 0.5)
        self.left = nn.Parameter(torch.zeros(matrix.shape[0], rank))

    def forward(self, given: Any) -> Any:
        added = functional.linear(functional.linear(given, self.right), self.left)
        return functional.linear(given, self.matrix, self.bias) + _SCALE * added


class ReadingNetwork(nn.Module):
    """Returns, for windows under their questions, the score of nothing and those of their units."""

    def __init__(self, model: dict[str, np.ndarray], rank: int) -> None:
        super().__init__()
        numbers = {name: torch.tensor(each, dtype=torch.float32) for name, each in model.items()}
        for name in ("words", "positions", "emb.ln.w", "emb.ln.b"):
            self.register_buffer(name.replace(".", "_"), numbers[name], persistent=False)
        self.layers, self.norms = nn.ModuleList(), nn.ParameterList()
        for number in range(LAYERS):
            layer = nn.ModuleDict()
            for name in _MATRICES:
                whole = f"l{number}.{name}"
                layer[name] = _Linear(numbers[f"{whole}.w"], numbers[f"{whole}.b"], rank)
            self.layers.append(layer)
            for name in ("aln.w", "aln.b", "oln.w", "oln.b"):
                self.norms.append(nn.Parameter(numbers[f"l{number}.{name}"], requires_grad=False))
        self.unit, self.nothing = nn.Linear(WIDTH, 1), nn.Linear(WIDTH, 1)
        # All vectors of this model have a large part in common. Without it, the first steps see what differs.
        for name in ("unit", "nothing"):
            self.register_buffer(f"{name}_mean", torch.zeros(WIDTH))
            self.register_buffer(f"{name}_deviation", torch.ones(WIDTH))

    def forward(self, rows: Any, lengths: Any, owner: Any) -> tuple[Any, Any]:
        """Takes shapes (texts, tokens), (texts,), (texts, tokens). `owner` has the unit of each token, or -1."""
        hidden = self._read(rows, lengths)
        tokens = self.unit((hidden - self.unit_mean) / self.unit_deviation)[..., 0]
        nothing = self.nothing((hidden[:, 0] - self.nothing_mean) / self.nothing_deviation)[:, 0]
        belongs = owner[:, :, None] == torch.arange(int(owner.max()) + 1, device=owner.device)
        units = tokens[:, :, None].masked_fill(~belongs, _NOT_THERE).logsumexp(1)
        return nothing, units.masked_fill(~belongs.any(1), _NOT_THERE)

    def vectors(self, rows: Any, lengths: Any) -> Any:
        """Returns the vectors of texts as the shipped embedder has them, as long as nothing is trained."""
        hidden = self._read(rows, lengths)
        there = torch.arange(rows.shape[1], device=rows.device)[None] < lengths[:, None]
        return functional.normalize((hidden * there[:, :, None]).sum(1), dim=-1)

    def standardise(self, rows: Any, lengths: Any, owner: Any) -> None:
        """Take the means and deviations of what the layers give before anything is trained."""
        with torch.no_grad():
            read = self._read(rows, lengths)
            for name, vectors in (("unit", read[owner >= 0]), ("nothing", read[:, 0])):
                getattr(self, f"{name}_mean").copy_(vectors.mean(0))
                getattr(self, f"{name}_deviation").copy_(vectors.std(0) + 1e-5)

    def start_from(self, path: Path) -> None:
        """Go on from additions that were saved before, of the same rank."""
        with np.load(path, allow_pickle=False) as stored:
            numbers = {name: torch.tensor(stored[name].astype(np.float32)) for name in stored.files}
        for number, layer in enumerate(self.layers):
            for name, linear in layer.items():
                linear.left.data = numbers[f"l{number}.{name}.w.left"] / _SCALE
                linear.right.data = numbers[f"l{number}.{name}.w.right"]
        for name in ("unit", "nothing"):
            linear = getattr(self, name)
            linear.weight.data, linear.bias.data = numbers[name][None], numbers[f"{name}_constant"][None]

    def save(self, path: Path) -> None:
        """Writes the additions as `assistant.reading.additions` reads them."""
        stored: dict[str, np.ndarray] = {}
        for number, layer in enumerate(self.layers):
            for name, linear in layer.items():
                stored[f"l{number}.{name}.w.left"] = _numbers(linear.left * _SCALE).astype(np.float16)
                stored[f"l{number}.{name}.w.right"] = _numbers(linear.right).astype(np.float16)
        for name in ("unit", "nothing"):
            linear, deviation = getattr(self, name), getattr(self, f"{name}_deviation")
            direction = linear.weight[0] / deviation
            stored[name] = _numbers(direction)
            stored[f"{name}_constant"] = _numbers(linear.bias[0] - direction @ getattr(self, f"{name}_mean"))
        np.savez_compressed(path, **stored)

    def _read(self, rows: Any, lengths: Any) -> Any:
        texts, tokens = rows.shape
        hidden = self.words[rows] + self.positions[:tokens]
        hidden = functional.layer_norm(hidden, (WIDTH,), self.emb_ln_w, self.emb_ln_b, EPSILON)
        there = (torch.arange(tokens, device=lengths.device)[None] < lengths[:, None])[:, None, None, :]
        for number, layer in enumerate(self.layers):
            parts = [
                layer[name](hidden).view(texts, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)
                for name in ("q", "k", "v")
            ]
            attended = _attended(*parts, there).transpose(1, 2)
            hidden = self._added(hidden, layer["ao"](attended.reshape(texts, tokens, WIDTH)), 4 * number)
            hidden = self._added(hidden, layer["fo"](functional.gelu(layer["fi"](hidden))), 4 * number + 2)
        return hidden

    def _added(self, one: Any, other: Any, norm: int) -> Any:
        other = functional.dropout(other, _DROPOUT, self.training)
        return functional.layer_norm(one + other, (WIDTH,), self.norms[norm], self.norms[norm + 1], EPSILON)


def _attended(asks: Any, offers: Any, values: Any, there: Any) -> Any:
    """Returns the attention. On a processor, torch's own takes several times as long backwards for such short texts."""
    scores = (asks @ offers.transpose(-1, -2)) * asks.shape[-1] ** -0.5
    return scores.masked_fill(~there, _NOT_THERE).softmax(-1).to(values.dtype) @ values


def _numbers(tensor: Any) -> np.ndarray:
    numbers: np.ndarray = tensor.detach().float().cpu().numpy()
    return numbers
