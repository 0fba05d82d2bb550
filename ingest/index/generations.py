"""The folder of an embedded index. It holds numbered generations of one shard, and a file that names the current one.

New chunks lie in memory, in a form that the engine can change. At 100,000 chunks this takes hundreds of megabytes and
is built again at every start. `rewrite` turns it into a form that is read from the disk. That takes the engine seconds,
and no thread of its process runs meanwhile. So a child process rewrites a copy, and the copy becomes the next
generation. Segments that were rewritten before are only copied, unless they are small or have lost a tenth of their
chunks.
"""

from __future__ import annotations

import errno
import fcntl
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
from typing import IO, Any

from ingest.errors import OwnedError
from ingest.home.disk import allocated_bytes, copy_tree, flush_folder, flush_tree
from ingest.index.payload import DENSE, INTEGERS, KEYWORDS, SPARSE

logger = logging.getLogger(__name__)

_NICENESS = 10
_POLL_SECONDS = 0.2
_SEGMENT_CHUNKS = 25_000
"""Segments are merged while their vectors take no more room than the dense vectors of this many chunks. With the terms
of real text that is about 10,000 chunks. This limits the memory of rewriting for an index of any size, and also its
time without the copy. Smaller segments cost searches time and memory (docs/decisions/0001).
"""
_DELETED_SHARE = 0.1
"""A segment that has lost this share of its chunks is rewritten without them. Until then their text is on the disk, and
the document frequencies of its terms count them.
"""
_FLOAT16_BYTES = 2


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation. Its number is unique."""

    number: int

    def path(self, folder: Path) -> Path:
        """Returns the folder of its shard."""
        return folder / str(self.number)


class Growth:
    """Counts in `chunks` how many were written since the index was rewritten. They lie in memory, even if they were
    replaced or deleted since. Only the thread that writes may use it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "growth"
        self._recorded = self.chunks = self._read()

    def record(self) -> None:
        """Write the count to a file for the next process, because the engine cannot tell it. A failure does no harm."""
        if self.chunks != self._recorded:
            with suppress(OSError):
                self._file.write_text(str(self.chunks), encoding="ascii")
                self._recorded = self.chunks

    def reset(self) -> None:
        """Begin to count again at 0."""
        self.chunks = 0
        self.record()

    def _read(self) -> int:
        try:
            return int(self._file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0  # a new index, or the file was cut off


def claim(folder: Path) -> IO[str]:
    """Take the folder for this process, or raise `OwnedError`.

    The engine locks its log too, but only after it has touched other files. If it then refuses to load, the owner
    cannot flush any more, and its journals are cut short. So no second process may get as far as loading.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    claim = folder.with_name(f"{folder.name}.lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        claim.seek(0)
        owner = claim.read().strip() or "unknown"
        claim.close()
        raise OwnedError(
            "home_in_use",
            f"Another process (process id {owner}) has the index in {folder} open.",
            "Stop it, or send it the work: `youju serve` answers questions and ingests at the same time.",
        ) from error
    claim.truncate(0)
    claim.write(str(os.getpid()))
    claim.flush()
    return claim


def shard_config(engine: ModuleType, dimension: int, max_threads: int | None = None) -> Any:
    """Returns how a shard stores its points. It is the same for creating, loading and rewriting a shard."""
    # Half precision finds the same neighbours (recall@10 of 1.000 among 100,000 random vectors) in two thirds of the
    # time and half the memory. There is no graph (m=0): up to about 200,000 chunks, a search compares all vectors.
    dense = engine.EdgeVectorParams(
        size=dimension, distance=engine.Distance.Cosine, datatype=engine.VectorStorageDatatype.Float16
    )
    sparse = engine.EdgeSparseVectorParams(
        modifier=engine.Modifier.Idf, datatype=engine.VectorStorageDatatype.Float16, memory=engine.Memory.Cold
    )
    # Thresholds are sizes of vectors in kB. It is 1 kB here, because by default a small shard stays in memory when
    # rewritten.
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
    """Build an empty first generation in another folder and rename it. A crash never leaves half of one at `folder`."""
    aside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    first = Generation(1)
    aside.mkdir(parents=True)
    shard = engine.EdgeShard.create(str(first.path(aside)), config)
    index_fields(engine, shard)
    shard.flush()
    shard.close()
    if not switch(aside, first):
        raise OSError(errno.EIO, f"{aside} cannot be written")
    flush_tree(aside)
    aside.rename(folder)
    flush_folder(folder.parent)
    logger.info("created the embedded index %s", folder)


def index_fields(engine: ModuleType, shard: Any) -> None:
    """Create the field indexes that the shard lacks. One that an earlier release made has fewer."""
    # The fields are read from the disk too. Filters are as fast, and an index opens in two thirds of the time.
    memory = engine.Memory.Cached
    keyword = engine.KeywordIndexParams(memory=memory)
    integer = engine.IntegerIndexParams(lookup=False, range=True, memory=memory)
    there = shard.info().payload_schema
    for field, parameters in {**dict.fromkeys(KEYWORDS, keyword), **dict.fromkeys(INTEGERS, integer)}.items():
        if field not in there:
            shard.update(engine.UpdateOperation.create_field_index(field, parameters))


def is_index(folder: Path) -> bool:
    """Returns True if the folder holds an index, and not only the rest of one."""
    try:
        return _written(folder).path(folder).is_dir()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def current(folder: Path) -> Generation:
    """Returns the generation that counts. Other generations, which a killed process left, are removed."""
    generation = _written(folder)
    for entry in folder.iterdir():
        if entry.is_dir() and entry != generation.path(folder):
            shutil.rmtree(entry, ignore_errors=True)
    return generation


def switch(folder: Path, generation: Generation) -> bool:
    """Make this generation the current one. Returns True if it is the current one afterwards.

    One rename does it, so a crash leaves either the old one or the new one. If the disk fails, the file is read again
    to see which one counts: a write to the other one would be lost.
    """
    written = folder / "current.new"
    try:
        with written.open("w", encoding="ascii") as file:
            json.dump({"number": generation.number}, file)
            file.flush()
            os.fsync(file.fileno())
        written.replace(folder / "current")
        flush_folder(folder)  # else a crash could bring back the old name after the old copy is removed
    except OSError as error:
        logger.warning("Another copy of the index could not be made the current one (%s).", error.strerror or error)
        return (folder / "current").exists() and _written(folder) == generation
    return True


def _written(folder: Path) -> Generation:
    return Generation(json.loads((folder / "current").read_text(encoding="ascii"))["number"])


def rewrite(folder: Path, generation: Generation, dimension: int, interrupted: Callable[[], bool]) -> Generation | None:
    """Returns a rewritten copy of the generation, which is not yet current. Returns None if it was interrupted or
    failed.

    The generation must be flushed, and nothing may write to it meanwhile. The disk must hold a second copy.
    """
    if not _has_room(folder, generation):
        return None
    # A new number, never one that was there: the child of a killed process may still write to its folder.
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
    """Returns True if the disk has room for a copy, for the engine's work on it, and for other writers meanwhile."""
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

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    with suppress(OSError):
        os.nice(_NICENESS)
    shard = engine.EdgeShard.load(path, shard_config(engine, dimension))
    shard.optimize()
    shard.flush()
    shard.close()
    flush_tree(Path(path))  # the copied files were written by no engine, so no engine flushed them
