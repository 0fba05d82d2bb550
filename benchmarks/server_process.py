"""A real `youju serve` on a home, and what can be seen of it from outside."""

from __future__ import annotations

import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

OWNERS = {
    "dense vectors": r"/index/.*/vector_storage-dense/",
    "sparse vectors": r"/index/.*/(vector_storage|vector_index)-sparse/",
    "passages": r"/index/.*/payload_storage/",
    "filters": r"/index/.*/payload_index/",
    "rest of the index": r"/index/",
    "catalog": r"/youju\.db",
    "files of the model": r"\.(e5|model|bin|npz|safetensors|spm|json|txt)$",
    "libraries": r"\.so(\.|$)|/python",
}
"""Patterns of the files that are mapped, the first that matches. What has no file is anonymous: Python's objects, the
weights that were unpacked, what the engine keeps of each segment.
"""
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)")


class ServerProcess:
    """A server of our own. `started` is on the monotonic clock; `printed` holds what it has said so far."""

    def __init__(self, home: Path, *arguments: str) -> None:
        """Start it; nothing answers yet."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.printed: list[str] = []
        self.started = time.monotonic()
        # Through this interpreter and not the installed script, so that the modules measured are those found here.
        command = [sys.executable, "-c", "from api.cli import main; main()", "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*command, *arguments],
            env={**os.environ, "YOUJU_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.printed.append(line)

    def has_said(self, pattern: str) -> bool:
        """Whether a line that it has printed matches."""
        return any(re.search(pattern, line) for line in self.printed)

    def wait_until_said(self, pattern: str) -> None:
        """Wait until a line that it has printed matches.

        Raises RuntimeError with what it printed, if it ends before.
        """
        while not self.has_said(pattern):
            if self._process.poll() is not None:
                raise RuntimeError("the server has ended:\n" + "".join(self.printed))
            time.sleep(0.1)

    def client(self) -> httpx.Client:
        """A client with one connection to it."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def seconds_until(self, path: str) -> float:
        """Wait until a GET of `path` answers 200; the seconds that took from the start."""
        with self.client() as client:
            while self._process.poll() is None:
                try:
                    if client.get(path).status_code == 200:
                        return round(time.monotonic() - self.started, 2)
                except httpx.TransportError:
                    pass
                time.sleep(0.02)
        raise RuntimeError("the server has ended:\n" + "".join(self.printed))

    def cpu_seconds(self) -> float:
        """CPU time of the process so far, user and system, without its workers."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def wait_until_idle(self, seconds: float = 60) -> None:
        """Wait until it has hardly worked for a second: what it loads after its start belongs to no request."""
        until, idle, before = time.monotonic() + seconds, 0, self.cpu_seconds()
        while idle < 5 and time.monotonic() < until:
            time.sleep(0.2)
            now = self.cpu_seconds()
            idle, before = (idle + 1 if now - before <= 0.02 else 0), now

    def memory_mb(self) -> dict[str, int]:
        """Proportional set size without its workers, of which `anonymous` cannot go back to the page cache."""
        return memory_mb(self._process.pid)

    def memory_by_owner(self) -> dict[str, int]:
        """The proportional set size by what it is for (`OWNERS`), in MB, the largest first."""
        return memory_by_owner(self._process.pid)

    def stop(self) -> None:
        """Stop it and wait until it has ended."""
        self._process.terminate()
        self._process.wait()
        self._reading.join()


@contextmanager
def served(home: Path, *arguments: str) -> Iterator[ServerProcess]:
    """A server on `home`, stopped at the end."""
    server = ServerProcess(home, *arguments)
    try:
        yield server
    finally:
        server.stop()


def memory_mb(pid: int | str = "self") -> dict[str, int]:
    """Proportional set size of a process, of which `anonymous` cannot be given back to the page cache."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return {"pss": kilobytes["Pss"] // 1024, "anonymous": kilobytes["Pss_Anon"] // 1024}


def memory_by_owner(pid: int | str = "self") -> dict[str, int]:
    """The proportional set size of a process by `OWNERS`, in MB, the largest first."""
    kilobytes: Counter[str] = Counter()
    owner = "anonymous"
    for line in Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8", errors="replace").splitlines():
        if (mapping := _MAPPING.match(line)) is not None:
            file = mapping[1]
            owner = "anonymous"
            if file.startswith("/"):
                owner = next((name for name, pattern in OWNERS.items() if re.search(pattern, file)), "other files")
        elif line.startswith("Pss:"):
            kilobytes[owner] += int(line.split()[1])
    return {name: size // 1024 for name, size in kilobytes.most_common()}


def summary(milliseconds: Sequence[float]) -> dict[str, float]:
    """How many, the median, the 90th and the 99th percentile and the slowest."""
    ordered = sorted(milliseconds)
    return {
        "requests": len(ordered),
        "p50_ms": round(statistics.median(ordered), 2),
        "p90_ms": round(ordered[int(len(ordered) * 0.9)], 2),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)], 2),
        "slowest_ms": round(ordered[-1], 2),
    }
