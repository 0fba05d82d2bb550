"""How much memory this machine has for a model, and how people write an amount of memory."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
from pathlib import Path

from assistant.qwen.sizing import Memory
from ingest.errors import ConfigurationError, RequestError

_AMOUNT = re.compile(r"(?:(\d{1,3}) ?[x×*] ?)?(\d+(?:\.\d+)?) ?([kmgt])?(?:i?b)?", re.IGNORECASE)
_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SMALLEST = 2**28
_SECONDS = 20
_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def parse_memory(text: str) -> Memory:
    """Returns the memory that a text states: `24GB`, `80 GiB`, `512m`, or `2x24GB` for two GPUs. GB counts as GiB,
    because memory is sold so, and a number without a unit as GB.

    Raises RequestError (`invalid_memory`).
    """
    found = _AMOUNT.fullmatch(text.strip())
    gpus = int(found[1] or 1) if found else 0
    amount = float(found[2]) * _UNITS[(found[3] or "g").lower()] if found else 0.0
    if found is None or gpus < 1 or not _SMALLEST <= amount < 2**60:
        raise RequestError("invalid_memory", f"{text[:40]!r} is no amount of memory.", "Write 24GB, or 2x24GB.")
    return Memory(int(gpus * amount), gpus, text.strip())


def memory_here() -> Memory:
    """Returns the memory of the GPUs of this machine, or, if it has none, its RAM.

    GPUs of different sizes count as the smallest, because a model is divided into equal parts. Raises
    ConfigurationError (`memory_unknown`).
    """
    gpus = _asked_of_nvidia() or _asked_of_torch()
    if gpus:
        names = ", ".join(sorted({name for name, _ in gpus}))
        smallest = min(size for _, size in gpus)
        return Memory(len(gpus) * smallest, len(gpus), f"{len(gpus)} x {names}" if len(gpus) > 1 else names)
    return Memory(_ram(), 0, "RAM, no GPU found")


def _asked_of_nvidia() -> list[tuple[str, int]]:
    """Returns the name and the bytes of each NVIDIA GPU, by nvidia-smi."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return []
    asked = [command, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = (line.rpartition(",") for line in said.splitlines())
    return [(name.strip(), int(size) * 2**20) for name, _, size in rows if size.strip().isdigit()]


def _asked_of_torch() -> list[tuple[str, int]]:
    """Returns the name and the bytes of each GPU that torch can use, such as AMD's. A torch for the CPU is not loaded,
    which would take seconds.
    """
    if importlib.metadata.version("torch").endswith("+cpu"):
        return []
    import torch

    if not torch.cuda.is_available():
        return []
    devices = (torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count()))
    return [(str(device.name), int(device.total_memory)) for device in devices]


def _ram() -> int:
    """Returns the bytes of RAM that this process may use: the machine's, or its container's."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        raise ConfigurationError(
            "memory_unknown", "This system does not say how much memory it has.", "Give it: --memory 16GB."
        ) from None
    limits = [path.read_text().strip() for path in _CGROUP_LIMITS if path.is_file()]
    return min([total, *(int(limit) for limit in limits if limit.isdigit())])
