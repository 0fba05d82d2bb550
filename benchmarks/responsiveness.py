"""How the server feels while it ingests, and how fast it starts.

    python -m benchmarks.responsiveness FOLDER

Starts `youju serve --ingest FOLDER` on a new home, asks /healthz and /v1/search every 100 ms until the folder is
ingested, and prints one JSON object: milliseconds for both, seconds until the first healthy and the first ready
answer, and the memory (PSS, MiB) of the server process without its workers. The first search waits for the embedding
model to load, so searches are also counted from the moment the server is ready.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks.server_process import ServerProcess, served, summary

_EVERY_SECONDS = 0.1
_READY = "Youju is ready"
_ASKED: dict[str, Callable[[httpx.Client], httpx.Response]] = {
    "healthz": lambda client: client.get("/healthz"),
    "search": lambda client: client.post("/v1/search", json={"query": "年假有几天 annual leave", "limit": 5}),
}


def main(folder: str) -> None:
    with tempfile.TemporaryDirectory() as home, served(Path(home), "--ingest", folder) as server:
        healthy = server.seconds_until("/healthz")
        ready: list[float] = []
        waiting = threading.Thread(target=lambda: ready.append(server.seconds_until("/readyz")))
        waiting.start()
        figures = _ask_all_the_while(server)
        ingested = time.monotonic() - server.started
        waiting.join()
        result = {
            "healthz": summary([figure for _, figure in figures["healthz"]]),
            "search": summary([figure for _, figure in figures["search"]]),
            "search_once_ready": summary([figure for at, figure in figures["search"] if at > ready[0]]),
            "first_healthy_seconds": healthy,
            "first_ready_seconds": ready[0],
            "ingested_seconds": round(ingested, 2),
            "server_memory_mb": server.memory_mb(),
            "report": [line.strip() for line in server.printed if "documents:" in line],
        }
        print(json.dumps(result, indent=2))


def _ask_all_the_while(server: ServerProcess) -> dict[str, list[tuple[float, float]]]:
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in _ASKED}
    threads = [threading.Thread(target=_poll, args=(server, ask, figures[name])) for name, ask in _ASKED.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return figures


def _poll(
    server: ServerProcess, ask: Callable[[httpx.Client], httpx.Response], figures: list[tuple[float, float]]
) -> None:
    """Ask until the folder is ingested: seconds since the start, and milliseconds, of each request."""
    with server.client() as client:
        while not server.has_said(_READY):
            started = time.monotonic()
            answer = ask(client)
            elapsed = time.monotonic() - started
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:  # it is still starting
                answer.raise_for_status()
                figures.append((started - server.started, elapsed * 1000))
            time.sleep(max(0.0, _EVERY_SECONDS - elapsed))


if __name__ == "__main__":
    main(sys.argv[1])
