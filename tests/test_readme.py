"""What the documents promise is there: settings, routes, commands, links, and a translation that keeps up."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
import typer
from fastapi.routing import APIRoute
from pydantic import BaseModel, SecretStr

from api.app import create_app
from api.cli import _COMMANDS
from api.routes import page as page_routes
from api.settings import ApiSettings, Settings
from api.workspace import Workspace
from assistant.settings import AssistantSettings
from ingest.settings import IngestSettings

ROOT = Path(__file__).parent.parent
READMES = ("README.md", "README.zh-CN.md")
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_HEADING = re.compile(r"^(#+) ", re.M)
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
_SETTING = re.compile(r"YOUJU_[A-Z0-9_]*[A-Z0-9]")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page: str, language: str = "") -> list[str]:
    return [body for kind, body in _FENCE.findall(text_of(page)) if not language or kind == language]


def shell_lines(page: str) -> list[list[str]]:
    lines = "".join(blocks_of(page, "sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("slice_", [IngestSettings, AssistantSettings, ApiSettings])
def test_every_setting_is_documented_with_its_default(slice_: type[BaseModel]) -> None:
    rows = dict(re.findall(r"^\| `(YOUJU_\w+)` \| (.*?) \| ", text_of("docs/settings.md"), re.M))
    expected = {f"YOUJU_{name.upper()}": _written(field.default) for name, field in slice_.model_fields.items()}
    assert {name: rows.get(name, "missing") for name in expected} == expected


def _written(default: object) -> str:
    if default is None or default == "":
        return "–"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{json.dumps(list(default))}`" if isinstance(default, tuple) else f"`{default}`"


@pytest.mark.parametrize("page", PAGES)
def test_no_document_names_a_setting_that_does_not_exist(page: str) -> None:
    known = {f"YOUJU_{name.upper()}" for name in Settings.model_fields} | {"YOUJU_CONFIG"}
    assert set(_SETTING.findall(text_of(page))) - known == set()


def test_the_settings_file_in_the_documents_is_valid() -> None:
    (example,) = blocks_of("docs/settings.md", "toml")
    assert set(tomllib.loads(example)) <= set(Settings.model_fields)


def test_every_route_is_documented_and_every_documented_route_exists(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path, dingtalk_http=True, dingtalk_client_id="ding", dingtalk_client_secret=SecretStr("not a real one")
    )
    with closing(Workspace.open(settings, command="test")) as workspace:
        app = create_app(workspace)
    described = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    page_files = {f"GET {route.path}" for route in page_routes.router.routes if isinstance(route, APIRoute)}
    documented = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", text_of("docs/http.md")))
    assert documented == described | page_files | {f"GET {app.openapi_url}"}


@pytest.mark.parametrize("page", READMES)
def test_every_command_is_documented(page: str) -> None:
    documented = set(re.findall(r"^\| `youju (\w+)", text_of(page), re.M))
    assert documented == set(_COMMANDS)


@pytest.mark.parametrize("page", [*READMES, "docs/dingtalk.md"])
def test_the_commands_in_the_examples_take_these_arguments(page: str) -> None:
    commands = [words for words in shell_lines(page) if words and words[0].endswith("youju")]
    assert commands
    for _, name, *arguments in commands:
        command = typer.main.get_command(import_module(f"api.cli.{name}").app)
        assert command.make_context(name, arguments).info_name == name


@pytest.mark.parametrize("page", READMES)
def test_the_make_targets_in_the_examples_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.M))
    named = {words[1] for words in shell_lines(page) if words[0] == "make"}
    assert named == {"run", "test"}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    links = [link for link in _LINK.findall(text_of(page)) if "://" not in link]
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_code_in_the_documents_is_well_formed(page: str) -> None:
    for body in blocks_of(page, "python"):
        compile(body, page, "exec")
    for body in blocks_of(page, "json"):
        assert json.loads(body)


def test_the_translation_has_the_same_sections_and_the_same_code() -> None:
    ours, theirs = READMES
    assert _HEADING.findall(text_of(theirs)) == _HEADING.findall(text_of(ours))
    assert blocks_of(theirs) == blocks_of(ours)


def test_the_translation_has_the_same_links_lists_and_tables() -> None:
    links = [sorted(set(_LINK.findall(text_of(page))) - set(READMES)) for page in READMES]
    # A page of the manual is linked in the reader's language; architecture and contributing in both.
    links = [sorted({link.replace(".zh-CN.md", ".md") for link in found}) for found in links]
    assert links[0] == links[1]
    rows = [len(re.findall(r"^(?:\||- )", text_of(page), re.M)) for page in READMES]
    assert rows[0] == rows[1]


def test_the_readme_stays_short() -> None:
    assert max(len(text_of(page).splitlines()) for page in READMES) <= 200
