"""The catalog: revisions are given out once, published at once, and gone when deleted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.access import OPERATOR, Reader
from ingest.catalog.catalog import Catalog
from ingest.catalog.listing import place_of
from ingest.catalog.records import Publication
from ingest.document import Reference
from ingest.errors import ConfigurationError, DocumentError, UnavailableError
from ingest.home.database import open_database
from ingest.settings import IngestSettings


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return open_database(IngestSettings(home=tmp_path))


@pytest.fixture
def catalog(engine: sa.Engine) -> Catalog:
    return Catalog(engine)


def _reference(name: str = "a.txt", access: tuple[str, ...] = ("everyone",)) -> Reference:
    return Reference("local", f"/docs/{name}", name, 3, 4, Path(f"/docs/{name}"), access=access)


def _publish(catalog: Catalog, reference: Reference, digest: str) -> int:
    revision = catalog.take_revision(reference, digest)
    catalog.publish([Publication(reference, revision, digest, "pipeline", "A", "txt", "en", 2)])
    return revision


def test_a_revision_is_given_out_once_for_each_content(catalog: Catalog) -> None:
    first = _publish(catalog, _reference(), "one")
    second = _publish(catalog, _reference(), "two")
    again = _publish(catalog, _reference(), "one")
    assert (first, second, again) == (1, 2, 3)


def test_an_interrupted_run_gets_the_same_revision_for_the_same_content(catalog: Catalog) -> None:
    taken = catalog.take_revision(_reference(), "one")
    assert catalog.take_revision(_reference(), "one") == taken
    assert catalog.take_revision(_reference(), "two") == taken + 1


def test_many_contents_get_their_revisions_at_once_each_as_if_alone(catalog: Catalog) -> None:
    new, changed, interrupted, returned = (_reference(name) for name in ("n.txt", "c.txt", "i.txt", "r.txt"))
    _publish(catalog, changed, "one")
    assert catalog.take_revision(interrupted, "one") == 1
    _publish(catalog, returned, "one")
    catalog.delete([returned.document_id])
    contents = [(new, "one"), (changed, "two"), (interrupted, "one"), (returned, "one")]
    assert catalog.take_revisions(contents) == [1, 2, 1, 2]
    assert catalog.take_revisions(contents) == [1, 2, 1, 2], "the same contents again"
    assert catalog.take_revisions([]) == []


def test_an_unpublished_document_does_not_stand(catalog: Catalog) -> None:
    reference = _reference()
    catalog.take_revision(reference, "one")
    assert catalog.standing([reference.document_id]) == {}
    assert [document.state for document in catalog.documents(OPERATOR)] == ["pending"]


def test_publishing_moves_the_clock_and_notes_the_old_revision_for_retirement(catalog: Catalog) -> None:
    reference = _reference()
    _publish(catalog, reference, "one")
    before = catalog.clock()
    _publish(catalog, reference, "two")
    standing = catalog.standing([reference.document_id])[reference.document_id]
    assert (standing.revision, standing.published) == (2, before + 1)
    assert [(r.first, r.last) for r in catalog.retirements()] == [(1, 1)]
    catalog.record_retired(catalog.retirements())
    assert catalog.retirements() == []


def test_a_new_time_of_the_same_content_moves_the_clock(catalog: Catalog) -> None:
    reference = _reference()
    _publish(catalog, reference, "one")
    before = catalog.clock()
    catalog.record_unchanged([replace(reference, mtime_ns=reference.mtime_ns + 1)])
    assert catalog.standing([reference.document_id])[reference.document_id].modified_ns == reference.mtime_ns + 1
    assert catalog.clock() > before, "or searches would remember the old time"


def test_a_deleted_document_is_gone_and_may_return_under_a_new_revision(catalog: Catalog) -> None:
    reference = _reference()
    _publish(catalog, reference, "one")
    catalog.delete([reference.document_id])
    assert catalog.standing([reference.document_id]) == {}
    assert catalog.document(reference.document_id) is None
    assert catalog.known("local") == {}
    assert _publish(catalog, reference, "one") == 2
    assert [(r.first, r.last) for r in catalog.retirements()] == [(1, 1), (1, 1)]


def test_a_document_that_is_deleted_while_it_is_brought_in_stays_deleted(catalog: Catalog) -> None:
    reference, other = _reference(), _reference("b.txt")
    _publish(catalog, reference, "one")
    revision = catalog.take_revision(reference, "two")
    catalog.delete([reference.document_id])
    written = Publication(reference, revision, "two", "pipeline", "A", "txt", "en", 2)
    catalog.publish(
        [written, Publication(other, catalog.take_revision(other, "o"), "o", "pipeline", "B", "txt", "en", 1)]
    )
    assert catalog.document(reference.document_id) is None
    assert list(catalog.standing([reference.document_id, other.document_id])) == [other.document_id]
    assert {(each.document_id, each.last) for each in catalog.retirements()} >= {(reference.document_id, revision)}
    assert _publish(catalog, reference, "two") > revision


def test_a_failure_keeps_the_last_good_revision(catalog: Catalog) -> None:
    reference = _reference()
    _publish(catalog, reference, "one")
    catalog.record_failure(reference, DocumentError("corrupt", "It is damaged."), "pipeline")
    assert catalog.standing([reference.document_id])[reference.document_id].revision == 1
    (document,) = catalog.documents(OPERATOR, failed=True)
    assert (document.state, document.error_code, document.revision) == ("failed", "corrupt", 1)
    _publish(catalog, reference, "two")
    assert catalog.documents(OPERATOR, failed=True) == []


def test_a_list_shows_only_what_the_reader_may_read(catalog: Catalog) -> None:
    _publish(catalog, _reference("open.txt"), "one")
    _publish(catalog, _reference("hr.txt", access=("group:hr",)), "two")
    nobody, staff, hr = (Reader(frozenset(p)) for p in ((), ("everyone",), ("everyone", "group:hr")))
    assert [len(catalog.documents(reader)) for reader in (nobody, staff, hr, OPERATOR)] == [0, 1, 2, 2]
    assert catalog.documents(Reader(None, sources=frozenset({"other"}))) == []


def test_pages_of_a_list_have_every_document_once_and_only_what_the_reader_may_read(catalog: Catalog) -> None:
    for number in range(7):
        access = ("group:hr", "user:a") if number % 3 else ("everyone",)
        _publish(catalog, _reference(f"{number}.txt", access=access), f"content {number}")
    readers = [OPERATOR, *(Reader(frozenset(each)) for each in ((), ("everyone",), ("user:a", "everyone"), ("hr",)))]
    for reader in (*readers, Reader(None, frozenset({"other"})), Reader(frozenset({"everyone"}), frozenset())):
        whole = catalog.documents(reader)
        assert [each.uri for each in whole] == sorted(each.uri for each in whole)
        paged: list[str] = []
        after = None
        while page := catalog.documents(reader, after=after, limit=2):
            assert len(page) <= 2
            paged += [document.id for document in page]
            after = place_of(page[-1])
        assert paged == [each.id for each in whole]
    assert [len(catalog.documents(reader)) for reader in readers] == [7, 0, 3, 7, 0]


def test_a_list_of_one_kind_has_no_other(catalog: Catalog) -> None:
    _publish(catalog, _reference("a.txt"), "one")
    page = _reference("b.html")
    publication = Publication(page, catalog.take_revision(page, "two"), "two", "pipeline", "B", "html", "en", 1)
    catalog.publish([publication])
    assert [document.uri for document in catalog.documents(OPERATOR, kind="html")] == ["/docs/b.html"]
    assert catalog.documents(OPERATOR, kind="pdf") == []


def test_those_that_were_given_up_are_among_the_failed_where_they_are_asked_for(catalog: Catalog) -> None:
    _publish(catalog, _reference("good.txt"), "one")
    for name in ("bad.txt", "worse.txt"):
        catalog.record_failure(_reference(name), DocumentError("corrupt", "It is broken.", "Mend it."), "pipeline")
    catalog.drop([_reference("worse.txt").document_id])
    assert [each.uri for each in catalog.documents(OPERATOR, failed=True)] == ["/docs/bad.txt"]
    both = catalog.documents(OPERATOR, failed=True, given_up=True)
    assert [(each.uri, each.state) for each in both] == [("/docs/bad.txt", "failed"), ("/docs/worse.txt", "dropped")]


def test_a_place_is_told_to_those_alone_who_may_read_the_document(catalog: Catalog) -> None:
    reference = _reference("hr.txt", access=("group:hr",))
    _publish(catalog, reference, "one")
    place = ("local", reference.uri, reference.document_id)
    catalog.delete([reference.document_id])  # between two pages
    assert catalog.place(reference.document_id, OPERATOR) == place
    assert catalog.place(reference.document_id, Reader(frozenset({"group:hr"}))) == place
    for hidden in (Reader(frozenset({"everyone"})), Reader(None, frozenset({"other"}))):
        assert catalog.place(reference.document_id, hidden) is None
    for wrong in (_reference("no.txt").document_id, "x", "", "\0"):
        assert catalog.place(wrong, OPERATOR) is None


def test_what_an_interrupted_run_left_is_known(catalog: Catalog) -> None:
    reference = _reference()
    _publish(catalog, reference, "one")
    catalog.take_revision(reference, "two")
    assert [(left.first, left.last) for left in catalog.unpublished("local")] == [(2, 2)]


def test_documents_come_in_pages_each_once(catalog: Catalog) -> None:
    for number in range(7):
        _publish(catalog, _reference(f"{number}.txt"), "digest")
    catalog.delete([_reference("3.txt").document_id])
    pages = [catalog.page(limit=4)]
    pages.append(catalog.page(after=pages[0][-1].id, limit=4))
    assert [len(page) for page in pages] == [4, 2]
    assert {document.uri for page in pages for document in page} == {
        f"/docs/{number}.txt" for number in (0, 1, 2, 4, 5, 6)
    }


def test_a_distrusted_document_stays_and_has_no_pipeline_any_more(catalog: Catalog) -> None:
    _publish(catalog, _reference(), "digest")
    catalog.distrust([_reference().document_id])
    known = catalog.known(_reference().source)[_reference().uri]
    assert (known.revision, known.fingerprint) == (1, None)


def test_more_documents_than_a_statement_has_variables(catalog: Catalog) -> None:
    references = [_reference(f"{number}.txt") for number in range(1200)]
    for reference in references:
        catalog.record_failure(reference, DocumentError("empty", "It is empty."), "pipeline")
    catalog.delete([reference.document_id for reference in references])
    assert catalog.documents(OPERATOR) == []


def test_a_database_that_is_not_one_is_said_to_be_away(tmp_path: Path) -> None:
    (tmp_path / "youju.db").mkdir()
    with pytest.raises(UnavailableError) as raised:
        open_database(IngestSettings(home=tmp_path))
    assert raised.value.code == "database_unavailable"
    assert "YOUJU_HOME" in raised.value.hint


def test_opening_a_database_twice_keeps_what_is_in_it(tmp_path: Path, catalog: Catalog) -> None:
    _publish(catalog, _reference(), "one")
    again = Catalog(open_database(IngestSettings(home=tmp_path)))
    assert len(again.documents(OPERATOR)) == 1


def test_a_damaged_database_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "youju.db").write_bytes(b"not a database at all" * 300)
    with pytest.raises(ConfigurationError) as raised:
        open_database(IngestSettings(home=tmp_path))
    assert raised.value.code == "database_damaged"
    assert "backup" in raised.value.hint


def test_only_what_sqlite_says_of_the_file_is_called_damage(engine: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError), engine.begin() as connection:
        connection.execute(sa.text("SELECT json('{')"))  # "malformed JSON"
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notes (text VARCHAR)"))
        for number in range(2000):
            connection.execute(sa.text("INSERT INTO notes VALUES (:text)"), {"text": f"{number} " * 50})
    engine.dispose()
    file = tmp_path / "youju.db"
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(size // 2)
        opened.write(b"\xff" * (size // 4))
    with pytest.raises(ConfigurationError) as raised, engine.begin() as connection:
        connection.execute(sa.text("SELECT sum(length(text)) FROM notes"))
    assert raised.value.code == "database_damaged"
