"""Counts a walk through our code: which functions are entered on the way of one document, or of one question.

**A hop** is the first call of a function of ours by the chain, in whatever thread: by a function of a module that what
is followed passes through. Each function is counted once, and so is the first function of a thread, or of a step of an
event loop. `files` are those that these functions are in. A function of any other room is a door: entering it is a hop,
what it calls in turn is the affair of that room. Comprehensions and what `dataclass` writes are no functions of ours.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

_ROOT = Path(__file__).parents[1]
_PACKAGES = tuple(f"{_ROOT / name}/" for name in ("ingest", "assistant", "api"))


@dataclass(frozen=True, slots=True)
class Chain:
    """The modules that what is followed passes through: everything below `rooms`, but for the files `doors`.

    How the names of threads begin: `beside` is what it does not pass through, `asked` is where a door is entered.
    """

    rooms: tuple[str, ...]
    doors: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    def has(self, file: str) -> bool:
        """Whether a file, below the root, is one of the chain."""
        return file.startswith(self.rooms) and file not in self.doors


@dataclass(frozen=True, slots=True)
class Entered:
    """The first call of a function. `caller` is None where none of our functions has called it. `is_hop`: the chain
    has. Files are below the root."""

    file: str
    function: str
    caller: str | None
    thread: str
    is_hop: bool

    def __str__(self) -> str:
        return f"{self.caller} → {self.function} in {self.file}"


class Walk:
    """Notes which functions of ours are entered, in all threads that are started meanwhile, while it `is_on`."""

    def __init__(self, chain: Chain) -> None:
        self.entered: list[Entered] = []
        self.is_on = False
        self._chain = chain
        self._seen: set[CodeType] = set()
        self._noting = threading.Lock()

    @property
    def hops(self) -> list[Entered]:
        """The hops, in the order in which they were made. The walk begins in the first function: that is no hop."""
        return [each for each in self.entered[1:] if each.is_hop]

    @property
    def files(self) -> set[str]:
        """The files that the walk leads through."""
        return {self.entered[0].file} | {each.file for each in self.hops}

    def note(self, frame: FrameType, what: str, _: Any) -> None:
        """For `sys.setprofile`."""
        if what != "call" or not self.is_on or not _is_ours(frame):
            return
        thread = threading.current_thread().name
        with self._noting:
            if frame.f_code in self._seen or thread.startswith(self._chain.beside):
                return
            self._seen.add(frame.f_code)
            file, caller = _file(frame), frame.f_back
            while caller is not None and not _is_in_our_files(caller):
                caller = caller.f_back
            if caller is None:
                is_hop, called_by = self._chain.has(file) or thread.startswith(self._chain.asked), None
            else:
                is_hop, called_by = self._chain.has(_file(caller)), caller.f_code.co_qualname
            self.entered.append(Entered(file, frame.f_code.co_qualname, called_by, thread, is_hop))

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what this thread and those started by it enter, to the end of the context."""
        sys.setprofile(self.note)
        threading.setprofile(self.note)
        try:
            yield
        finally:
            threading.setprofile(None)  # type: ignore[arg-type] # None ends it
            sys.setprofile(None)

    def show(self) -> None:
        """Print every hop with its thread, and in the end one JSON object: `hops`, `files`, and `functions`, which
        counts all of ours that were entered on the way."""
        for number, hop in enumerate(self.hops, start=1):
            print(f"{number:3} {hop.thread:12} {hop.caller or 'begins'} → {hop.function}  {hop.file}")
        print(json.dumps({"hops": len(self.hops), "files": len(self.files), "functions": len(self.entered)}))


def told_in_the_story(script: str) -> set[tuple[int, int]]:
    """The hops and files that the architecture's page says of a script's walk; one pair if both languages agree."""
    said = set()
    for page in ("architecture.md", "architecture.zh-CN.md"):
        _, named, after = (_ROOT / "docs" / page).read_text(encoding="utf-8").partition(f"`{script}`")
        numbers = re.findall(r"\d+", after.partition("\n\n")[0])
        if not named or len(numbers) < 2:
            raise LookupError(f"docs/{page} says no numbers of {script}")
        said.add((int(numbers[-2]), int(numbers[-1])))
    return said


def _is_ours(frame: FrameType) -> bool:
    return _is_in_our_files(frame) and not frame.f_code.co_name.startswith("<")


def _is_in_our_files(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_PACKAGES)


def _file(frame: FrameType) -> str:
    return Path(frame.f_code.co_filename).relative_to(_ROOT).as_posix()
