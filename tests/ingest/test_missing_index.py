"""An index that is gone while the catalog has documents in it is not replaced by an empty one, unless it is mended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from api.settings import Settings
from assistant.retrieve import CurrentRetriever
from ingest.access import OPERATOR
from ingest.errors import ConfigurationError
from ingest.index.server import ServerIndex
from ingest.runs.pipeline import Ingestor
from ingest.sources.folder import FolderSource
from ingest.store import Store
from ingest.verify.verifier import Verifier

pytestmark = pytest.mark.usefixtures("inline")

FINER = {"chunk_tokens": 64}


def remove_all(index: Path) -> None:
    shutil.rmtree(index.parent)


def remove_content(index: Path) -> None:
    shutil.rmtree(index)
    index.mkdir()


def remove_generation(index: Path) -> None:
    for path in index.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


@pytest.fixture
def filled(folder: Path, settings: Settings) -> Path:
    """A home with three documents; where its index is."""
    for name in ("a", "b", "c"):
        (folder / f"{name}.md").write_text(f"# {name}\n\n{name} 部门的员工每年享有十五天年假。\n")
    with closing(Store.open(settings, command="test")) as store:
        Ingestor(store, settings).run(FolderSource([folder]))
    (index,) = (path for path in (settings.home / "index").iterdir() if path.is_dir())
    return index


def found(store: Store) -> set[str]:
    hits = CurrentRetriever(store.open_versions).retrieve("年假", reader=OPERATOR, limit=10).hits
    return {Path(hit.chunk.uri).name for hit in hits}


@pytest.mark.parametrize("remove", [remove_all, remove_content, remove_generation])
def test_a_home_whose_index_is_gone_does_not_open(
    filled: Path, settings: Settings, remove: Callable[[Path], None]
) -> None:
    remove(filled)
    for _ in range(2):
        with pytest.raises(ConfigurationError) as raised, closing(Store.open(settings, command="serve")):
            pass
        assert raised.value.code == "index_missing"
        assert "youju verify --repair" in raised.value.hint


@pytest.mark.parametrize("remove", [remove_all, remove_content, remove_generation])
def test_repair_brings_everything_in_again(filled: Path, settings: Settings, remove: Callable[[Path], None]) -> None:
    remove(filled)
    if remove is remove_generation:
        shutil.rmtree(filled)  # "remove what is left of it"
    with closing(Store.open(settings, command="verify", rebuild=True)) as store:
        with pytest.raises(ConfigurationError):
            store.open_versions.check_index()  # not ready before it is mended
        assert store.open_versions.lacking_passages() == 3
        report = Verifier(store, settings, Ingestor(store, settings)).verify(repair=True)
        assert (report.searchable, report.documents) == (3, 3)
    with closing(Store.open(settings, command="serve")) as store:
        store.open_versions.check_index()
        assert store.open_versions.lacking_passages() == 0
        assert found(store) == {"a.md", "b.md", "c.md"}


def test_what_is_left_of_an_index_is_not_overwritten(filled: Path, settings: Settings) -> None:
    (filled / "current").unlink()
    left = sorted(filled.rglob("*"))
    with pytest.raises(ConfigurationError), closing(Store.open(settings, command="verify", rebuild=True)):
        pass
    assert sorted(filled.rglob("*")) == left


def test_an_index_that_holds_nothing_is_not_ready(filled: Path, settings: Settings) -> None:
    with closing(Store.open(settings, command="test")) as store:
        store.open_versions.check_index()
        store.index.remove(list(store.index.inventory()))
        with pytest.raises(ConfigurationError) as raised:
            store.open_versions.check_index()
        assert raised.value.code == "index_missing"


def test_a_look_whether_the_index_is_there_does_not_go_through_all_of_it(
    filled: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Store.open(settings, command="test")) as store:

        def count() -> int:
            raise AssertionError("it takes ever longer, and no search gets its turn meanwhile")

        monkeypatch.setattr(store.index, "count", count)
        store.open_versions.check_index()


def test_an_index_of_which_everything_was_deleted_is_as_good_as_any(
    filled: Path, folder: Path, settings: Settings
) -> None:
    with closing(Store.open(settings, command="test")) as store:
        store.catalog.delete([document.id for document in store.catalog.documents(OPERATOR)])
    remove_all(filled)
    with closing(Store.open(settings, command="serve")) as store:
        store.open_versions.check_index()


def test_a_kept_index_that_is_gone_is_not_switched_to_and_can_be_dropped(
    filled: Path, folder: Path, settings: Settings
) -> None:
    finer = settings.model_copy(update=FINER)
    with closing(Store.open(finer, command="test")) as store:
        Ingestor(store, finer).run(FolderSource([folder]))
        assert store.open_versions.current().id == 2
    shutil.rmtree(filled)
    for rebuild in (False, True):
        with closing(Store.open(finer, command="test", rebuild=rebuild)) as store:
            with pytest.raises(ConfigurationError) as raised:
                store.open_versions.switch(1)
            assert raised.value.code == "index_missing"
            assert store.open_versions.current().id == 2
    with closing(Store.open(finer, command="test")) as store:
        store.open_versions.drop(1, busy=False)
        assert [version.id for version in store.open_versions.versions.all()] == [2]


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning")
@pytest.mark.parametrize("may_create", [False, True])
def test_a_collection_that_is_gone_is_created_only_where_it_may_be(may_create: bool) -> None:
    from qdrant_client import QdrantClient

    client = QdrantClient(":memory:")
    with nullcontext() if may_create else pytest.raises(ConfigurationError) as raised:
        ServerIndex.open(client, collection="youju", dimension=8, may_create=may_create)
    if raised is not None:
        assert raised.value.code == "index_missing"
