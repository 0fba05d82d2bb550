"""What a command loads before it does anything: a question is not to wait for what only reads documents."""

from __future__ import annotations

import subprocess
import sys

import pytest

_READING = ("ingest.parse.parsed", "ingest.parse.readers", "ingest.parse.html_word_markdown", "ingest.parse.detect",
            "ingest.parse.office", "ingest.parse.mail", "ingest.parse.page.", "ingest.parse.pdf.reader",
            "ingest.parse.pdf.text_layer", "ingest.parse.pictures.ocr", "ingest.parse.text.plain",
            "ingest.parse.text.mark", "ingest.split", "ingest.runs.preparing")  # fmt: skip
"""What reads and cuts documents. The few modules that draw a page for a citation are not among it."""


def loaded_by(modules: str) -> list[str]:
    """The names of all modules that a new process has after importing these, and doing what follows a semicolon."""
    listing = f"import sys, {modules}; print(*sys.modules)"
    return subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("command", ["ask", "search", "ingest", "documents", "sources", "verify", "index"])
def test_a_command_that_talks_to_a_server_loads_no_application(command: str) -> None:
    loaded = set(loaded_by(f"api.cli.{command}"))
    assert "httpx" in loaded
    assert not {"api.app", "api.workspace", "ingest.store", "fastapi", "sqlalchemy", "numpy", "langchain_core"} & loaded


def test_only_a_configured_chat_model_brings_langchain() -> None:
    opening = "assistant.models.from_settings, assistant.settings; assistant.models.from_settings.open_model"
    quoting = f"{opening}(assistant.settings.AssistantSettings(), hub=False)"
    asking = f"{opening}(assistant.settings.AssistantSettings(model='m', model_url='http://127.0.0.1:1/v1'), hub=False)"
    heavy = {"langchain_core", "langsmith", "aiohttp"}
    assert not heavy & {*loaded_by("api.app"), *loaded_by(quoting)}
    assert heavy <= set(loaded_by(asking))


def test_a_search_loads_no_parser() -> None:
    loaded = loaded_by("api.cli.search, api.cli.private_server")
    assert "api.app" in loaded
    assert [name for name in loaded if name.startswith(_READING)] == []
    assert not {"unstructured", "docx", "openpyxl", "xlrd", "olefile", "rapidocr", "torch"} & set(loaded)


def test_a_server_loads_neither_a_bot_nor_clients_of_sources_before_it_has_one() -> None:
    loaded = set(loaded_by("api.cli.serve, api.cli.serving"))
    assert {"api.app", "api.channels.memory", "ingest.sources.from_settings"} <= loaded
    assert not {"api.dingtalk.bot", "websockets", "ingest.sources.web.source", "lxml", "fsspec"} & loaded


def test_the_help_loads_no_more_than_the_command_line_itself() -> None:
    ours = {name for name in loaded_by("api.cli") if name.partition(".")[0] in ("ingest", "assistant", "api")}
    assert ours == {"api", "api.cli", "ingest", "ingest.errors", "ingest.home", "ingest.home.processes"}


def test_a_worker_loads_neither_the_database_nor_the_index() -> None:
    loaded = loaded_by("ingest.runs.stages, ingest.runs.preparing")
    assert not {"sqlalchemy", "alembic", "qdrant_client", "ingest.catalog", "ingest.store"} & set(loaded)
    assert not {"httpx", "rich", "ssl"} & set(loaded), "a client of HTTP is for who has an embedding server"
