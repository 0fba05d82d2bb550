"""A page is a folder of files. What is in it when the server starts is served, and nothing else, whatever is asked."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from api.http.page_files import listed

ROOT = Path(__file__).parents[2]

SERVED = {
    "console/index.html": "text/html; charset=utf-8",
    "console/runs.js": "text/javascript; charset=utf-8",
    "console/console.css": "text/css; charset=utf-8",
    "console/icons/run-2.min.svg": "image/svg+xml",
}
NOT_SERVED = (
    ".env", ".hidden.js", ".git/config.js", "console/.hidden.js", "console/.well-known/a.html", "console/_draft.html",
    "console/__pycache__/a.js", "console/keys.txt", "console/notes.md", "console/module.py", "console/module.pyc",
    "console/noending", "console/js", "console/a.js.bak", "console/a.JS", "console/two words.js", "console/{name}.js",
    "console/{path:path}", "console/出处.js", "console/-rf.js", "console/a.js~", "console/..js", "console/a%2e.js",
    "console/$(id).js", "console/a\\b.js", "console/<b>.html", "console/a\nb.js", "not a folder/a.js",
)  # fmt: skip
HOSTILE = (
    "/web/../app.py", "/web/..%2fapp.py", "/web/%2e%2e/app.py", "/web/%2e%2e%2fapp.py", "/web/..%5capp.py",
    "/web/console/../../app.py", "/web/console/..%2f..%2fapp.py", "/web/console/%2e%2e/%2e%2e/app.py",
    "/web/console/../chat.js", "/web/console/..%2fchat.js", "/web/./chat.js", "/web/console/./runs.js",
    "/web/console//runs.js", "/web//chat.js",
    "/web//etc/passwd", "/web/%2fetc%2fpasswd", "/web/console//etc/passwd",
    "/web/chat.js%00", "/web/console/runs.js%00.png", "/web/console/runs.js%0a", "/web/console/runs.js/",
    "/web/console/runs.js%2f", "/web/console", "/web/console/", "/web/console/icons", "/web/", "/web", "/web/CHAT.JS",
    "/web/console/RUNS.js", "/web/console/runs.js;v=1", "/web/console/runs.js%20", "/web/console/index.html/..",
    "/web/%252e%252e/app.py", "/web/..%252fapp.py", "/web/..%c0%afapp.py", "/web/\\..\\app.py", "/web/~root/.ssh/id.js",
    "/web/__init__.py", "/web/__pycache__", "/web/index.html", "/web/%7bname%7d", "/web/console/%7bname%7d.js",
    "/web/console/later.js", "/console/runs.js", "/WEB/chat.js", "/web/console/outside.js", "/web/api/web/chat.js",
    "file:///etc/passwd", "/web/file:%2f%2f%2fetc%2fpasswd", "/web/console/" + "../" * 40 + "etc/passwd",
)  # fmt: skip


SAME = {
    "/web/console%2fruns.js": "console/runs.js",
    "/web/%63onsole%2Fruns.js": "console/runs.js",
    "/web/console/icons%2frun-2.min.svg": "console/icons/run-2.min.svg",
}
"""Other spellings of addresses that are served."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """What a server answers whose `api/web/` has sub-folders, and files that nobody should get."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "api", copy / "api", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*SERVED, *NOT_SERVED):
        file = copy / "api" / "web" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"// {name}", encoding="utf-8")
    asked = ["/", "/web/chat.js", *(f"/web/{name}" for name in SERVED), *SAME, *HOSTILE]
    asked += [f"/web/{_spelt(name)}" for name in NOT_SERVED]
    run = subprocess.run(
        [sys.executable, "-m", "tests.api.page_server"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(copy), str(ROOT), os.environ.get("PYTHONPATH", "")])},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return {path: tuple(answer) for path, answer in json.loads(run.stdout).items()}


def test_the_files_of_a_sub_folder_are_served_with_their_media_types(answers: dict[str, tuple[int, str, str]]) -> None:
    for path, name in {**{f"/web/{name}": name for name in SERVED}, **SAME}.items():
        sent = hashlib.sha256(f"// {name}".encode()).hexdigest()
        assert answers[path] == (200, SERVED[name], sent)


def test_the_chat_page_is_where_it_was(answers: dict[str, tuple[int, str, str]]) -> None:
    for path, file, kind in (("/", "index.html", "text/html"), ("/web/chat.js", "chat.js", "text/javascript")):
        sent = hashlib.sha256((ROOT / "api" / "web" / file).read_bytes()).hexdigest()
        assert answers[path] == (200, f"{kind}; charset=utf-8", sent)


def test_what_is_hidden_or_no_part_of_a_page_is_not_served(answers: dict[str, tuple[int, str, str]]) -> None:
    refused = {path: answers[path] for path in (f"/web/{_spelt(name)}" for name in NOT_SERVED)}
    assert {path: answer for path, answer in refused.items() if answer[0] not in (401, 404)} == {}
    sent = {hashlib.sha256(f"// {name}".encode()).hexdigest() for name in NOT_SERVED}
    assert sent.isdisjoint(answer[2] for answer in answers.values())


@pytest.mark.parametrize("path", HOSTILE)
def test_no_path_leads_out_of_the_list(answers: dict[str, tuple[int, str, str]], path: str) -> None:
    status, kind, _ = answers[path]
    assert status in (400, 401, 404), path
    assert kind.startswith(("application/json", "text/plain"))


def test_the_list_is_made_once_and_knows_paths_and_not_the_disk(tmp_path: Path) -> None:
    for name in (*SERVED, *NOT_SERVED):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    made = dict(listed(tmp_path))
    (tmp_path / "console" / "later.js").touch()
    assert set(made) == set(SERVED)


def _spelt(name: str) -> str:
    """The name as a browser would spell it in an address."""
    return quote(name)
