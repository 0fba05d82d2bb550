"""The name and the link of a passage's place, for every face: `第 3 页`, `slide 2`, and its address in the page."""

from __future__ import annotations

from ingest.document import Chunk, Language, Location


def place(location: Location, language: Language) -> str:
    """Returns where a passage stands in its document, in `language`. The text is empty if the format has no places."""
    chinese = language in ("zh", "mixed")
    if location.page is not None:
        return f"第 {location.page} 页" if chinese else f"p. {location.page}"
    if location.slide is not None:
        return f"第 {location.slide} 张幻灯片" if chinese else f"slide {location.slide}"
    if location.sheet is not None:
        cells = f" {location.cells}" if location.cells else ""
        return f"工作表 {location.sheet}{cells}" if chinese else f"sheet {location.sheet}{cells}"
    return ""


def passage_url(base_url: str, chunk: Chunk) -> str:
    """Returns the address under which the chat page opens this passage."""
    return f"{base_url.rstrip('/')}/#/documents/{chunk.document_id}/passages/{chunk.id}"
