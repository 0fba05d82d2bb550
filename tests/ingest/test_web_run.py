"""Runs over a web site, end to end: what changed is read, what did not costs a 304, and nothing is lost on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.sources.from_settings import open_source
from ingest.sources.settings import WebSettings
from ingest.store import Store
from tests.ingest.web_site import Served, Site, a_page, web_site


@pytest.fixture
def site() -> Iterator[Site]:
    with web_site() as opened:
        yield opened


def test_a_visit_can_be_followed_and_stopped_and_then_nothing_is_gone(
    site: Site, store: Store, settings: Settings
) -> None:
    for number in range(50):
        site[f"/{number or ''}"] = a_page(f"Page {number}", f"/{number + 1}")
    values = {"name": "wiki", "type": "web", "start": (f"{site.url}/",), "delay_seconds": 0.2, "allow_private": True}
    stop = threading.Event()
    found: list[int] = []

    def progress(report: Report) -> None:
        found.append(report.found)
        if report.found > 3:
            stop.set()

    source = open_source(WebSettings.model_validate(values), settings)
    report = Ingestor(store, settings).run(source, on_progress=progress, stop=stop)
    assert 3 < report.found < 20
    assert (report.new, report.deleted) == (0, 0)
    assert len(site.paths()) < 20
    assert store.runs.run(report.run_id).state == "interrupted"


def test_a_run_that_waits_for_a_site_ends_at_once_when_it_is_told_to(
    site: Site, store: Store, settings: Settings, inline: None
) -> None:
    site["/"] = a_page("Home", "/a", "/b")
    site["/a"] = a_page("A")
    values = {"name": "wiki", "type": "web", "start": (f"{site.url}/",), "delay_seconds": 30, "allow_private": True}
    stop = threading.Event()
    threading.Timer(1.0, stop.set).start()
    started = time.monotonic()
    report = Ingestor(store, settings).run(open_source(WebSettings.model_validate(values), settings), stop=stop)
    assert time.monotonic() - started < 20  # one pause is of 30
    assert store.runs.run(report.run_id).state == "interrupted"
    assert report.failures == [], "what was not asked for has not failed"


@pytest.mark.slow
def test_a_site_is_followed_from_run_to_run(site: Site, store: Store, settings: Settings) -> None:
    values = {"name": "wiki", "type": "web", "start": (f"{site.url}/",), "delay_seconds": 0, "allow_private": True}
    configured = WebSettings.model_validate(values)
    ingestor = Ingestor(store, settings)

    def run() -> Report:
        site.forget()
        return ingestor.run(open_source(configured, settings))

    def titles() -> dict[str, str]:
        documents = store.catalog.documents(OPERATOR)
        return {document.uri.removeprefix(site.url): document.title for document in documents}

    site["/"] = a_page("公司主页", "/leave", "/travel")
    site["/leave"] = a_page("员工每年享有十五天年假")
    site["/travel"] = a_page("差旅费用十日内报销")
    assert run().new == 3
    assert titles() == {"/": "公司主页", "/leave": "员工每年享有十五天年假", "/travel": "差旅费用十日内报销"}

    report = run()
    assert (report.unchanged, report.new, report.changed, report.failed) == (3, 0, 0, 0)
    assert set(site.statuses().values()) == {304}

    site["/leave"] = a_page("员工每年享有二十天年假")
    site["/travel"] = Served(b"", 503, {"retry-after": "0"})
    report = run()
    assert (report.changed, report.failed, report.deleted) == (1, 1, 0)
    assert [failure.code for failure in report.failures] == ["web_failed"]
    assert len(titles()) == 3

    site["/travel"] = a_page("差旅费用十日内报销")
    del site["/leave"]
    report = run()
    assert (report.deleted, report.failed) == (1, 0)
    assert titles() == {"/": "公司主页", "/travel": "差旅费用十日内报销"}
    assert not store.catalog.documents(OPERATOR, failed=True)
