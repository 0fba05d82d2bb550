"""What holds in one version of the index, and what holds in all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from ingest.access import OPERATOR
from ingest.catalog.catalog import Catalog
from ingest.catalog.records import Publication
from ingest.document import Reference
from ingest.errors import DocumentError, RequestError
from ingest.home.database import open_database
from ingest.settings import IngestSettings
from ingest.versions.register import Plan, Versions


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(IngestSettings(home=tmp_path))
    yield opened
    opened.dispose()


@pytest.fixture
def versions(engine: sa.Engine) -> Versions:
    found = Versions(engine)
    found.adopt(1, _plan("old"))
    return found


@pytest.fixture
def old(engine: sa.Engine) -> Catalog:
    return Catalog(engine, 1)


@pytest.fixture
def new(versions: Versions, old: Catalog) -> Catalog:
    return old.of(versions.build(_plan("new")).id)


def _plan(fingerprint: str) -> Plan:
    return Plan(fingerprint, "embedder", 3, {"chunk_tokens": 64}, "folder")


def _reference(name: str = "a.txt", access: tuple[str, ...] = ("everyone",)) -> Reference:
    return Reference("local", f"/docs/{name}", name, 3, 4, Path(f"/docs/{name}"), access=access)


def _publish(catalog: Catalog, reference: Reference, digest: str = "bytes", moved_from: Reference | None = None) -> int:
    revision = catalog.take_revision(reference, digest)
    moved = moved_from.document_id if moved_from is not None else None
    catalog.publish([Publication(reference, revision, digest, "pipeline", "A", "txt", "en", 2, moved)])
    return revision


def _access(catalog: Catalog, reference: Reference) -> tuple[str, ...] | None:
    standing = catalog.standing([reference.document_id]).get(reference.document_id)
    return standing.access if standing is not None else None


def test_each_version_has_documents_of_its_own(old: Catalog, new: Catalog) -> None:
    _publish(old, _reference())
    assert [len(each.documents(OPERATOR)) for each in (old, new)] == [1, 0]
    assert [len(each.known("local")) for each in (old, new)] == [1, 0]


def test_a_number_never_means_two_contents_of_a_document(old: Catalog, new: Catalog) -> None:
    assert _publish(old, _reference()) == 1
    assert _publish(new, _reference()) == 2
    assert _publish(old, _reference(), "other bytes") == 3
    assert _publish(new, _reference(), "other bytes") == 4


def test_only_the_numbers_of_a_version_are_retired_in_it(old: Catalog, new: Catalog) -> None:
    _publish(old, _reference())
    _publish(new, _reference())
    assert new.retirements() == []
    _publish(new, _reference(), "other bytes")
    assert [(each.first, each.last) for each in new.retirements()] == [(2, 2)]
    assert old.retirements() == []
    new.take_revision(_reference(), "interrupted")
    assert [(each.first, each.last) for each in new.unpublished("local")] == [(4, 4)]


def test_what_an_interrupted_run_left_of_a_new_document_is_known(old: Catalog, new: Catalog) -> None:
    _publish(old, _reference())
    new.take_revision(_reference(), "interrupted")
    assert [(each.first, each.last) for each in new.unpublished("local")] == [(2, 2)]


def test_a_deleted_document_is_gone_from_all_versions(versions: Versions, old: Catalog, new: Catalog) -> None:
    _publish(old, _reference())
    _publish(new, _reference())
    new.delete([_reference().document_id])
    assert [each.document(_reference().document_id) for each in (old, new)] == [None, None]
    assert [len(each.retirements()) for each in (old, new)] == [1, 1]


def test_a_narrowed_access_rule_holds_in_all_versions(old: Catalog, new: Catalog) -> None:
    for catalog in (old, new):
        _publish(catalog, _reference())
    old.record_access([_reference(access=("group:hr",))], indexed=[new.version])
    assert [_access(each, _reference()) for each in (old, new)] == [("group:hr",)] * 2
    assert new.known("local")["/docs/a.txt"].fingerprint == "pipeline"
    old.record_access([_reference(access=("group:it",))])
    # Its index was not told, so it reads the document again when it is next brought up to date.
    assert new.known("local")["/docs/a.txt"].fingerprint is None


def test_a_new_revision_with_other_readers_narrows_the_other_versions_too(old: Catalog, new: Catalog) -> None:
    for catalog in (old, new):
        _publish(catalog, _reference())
    _publish(new, _reference(access=("user:1",)), "other bytes")
    assert _access(old, _reference()) == ("user:1",)


def test_a_moved_document_stays_in_the_other_versions_for_the_readers_that_it_has_now(
    old: Catalog, new: Catalog
) -> None:
    for catalog in (old, new):
        _publish(catalog, _reference())
    _publish(new, _reference("b.txt", ("user:1",)), moved_from=_reference())
    assert new.document(_reference().document_id) is not None
    assert _access(new, _reference()) is None
    assert _access(old, _reference()) == ("user:1",)


def test_a_version_takes_over_only_when_nothing_would_be_lost(versions: Versions, old: Catalog, new: Catalog) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        _publish(old, _reference(name))
    _publish(new, _reference("a.txt"))
    assert versions.lacking(new.version) == 2
    assert not versions.complete(new.version, instead_of=1)
    new.record_failure(_reference("b.txt"), DocumentError("empty", "It is empty."), "pipeline")
    _publish(new, _reference("c.txt"), "older bytes")
    _publish(old, _reference("c.txt"), "newer bytes")
    assert versions.lacking(new.version) == 2
    _publish(new, _reference("c.txt"), "newer bytes")
    assert versions.lacking(new.version) == 1
    new.drop([_reference("b.txt").document_id])
    assert versions.complete(new.version, instead_of=1)
    assert [(each.id, each.state) for each in versions.all()] == [(1, "kept"), (new.version, "current")]
    assert versions.current().switched_at is not None


def test_nothing_takes_over_from_a_version_that_was_chosen_meanwhile(versions: Versions, new: Catalog) -> None:
    versions.switch(new.version, wanted="new")
    assert not versions.complete(1, instead_of=1)
    assert versions.current().id == new.version
    assert versions.current().pinned is None
    assert versions.switch(1, wanted="new").pinned == "new"


def test_the_same_settings_ask_for_the_same_version(versions: Versions, new: Catalog) -> None:
    assert versions.build(_plan("new")).id == new.version
    versions.switch(new.version, wanted="new")
    assert versions.build(_plan("old")).state == "building"
    assert versions.get(1).state == "building"


def test_the_current_version_cannot_be_dropped_and_no_id_is_given_out_twice(versions: Versions, new: Catalog) -> None:
    with pytest.raises(RequestError) as raised:
        versions.begin_drop(1)
    assert raised.value.code == "index_in_use"
    _publish(new, _reference())
    assert versions.begin_drop(new.version).state == "dropping"
    with pytest.raises(RequestError):
        versions.switch(new.version, wanted="new")
    versions.end_drop(new.version)
    assert new.documents(OPERATOR) == []
    with pytest.raises(RequestError) as raised:
        versions.get(new.version)
    assert raised.value.code == "unknown_index"
    assert versions.build(_plan("new")).id > new.version


def test_documents_of_before_are_the_first_version(tmp_path: Path) -> None:
    settings = IngestSettings(home=tmp_path)
    engine = open_database(settings)
    _publish(Catalog(engine), _reference())
    with engine.begin() as connection:
        _undo(connection)
    engine.dispose()
    engine = open_database(settings)
    (found,) = Catalog(engine).documents(OPERATOR)
    assert (found.uri, found.revision, found.access) == ("/docs/a.txt", 1, ("everyone",))
    assert Versions(engine).current().folder == ""
    assert _publish(Catalog(engine), replace(_reference(), size=9), "other bytes") == 2
    engine.dispose()


def _undo(connection: sa.Connection) -> None:
    """Make the tables what they were before there were versions."""
    for later in ("exchanges", "conversations", "index_versions", "catalog_identity", "unwanted_originals"):
        connection.exec_driver_sql(f"DROP TABLE {later}")
    connection.exec_driver_sql("DROP INDEX documents_by_source")
    connection.exec_driver_sql("ALTER TABLE documents RENAME TO later")
    columns = [column["name"] for column in sa.inspect(connection).get_columns("later")]
    names = ", ".join(name for name in columns if name not in ("version", "base"))
    connection.exec_driver_sql(f"CREATE TABLE documents AS SELECT {names} FROM later")
    connection.exec_driver_sql("DROP TABLE later")
    connection.exec_driver_sql("CREATE INDEX documents_by_source ON documents (source, deleted)")
    connection.exec_driver_sql("ALTER TABLE retirements DROP COLUMN version")
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0005'")
