"""What a command loads before it does anything: a question is not to wait for what only reads documents."""

from __future__ import annotations

import subprocess
import sys

_READING = ("ingest.parse.parsed", "ingest.parse.readers", "ingest.parse.html_word_markdown", "ingest.parse.detect",
            "ingest.parse.office", "ingest.parse.mail", "ingest.parse.page.", "ingest.parse.pdf.reader",
            "ingest.parse.pdf.text_layer", "ingest.parse.pictures.ocr", "ingest.parse.text.plain",
            "ingest.parse.text.mark", "ingest.split", "ingest.runs.preparing")  # fmt: skip
"""What reads and cuts documents. The few modules that draw a page for a citation are not among it."""


def loaded_by(module: str) -> list[str]:
    """The names of all modules that a new process has after importing this one."""
    listing = f"import sys, {module}; print(*sys.modules)"
    return subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()


def test_a_search_loads_no_parser() -> None:
    loaded = loaded_by("api.cli.search")
    assert [name for name in loaded if name.startswith(_READING)] == []
    assert not {"unstructured", "docx", "openpyxl", "xlrd", "olefile", "rapidocr", "torch"} & set(loaded)


def test_the_help_loads_no_more_than_the_command_line_itself() -> None:
    ours = {name for name in loaded_by("api.cli") if name.partition(".")[0] in ("ingest", "assistant", "api")}
    assert ours == {"api", "api.cli", "ingest", "ingest.errors", "ingest.home", "ingest.home.processes"}


def test_a_worker_loads_neither_the_database_nor_the_index() -> None:
    loaded = loaded_by("ingest.runs.stages, ingest.runs.preparing")
    assert not {"sqlalchemy", "alembic", "qdrant_client", "ingest.catalog", "ingest.store"} & set(loaded)
