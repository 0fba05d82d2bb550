"""What shapes an index: the versions of the stages that make its chunks, and the settings they are made with.

Nothing is imported here, so that every command can ask for it without loading a parser.
"""

from __future__ import annotations

from typing import Final

STAGE_VERSIONS: Final[dict[str, str]] = {"parser": "3", "splitter": "2"}
"""Raise `parser` when the elements of some format change, `splitter` when the passages of some document change:
every document is then read again."""

CHUNK_SETTINGS: Final = ("chunk_tokens", "chunk_overlap_tokens", "ocr", "ocr_embedded", "comments")
"""Settings that decide which chunks a document gives. Their order is part of the fingerprint: add at the end."""
EMBEDDING_SETTINGS: Final = ("embedding_model", "embedding_url", "embedding_languages", "embedding_query_prompt")
"""Settings that say which embedder it is."""
SHAPING_SETTINGS: Final = (*EMBEDDING_SETTINGS, *CHUNK_SETTINGS)
"""Settings without which an index could not be searched, or not be brought up to date as it was made."""
