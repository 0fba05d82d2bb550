"""Opens the embedder that the settings ask for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.embedding import DenseEmbedder, Embedder, estimated_tokens
from ingest.embedding.dense import LocalEmbedder, NoDenseEmbedder, count_with, load_tokenizer
from ingest.embedding.e5.embedder import LANGUAGES, E5Embedder
from ingest.embedding.e5.tokenizer import E5Tokenizer
from ingest.embedding.e5.weights import PACKAGE, Weights, packaged_file
from ingest.embedding.folder import fetch, fingerprint
from ingest.embedding.glosses import dictionary_file
from ingest.embedding.minilm import MINILM_SHA256, MiniLmEncoder, minilm_folder
from ingest.embedding.sparse import Bm25Embedder
from ingest.embedding.transformer import SentenceTransformersEncoder
from ingest.errors import ConfigurationError
from ingest.settings import MINILM, IngestSettings

if TYPE_CHECKING:
    from ingest.embedding.remote import RemoteEmbedder

_KNOWN_LANGUAGES = {"zh", "en", "mixed", "other"}


def open_embedder(settings: IngestSettings) -> Embedder:
    """Returns the embedder of these settings. Loads no weights. Uses the network only if a model has to be downloaded.

    Raises ConfigurationError if the settings name no usable model, or if the dictionary is not installed. Raises
    UnavailableError if a hub is down.
    """
    dictionary_file()  # every passage and question in Chinese needs it: say so before the first one
    return Embedder(_dense(settings), Bm25Embedder())


def token_counter(settings: IngestSettings) -> Callable[[Sequence[str]], list[int]]:
    """Returns a function that counts tokens like the embedder of these settings.

    It needs no torch, so workers make it fast.
    """
    if settings.embedding_url is not None:
        return estimated_tokens
    if settings.embedding_model is None:
        file = packaged_file()
        return estimated_tokens if file is None else E5Tokenizer(Weights(file).pieces()).count
    return partial(count_with, load_tokenizer(_folder(settings)))


def _dense(settings: IngestSettings) -> DenseEmbedder:
    languages = _languages(settings)
    if settings.embedding_url is not None:
        return _remote(settings, languages)
    if settings.embedding_model is None:
        file = packaged_file()
        if file is None:
            return NoDenseEmbedder(
                ConfigurationError(
                    "embedding_model_missing",
                    "The shipped embedding model is not installed: texts are found by their words alone.",
                    f"Install it with `pip install {PACKAGE}`, or set YOUJU_EMBEDDING_MODEL.",
                )
            )
        return E5Embedder(file, languages=languages or LANGUAGES, query_prompt=settings.embedding_query_prompt)
    folder = _folder(settings)
    if settings.embedding_model == MINILM:
        return LocalEmbedder(
            folder,
            MiniLmEncoder,
            name=f"{MINILM}-{MINILM_SHA256[:12]}",
            languages=languages or ("en",),
            query_prompt=settings.embedding_query_prompt,
            sha256=MINILM_SHA256,
        )
    return LocalEmbedder(
        folder,
        SentenceTransformersEncoder,
        name=f"{Path(settings.embedding_model).name}-{fingerprint(folder)}",
        languages=languages,
        query_prompt=settings.embedding_query_prompt,
    )


def _remote(settings: IngestSettings, languages: Collection[str] | None) -> RemoteEmbedder:
    if settings.embedding_model is None:
        raise ConfigurationError(
            "embedding_model_unnamed",
            "YOUJU_EMBEDDING_URL is set, but not which of its models to use.",
            "Set YOUJU_EMBEDDING_MODEL to the model's name on that server.",
        )
    # Who has no embedding server, as most workers, starts sooner without an HTTP client.
    make: type[RemoteEmbedder] = importlib.import_module("ingest.embedding.remote").RemoteEmbedder
    key = settings.embedding_api_key
    return make(
        settings.embedding_url or "",
        settings.embedding_model,
        api_key=key.get_secret_value() if key else None,
        languages=languages,
        query_prompt=settings.embedding_query_prompt,
    )


def _languages(settings: IngestSettings) -> Collection[str] | None:
    named = settings.embedding_languages
    if named is None:
        return None
    if not named or not set(named) <= _KNOWN_LANGUAGES:
        raise ConfigurationError(
            "embedding_languages_unknown",
            f"YOUJU_EMBEDDING_LANGUAGES is {list(named)}.",
            "Name one or more of zh, en, mixed, other; leave it unset for all.",
        )
    return named


def _folder(settings: IngestSettings) -> Path:
    model = settings.embedding_model or ""
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if model == MINILM:
        return minilm_folder()
    if not settings.hub:
        raise ConfigurationError(
            "embedding_model_missing",
            f"YOUJU_EMBEDDING_MODEL is {model!r}, and there is no such folder.",
            "Give the path of a model folder, or set YOUJU_HUB=true to fetch it from a model hub.",
        )
    return fetch(model)
