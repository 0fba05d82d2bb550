"""Running `youju` as its user does: the installed command, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

YOUJU = Path(sys.executable).with_name("youju")


def run_youju(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`youju ARGUMENTS` with this home, to its end."""
    return subprocess.run(
        [YOUJU, *arguments], env=_environment(home, settings), capture_output=True, text=True, timeout=180, check=False
    )


def youju_json(home: Path, *arguments: str, **settings: str) -> Any:
    """What `youju ARGUMENTS --json` prints, if it did not fail outright."""
    done = run_youju(home, *arguments, "--json", **settings)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


@contextlib.contextmanager
def serving(home: Path, *arguments: str, **settings: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`youju serve` on a free port until the block ends: its address and its process."""
    process = subprocess.Popen(
        [YOUJU, "serve", "--port", "0", *arguments],
        env=_environment(home, settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield _address(process), process
    finally:
        process.terminate()
        process.communicate(timeout=60)


@contextlib.contextmanager
def started(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`youju ARGUMENTS`, running; killed if it still runs when the block ends."""
    with subprocess.Popen(
        [YOUJU, *arguments],
        env=_environment(home, {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has its children ignore Ctrl-C; a terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def children_of(pid: int) -> list[str]:
    """The ids of the processes that this one has started."""
    return [child for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if found := re.search(r"Youju is ready: (http://\S+)", line):
            # Read on, so that the server never waits for a full pipe.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return found[1]
    raise AssertionError("the server did not start:\n" + "".join(printed))


def _environment(home: Path, settings: dict[str, str]) -> dict[str, str]:
    ours = {f"YOUJU_{name.upper()}": value for name, value in settings.items()}
    return {**os.environ, "YOUJU_HOME": str(home), "COLUMNS": "200", **ours}
