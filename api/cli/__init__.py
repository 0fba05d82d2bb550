"""The command line: `youju COMMAND`. Each command is a module of this package. A module is loaded only when its command
is run, so that `youju --help` answers at once.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ingest.errors import YoujuError
from ingest.home.processes import loaded_for_good

DONE, DONE_IN_PART, NOT_DONE = 0, 1, 2
"""The exit codes of every command."""
_INTERRUPTED, _TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM

_COMMANDS = {
    "ingest": "Bring files and folders into the index.",
    "ask": "Answer a question from the documents.",
    "search": "Find the passages that match a query.",
    "serve": "Serve the chat page, the HTTP API and the DingTalk bot.",
    "eval": "Measure retrieval or refusals on a test set in the BEIR layout.",
    "sources": "List the sources, check one, or remove its documents.",
    "documents": "List the documents, retry failed ones, or give them up.",
    "runs": "List the runs, and show, follow or cancel one of them.",
    "verify": "Check that every document can be found, and repair the rest.",
    "index": "List the versions of the index, switch to one, or drop one.",
    "models": "List the Qwen chat models, show one, or find those that fit.",
    "home": "Join a home and a database that are kept apart.",
    "doctor": "Check this installation and its settings.",
}


class _Commands(TyperGroup):
    """Finds commands by name. For help it needs only one line of each; the real command is loaded when it will run."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        return TyperCommand(cmd_name, help=_COMMANDS[cmd_name], callback=lambda: None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        with loaded_for_good():
            module = importlib.import_module(f"api.cli.{name}")
        return name, typer.main.get_command(module.app), rest


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"youju {importlib.metadata.version('youju')}")
        raise typer.Exit


@app.callback()
def youju(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """有据 Youju answers questions from your own documents, and shows the evidence."""


def main() -> None:
    """Run the command line. For a YoujuError it prints one line with the hint, and the exit code is 2."""
    os.umask(0o077)  # only this user may read the files of a home; child processes inherit this
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(prog_name="youju")
    except YoujuError as error:
        sys.stderr.write(f"youju: {error} [{error.code}]\n")
        sys.exit(NOT_DONE)
    except SystemExit as ended:
        if ended.code in (_INTERRUPTED, _TERMINATED):
            sys.stderr.write("youju: Interrupted. What was done stays: run it again to go on. [interrupted]\n")
        raise


def _terminate(sign: int, frame: FrameType | None) -> None:
    """End in the same way as on Ctrl-C. Otherwise child processes and sockets would stay."""
    sys.exit(_TERMINATED)
