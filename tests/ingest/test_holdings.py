"""What a reader may search, in figures: only what is searchable and may be read counts, in one query."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.access import OPERATOR, Reader
from ingest.catalog.catalog import FIRST_VERSION, Catalog
from ingest.catalog.holdings import Holdings, holdings
from ingest.catalog.records import Publication
from ingest.document import Reference
from ingest.errors import DocumentError
from ingest.home.database import open_database
from ingest.settings import IngestSettings

STAFF = Reader(frozenset({"everyone"}))


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_database(IngestSettings(home=tmp_path))


def publish(engine: sa.Engine, source: str, title: str, *access: str) -> Reference:
    catalog = Catalog(engine)
    reference = Reference(source, f"/{source}/{title or 'untitled'}", title, 3, 4, access=access or ("everyone",))
    revision = catalog.take_revision(reference, "digest")
    catalog.publish([Publication(reference, revision, "digest", "pipeline", title, "txt", "zh", 1)])
    return reference


def of(engine: sa.Engine, reader: Reader, titles: int = 9) -> Holdings:
    return holdings(engine, FIRST_VERSION, reader, titles=titles)


def test_an_empty_home_holds_nothing(engine: sa.Engine) -> None:
    assert of(engine, OPERATOR) == Holdings(0, (), ())


def test_only_what_the_reader_may_read_counts(engine: sa.Engine) -> None:
    for source, title, access in [
        ("hr", "休假制度", ()),
        ("hr", "薪酬", ("group:board",)),
        ("it", "VPN", ()),
        ("x", "", ()),
    ]:
        publish(engine, source, title, *access)
    publish(engine, "board", "Minutes", "group:board")
    mine = of(engine, STAFF)
    assert (mine.documents, mine.sources, sorted(mine.titles)) == (3, ("hr", "it", "x"), ["VPN", "休假制度"])
    assert (of(engine, OPERATOR).documents, of(engine, OPERATOR).sources) == (5, ("board", "hr", "it", "x"))
    assert of(engine, Reader(frozenset())) == Holdings(0, (), ())
    assert of(engine, Reader(None, frozenset({"it"}))) == Holdings(1, ("it",), ("VPN",))


def test_what_is_deleted_failed_or_of_another_version_does_not_count(engine: sa.Engine) -> None:
    gone, kept = publish(engine, "hr", "Gone"), publish(engine, "hr", "Kept")
    catalog = Catalog(engine)
    catalog.delete([gone.document_id])
    failed = Reference("hr", "/hr/broken", "broken", 3, 4)
    catalog.record_failure(failed, DocumentError("corrupt", "It is broken.", ""), "pipeline")
    assert of(engine, OPERATOR) == Holdings(1, ("hr",), ("Kept",))
    catalog.record_failure(kept, DocumentError("corrupt", "The new version is broken.", ""), "pipeline")
    assert of(engine, OPERATOR).documents == 1, "the old revision is still found"
    assert holdings(engine, FIRST_VERSION + 1, OPERATOR, titles=9) == Holdings(0, (), ())


def test_titles_are_few_and_each_once(engine: sa.Engine) -> None:
    for source in ("a", "b", "c"):
        publish(engine, source, "Handbook")
    for number in range(5):
        publish(engine, "d", f"Notice {number}")
    assert of(engine, OPERATOR).titles.count("Handbook") == 1
    assert len(of(engine, OPERATOR, titles=2).titles) <= 2
    assert of(engine, OPERATOR, titles=2).documents == 8


def test_it_is_one_query(engine: sa.Engine) -> None:
    publish(engine, "hr", "休假制度")
    asked: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    of(engine, STAFF)
    assert [statement for statement in asked if "SELECT" in statement] == asked[-1:]
