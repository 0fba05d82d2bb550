"""The distribution, the pins, the container files and the make targets fit together."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from glob import glob
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from api.http.page_files import MEDIA_TYPES, listed
from api.settings import Settings

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = ("ingest", "assistant", "api")
FOR_AUTHORS_ONLY = {".mako"}
"""Templates for writing new migrations: not needed where Youju is installed."""


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {
        canonicalize_name(name): version
        for name, _, version in (line.partition("==") for line in lines if line and not line.startswith("#"))
    }


def requirements() -> list[Requirement]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for line in [*project["dependencies"], *(line for extra in extras for line in extra)]]


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def is_setting(variable: str) -> bool:
    return variable.removeprefix("YOUJU_").lower() in Settings.model_fields


def test_every_folder_with_code_is_a_listed_package() -> None:
    folders = {path.parent.relative_to(ROOT) for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    data = {Path(name.replace(".", "/")) for name in PROJECT["tool"]["setuptools"]["package-data"]}
    listed = {Path(name.replace(".", "/")) for name in PROJECT["tool"]["setuptools"]["packages"]}
    assert sorted(folders - listed) == []
    assert sorted(listed - folders - data) == []
    assert [folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()] == []


def data_files(root: Path) -> set[Path]:
    """The files that the patterns take below `root`, found as setuptools finds them."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"]
    paths = [root / package.replace(".", "/") / pattern for package in patterns for pattern in patterns[package]]
    found = [path for each in paths for path in glob(str(each), recursive=True)]  # noqa: PTH207 - setuptools' own way
    return {Path(path).relative_to(root) for path in found}


def test_every_data_file_is_installed() -> None:
    installed = data_files(ROOT)
    forgotten = [
        path.relative_to(ROOT)
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc", *FOR_AUTHORS_ONLY}
        if path.relative_to(ROOT) not in installed
    ]
    assert forgotten == []


def test_what_is_served_of_a_page_is_what_is_installed_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "api" / "web" / "console" / "parts"
    folder.mkdir(parents=True)
    for suffix in (*MEDIA_TYPES, "py", "md"):
        (folder / f"name.{suffix}").touch()
    served = {Path("api/web") / path for path, _ in listed(tmp_path / "api" / "web")}
    assert len(served) == len(MEDIA_TYPES)
    assert data_files(tmp_path) == served


def test_every_requirement_is_pinned_within_its_bounds() -> None:
    pinned = pins()
    wrong = [
        str(need)
        for need in requirements()
        if not need.specifier.contains(pinned.get(canonicalize_name(need.name), "0"))
    ]
    assert wrong == []


def test_nothing_heavy_is_pinned_that_nobody_asked_for() -> None:
    heavy = [name for name in pins() if name in {"torchvision", "torchaudio", "triton"} or name.startswith("nvidia-")]
    assert heavy == []


def test_torch_is_pinned_so_that_the_cpu_build_fits() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", pins()["torch"])


def test_the_app_alone_starts_without_the_other_services() -> None:
    services = compose()["services"]
    assert set(services) == {"app", "qdrant", "vllm"}
    assert [name for name, service in services.items() if "profiles" not in service] == ["app"]
    assert "depends_on" not in services["app"]


def test_the_services_of_the_profiles_are_watched_and_keep_their_data() -> None:
    declared = compose()
    for name in ("qdrant", "vllm"):
        service = declared["services"][name]
        assert service["profiles"] == [name]
        assert service["healthcheck"]["test"]
        assert service["volumes"][0].partition(":")[0] in declared["volumes"]


def test_the_composed_app_needs_a_key_and_is_published_on_loopback() -> None:
    app = compose()["services"]["app"]
    assert app["environment"]["YOUJU_API_KEY"].startswith("${YOUJU_API_KEY:?")
    assert app["ports"] == ["${PUBLISH:-127.0.0.1:8000}:8000"]


def test_the_container_files_set_nothing_that_is_not_a_setting() -> None:
    named = [name for name in compose()["services"]["app"]["environment"] if name.startswith("YOUJU_")]
    named += re.findall(r"(YOUJU_\w+)=", dockerfile())
    assert len(named) > 10
    assert [name for name in named if not is_setting(name)] == []


def test_the_image_runs_as_an_ordinary_user_and_is_watched() -> None:
    lines = dockerfile().splitlines()
    assert [line for line in lines if line.startswith("USER ")] == ["USER youju"]
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    assert "/healthz" in dockerfile()
    assert lines.index("USER youju") > max(number for number, line in enumerate(lines) if line.startswith("RUN "))


def test_the_image_is_given_what_it_copies() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = {name for line in re.findall(r"^COPY (.*) \S+$", dockerfile(), re.M) for name in line.split()}
    assert copied == allowed
    assert [name for name in copied if not (ROOT / name).exists()] == []


_OUTSIDE_MAKE = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
"""The tests are run by make, which tells the makes below it about itself."""


def test_make_lists_every_target_with_a_description() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.M)
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=_OUTSIDE_MAKE,
    ).stdout
    assert {line.split()[0] for line in shown.splitlines()} == set(phony.split())


@pytest.mark.parametrize(("python", "complaint"), [("", "none was found"), ("false", "needs Python 3.11")])
def test_make_says_so_when_there_is_no_python_that_is_new_enough(tmp_path: Path, python: str, complaint: str) -> None:
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    run = subprocess.run(
        ["make", "install", f"PYTHON={python}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=_OUTSIDE_MAKE,
    )
    assert run.returncode != 0
    assert complaint in run.stdout
    assert not (tmp_path / ".venv").exists()


def test_the_check_of_a_change_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines()[-2:] == ["make lint", "make test"]
