"""What a piece of code takes at its peak, measured in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import Any

_MEASURED = """
import json, sys
from pathlib import Path

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

{imports}
before = peak()
answer = None
{work}
print(json.dumps([answer, peak() - before]))
"""


def peak_mb(imports: str, work: str, *arguments: object) -> tuple[Any, float]:
    """What `work` leaves in `answer`, and by how many MiB it raised the memory of the process that has done the
    `imports`. The arguments are texts in `sys.argv[1:]`."""
    code = _MEASURED.format(imports=textwrap.dedent(imports), work=textwrap.dedent(work))
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    answer, megabytes = json.loads(done.stdout.splitlines()[-1])
    return answer, float(megabytes)
