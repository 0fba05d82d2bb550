"""How fast PDF files are parsed: our whole parse (reading order, headings, tables, boxes) against pdfminer.six's text.

    python -m benchmarks.pdf_parse FOLDER [--runs 3]

pdfminer.six is no dependency of the project: `pip install pdfminer.six` first. Each parser runs in one process of its
own, one after the other, on every file of the folder that has a text layer and that both can read. It reads all files
once before it is timed. The best of the runs counts, of the processor's time and of the clock's. Prints one JSON
object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ingest.document import Reference
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings

_LEAST_LETTERS_PER_PAGE = 100


def main() -> None:
    """Read the arguments, time both parsers and print what was measured."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--parser", choices=["ours", "pdfminer"], help=argparse.SUPPRESS)
    arguments.add_argument("--files", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.parser:
        print(json.dumps(_timed(_PARSERS[given.parser], json.loads(given.files))))
        return
    pages = {str(path): count for path in sorted(given.folder.rglob("*.pdf")) if (count := _pages(path))}
    if not pages:
        sys.exit(f"No PDF file with a text layer was found in {given.folder}.")
    runs = [{parser: _measured(given.folder, parser, list(pages)) for parser in _PARSERS} for _ in range(given.runs)]
    count = sum(pages.values())
    result: dict[str, object] = {"files": len(pages), "pages": count}
    for clock in ("cpu_seconds", "seconds"):
        best = {parser: min(run[parser][clock] for run in runs) for parser in _PARSERS}
        result |= {
            f"{parser}_pages_per_{clock.removesuffix('s')}": round(count / best[parser], 1) for parser in _PARSERS
        }
        result[f"ratio_of_{clock}"] = round(best["pdfminer"] / best["ours"], 2)
    print(json.dumps(result, indent=2))


def _ours(path: str) -> None:
    file = Path(path)
    parse(Reference("benchmark", path, file.name, file.stat().st_size, 0, path=file), IngestSettings(ocr=False))


def _pdfminer(path: str) -> None:
    from pdfminer.high_level import extract_text

    extract_text(path)


_PARSERS: dict[str, Callable[[str], None]] = {"ours": _ours, "pdfminer": _pdfminer}


def _pages(path: Path) -> int:
    """The pages of a file that is to be measured; 0 where it has no text layer, or cannot be read."""
    try:
        reference = Reference("benchmark", str(path), path.name, path.stat().st_size, 0, path=path)
        document = parse(reference, IngestSettings(ocr=False))
        _pdfminer(str(path))
    except ModuleNotFoundError:
        raise
    except Exception:
        return 0
    pages = document.pages or 0
    return pages if len(document.text) >= _LEAST_LETTERS_PER_PAGE * pages else 0


def _measured(folder: Path, parser: str, files: list[str]) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "benchmarks.pdf_parse",
        str(folder),
        "--parser",
        parser,
        "--files",
        json.dumps(files),
    ]
    measured: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return measured


def _timed(read: Callable[[str], None], files: list[str]) -> dict[str, float]:
    """The time for all files, once each has been read and so everything is imported, by both parsers."""
    for file in files:
        read(file)
    clock, cpu = time.perf_counter(), time.process_time()
    for file in files:
        read(file)
    return {"seconds": time.perf_counter() - clock, "cpu_seconds": time.process_time() - cpu}


if __name__ == "__main__":
    main()
