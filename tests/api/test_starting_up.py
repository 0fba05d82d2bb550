"""What a command loads before it does anything: a question is not to wait for what only reads documents."""

from __future__ import annotations

import subprocess
import sys

_READING = ("ingest.parse.parsed", "ingest.parse.readers", "ingest.parse.html_word_markdown", "ingest.parse.detect",
            "ingest.parse.office", "ingest.parse.mail", "ingest.parse.page.", "ingest.parse.pdf.reader",
            "ingest.parse.pdf.text_layer", "ingest.parse.pictures.ocr", "ingest.parse.text.plain",
            "ingest.parse.text.mark", "ingest.split", "ingest.runs.preparing")  # fmt: skip
"""What reads and cuts documents. The few modules that draw a page for a citation are not among it."""


def test_a_search_loads_no_parser() -> None:
    listing = "import sys, api.cli.search; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in loaded if name.startswith(_READING)] == []
    assert not {"unstructured", "docx", "openpyxl", "xlrd", "olefile", "rapidocr", "torch"} & set(loaded)


def test_the_help_loads_no_more_than_the_command_line_itself() -> None:
    listing = "import sys, api.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.partition(".")[0] in ("ingest", "assistant", "api")}
    assert ours == {"api", "api.cli", "ingest", "ingest.errors", "ingest.home", "ingest.home.processes"}
