"""Which process this is, whether one of the same machine is still alive, and what happens to its memory."""

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
_OVER = ("Z", "X")  # dead, and not yet asked about by its parent


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds something. `machine` names the kernel and the set of process ids that `pid` is of, and is
    empty where the system does not say; `started` is when the process began, so that a reused id is told apart."""

    host: str
    machine: str
    pid: int
    started: int
    command: str = ""
    owner: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" + (f" (`youju {self.command}`)" if self.command else "")


def current_holder() -> Holder:
    """This process."""
    pid = os.getpid()
    _, started = _state(pid) or ("", 0)
    return Holder(socket.gethostname()[:200], _machine(), pid, started)


def is_dead(holder: Holder) -> bool:
    """Whether that process is surely gone. False for one of another machine or container: nobody can tell."""
    if not holder.machine or holder.machine != _machine():
        return False
    try:
        os.kill(holder.pid, 0)  # nothing is sent: whether there is such a process
    except ProcessLookupError:
        return True
    except OSError:
        pass  # it is another user's
    found = _state(holder.pid)
    return found is not None and (found[0] in _OVER or found[1] != holder.started)


def return_memory() -> None:
    """Give the system what was freed and is still held: buffers of ever other sizes leave holes that only grow."""
    with suppress(AttributeError, OSError):  # glibc alone has it
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def loaded_for_good() -> Iterator[None]:
    """Keep the garbage collector away from what is loaded here, libraries above all.

    They are half a million objects that live as long as the process: going through them takes a third of the time of
    loading them, half a second when the process ends, and stops a server for as long at each full collection.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@cache
def _machine() -> str:
    """This boot of this kernel, and the namespace of process ids: containers have one each."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _state(pid: int) -> tuple[str, int] | None:
    """The state letter of a process and when it began, in ticks since the boot; None where that is not shown."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[_STATE], int(fields[_STARTED])
