"""The settings of ingestion. Only the entry points read them from the environment and `youju.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from ingest.sources.settings import SourceSettings

MINILM: Final = "all-MiniLM-L6-v2"
"""The name of the embedder that was shipped before. It is for English only, and can still be asked for by this name."""


class IngestSettings(BaseModel):
    """Where state is stored and how documents become chunks. Each field is `YOUJU_<NAME>` in the environment."""

    model_config = ConfigDict(frozen=True)

    home: Path = Field(Path(".youju"), description="Folder that holds all state: back it up, move it or delete it.")
    database_url: SecretStr | None = Field(
        None,
        description="SQLAlchemy URL of the catalog, e.g. postgresql+psycopg://…; SQLite in the home if unset.",
    )
    keep_deleted_days: float = Field(
        7.0, ge=0, description="How many days the file of a deleted or replaced upload is kept; 0 removes it at once."
    )
    qdrant_url: str | None = Field(
        None, repr=False, description="URL of a Qdrant server or cluster; the embedded engine is used if unset."
    )
    qdrant_api_key: SecretStr | None = Field(None, description="API key of that Qdrant server.")
    qdrant_collection: str = Field("youju", description="Name (or prefix) of the collection.")
    qdrant_timeout_seconds: float = Field(30.0, gt=0, description="How long one Qdrant request may take.")

    embedding_model: str | None = Field(
        None,
        description="Local path or hub name of an embedding model; the shipped multilingual-e5-small if unset.",
    )
    embedding_url: str | None = Field(
        None,
        repr=False,
        description="Base URL (…/v1) of an OpenAI-compatible embedding server; needs embedding_model as its name.",
    )
    embedding_api_key: SecretStr | None = Field(None, description="API key of that embedding server.")
    embedding_languages: tuple[str, ...] | None = Field(
        None, description='Languages the embedding model covers, e.g. ["zh", "en"]; all if unset.'
    )
    embedding_query_prompt: str | None = Field(
        None, description="Text put before a query, for models that want one; the model's own prompt if unset."
    )
    hub: bool = Field(False, description="Allow downloading models from a model hub.")

    chunk_tokens: int = Field(256, ge=32, le=8192, description="Longest chunk, in tokens of the embedder.")
    chunk_overlap_tokens: int = Field(0, ge=0, description="Tokens repeated between neighbours cut from one element.")

    engine: Literal["local", "ray"] = Field("local", description="Where documents are read and embedded.")
    ray_address: str | None = Field(
        None, description="Ray cluster to use with engine ray, as `ray start` prints it; one on this machine if unset."
    )
    ray_shared_files: bool = Field(
        False, description="Ray's nodes see the documents under the same paths; their bytes are sent otherwise."
    )
    ray_gpus: float = Field(0.0, ge=0, le=8, description="GPUs (or a part of one) of each embedding worker on Ray.")
    embed_workers: int = Field(1, ge=1, le=64, description="Processes that embed passages; each loads the model.")
    parse_workers: int = Field(1, ge=1, le=64, description="Processes that parse documents.")
    parse_timeout_seconds: float = Field(
        600.0,
        gt=0,
        description="How long parsing one document or opening an archive may take; of one that is read by OCR, a page.",
    )
    parse_memory_mb: int = Field(2048, ge=256, description="How much memory (MiB) parsing one document may take.")
    max_file_mb: int = Field(512, ge=1, description="Files larger than this (MiB) are refused.")
    ocr: bool = Field(True, description="Read images and image-only pages by OCR.")
    ocr_pictures: int = Field(
        60, ge=0, le=10_000, description="Pictures inside one document that OCR reads. The others count as not read."
    )
    ocr_picture_seconds: float = Field(
        120.0,
        gt=0,
        description="Processor time for the pictures inside one document. The rest of them counts as not read.",
    )
    ocr_embedded: bool = Field(
        True, description="Read pictures inside Office files, e-books and PDF pages by OCR, too."
    )
    comments: bool = Field(False, description="Read the comments in Office documents as text of the document.")
    passwords: tuple[SecretStr, ...] = Field(
        (), description="Passwords to try on protected documents, in this order; written as a JSON list."
    )

    sources: tuple[SourceSettings, ...] = Field(
        (), description="Where documents are taken from by name and by schedule: `[[sources]]` in youju.toml."
    )

    @field_validator("sources")
    @classmethod
    def _names_are_unique(cls, sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        names = [source.name for source in sources]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two sources are called {', '.join(sorted(twice))}")
        return sources
