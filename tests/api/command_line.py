"""Running `youju` as its user does: the installed command, in a process of its own, or in this one where only what it
does and says counts: importing all of it again takes seconds of a processor."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.cli import main, output

_COLUMNS = 200
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


def run_here(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The same as `run_youju`, in this process."""
    code: Any = 0
    with contextlib.ExitStack() as put_back, pytest.MonkeyPatch.context() as patch:
        for name, value in _settings(home, settings).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["youju", *arguments])
        for console in (output.console, output.notes):
            patch.setattr(console, "_width", _COLUMNS)
        put_back.callback(os.umask, os.umask(0o077))
        put_back.callback(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        put_back.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        said = put_back.enter_context(contextlib.redirect_stdout(io.StringIO()))
        noted = put_back.enter_context(contextlib.redirect_stderr(io.StringIO()))
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    return subprocess.CompletedProcess(["youju", *arguments], code, said.getvalue(), noted.getvalue())


def json_here(home: Path, *arguments: str, **settings: str) -> Any:
    """The same as `youju_json`, in this process."""
    done = run_here(home, *arguments, "--json", **settings)
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
    return {**os.environ, "COLUMNS": str(_COLUMNS), **_settings(home, settings)}


def _settings(home: Path, settings: dict[str, str]) -> dict[str, str]:
    return {"YOUJU_HOME": str(home), **{f"YOUJU_{name.upper()}": value for name, value in settings.items()}}
