"""`youju doctor` says what this installation has, what is missing, and how to correct it."""

from __future__ import annotations

import importlib.metadata
import platform
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from api.cli import DONE, NOT_DONE
from api.cli.connection import connect
from api.cli.finding import Finding
from api.cli.home import count_originals
from api.cli.index import building_note
from api.cli.model_facts import look_at_model_facts
from api.cli.model_server import look_at_model_server
from api.cli.output import console, print_json
from api.settings import Settings, load_settings, synonyms_file
from assistant.gate.weights import FILE_NAME as GATE_FILE
from assistant.gate.weights import OwnWeights
from assistant.models.from_settings import as_fallback, fallback_alone, first_alone, open_model
from assistant.quoting.reading import open_reading
from assistant.rewording.synonyms import read_synonyms
from ingest.embedding.dense import NoDenseEmbedder
from ingest.embedding.e5.embedder import E5Embedder
from ingest.embedding.e5.self_test import self_test
from ingest.embedding.from_settings import open_embedder
from ingest.errors import YoujuError
from ingest.home.lock import find_owner, is_open_to_others
from ingest.network.secrecy import without_secrets

app = typer.Typer()

_LOW_DISK_MB = 1024
_MARKS = {"ok": "[green]✓[/green]", "note": "[yellow]•[/yellow]", "bad": "[red]✗[/red]"}


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Check this installation, its settings, the embedding model and the model server.

    Exit code 2 means that something must be corrected.
    """
    findings = list(_examine(load_settings()))
    bad = any(finding.state == "bad" for finding in findings)
    if as_json:
        print_json({"healthy": not bad, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            console.print(f"{_MARKS[finding.state]} {finding.name}: {escape(finding.detail)}")
            if finding.hint:
                console.print(f"    {escape(finding.hint)}")
    raise typer.Exit(NOT_DONE if bad else DONE)


def _examine(settings: Settings) -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.machine()}, {sys.executable}")
    yield Finding("youju", "ok", importlib.metadata.version("youju"))
    for name, check in _CHECKS.items():
        try:
            found = check(settings)
            if found is not None:
                yield found
        except YoujuError as error:
            yield Finding(name, "bad", error.message, error.hint)
        if name == "chat model":
            yield from look_at_model_facts(settings)


def _home(settings: Settings) -> Finding:
    owner = find_owner(settings.home)
    free_mb = shutil.disk_usage(settings.home if settings.home.exists() else ".").free // 2**20
    detail = f"{settings.home.absolute()}, {free_mb} MiB free"
    if owner is not None:
        detail += f", owned by `youju {owner.command}` (process {owner.pid}){f' at {owner.url}' if owner.url else ''}"
    if free_mb < _LOW_DISK_MB:
        return Finding("home", "bad", detail, "Make room: the index cannot be written without it.")
    if is_open_to_others(settings.home):
        hint = f"`chmod -R go= {shlex.quote(str(settings.home.absolute()))}` keeps the texts of the documents private."
        return Finding("home", "note", f"{detail}, open to other users of this machine", hint)
    return Finding("home", "ok", detail)


def _documents(settings: Settings) -> Finding:
    with connect(settings, command="doctor") as connection:
        documents = connection.documents()
        building = building_note(connection.get("/v1/index")["building"])
    failed = sum(document["state"] == "failed" for document in documents)
    where = without_secrets(settings.qdrant_url) if settings.qdrant_url else "the embedded engine"
    detail = f"{len(documents)} documents, {sum(d['chunks'] for d in documents)} chunks in {where}"
    if failed:
        return Finding("index", "note", f"{detail}, {failed} failed", "`youju documents --failed` says why.")
    if building:
        return Finding("index", "note", detail, building)
    if not documents:
        return Finding("index", "note", detail, "`youju ingest FOLDER` brings documents in.")
    return Finding("index", "ok", detail)


def _originals(settings: Settings) -> Finding:
    stock = count_originals(settings)
    detail = f"{stock.kept} files of uploads"
    if stock.unwanted:
        detail += f", {stock.unwanted} of deleted or replaced ones, which are removed in time"
    if stock.missing:
        hint = "Restore the folder originals of the home from a backup, or upload those documents again."
        return Finding("originals", "bad", f"{detail}; the files of {stock.missing} uploads are missing", hint)
    if stock.unknown:
        hint = "They may be another database's, so nothing removes them. Move them away once you know whose they are."
        return Finding("originals", "note", f"{detail}; {stock.unknown} more are unknown to the database", hint)
    return Finding("originals", "ok", detail)


def _embedder(settings: Settings) -> Finding:
    dense = open_embedder(settings).dense
    if isinstance(dense, NoDenseEmbedder):
        return Finding("embedder", "note", dense.missing.message, dense.missing.hint)
    covered = [language for language in ("zh", "en") if dense.covers(language)]
    detail = f"{dense.name}, {dense.dimension} dimensions, covers {' and '.join(covered)}"
    if isinstance(dense, E5Embedder):
        difference = self_test(dense)
        detail += f"; {dense.computed_by}; known cosines are met to {difference:.3f}"
    if "zh" not in covered:
        hint = "Chinese is found by its words alone. Unset YOUJU_EMBEDDING_MODEL: the shipped model covers it."
        return Finding("embedder", "note", detail, hint)
    return Finding("embedder", "ok", detail)


def _model(settings: Settings) -> Finding:
    if settings.model is None and settings.model_url is None:
        return Finding("chat model", "note", "none: answers are quoted from the documents", "Set YOUJU_MODEL_URL.")
    if settings.model_url is None:
        open_model(first_alone(settings), hub=settings.hub)
        return Finding("chat model", "ok", f"{settings.model}, in this process")
    return look_at_model_server(settings)


def _fallback(settings: Settings) -> Finding | None:
    """Returns the finding about the model that stands in, or None if there is none."""
    spare = fallback_alone(settings)
    if spare is None:
        return None
    if spare.model_url is None and spare.model is None:
        return Finding("fallback model", "ok", "quotes the documents where the chat model fails")
    found = _model(spare)
    return Finding("fallback model", found.state, found.detail, as_fallback(found.hint))


def _gate(settings: Settings) -> Finding:
    own = OwnWeights.read(settings.home)
    if own is None:
        return Finding("gate", "ok", "refuses by the shipped weights, which are for any embedder")
    reading = open_reading() if settings.model is None and settings.model_url is None else None
    reason = own.misfit(open_embedder(settings).name, reading.name if reading else None)
    if reason is not None:
        hint = f"Fit them again with `youju eval FOLDER --refusal --fit`, or delete {settings.home / GATE_FILE}."
        return Finding("gate", "note", f"refuses by the shipped weights: those of this home do not fit, {reason}", hint)
    return Finding("gate", "ok", f"refuses by the weights of this home, fitted with {own.embedder}")


def _synonyms(settings: Settings) -> Finding:
    path = synonyms_file(settings)
    words, mistakes = read_synonyms(path)
    if mistakes:
        hint = "Correct these lines. The others are in use, and the file is read again when it changes."
        more = f"; {len(mistakes) - 3} more" if len(mistakes) > 3 else ""
        return Finding("synonyms", "bad", f"{path}: {'; '.join(map(str, mistakes[:3]))}{more}", hint)
    if settings.synonyms is not None and not path.is_file():
        return Finding("synonyms", "bad", f"{path} does not exist", "Correct YOUJU_SYNONYMS, or make the file.")
    return Finding("synonyms", "ok", f"{len(words)} groups in {path}" if len(words) else "none")


def _office(settings: Settings) -> Finding:
    if shutil.which("soffice"):
        return Finding("old office files", "ok", "LibreOffice reads .doc and .ppt")
    return Finding("old office files", "note", ".doc and .ppt cannot be read", "Install LibreOffice to read them.")


def _dingtalk(settings: Settings) -> Finding:
    if not (settings.dingtalk_stream or settings.dingtalk_http):
        return Finding("dingtalk", "ok", "off")
    if settings.dingtalk_client_id is None or settings.dingtalk_client_secret is None:
        hint = "Set YOUJU_DINGTALK_CLIENT_ID and YOUJU_DINGTALK_CLIENT_SECRET."
        return Finding("dingtalk", "bad", "on, without the application's id or secret", hint)
    return Finding("dingtalk", "ok", "stream" if settings.dingtalk_stream else "HTTP callback")


_CHECKS: dict[str, Callable[[Settings], Finding | None]] = {
    "home": _home,
    "index": _documents,
    "originals": _originals,
    "embedder": _embedder,
    "chat model": _model,
    "fallback model": _fallback,
    "gate": _gate,
    "synonyms": _synonyms,
    "old office files": _office,
    "dingtalk": _dingtalk,
}
