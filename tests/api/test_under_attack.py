"""A server that is sent hostile documents and questions, as fast as it takes them: it answers everybody meanwhile."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.command_line import serving
from tests.hostile_texts import PATTERNS

_ASKERS = _UPLOADERS = 2
_FORMATS: dict[str, Callable[[str], str]] = {
    "txt": str,
    "md": lambda text: f"# Title\n\n{text}",
    "html": lambda text: f"<html><body><h1>Title</h1><p>{text}</p></body></html>",
    "csv": lambda text: f"name,value\na,{text}",
    "json": lambda text: f'{{"name": "a", "value": "{text}',
    "rst": lambda text: f"Title\n=====\n\n{text}",
    "org": lambda text: f"* Title\n{text}",
    "eml": lambda text: f"From: a@a.example\nSubject: Title\n\n{text}",
    "rtf": lambda text: f"{{\\rtf1 {text}}}",
    "xml": lambda text: f"<?xml version='1.0'?><a>{text}</a>",
}
_NUMBERS = "The device supports the batch sizes [" + ", ".join(map(str, range(1, 41))) + ", 1024]."
"""Harmless, and what a citation looks like at first."""


@dataclass
class Watch:
    """Asks a server whether it lives, ten times a second, and how much memory it has."""

    url: str
    pid: int
    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=60) as client:
            while not self.over.wait(0.1):
                began = time.monotonic()
                assert client.get("/healthz").status_code == 200
                self.seconds.append(time.monotonic() - began)
                status = Path(f"/proc/{self.pid}/status").read_text()
                self.megabytes.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)

    def quarters(self) -> list[float]:
        """The most memory in each quarter of the time, in MB."""
        each = max(1, len(self.megabytes) // 4)
        return [max(self.megabytes[start : start + each]) for start in range(0, 4 * each, each)]


def _documents(count: int, characters: int) -> Iterator[tuple[str, bytes]]:
    yield "numbers.txt", _NUMBERS.encode()
    kinds = cycle(_FORMATS.items())
    for number, (make, (suffix, form)) in enumerate(zip(cycle(PATTERNS.values()), kinds, strict=False)):
        if number == count - 1:
            return
        yield f"{number}.{suffix}", form(make(characters)).encode()


def _questions(count: int, characters: int) -> list[str]:
    hostile = [make(characters)[:characters].strip() for make in PATTERNS.values()]
    return list(islice(cycle(["Which batch sizes does the device support?", *filter(None, hostile)]), count))


@pytest.mark.parametrize(
    ("count", "characters"),
    [pytest.param(12, 1000, id="12"), pytest.param(1000, 4000, id="1000", marks=pytest.mark.slow)],
)
@pytest.mark.timeout(3600)
def test_hostile_documents_and_questions_stop_nobody_and_lose_nothing(
    tmp_path: Path, count: int, characters: int
) -> None:
    with serving(tmp_path / "home") as (url, process), httpx.Client(base_url=url, timeout=300) as client:
        client.post("/v1/search", json={"query": "ready?"}).raise_for_status()
        watch = Watch(url, process.pid)
        watching = threading.Thread(target=watch.run)
        watching.start()

        def upload(document: tuple[str, bytes]) -> dict[str, Any]:
            name, content = document
            answer = client.post("/v1/documents", params={"path": name}, content=content)
            assert answer.status_code == 202, answer.text
            return dict(answer.json())

        def ask(numbered: tuple[int, str]) -> int:
            number, question = numbered
            if number % 2:
                body = {"model": "youju", "messages": [{"role": "user", "content": question}]}
                return client.post("/v1/chat/completions", json=body).status_code
            return client.post("/v1/ask", json={"question": question}).status_code

        try:
            with ThreadPoolExecutor(_UPLOADERS) as uploaders, ThreadPoolExecutor(_ASKERS) as askers:
                asked = askers.map(ask, enumerate(_questions(count, characters)))
                accepted = list(uploaders.map(upload, _documents(count, characters)))
                statuses = list(asked)
            states = [_state(client, each["document_id"]) for each in accepted]
        finally:
            watch.over.set()
            watching.join()
        assert len(accepted) == len(states) == count
        assert set(states) <= {"ready", "failed"}
        assert states.count("ready") > count // 2
        assert set(statuses) <= {200, 400}  # 400: nothing to ask is left of it
        found = client.post("/v1/ask", json={"question": "Which batch sizes does the device support?"}).json()
        assert "batch sizes" in found["answer"]
        slowest, quarters = max(watch.seconds), watch.quarters()
        print(
            f"{count}: {states.count('ready')} ready, /healthz asked {len(watch.seconds)} times: "
            f"median {1000 * statistics.median(watch.seconds):.0f} ms, slowest {1000 * slowest:.0f} ms; "
            f"MB by quarters {[round(quarter) for quarter in quarters]}"
        )
        assert slowest < 1.0
        assert quarters[-1] < 1.2 * quarters[1] + 50


def _state(client: httpx.Client, document_id: str) -> str:
    """How the upload stands once a run has dealt with it."""
    deadline = time.monotonic() + 1800
    while time.monotonic() < deadline:
        state = str(client.get(f"/v1/documents/{document_id}/upload").json()["state"])
        if state not in ("queued", "running"):
            return state
        time.sleep(0.2)
    return "waits"
