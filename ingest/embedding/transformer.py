"""Computes any sentence-transformers model with that library."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from ingest.embedding.precision import has_bf16

if TYPE_CHECKING:
    from torch import Tensor


class SentenceTransformersEncoder:
    """The model in a folder. Nothing is downloaded, and no code that comes with a model is run."""

    def __init__(self, folder: Path) -> None:
        """Raises the library's errors if the folder holds no model that it can load."""
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        self._model: Any = SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False)
        self._model.eval()
        self._lock = Lock()
        if self._model.device.type == "cpu" and has_bf16("cpu"):
            _halve_linear_weights(self._model)

    def encode(self, texts: Sequence[str], prompt: str) -> Tensor:
        """See `Encoder.encode`."""
        import torch

        device = self._model.device
        # Two threads must not use the tokenizer at once. They may run the forward pass at once, so a query does not
        # wait behind a batch of passages.
        with self._lock:
            features = self._model.preprocess(list(texts), prompt=prompt or None)
        for key, value in features.items():
            features[key] = value.to(device) if isinstance(value, torch.Tensor) else value
        with _precision(device.type):
            vectors = self._model(features)["sentence_embedding"].float()
        return torch.nn.functional.normalize(vectors, p=2, dim=1)


def _precision(device: str) -> AbstractContextManager[Any]:
    import torch

    if not has_bf16(device):
        return nullcontext()
    context: AbstractContextManager[Any] = torch.autocast(device_type=device, dtype=torch.bfloat16)
    return context


def _halve_linear_weights(model: Any) -> None:
    """Store in bf16 the weights that autocast would cast at every call.

    The numbers are the same; a short text takes half the time.
    """
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            module.to(torch.bfloat16)
