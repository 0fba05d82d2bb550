"""Dense vectors by a server that speaks OpenAI's /v1/embeddings (vLLM, SGLang, Ollama, TEI, …)."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import httpx
import numpy as np

from ingest.document import Language
from ingest.embedding import estimated_tokens, is_covered
from ingest.errors import ConfigurationError, DocumentError, UnavailableError
from ingest.network.bodies import AS_IT_IS, ERROR_BYTES, Body, BodyError
from ingest.network.retrying import BRISK, PATIENT, TRANSIENT_STATUS, Patience, TransientError, retried, retry_after
from ingest.network.secrecy import hide_secrets_of_requests, scrubbed, secrets_in, without_secrets

_BATCH_TEXTS = 64
_MAX_TOKENS = 8192
_MAX_VECTOR_BYTES = 2**20
"""A vector of 16,384 numbers, each on its own line, is half as large."""
_REFUSES_TEXT = (400, 413, 422)
_CONNECTION_LOST = (httpx.NetworkError, httpx.RemoteProtocolError)
_HINT = "Check YOUJU_EMBEDDING_URL and that the server is running."


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer of the server. If an error is too long or packed, `body` is empty. `retry_seconds` says how many
    seconds after an error the server wants to be asked again.
    """

    status: int
    body: bytes
    retry_seconds: float | None = None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class RemoteEmbedder:
    """One model of an embedding server. Thread-safe. The first use of `dimension` asks the server.

    Failures that may soon be over are tried again: no connection, no answer in time, 429, 500, 502, 503 and 504. That
    takes up to two minutes for passages, and a few seconds for a query. Raises UnavailableError
    `embedding_server_down`, `embedding_server_timeout`, `embedding_server_failed` (5xx, or an answer that is not a list
    of vectors), ConfigurationError `embedding_server_refused` (4xx), and DocumentError `embedding_refused` if the
    server takes other passages, but not this one.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        languages: Collection[str] | None = None,
        query_prompt: str | None = None,
        timeout_seconds: float = 60.0,
    ) -> None:
        self.name = f"{model}@remote"
        self.max_tokens = _MAX_TOKENS
        self._model = model
        self._languages = languages
        self._query_prompt = query_prompt or ""
        self._endpoint = url.rstrip("/") + "/embeddings"
        self._address = without_secrets(self._endpoint)
        self._secrets = (*secrets_in(url), *([api_key] if api_key else []))
        hide_secrets_of_requests()
        self._client = httpx.Client(
            headers={**AS_IT_IS, **({"Authorization": f"Bearer {api_key}"} if api_key else {})},
            timeout=httpx.Timeout(timeout_seconds, connect=5.0),
            trust_env=False,
        )

    @cached_property
    def dimension(self) -> int:
        """Returns how many numbers a vector has. It is found by embedding one word."""
        return int(self._request(["dimension"]).shape[1])

    def covers(self, language: Language) -> bool:
        """Returns True if texts of this language get a vector.

        Without named languages all do; with any, mixed text does too.
        """
        return is_covered(language, self._languages)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Returns an estimate, because the server's tokenizer is not known here."""
        return estimated_tokens(texts)

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of passages: float32, shape (len(texts), dimension)."""
        batches = [
            self._passages(list(texts[start : start + _BATCH_TEXTS])) for start in range(0, len(texts), _BATCH_TEXTS)
        ]
        return np.concatenate(batches) if batches else np.empty((0, self.dimension), dtype=np.float32)

    def embed_query(self, text: str) -> np.ndarray:
        """Returns the vector of a query: float32, shape (dimension,)."""
        vector: np.ndarray = self._request([self._query_prompt + text])[0]
        return vector

    def _passages(self, texts: list[str]) -> np.ndarray:
        """Returns the vectors of these texts.

        The server may refuse the whole request because of one text. Each text is then sent alone, to find that one.
        """
        answer = self._answered(texts, PATIENT)
        if answer.status not in _REFUSES_TEXT:
            return self._vectors(answer, len(texts))
        if len(texts) > 1:
            return np.concatenate([self._passages([text]) for text in texts])
        raise DocumentError(
            "embedding_refused",
            f"{self._address} answered {answer.status} to a passage of {len(texts[0])} characters: "
            f"{scrubbed(answer.text, self._secrets)}",
            "Lower YOUJU_CHUNK_TOKENS if it is too long for the model; if every document is refused, check "
            "YOUJU_EMBEDDING_MODEL.",
        )

    def _request(self, texts: list[str]) -> np.ndarray:
        return self._vectors(self._answered(texts, BRISK), len(texts))

    def _answered(self, texts: list[str], patience: Patience) -> _Answer:
        return retried(partial(self._post, texts), patience)

    def _post(self, texts: list[str]) -> _Answer:
        """Send one request. Raises TransientError if another try may succeed."""
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        try:
            with self._client.stream("POST", self._endpoint, json=body) as response:
                answer = self._read(response, len(texts))
        except httpx.TimeoutException as error:
            said = f"{self._address} did not answer in time."
            raise TransientError(UnavailableError("embedding_server_timeout", said, _HINT)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = f"{self._address} cannot be reached ({type(error).__name__})."
            down = UnavailableError("embedding_server_down", said, _HINT)
            # The message of this error quotes the invalid address, which may hold a secret.
            raise (TransientError(down) if isinstance(error, _CONNECTION_LOST) else down) from None
        if answer.status in TRANSIENT_STATUS:
            raise TransientError(self._failed(answer.status), answer.retry_seconds)
        return answer

    def _read(self, response: httpx.Response, texts: int) -> _Answer:
        limit = ERROR_BYTES + (texts * _MAX_VECTOR_BYTES if response.is_success else 0)
        try:
            body = Body(response.headers, limit)
            for piece in response.iter_raw():
                body.add(piece)
        except BodyError as error:
            if not response.is_success:
                return _Answer(response.status_code, b"", retry_after(response.headers.get("retry-after")))
            raise UnavailableError(
                "embedding_server_failed", f"The answer of {self._address} was not read: {error}.", _HINT
            ) from None
        return _Answer(response.status_code, bytes(body.data), retry_after(response.headers.get("retry-after")))

    def _check(self, answer: _Answer) -> None:
        if 200 <= answer.status < 300:
            return
        said = f"{self._address} answered {answer.status}"
        if answer.status in (401, 403):
            raise ConfigurationError("embedding_server_refused", f"{said}.", "Check YOUJU_EMBEDDING_API_KEY.")
        if 400 <= answer.status < 500 and answer.status not in (408, 429):
            raise ConfigurationError(
                "embedding_server_refused",
                f"{said}: {scrubbed(answer.text, self._secrets)}",
                "Check that YOUJU_EMBEDDING_MODEL is a model of that server.",
            )
        raise self._failed(answer.status)

    def _failed(self, status: int) -> UnavailableError:
        return UnavailableError("embedding_server_failed", f"{self._address} answered {status}.", _HINT)

    def _vectors(self, answer: _Answer, expected: int) -> np.ndarray:
        self._check(answer)
        try:
            rows: list[Any] = sorted(json.loads(answer.body)["data"], key=lambda row: row["index"])
            vectors = np.array([row["embedding"] for row in rows], dtype=np.float32)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._malformed() from error
        if vectors.ndim != 2 or len(vectors) != expected or not np.isfinite(vectors).all():
            raise self._malformed()
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        normal: np.ndarray = vectors / np.maximum(lengths, 1e-12)
        return normal

    def _malformed(self) -> UnavailableError:
        return UnavailableError(
            "embedding_server_failed",
            f"{self._address} did not answer with one vector per text.",
            "YOUJU_EMBEDDING_URL must end in /v1 and serve OpenAI's embeddings.",
        )
