"""How the server feels while it ingests, and how fast it starts.

    python benchmarks/responsiveness.py FOLDER

Starts `youju serve --ingest FOLDER` on a new home, asks /healthz and /v1/search every 100 ms until the folder is
ingested, and prints one JSON object: milliseconds for both, seconds until the first healthy and the first ready
answer, and the memory (PSS, MiB) of the server process without its workers.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

_EVERY_SECONDS = 0.1
_PORT = 18765


def main(folder: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        process = subprocess.Popen(
            [Path(sys.executable).with_name("youju"), "serve", "--port", str(_PORT), "--ingest", folder],
            env={**os.environ, "YOUJU_HOME": home},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        done = threading.Event()
        printed: list[str] = []
        threading.Thread(target=_read, args=(process, printed, done), daemon=True).start()
        try:
            healthy = _until(lambda client: client.get("/healthz").status_code == 200) - started
            ready: list[float] = []
            waiting = threading.Thread(
                target=lambda: ready.append(_until(lambda client: client.get("/readyz").status_code == 200) - started)
            )
            waiting.start()
            figures = _ask_all_the_while(done)
            waiting.join()
            ingested = time.monotonic() - started
            print(
                json.dumps(
                    {
                        "healthz": _summary(figures["healthz"]),
                        "search": _summary(figures["search"]),
                        "first_healthy_seconds": round(healthy, 2),
                        "first_ready_seconds": round(ready[0], 2),
                        "ingested_seconds": round(ingested, 2),
                        "server_pss_mb": _pss_mb(process.pid),
                        "report": [line.strip() for line in printed if "documents:" in line],
                    },
                    indent=2,
                )
            )
        finally:
            process.terminate()
            process.wait()


def _read(process: subprocess.Popen[str], printed: list[str], done: threading.Event) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        printed.append(line)
        if re.search("Youju is ready", line):
            done.set()
    done.set()


def _until(holds: Callable[[httpx.Client], bool]) -> float:
    with httpx.Client(base_url=f"http://127.0.0.1:{_PORT}", timeout=30) as client:
        while True:
            try:
                if holds(client):
                    return time.monotonic()
            except httpx.TransportError:
                pass
            time.sleep(0.02)


def _ask_all_the_while(done: threading.Event) -> dict[str, list[float]]:
    asked: dict[str, Callable[[httpx.Client], httpx.Response]] = {
        "healthz": lambda client: client.get("/healthz"),
        "search": lambda client: client.post("/v1/search", json={"query": "年假有几天 annual leave", "limit": 5}),
    }
    figures: dict[str, list[float]] = {name: [] for name in asked}
    threads = [threading.Thread(target=_poll, args=(ask, figures[name], done)) for name, ask in asked.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return figures


def _poll(ask: Callable[[httpx.Client], httpx.Response], milliseconds: list[float], done: threading.Event) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{_PORT}", timeout=60) as client:
        while not done.is_set():
            started = time.monotonic()
            ask(client).raise_for_status()
            elapsed = time.monotonic() - started
            milliseconds.append(elapsed * 1000)
            time.sleep(max(0.0, _EVERY_SECONDS - elapsed))


def _summary(milliseconds: list[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    return {
        "requests": len(ordered),
        "p50_ms": round(statistics.median(ordered), 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 1),
        "slowest_ms": round(ordered[-1], 1),
    }


def _pss_mb(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found is not None
    return round(int(found[1]) / 1024, 1)


if __name__ == "__main__":
    main(sys.argv[1])
