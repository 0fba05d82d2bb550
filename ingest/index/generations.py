"""The folder of an embedded index: numbered generations of one shard, of which a file names the current one.

What is written lies in memory, in the form the engine can change: at 100,000 chunks hundreds of megabytes, built anew
at every start. `rewrite` turns it into a form that is read from the disk. That takes the engine seconds, in which it
lets no thread of its process run; so a child process rewrites a copy, which then becomes the next generation. What was
rewritten before is only copied, but for segments that are still small or have lost a tenth of their chunks.
"""

from __future__ import annotations

import errno
import json
import logging
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ingest.home.disk import allocated_bytes, copy_tree, flush_folder, flush_tree
from ingest.index.payload import DENSE, INTEGERS, KEYWORDS, SPARSE

logger = logging.getLogger(__name__)

_NICENESS = 10
_POLL_SECONDS = 0.2
_SEGMENT_CHUNKS = 25_000
"""Segments are merged while their vectors take no more than the dense ones of so many chunks: with the terms of real
text, some 10,000 chunks. That bounds the memory of rewriting, and its time but for the copy, however large the index
is. Smaller segments cost searches time and memory (docs/decisions/0001)."""
_DELETED_SHARE = 0.1
"""A segment that has lost so much is rewritten without it. Until then the text is on the disk, and the document
frequencies of its terms count it."""
_FLOAT16_BYTES = 2


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation by its number, which is unique."""

    number: int

    def path(self, folder: Path) -> Path:
        """Where its shard is."""
        return folder / str(self.number)


class Growth:
    """How many `chunks` were written since the index was rewritten: those lie in memory, also if they were replaced
    or deleted since. For the thread that writes."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "growth"
        self._recorded = self.chunks = self._read()

    def record(self) -> None:
        """Write it down for the next process, which cannot ask the engine. It is no harm if that fails."""
        if self.chunks != self._recorded:
            with suppress(OSError):
                self._file.write_text(str(self.chunks), encoding="ascii")
                self._recorded = self.chunks

    def reset(self) -> None:
        """Begin to count anew."""
        self.chunks = 0
        self.record()

    def _read(self) -> int:
        try:
            return int(self._file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0  # a new index, or it was cut off


def shard_config(engine: ModuleType, dimension: int, max_threads: int | None = None) -> Any:
    """How a shard stores what it holds, the same for creating, loading and rewriting it."""
    # Half precision finds the same neighbours (recall@10 of 1.000 among 100,000 random vectors) in two thirds of
    # the time and half the memory. No graph (m=0): up to some 200,000 chunks all vectors are compared.
    dense = engine.EdgeVectorParams(
        size=dimension, distance=engine.Distance.Cosine, datatype=engine.VectorStorageDatatype.Float16
    )
    sparse = engine.EdgeSparseVectorParams(
        modifier=engine.Modifier.Idf, datatype=engine.VectorStorageDatatype.Float16, memory=engine.Memory.Cold
    )
    # Sizes are those of vectors, in kB. A threshold of 1 kB: by default, a small shard stays in memory when rewritten.
    optimizers = engine.EdgeOptimizersConfig(
        default_segment_number=1,
        max_segment_size=_SEGMENT_CHUNKS * dimension * _FLOAT16_BYTES // 1024,
        indexing_threshold=1,
        deleted_threshold=_DELETED_SHARE,
        vacuum_min_vector_number=1,
    )
    return engine.EdgeConfig(
        vectors={DENSE: dense},
        sparse_vectors={SPARSE: sparse},
        hnsw_config=engine.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=10_000_000),
        optimizers=optimizers,
        id_tracker_memory=engine.Memory.Cold,
        max_search_threads=max_threads,
        wal_enabled=True,
    )


