"""Identifies this process, tells whether another process of this machine is alive, and manages this
process's memory.
"""

from __future__ import annotations

import ctypes
import gc
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19  # fields of /proc/PID/stat after the name, which is in parentheses
_OVER = ("Z", "X")  # dead, but its parent has not yet read the exit status


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds something. `machine` names the boot of the kernel and the namespace of `pid`.

    `machine` is empty if the system does not say it. `started` is the start time of the process, in ticks since the
    boot. It tells a reused `pid` from the old process.
    """

    host: str
    machine: str
    pid: int
    started: int
    command: str = ""
    owner: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" + (f" (`youju {self.command}`)" if self.command else "")


def current_holder() -> Holder:
    """Returns this process as a holder."""
    pid = os.getpid()
    _, started = _state(pid) or ("", 0)
    return Holder(socket.gethostname()[:200], _machine(), pid, started)


def is_dead(holder: Holder) -> bool:
    """Returns True if the process is certainly gone.

    Returns False for another machine or container, where nobody can tell.
    """
    if not holder.machine or holder.machine != _machine():
        return False
    try:
        os.kill(holder.pid, 0)  # signal 0 is not sent: it only tests that the process exists
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it belongs to another user
    found = _state(holder.pid)
    return found is not None and (found[0] in _OVER or found[1] != holder.started)


def return_memory() -> None:
    """Return freed memory to the system. Buffers of changing sizes leave holes that otherwise only grow."""
    with suppress(AttributeError, OSError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def loaded_for_good() -> Iterator[None]:
    """Keep the garbage collector away from everything that is loaded in this block, mostly libraries.

    These are half a million objects that live as long as the process. Scanning them takes a third of their loading
    time, and half a second when the process ends. It would also stop a server at each full collection.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@cache
def _machine() -> str:
    """Returns this boot of this kernel and the namespace of process ids. Each container has its own namespace."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _state(pid: int) -> tuple[str, int] | None:
    """Returns the state letter of a process and its start, in ticks since the boot.

    Returns None if the system hides them.
    """
    try:
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[_STATE], int(fields[_STARTED])
