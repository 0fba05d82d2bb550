"""Checks that this machine computes the shipped model rightly: a few texts, whose cosines are known."""

from __future__ import annotations

from typing import Final

import numpy as np

from ingest.embedding import DenseEmbedder
from ingest.errors import ConfigurationError

_TEXTS: Final = (
    "工作满三年不满五年的员工，每年享有十天带薪年休假。",
    "Employees with three to five years of service have ten days of paid annual leave.",
    "打印机在三楼茶水间旁边，卡纸时请联系 IT 服务台（分机 8042）。",
    "The printer is on the third floor, next to the kitchen.",
)
_COSINES: Final = (
    (1.0000, 0.8252, 0.8502, 0.7031),
    (0.8252, 1.0000, 0.7510, 0.7694),
    (0.8502, 0.7510, 1.0000, 0.7843),
    (0.7031, 0.7694, 0.7843, 1.0000),
)
"""Of each text with each, from the same weights in float32 (`tests/ingest/e5_reference.py`)."""
_TOLERANCE = 0.01
"""Eight bits change these cosines by 0.004 at most."""


def self_test(embedder: DenseEmbedder) -> float:
    """Returns the largest difference to the known cosines. Raises ConfigurationError `embedding_model_wrong` if it is
    over 0.01, and whatever loading the model raises.
    """
    vectors = embedder.embed_documents(_TEXTS)
    difference = float(np.abs(vectors @ vectors.T - np.array(_COSINES)).max())
    if not difference <= _TOLERANCE:
        raise ConfigurationError(
            "embedding_model_wrong",
            f"This machine computes {embedder.name} wrongly: cosines differ by {difference:.3f} from what is known.",
            "Reinstall onnxruntime and onnx in the versions of constraints.txt. Until it computes rightly, set "
            "YOUJU_EMBEDDING_MODEL or YOUJU_EMBEDDING_URL to another model.",
        )
    return difference
