"""Defines what shapes an index: the versions of the stages that make its chunks, and the settings of these stages.

Nothing is imported here, so every command can use it without loading a parser.
"""

from __future__ import annotations

from typing import Final

STAGE_VERSIONS: Final[dict[str, str]] = {"parser": "3", "splitter": "3"}
"""Raise `parser` when the elements of some format change. Raise `splitter` when the passages of some document change.
Every document is then read again.
"""

CHUNK_SETTINGS: Final = ("chunk_tokens", "chunk_overlap_tokens", "ocr", "ocr_embedded", "comments")
"""Settings that decide which chunks a document gives. Their order is part of the fingerprint, so add new ones at the
end.
"""
EMBEDDING_SETTINGS: Final = ("embedding_model", "embedding_url", "embedding_languages", "embedding_query_prompt")
"""Settings that identify the embedder."""
SHAPING_SETTINGS: Final = (*EMBEDDING_SETTINGS, *CHUNK_SETTINGS)
"""Settings that are needed to search an index, or to update it in the way in which it was made."""
