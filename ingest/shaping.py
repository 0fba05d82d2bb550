"""Defines what shapes an index: the versions of the stages that make its chunks, and the settings of these stages.

Nothing is imported here, so every command can use it without loading a parser.
"""

from __future__ import annotations

from typing import Final

STAGE_VERSIONS: Final[dict[str, str]] = {"parser": "7", "splitter": "4"}
"""Raise `parser` when the elements of some format change. Raise `splitter` when the passages of some document change.
Every document is then read again.
"""

CHUNK_SETTINGS: Final = (
    "chunk_tokens", "chunk_overlap_tokens", "ocr", "ocr_embedded", "comments", "ocr_pictures", "ocr_picture_seconds",
)  # fmt: skip
"""Settings that decide which chunks a document gives. Their order is part of the fingerprint, so add new ones at the
end.
"""
LATER_SETTINGS: Final = ("ocr_pictures", "ocr_picture_seconds")
"""Those of them that came when there were indexes already. At their default they are no part of the fingerprint."""
EMBEDDING_SETTINGS: Final = ("embedding_model", "embedding_url", "embedding_languages", "embedding_query_prompt")
"""Settings that identify the embedder."""
SHAPING_SETTINGS: Final = (*EMBEDDING_SETTINGS, *CHUNK_SETTINGS)
"""Settings that are needed to search an index, or to update it in the way in which it was made."""
