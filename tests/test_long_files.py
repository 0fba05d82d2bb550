"""The order in which files of tests are shared out among processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.long_files import LONGEST, longest_first

_ROOT = Path(__file__).parents[1]


def test_every_long_file_is_there() -> None:
    assert len(set(LONGEST)) == len(LONGEST)
    assert [file for file in LONGEST if not (_ROOT / file).is_file()] == []


def test_make_test_keeps_the_order() -> None:
    makefile = (_ROOT / "Makefile").read_text(encoding="utf-8")
    assert "--dist loadfile --no-loadscope-reorder" in makefile


def test_there_is_one_process_more_than_processors_unless_somebody_says_how_many(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = pytest.importorskip("xdist.plugin")
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    processes = pytestconfig.hook.pytest_xdist_auto_num_workers(config=pytestconfig)
    assert processes == plugin.pytest_xdist_auto_num_workers(pytestconfig) + 1
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "7")
    assert pytestconfig.hook.pytest_xdist_auto_num_workers(config=pytestconfig) == 7


def test_the_longest_come_first_then_those_with_the_most_tests_and_each_file_stays_together() -> None:
    first, second = LONGEST[:2]
    files = ["a", second, "b", "b", first, "a", "a", "c", "c", first]
    assert longest_first(files) == [4, 9, 1, 0, 5, 6, 2, 3, 7, 8]
    assert longest_first([]) == []


def test_the_tests_of_this_run_are_in_this_order(request: pytest.FixtureRequest) -> None:
    files = [item.nodeid.partition("::")[0] for item in request.session.items]
    assert longest_first(files) == list(range(len(files)))
