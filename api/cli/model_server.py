"""Checks for `youju doctor` that the model server answers, and that it has the model that the settings name."""

from __future__ import annotations

import json
import time
from typing import Any, Final

import httpx

from api.cli.finding import Finding
from api.settings import Settings
from ingest.network.bodies import AS_IT_IS, Body, BodyError
from ingest.network.secrecy import hide_secrets_of_requests, scrubbed, secrets_in, without_secrets

_NAME = "chat model"
_BODY_BYTES: Final = 1024 * 1024
"""The limit is high, because gateways list hundreds of models."""
_MOST_SHOWN = 5


class _UnreadError(Exception):
    """An answer could not be read to its end. The text of the error says why."""


def look_at_model_server(settings: Settings) -> Finding:
    """Ask the server at `model_url` for its models. If it has no list, ask it for one token of an answer."""
    return _Look(settings).finding()


class _Look:
    def __init__(self, settings: Settings) -> None:
        self._model = settings.model or ""
        self._url = (settings.model_url or "").rstrip("/")
        self._address = without_secrets(self._url)
        key = settings.model_api_key.get_secret_value() if settings.model_api_key else ""
        self._headers = {**AS_IT_IS, **({"authorization": f"Bearer {key}"} if key else {})}
        self._secrets = (*secrets_in(settings.model_url), key)
        self._connect_seconds = settings.model_connect_seconds
        self._answer_seconds = settings.model_timeout_seconds

    def finding(self) -> Finding:
        hide_secrets_of_requests()
        try:
            status, text = self._asked("GET", "/models", self._connect_seconds)
            if status == 200 and (names := _names(text)) is not None:
                return self._compared(names)
            if status in (200, 404):
                return self._of_completion(*self._asked("POST", "/chat/completions", self._answer_seconds))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = f"{self._address} does not answer ({type(error).__name__})"
            return self._bad(problem, "Start the model server or correct YOUJU_MODEL_URL.")
        except (BodyError, _UnreadError) as error:
            return self._bad(f"the answer of {self._address} was not read: {error}", "Check YOUJU_MODEL_URL.")
        return self._refused(status, text)

    def _asked(self, method: str, path: str, seconds: float) -> tuple[int, str]:
        """Returns the status of an answer, and its text. The text is read within limits of size and time."""
        message = {"role": "user", "content": "Hello"}
        asked = {"model": self._model, "messages": [message], "max_tokens": 1}
        timeout = httpx.Timeout(seconds, connect=self._connect_seconds)
        until = time.monotonic() + seconds
        sent: dict[str, Any] = {"json": asked} if method == "POST" else {}
        with httpx.stream(method, self._url + path, headers=self._headers, timeout=timeout, **sent) as response:
            body = Body(response.headers, _BODY_BYTES)
            for piece in response.iter_raw():
                body.add(piece)
                if time.monotonic() > until:
                    raise _UnreadError(f"it had not ended after {seconds:g} seconds")
        return response.status_code, body.text

    def _compared(self, names: list[str]) -> Finding:
        if self._model in names:
            return Finding(_NAME, "ok", f"{self._model} at {self._address}")
        shown = ", ".join(self._said(name) for name in names[:_MOST_SHOWN]) or "none"
        more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
        return self._bad(
            f"{self._address} has no model called {self._model}; it has {shown}{more}",
            "Set YOUJU_MODEL to a name that the server has.",
        )

    def _of_completion(self, status: int, text: str) -> Finding:
        if status == 200 and _has_choices(text):
            return Finding(_NAME, "ok", f"{self._model} at {self._address}; it keeps no list of models, and answers")
        if status == 404:
            problem = f"{self._address} answers 404: {self._said(text) or 'without a message'}"
            return self._bad(problem, "Check YOUJU_MODEL, and YOUJU_MODEL_URL (it usually ends in /v1).")
        if status == 200:
            problem = f"{self._address} does not answer as a chat server: {self._said(text) or 'with nothing'}"
            return self._bad(problem, "Correct YOUJU_MODEL_URL (it usually ends in /v1).")
        return self._refused(status, text)

    def _refused(self, status: int, text: str) -> Finding:
        if status in (401, 403):  # its text is not shown, because it may repeat a part of the key
            return self._bad(f"{self._address} refuses the key", "Correct YOUJU_MODEL_API_KEY.")
        said = self._said(text) or "without a message"
        return self._bad(f"{self._address} answers {status}: {said}", "The model server's log says more.")

    def _said(self, text: str) -> str:
        return scrubbed(text, self._secrets)

    @staticmethod
    def _bad(problem: str, hint: str) -> Finding:
        return Finding(_NAME, "bad", problem, hint)


def _names(text: str) -> list[str] | None:
    """Returns the names in a list of models. Returns None if the text is not such a list."""
    data = _parsed(text)
    listed = data.get("data") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        return None
    return [str(each["id"]) for each in listed if isinstance(each, dict) and "id" in each]


def _has_choices(text: str) -> bool:
    data = _parsed(text)
    return isinstance(data, dict) and isinstance(data.get("choices"), list) and bool(data["choices"])


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