def create(engine: ModuleType, folder: Path, config: Any) -> None:
    """Build an empty first generation aside and rename it, so that a crash never leaves half of one at `folder`."""
    aside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    first = Generation(1)
    aside.mkdir(parents=True)
    shard = engine.EdgeShard.create(str(first.path(aside)), config)
    # Read from the disk like the rest: filters are as fast, and an index opens in two thirds of the time.
    memory = engine.Memory.Cached
    keyword = engine.KeywordIndexParams(memory=memory)
    integer = engine.IntegerIndexParams(lookup=False, range=True, memory=memory)
    fields = {**dict.fromkeys(KEYWORDS, keyword), **dict.fromkeys(INTEGERS, integer)}
    for field, parameters in fields.items():
        shard.update(engine.UpdateOperation.create_field_index(field, parameters))
    shard.flush()
    shard.close()
    if not switch(aside, first):
        raise OSError(errno.EIO, f"{aside} cannot be written")
    flush_tree(aside)
    aside.rename(folder)
    flush_folder(folder.parent)
    logger.info("created the embedded index %s", folder)


def is_index(folder: Path) -> bool:
    """Whether there is an index in a folder, and not only what is left of one."""
    try:
        return _written(folder).path(folder).is_dir()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def current(folder: Path) -> Generation:
    """The generation that counts. What is left of others, by a process that was killed, is removed."""
    generation = _written(folder)
    for entry in folder.iterdir():
        if entry.is_dir() and entry != generation.path(folder):
            shutil.rmtree(entry, ignore_errors=True)
    return generation


def switch(folder: Path, generation: Generation) -> bool:
    """Make it the current one, in one step that a crash does or does not undo whole; whether it is. A disk that fails
    is asked which of the two counts: what is written to the other one would be lost."""
    written = folder / "current.new"
    try:
        with written.open("w", encoding="ascii") as file:
            json.dump({"number": generation.number}, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(folder / "current")
        flush_folder(folder)  # or the name might come back after the other copy is removed
    except OSError as error:
        logger.warning("Another copy of the index could not be made the current one (%s).", error.strerror or error)
        return (folder / "current").exists() and _written(folder) == generation
    return True


def _written(folder: Path) -> Generation:
    return Generation(json.loads((folder / "current").read_text(encoding="ascii"))["number"])


def rewrite(folder: Path, generation: Generation, dimension: int, interrupted: Callable[[], bool]) -> Generation | None:
    """A rewritten copy of the generation, not yet current; None if it was interrupted or could not be made.

    The generation must be flushed, and nothing may be written to it meanwhile. Takes disk for a second copy.
    """
    if not _has_room(folder, generation):
        return None
    # Never a number that was there: the child of a killed process may still be writing to it.
    following = Generation(time.time_ns())
    path = following.path(folder)
    process = multiprocessing.get_context("spawn").Process(target=_optimize, args=(str(path), dimension), daemon=True)
    try:
        copy_tree(generation.path(folder), path)
        process.start()
    except OSError as error:
        logger.warning("The index stays as it is: a copy of it could not be made (%s).", error.strerror or error)
        shutil.rmtree(path, ignore_errors=True)
        return None
    while process.is_alive() and not interrupted():
        process.join(_POLL_SECONDS)
    process.kill()
    process.join()
    if process.exitcode != 0:
        if not interrupted():
            logger.warning("The index stays as it is: rewriting it ended with code %s.", process.exitcode)
        shutil.rmtree(path, ignore_errors=True)
        return None
    return following


def _has_room(folder: Path, generation: Generation) -> bool:
    """Whether a copy finds room, and what the engine makes of it, and some is left for what others write meanwhile."""
    needed = 3 * allocated_bytes(generation.path(folder))
    if (free := shutil.disk_usage(folder).free) >= needed:
        return True
    logger.warning(
        "The index stays as it is: to rewrite it for less memory takes %d MiB of disk, and %d MiB are free.",
        needed // 2**20,
        free // 2**20,
    )
    return False


def _optimize(path: str, dimension: int) -> None:
    import qdrant_edge as engine

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    with suppress(OSError):
        os.nice(_NICENESS)
    shard = engine.EdgeShard.load(path, shard_config(engine, dimension))
    shard.optimize()
    shard.flush()
    shard.close()
    flush_tree(Path(path))  # what the copy has of the other one was written by no engine
