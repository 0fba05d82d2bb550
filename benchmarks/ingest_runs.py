"""Three runs over one folder: everything new, nothing changed, one document in a hundred changed.

    python -m benchmarks.ingest_runs --documents 10000
    python -m benchmarks.ingest_runs --documents 4000 --megabytes 2048 --mixed

Makes the folder (Chinese and English text files; with `--mixed` also Markdown, CSV, HTML, Word and PDF files, padded
with pictures' and films' worth of bytes to the size wanted), runs `youju ingest` on it as a user would, and prints
one JSON object: seconds, documents and chunks of each run, and the memory that its processes had, the most of it and
the most and the median of each quarter of the run: all together, and of their own the process that owns the index, its
workers, and the child that rewrites the index now and then. It must not grow with the number of documents.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from docx import Document

from benchmarks.search_http import Words

_SAMPLE_SECONDS = 0.2
_OWN = ("owner", "workers", "rewriting")
_QUARTERS = 4


class Folder:
    """The documents that are made, each from its number: the same number gives the same kind and length."""

    def __init__(self, root: Path, *, mixed: bool, padding_bytes: int) -> None:
        self._root = root
        self._words = Words(np.random.default_rng(1))
        self._padding = random.Random(1).randbytes(padding_bytes)
        text: dict[str, Callable[[str, str], bytes]] = {"txt": lambda title, body: f"{title}\n\n{body}".encode()}
        self._writers = text | ({"md": _markdown, "csv": _csv, "html": _html, "docx": self._docx, "pdf": self._pdf})
        self._kinds = ["txt", "md", "csv", "html", "docx", "docx", "pdf", "pdf"] if mixed else ["txt"]

    def write(self, number: int, version: int) -> None:
        """Write one document of some paragraphs."""
        language = "zh" if number % 2 else "en"
        kind = self._kinds[number % len(self._kinds)]
        if kind == "pdf":
            language = "en"  # Chinese would need a font
        body = "\n\n".join(self._words.text(language) for _ in range(1 + number % 4))
        content = self._writers[kind](f"Document {number} version {version}", body)
        file = self._root / f"{number // 500:03d}" / f"document-{number:05d}.{kind}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def _docx(self, title: str, body: str) -> bytes:
        document = Document()
        document.add_heading(title, 1)
        for paragraph in body.split("\n\n"):
            document.add_paragraph(paragraph)
        written = io.BytesIO()
        document.save(written)
        with zipfile.ZipFile(written, "a") as archive:
            archive.writestr("word/media/film1.mp4", self._padding)
        return written.getvalue()

    def _pdf(self, title: str, body: str) -> bytes:
        """A PDF of one page, with a stream that no page shows."""
        lines = [title, *(line for part in body.split("\n\n") for line in _wrapped(part)), ""]
        text = "BT /F1 11 Tf 50 800 Td 13 TL " + "".join(f"({line}) Tj T* " for line in lines) + "ET"
        objects = [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            b"<</Length %d>>stream\n%s\nendstream" % (len(text), text.encode("ascii")),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</Length %d>>stream\n%s\nendstream" % (len(self._padding), self._padding),
        ]
        written, offsets = bytearray(b"%PDF-1.4\n"), []
        for number, content in enumerate(objects, 1):
            offsets.append(len(written))
            written += b"%d 0 obj%s endobj\n" % (number, content)
        start = len(written)
        written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        written += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
        written += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
        return bytes(written)


def _wrapped(text: str, width: int = 12) -> list[str]:
    words = text.split()
    return [" ".join(words[start : start + width]) for start in range(0, len(words), width)]


def _markdown(title: str, body: str) -> bytes:
    return f"# {title}\n\n## Details\n\n{body}\n".encode()


def _html(title: str, body: str) -> bytes:
    paragraphs = "".join(f"<p>{part}</p>" for part in body.split("\n\n"))
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{paragraphs}</body></html>".encode()


def _csv(title: str, body: str) -> bytes:
    rows = "".join(f"{number},{part}\n" for number, part in enumerate(body.split("\n\n")))
    return f"number,{title}\n{rows}".encode()


class Memory:
    """The memory of a process and of those below it, sampled while it runs, in MiB: the proportional share of all of
    it, and what each part has of its own (anonymous), without the files it maps, which the system may drop."""

    def __init__(self, pid: int, home: Path) -> None:
        self._samples: dict[str, list[float]] = {name: [] for name in ("all", *_OWN)}
        self._pid = pid
        self._index = f"{home}/index/"
        self._rewriting: set[int] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> dict[str, dict[str, object]]:
        """The most it ever was, and the most and the median of each quarter of the time."""
        self._over.set()
        self._thread.join()
        return {whose: _summary(samples) for whose, samples in self._samples.items()}

    def _sample(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            pids = _tree(self._pid)
            # Of the processes below, only the one that rewrites the index opens its files.
            self._rewriting |= {pid for pid in pids[1:] if self._index in _read(Path(f"/proc/{pid}/maps"))}
            workers = [pid for pid in pids[1:] if pid not in self._rewriting]
            parts = (pids[:1], workers, [pid for pid in pids if pid in self._rewriting])
            self._samples["all"].append(sum(_held_mb(pid, "Pss") for pid in pids))
            for name, part in zip(_OWN, parts, strict=True):
                self._samples[name].append(sum(_held_mb(pid, "Anonymous") for pid in part))


def _summary(samples: Sequence[float]) -> dict[str, object]:
    quarters = np.array_split(samples or [0.0], _QUARTERS)
    filled = [quarter for quarter in quarters if quarter.size]
    return {
        "peak": round(max(samples, default=0.0)),
        "peak_of_quarters": [round(float(quarter.max())) for quarter in filled],
        "median_of_quarters": [round(float(np.median(quarter))) for quarter in filled],
    }


def _tree(pid: int) -> list[int]:
    below = [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in _read(file).split()]
    return [pid, *(each for child in below for each in _tree(child))]


def _held_mb(pid: int, kind: str) -> float:
    lines = _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{kind}:")), 0.0)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # the process has ended meanwhile


def run(root: Path, home: Path) -> dict[str, object]:
    """One `youju ingest` of the folder, to its end."""
    command = [sys.executable, "-c", "from api.cli import main; main()", "ingest", str(root), "--json"]
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        env={**os.environ, "YOUJU_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        memory = Memory(process.pid, home)
        printed, _ = process.communicate()
    report = json.loads(printed)
    counts = {name: report[name] for name in ("found", "new", "changed", "unchanged", "failed", "chunks", "embedded")}
    wall = round(time.perf_counter() - started, 2)
    return {"seconds": report["seconds"], "seconds_with_start": wall, **counts, "memory_mb": memory.stop()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--megabytes", type=int, default=0, help="size of the folder, reached by padding Word and PDF")
    parser.add_argument("--mixed", action="store_true", help="several formats")
    options = parser.parse_args()
    padding = options.megabytes * 2**20 // (options.documents // 2) if options.mixed else 0
    with tempfile.TemporaryDirectory() as temporary:
        root, home = Path(temporary) / "documents", Path(temporary) / "home"
        folder = Folder(root, mixed=options.mixed, padding_bytes=padding)
        for number in range(options.documents):
            folder.write(number, 1)
        size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file())
        results: dict[str, object] = {"megabytes": round(size / 2**20), "new": run(root, home)}
        results["unchanged"] = run(root, home)
        for number in range(0, options.documents, 100):
            folder.write(number, 2)
        results["one_percent_changed"] = run(root, home)
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
