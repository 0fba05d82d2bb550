"""What a piece of code takes at its peak, measured in a process of its own.

Importing what the code needs takes seconds. So one process has done that for each set of imports, and each measurement
is in a fork of it, which begins with what that process has and leaves nothing behind.
"""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

_WARM = """
import json, os, signal, sys, traceback
from contextlib import suppress
from pathlib import Path

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

def map_files():
    # A fork maps files anew where it touches them, such as the code of libraries: no memory that the work takes.
    piece = memoryview(bytearray(1 << 20))
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for line in Path("/proc/self/maps").read_text().splitlines():
            span, rights, _, _, inode, *_ = line.split()
            at, end = (int(place, 16) for place in span.split("-"))
            with suppress(OSError):
                while rights.startswith("r") and inode != "0" and at < end:
                    memory.seek(at)
                    at += memory.readinto(piece[: end - at])

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever is printed is no answer
{imports}
for asked in sys.stdin:
    asked, (reads, writes) = json.loads(asked), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        signal.alarm(240)
        sys.argv[1:] = asked["arguments"]
        answer = None
        try:
            map_files()
            before = peak()
            exec(asked["work"])
            told = [answer, peak() - before]
        except BaseException:
            told = [traceback.format_exc()]
        with open(writes, "w") as pipe:
            json.dump(told, pipe)
        os._exit(0)
    os.close(writes)
    with open(reads) as pipe:
        told = pipe.read()
    status = os.waitpid(child, 0)[1]
    print(told or json.dumps(["It ended with the status %d." % status]), file=answers, flush=True)
"""


def peak_mb(imports: str, work: str, *arguments: object) -> tuple[Any, float]:
    """What `work` leaves in `answer`, and by how many MiB it raised the memory of a process that has done the
    `imports`. The arguments are texts in `sys.argv[1:]`, for the work alone."""
    warm = _warm(textwrap.dedent(imports))
    assert warm.stdin is not None
    assert warm.stdout is not None
    asked = {"work": textwrap.dedent(work), "arguments": [str(argument) for argument in arguments]}
    warm.stdin.write(json.dumps(asked) + "\n")
    warm.stdin.flush()
    told = json.loads(warm.stdout.readline() or '["The imports failed; see what they have printed."]')
    assert len(told) == 2, told[0]
    return told[0], float(told[1])


@functools.cache
def _warm(imports: str) -> subprocess.Popen[str]:
    """A process that has done the imports, and ends with this one."""
    command = [sys.executable, "-c", _WARM.replace("{imports}", imports)]
    # The folder of the test that begins it may be gone when the next one asks.
    lasting = Path(__file__).parents[2]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=lasting)

    def end() -> None:
        process.communicate(timeout=60)

    atexit.register(end)
    return process
