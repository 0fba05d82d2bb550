"""What every test stands on: no network but loopback, no settings from outside, and homes of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

_GUARD = Path(__file__).with_name("network_guard")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_GUARD), os.environ.get("PYTHONPATH")]))
sys.path.insert(0, str(_GUARD))
sys.modules.pop("sitecustomize", None)
import sitecustomize  # noqa: E402, F401 - importing it is what puts the guard up

from api.settings import Settings  # noqa: E402
from ingest.home.processes import loaded_for_good  # noqa: E402
from ingest.store import Store  # noqa: E402
from tests.cheap_homes import copy_new_databases, keep_files_in_memory  # noqa: E402
from tests.ingest.inline_engine import without_workers  # noqa: E402
from tests.long_files import longest_first  # noqa: E402

keep_files_in_memory()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """What is collected stays until the end: a million objects, which the garbage collector need not look at."""
    with loaded_for_good():
        return (yield)


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[object, object, int]:
    """`-n auto` has one process of tests more than there are processors: a third of the time tests wait for processes
    that they have started, for pauses and for disks, and meanwhile another one has the processor.
    """
    processors = yield
    assert isinstance(processors, int)
    return processors if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") else processors + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """See `tests.long_files`; `make test` tells xdist to keep this order."""
    items[:] = [items[place] for place in longest_first([item.nodeid.partition("::")[0] for item in items])]


@pytest.fixture(scope="session", autouse=True)
def _new_databases_are_copies() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        copy_new_databases(patch)
        yield


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings of the machine that runs the tests must not reach them."""
    for name in [name for name in os.environ if name.startswith("YOUJU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Defaults, with a home of the test's own."""
    return Settings(home=tmp_path / "home")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """An empty home, open."""
    opened = Store.open(settings, command="test")
    yield opened
    opened.close()


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of this process do without worker processes, which take seconds to start."""
    without_workers(monkeypatch)


@pytest.fixture(scope="module")
def inline_module() -> Iterator[None]:
    """The same for what the tests of one file share."""
    with pytest.MonkeyPatch.context() as patch:
        without_workers(patch)
        yield
