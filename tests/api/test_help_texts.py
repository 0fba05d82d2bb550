"""The help of the command line is whole sentences that say what a command or an option does, and all of it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from api.cli import _COMMANDS
from tests.api.command_line import run_youju

VERBS = {
    "Also", "Answer", "Ask", "Bring", "Check", "Do", "Find", "Give", "Ingest", "Install", "Join", "Let", "List",
    "Listen", "Look", "Manage", "Measure", "Name", "Print", "Read", "Remove", "Repair", "Search", "Serve", "Show",
    "Take", "Use", "Write",
}  # fmt: skip
"""How a help text begins. A new one may add a verb, not a noun without a sentence."""


def commands() -> Iterator[tuple[str, Any]]:
    """Every command and every command of a command, with its name."""
    for name in _COMMANDS:
        command = typer.main.get_command(import_module(f"api.cli.{name}").app)
        yield name, command
        yield from ((f"{name} {inner}", each) for inner, each in getattr(command, "commands", {}).items())


def helps() -> Iterator[tuple[str, str]]:
    """Every help text that is ours, and where it stands."""
    yield from ((f"youju --help: {name}", text) for name, text in _COMMANDS.items())
    for name, command in commands():
        yield name, command.help
        yield from ((f"{name} {each.name}", each.help) for each in command.params)


ALL = dict(helps())


def test_every_command_and_every_option_is_explained() -> None:
    assert len(ALL) > 50
    assert [place for place, text in ALL.items() if not text] == []


@pytest.mark.parametrize("place", ALL)
def test_a_help_text_is_whole_sentences(place: str) -> None:
    text = " ".join(ALL[place].split())
    sentences = re.split(r"(?<=\.) ", text)
    assert text.endswith(".")
    assert ";" not in text
    assert text.split()[0] in VERBS
    assert [sentence for sentence in sentences if len(sentence.split()) < 3 or not sentence[0].isupper()] == []


def test_the_list_of_commands_shows_each_line_whole() -> None:
    shown = run_youju(Path("unused"), "--help").stdout
    assert {
        name for name, text in _COMMANDS.items() if not re.search(rf"^  {name} +{re.escape(text)}$", shown, re.M)
    } == set()


def test_the_help_of_a_command_shows_its_text_and_its_options() -> None:
    shown = " ".join(run_youju(Path("unused"), "verify", "--help").stdout.replace("│", " ").split())
    command = dict(commands())["verify"]
    for text in (command.help, *(each.help for each in command.params)):
        for sentence in text.split(". ")[:1]:
            assert " ".join(sentence.split()[:3]) in shown
    assert "--no-sources" in shown
