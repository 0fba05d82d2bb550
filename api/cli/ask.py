"""`youju ask` answers a question from the documents."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from api.answers.nearest import heading, snippet
from api.answers.notices import not_checked, notice
from api.cli.connection import ONLY_SOURCE, Connection, connect, scope
from api.cli.output import console, notes, print_changed, print_json, titled_place
from api.settings import load_settings
from assistant.errors import ModelError

app = typer.Typer()

_NO_DOCUMENTS = {
    "zh": "还没有收录任何文档：请先运行 `youju ingest 文件夹`。",
    "en": "There are no documents yet: `youju ingest FOLDER` brings some in.",
}
_CUT = {
    "zh": "回答达到了 token 上限，结尾被截断：请调高 YOUJU_MODEL_MAX_TOKENS，或者把问题问得更具体。",
    "en": "The answer was cut at its limit of tokens: raise YOUJU_MODEL_MAX_TOKENS, or ask for less.",
}


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="Write the question in Chinese or English.")],
    source: Annotated[list[str] | None, typer.Option(help=ONLY_SOURCE)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Answer a question from the documents, and number the sources of the answer."""
    asked = {"question": question} | scope(source)
    with connect(load_settings(), command="ask") as connection:
        if as_json:
            print_json(connection.post("/v1/ask", asked))
            return
        answer = _print_answer(connection, asked)
        if (
            not answer["evidence"]
            and not answer["nearest"]
            and not connection.get("/v1/documents", limit=1)["documents"]
        ):
            notes.print(_NO_DOCUMENTS["en" if answer["language"] == "en" else "zh"])
    if answer["cut"]:
        notes.print(_CUT["en" if answer["language"] == "en" else "zh"])
    language, citations = answer["language"], answer["citations"]
    unchecked = {citation["number"] for citation in citations if citation["support"] == "not_checkable"}
    told = {name: answer[name] for name in ("grounded", "refused", "small_talk", "strayed")}
    if warning := notice(language, **told, not_checkable=unchecked, unsupported=len(answer["unsupported"])):
        console.print(f"[yellow]⚠ {escape(warning)}[/yellow]\n")
    _print_nearest(answer)
    for number, citation in sorted({hit["number"]: hit for hit in citations}.items()):
        _print_source(citation, f" · [yellow]{not_checked(language)}[/yellow]" if number in unchecked else "")


def _print_nearest(answer: dict[str, Any]) -> None:
    """Print the passages nearest to a refused question, without the numbers that citations have."""
    if not answer["nearest"]:
        return
    console.print(f"{heading(answer['language'])}\n")
    for hit in answer["nearest"]:
        console.print(f"  - {escape(''.join(titled_place(hit)))}")
        console.print(f"    {escape(snippet(hit['quote'] or hit['text']))}")
        console.print(f"    [dim]{escape(hit['uri'])}[/dim]")


def _print_evidence(evidence: list[dict[str, Any]]) -> None:
    """Print the places that the answer would have come from."""
    for hit in evidence:
        _print_source(hit)


def _print_source(hit: dict[str, Any], label: str = "") -> None:
    console.print(f"  [cyan]\\[{hit['number']}][/cyan] {escape(''.join(titled_place(hit)))}{label}")
    console.print(f"      [dim]{escape(hit['uri'])}[/dim]")


def _print_answer(connection: Connection, asked: dict[str, Any]) -> dict[str, Any]:
    """Print the answer as it comes. Returns the complete answer. If the model fails, print the evidence found."""
    evidence: list[dict[str, Any]] = []
    for name, data in connection.stream("/v1/ask", asked | {"stream": True}):
        if name == "searched":
            print_changed(data)
        elif name == "text_delta":
            console.print(escape(data["text"]), end="")
        elif name == "evidence_found":
            evidence = data["evidence"]
        elif name == "failed":
            console.print()
            _print_evidence(evidence)
            raise ModelError(data["error"]["code"], data["error"]["message"], data["error"]["hint"])
        elif name == "finished":
            console.print("\n")
            return dict(data)
    notes.print("The answer broke off.")
    raise ModelError("answer_incomplete", "The answer broke off.", "Ask again.")
