"""What a command loads before it does anything: a question is not to wait for what only reads documents."""

from __future__ import annotations

import subprocess
import sys

_PICTURES = {"parse", "parse.pdf", "parse.pdf.page_picture", "parse.pdf.unlock", "parse.pdf.form_structure",
             "parse.pictures", "parse.pictures.images", "parse.refusals",
             "parse.text", "parse.text.encoding", "parse.text.scripts"}  # fmt: skip
"""What draws a page for a citation, and what it stands on. No reader of documents is among it."""


def test_a_search_loads_no_parser() -> None:
    listing = "import sys, api.cli.search; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()
    reading = {name.removeprefix("ingest.") for name in loaded if name.startswith(("ingest.parse", "ingest.split"))}
    assert reading - _PICTURES == set()
    assert "ingest.runs.preparing" not in loaded
    assert not {"unstructured", "docx", "openpyxl", "xlrd", "olefile", "rapidocr", "torch"} & set(loaded)


def test_the_help_loads_no_more_than_the_command_line_itself() -> None:
    listing = "import sys, api.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.partition(".")[0] in ("ingest", "assistant", "api")}
    assert ours == {"api", "api.cli", "ingest", "ingest.errors", "ingest.home", "ingest.home.processes"}
