"""Stores the shipped embedder's vectors of the background (`assistant/signals/background.py`).

    python -m benchmarks.background_vectors

To be run when the passages or the shipped model change. A test compares what is stored with what is computed.
"""

from __future__ import annotations

import numpy as np

from assistant.signals.background import VECTORS, digest, passages
from ingest.embedding.from_settings import open_embedder
from ingest.settings import IngestSettings


def main() -> None:
    dense = open_embedder(IngestSettings()).dense
    stored: dict[str, np.ndarray] = {"name": np.array(dense.name)}
    for language in ("zh", "en"):
        stored[language] = dense.embed_documents(passages(language)).astype(np.float16)
        stored[f"{language}_sha256"] = np.array(digest(language))
    np.savez_compressed(VECTORS, **stored)
    print(f"{VECTORS}: {VECTORS.stat().st_size} bytes, {dense.name}")


if __name__ == "__main__":
    main()
