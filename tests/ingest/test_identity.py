"""A home and a catalog that do not belong together are not opened, and no upload is lost by trying."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from api.settings import Settings
from ingest.errors import ConfigurationError
from ingest.home.database import open_database
from ingest.home.identity import FILE_NAME, adopt, pair, read_home
from ingest.home.originals import Originals
from ingest.store import Store
from ingest.uploads.register import Uploads, Wanted

TEXT = "员工每年享有十五天年假。".encode()


def elsewhere(settings: Settings, database: Path) -> Settings:
    """The same settings with a database that is not in the home, as PostgreSQL is not."""
    return settings.model_copy(update={"database_url": SecretStr(f"sqlite:///{database}")})


def upload(settings: Settings, path: str = "a.txt", data: bytes = TEXT) -> Path:
    """Open the home, take an upload, and close it; where its bytes are."""
    with closing(Store.open(settings, command="test")) as store:
        return accepted(store.database, settings, path, data)


def accepted(database: sa.Engine, settings: Settings, path: str = "a.txt", data: bytes = TEXT) -> Path:
    originals = Originals(settings.home)
    with originals.receive() as incoming:
        incoming.write(data)
        incoming.finish()
        receipt = Uploads(database, originals).accept(incoming, Wanted(path))
    return originals.path(receipt.digest or "")


def opens(settings: Settings) -> None:
    """Open and close it, and remove whatever may be removed."""
    with closing(Store.open(settings, command="test")) as store:
        Uploads(store.database, Originals(settings.home)).sweep(lambda: (), older_than_seconds=0)


def refusal(settings: Settings) -> str:
    """The code of the error that opening ends with; its hint names a way out that deletes nothing."""
    with pytest.raises(ConfigurationError) as raised:
        opens(settings)
    assert "youju home adopt" in raised.value.hint
    return raised.value.code


def test_another_database_is_refused_and_the_originals_stay(settings: Settings, tmp_path: Path) -> None:
    kept = upload(settings)
    assert refusal(elsewhere(settings, tmp_path / "new.db")) == "other_catalog"
    assert kept.read_bytes() == TEXT
    opens(settings)


def test_a_database_that_was_removed_is_not_replaced_by_an_empty_one(settings: Settings) -> None:
    kept = upload(settings)
    for file in settings.home.glob("youju.db*"):
        file.unlink()
    assert refusal(settings) == "other_catalog"
    assert kept.read_bytes() == TEXT


def test_an_older_backup_of_the_database_opens_and_loses_no_later_upload(settings: Settings, tmp_path: Path) -> None:
    opens(settings)
    shutil.copy(settings.home / "youju.db", tmp_path / "backup.db")
    kept = upload(settings)
    for file in settings.home.glob("youju.db*"):
        file.unlink()
    shutil.copy(tmp_path / "backup.db", settings.home / "youju.db")
    opens(settings)
    assert kept.read_bytes() == TEXT
    with closing(Store.open(settings, command="test")) as store:
        stock = Uploads(store.database, Originals(settings.home)).stock(())
    assert (stock.kept, stock.unwanted, stock.unknown, stock.missing) == (0, 0, 1, 0)


def test_a_home_of_an_earlier_release_is_paired_silently(settings: Settings) -> None:
    kept = upload(settings)
    forget(settings)
    opens(settings)
    assert kept.read_bytes() == TEXT
    first = read_home(settings.home)
    opens(settings)
    assert first is not None
    assert read_home(settings.home) == first
    assert (settings.home / FILE_NAME).stat().st_mode & 0o777 == 0o600
    with closing(Store.open(settings, command="test")) as store:
        uploads = Uploads(store.database, Originals(settings.home))
        uploads.remove(uploads.all()[0].document_id)
        assert uploads.sweep(lambda: (), older_than_seconds=0) == 1, "the home knows that it keeps them"


def test_a_process_that_was_quicker_with_another_database_has_the_home(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {"home_id": "theirs", "catalog_id": "another"}

    def quicker(_: Path, name: Path) -> None:
        name.write_text(json.dumps(theirs))
        raise FileExistsError

    monkeypatch.setattr("ingest.home.identity.os.link", quicker)
    assert refusal(settings) == "other_catalog"
    assert json.loads((settings.home / FILE_NAME).read_text()) == theirs


def test_a_home_of_an_earlier_release_is_not_joined_to_an_empty_database(settings: Settings, tmp_path: Path) -> None:
    kept = upload(settings)
    forget(settings)
    assert refusal(elsewhere(settings, tmp_path / "new.db")) == "other_catalog"
    assert kept.read_bytes() == TEXT
    opens(settings)


def test_a_shared_database_of_an_earlier_release_finds_the_home_with_its_originals(
    settings: Settings, tmp_path: Path
) -> None:
    shared = elsewhere(settings, tmp_path / "shared.db")
    kept = upload(shared)
    forget(shared)
    assert refusal(shared.model_copy(update={"home": tmp_path / "another"})) == "other_home"
    opens(shared)
    assert kept.read_bytes() == TEXT


def test_several_homes_may_share_a_database_until_one_keeps_originals(settings: Settings, tmp_path: Path) -> None:
    one = elsewhere(settings, tmp_path / "shared.db")
    two = one.model_copy(update={"home": tmp_path / "another"})
    opens(one)
    with closing(Store.open(two, command="test")) as store:
        upload(one)
        with pytest.raises(ConfigurationError) as raised:
            accepted(store.database, two)
        assert raised.value.code == "other_home"
        uploads = Uploads(store.database, Originals(one.home))
        (found,) = uploads.all()
        uploads.remove(found.document_id)
        assert Uploads(store.database, Originals(two.home)).sweep(lambda: (), older_than_seconds=0) == 0
        with pytest.raises(ConfigurationError):  # the first home has bytes yet to be removed
            accepted(store.database, two)
        assert uploads.sweep(lambda: (), older_than_seconds=0) == 1
        assert accepted(store.database, two).read_bytes() == TEXT
    assert refusal(one) == "other_home"


def test_a_database_that_was_copied_into_a_new_home_misses_its_originals(settings: Settings, tmp_path: Path) -> None:
    upload(settings)
    new = settings.model_copy(update={"home": tmp_path / "new"})
    new.home.mkdir()
    shutil.copy(settings.home / "youju.db", new.home / "youju.db")
    assert refusal(new) == "other_home"


def test_a_home_that_was_moved_as_a_whole_opens(settings: Settings, tmp_path: Path) -> None:
    kept = upload(settings)
    settings.home.rename(tmp_path / "moved")
    opens(settings.model_copy(update={"home": tmp_path / "moved"}))
    assert (tmp_path / "moved" / kept.relative_to(settings.home)).read_bytes() == TEXT


def test_adopting_joins_the_two_and_removes_nothing(settings: Settings, tmp_path: Path) -> None:
    kept = upload(settings)
    other = elsewhere(settings, tmp_path / "new.db")
    engine = open_database(other)
    adoption = adopt(engine, settings.home)
    engine.dispose()
    assert adoption.before is not None
    assert adoption.before.catalog_id != adoption.catalog_id
    opens(other)
    assert kept.read_bytes() == TEXT
    assert refusal(settings) == "other_catalog"  # one catalog only


def test_a_broken_file_is_an_error_with_a_way_out(settings: Settings) -> None:
    upload(settings)
    (settings.home / FILE_NAME).write_text('{"home_id": 1')
    assert refusal(settings) == "home_damaged"
    engine = open_database(settings)
    adopt(engine, settings.home)
    engine.dispose()
    opens(settings)


def test_a_crash_before_the_home_knew_its_catalog_does_no_harm(settings: Settings) -> None:
    opens(settings)
    (settings.home / FILE_NAME).unlink()  # the catalog has its id first
    opens(settings)
    assert upload(settings).read_bytes() == TEXT


def test_processes_that_start_at_once_agree(settings: Settings, tmp_path: Path) -> None:
    shared = elsewhere(settings, tmp_path / "shared.db")
    open_database(shared).dispose()
    problems: list[Exception] = []
    barrier = threading.Barrier(6)

    def start() -> None:
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'shared.db'}", connect_args={"timeout": 30})
        sa.event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        barrier.wait()
        try:
            pair(engine, shared)
        except Exception as error:
            problems.append(error)
        engine.dispose()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert [path.name for path in settings.home.iterdir()] == [FILE_NAME]
    opens(shared)


def forget(settings: Settings) -> None:
    """Make the home and its database what an earlier release left: without ids."""
    (settings.home / FILE_NAME).unlink()
    engine = open_database(settings)
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM catalog_identity"))
    engine.dispose()


def test_the_file_says_which_catalog_and_nothing_else(settings: Settings) -> None:
    opens(settings)
    assert sorted(json.loads((settings.home / FILE_NAME).read_text())) == ["catalog_id", "home_id"]
