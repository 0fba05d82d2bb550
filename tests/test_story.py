"""The story of the house keeps up with the house: every path and every name in it is there, in both languages."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STORY, TRANSLATION = "docs/architecture.md", "docs/architecture.zh-CN.md"
TWINS = [(STORY, TRANSLATION), ("CONTRIBUTING.md", "CONTRIBUTING.zh-CN.md")]
MANUAL = ["answers", "dingtalk", "http", "ingestion", "proxy", "settings", "sources"]
PAGES = [page for twins in TWINS for page in twins]
PACKAGES = ("ingest", "assistant", "api")

FEWEST_CHANGES = 40
"""Rows of "I want to change … → this file"."""

_CODE = re.compile(r"`([^`\n]+)`")
_FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
_FOLDERS = "|".join((*PACKAGES, "tests", "docs", "benchmarks", "examples", r"\.ci"))
_PATH = re.compile(rf"(?:{_FOLDERS})(?:/[^\s`]*)?|Makefile|Dockerfile|[\w-]+\.(?:md|toml|txt|yml)")
_NAME = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
_ROOM = re.compile(r"\*([a-z_]+/[a-z_./]+)\*")
_ROW = re.compile(r"^\|(?! ?-)(.*)\|$", re.M)
_STARRED = re.compile(r"[*<>{}]")
"""`ingest/parse/*.py` is a pattern, `POST /v1/…/{id}` a route: neither is a path."""
_OUTSIDE = frozenset({"youju.toml", "robots.txt"})
"""Files that are named and belong to an installation or to a web site, not to the repository."""


def whole(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def text_of(page: str) -> str:
    """A page without its blocks of code."""
    return _FENCED.sub("", whole(page))


def paths_in(text: str) -> list[str]:
    spans = _CODE.findall(text)
    return [span for span in spans if _PATH.fullmatch(span) and not _STARRED.search(span) and span not in _OUTSIDE]


def names_in(text: str) -> list[str]:
    return [span for span in _CODE.findall(text) if _NAME.fullmatch(span) and not (ROOT / span).exists()]


def is_there(name: str) -> bool:
    """Whether a dotted name can be imported: a module, or what one of its attributes has."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            # A field without a default is no attribute of its class, but it is annotated there.
            if not hasattr(found, part) and part not in getattr(found, "__annotations__", {}):
                return False
            found = getattr(found, part, None)
        return True
    return False


def rows_of(text: str) -> list[str]:
    return _ROW.findall(text)


@pytest.mark.parametrize("page", PAGES)
def test_every_path_in_the_story_exists(page: str) -> None:
    paths = paths_in(text_of(page))
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_name_in_the_story_can_be_imported(page: str) -> None:
    assert [name for name in names_in(text_of(page)) if not is_there(name)] == []


def test_paths_and_names_are_told_from_other_code() -> None:
    text = "`ingest/nowhere.py` `POST /v1/runs` `ingest/*.py` `youju.toml` `YOUJU_HOME` `docs/a b` `ingest.index.Index`"
    assert (paths_in(text), names_in(text)) == (["ingest/nowhere.py"], ["ingest.index.Index"])


@pytest.mark.parametrize("name", ["ingest.index.Index.wirte", "ingest.nowhere.Index", "assistant.events.Finished.mood"])
def test_a_name_that_was_changed_is_noticed(name: str) -> None:
    assert not is_there(name)


def test_docstrings_and_comments_name_what_is_there() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    told = [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in files]
    lost = [(file, path) for file, text in told for path in paths_in(text) if not (ROOT / path).exists()]
    lost += [(file, name) for file, text in told for name in names_in(text) if not is_there(name)]
    assert lost == []


def test_the_story_says_where_things_are_changed() -> None:
    rows = [row for row in rows_of(text_of(STORY)) if row.count(" | ") == 2 and paths_in(row)]
    assert len(rows) >= FEWEST_CHANGES
    for package in PACKAGES:
        assert any(path.startswith(f"{package}/") for row in rows for path in paths_in(row))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_of_a_package_is_somewhere_in_the_story(package: str) -> None:
    named = [path for path in paths_in(text_of(STORY)) if path.startswith(f"{package}/")]
    rooms = [path.name for path in (ROOT / package).iterdir() if (path / "__init__.py").exists()]
    assert len(rooms) >= 2
    assert [room for room in rooms if not any(path.startswith(f"{package}/{room}/") for path in named)] == []


@pytest.mark.parametrize("page", [STORY, TRANSLATION])
def test_a_room_that_is_kept_free_is_still_free(page: str) -> None:
    """Whoever moves in takes the room off the list, and puts what is there now into the table of changes."""
    rooms = _ROOM.findall(text_of(page))
    assert len(rooms) >= 9
    assert [room for room in rooms if (ROOT / room).exists()] == []


def test_the_translation_keeps_up_row_by_row() -> None:
    ours, theirs = (rows_of(text_of(page)) for page in (STORY, TRANSLATION))
    assert len(theirs) == len(ours)
    spans = [[(paths_in(row), names_in(row), _ROOM.findall(row)) for row in rows] for rows in (ours, theirs)]
    differing = [(mine, its) for mine, its in zip(*spans, strict=True) if mine != its]
    assert differing == []


@pytest.mark.parametrize(("ours", "theirs"), TWINS, ids=["architecture", "contributing"])
def test_the_translation_has_the_same_sections_lists_pictures_paths_and_names(ours: str, theirs: str) -> None:
    for pattern in (re.compile(r"^(#+) ", re.M), re.compile(r"^(\d+\.|-) ", re.M)):
        assert pattern.findall(text_of(theirs)) == pattern.findall(text_of(ours))
    for found_in in (paths_in, names_in):
        assert sorted(found_in(text_of(theirs))) == sorted(found_in(text_of(ours)))
    for kind in (re.compile(r"^```", re.M), re.compile(r"-->")):
        assert len(kind.findall(whole(theirs))) == len(kind.findall(whole(ours)))


@pytest.mark.parametrize("page", MANUAL)
def test_the_chinese_manual_has_the_same_sections_lists_tables_code_and_names(page: str) -> None:
    ours, theirs = whole(f"docs/{page}.md"), whole(f"docs/{page}.zh-CN.md")
    for pattern in (r"^(#+) ", r"^(\d+\.|-|\|) ?", r"^(```)", r"\b(YOUJU_[A-Z_]+)\b"):
        found, expected = (re.findall(pattern, text, re.M) for text in (theirs, ours))
        assert sorted(found) == sorted(expected) if "YOUJU" in pattern else found == expected
    assert f"]({page}.zh-CN.md)" in ours
    assert f"]({page}.md)" in theirs


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_leads_to_the_story(readme: str) -> None:
    for page in PAGES:
        assert f"]({page})" in text_of(readme)
