"""Says what decides the content of an index: the settings that shape it, and one text that identifies all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ingest.network.secrecy import without_secrets
from ingest.settings import MINILM, IngestSettings
from ingest.shaping import CHUNK_SETTINGS, EMBEDDING_SETTINGS, LATER_SETTINGS, SHAPING_SETTINGS, STAGE_VERSIONS


def fingerprint(settings: IngestSettings, embedder: str) -> str:
    """Returns a text that changes whenever the same bytes would give other chunks or other vectors.

    `embedder` is the name of the embedder. The name covers all settings of the embedder except the languages.
    """
    usual = IngestSettings.model_fields
    parts = (
        *STAGE_VERSIONS.values(),
        *(
            value
            for name in CHUNK_SETTINGS
            if (value := getattr(settings, name)) != usual[name].default or name not in LATER_SETTINGS
        ),
        settings.embedding_languages,
        embedder,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def shaping(settings: IngestSettings) -> dict[str, Any]:
    """Returns the settings to store with an index, as JSON values. They contain no secrets. A secret in a URL is
    removed too.
    """
    kept = settings.model_dump(mode="json", include=set(SHAPING_SETTINGS))
    if settings.embedding_url is not None:
        kept["embedding_url"] = without_secrets(settings.embedding_url)
    return kept


def restored(settings: IngestSettings, kept: Mapping[str, Any], embedder: str = "") -> IngestSettings:
    """Returns the settings with the stored values `kept` in place of today's. An API key is never stored. So the key of
    today's settings is used only if the server is still the same.

    `embedder` is the name that is stored with them. Where no model was set, it says which one was shipped then.
    """
    past: dict[str, Any] = {name: kept[name] for name in SHAPING_SETTINGS if name in kept}
    if past.get("embedding_model") is None and embedder.startswith(f"{MINILM}-"):
        past["embedding_model"] = MINILM
    if past.get("embedding_languages") is not None:
        past["embedding_languages"] = tuple(past["embedding_languages"])
    now, then = settings.embedding_url, past.get("embedding_url")
    if now is not None and then is not None and _is_kept_as(then, now):
        past["embedding_url"] = now
    elif now is None or then is None or urlsplit(without_secrets(now)).netloc != urlsplit(then).netloc:
        past["embedding_api_key"] = None
    return settings.model_copy(update=past)


def with_minilm(settings: IngestSettings) -> IngestSettings:
    """Returns the same settings, but with the embedder that was shipped before."""
    return settings.model_copy(update={**dict.fromkeys(EMBEDDING_SETTINGS), "embedding_model": MINILM})


def _is_kept_as(then: str, now: str) -> bool:
    """Returns True if `then` is the stored form of `now`. Older versions stored numeric addresses without brackets."""
    kept = without_secrets(now)
    return then in (kept, kept.replace("[", "").replace("]", ""))
