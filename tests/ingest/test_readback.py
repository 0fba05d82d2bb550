"""A document is read back from an index that was damaged behind the catalog's back, on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from api.settings import Settings
from ingest.document import Chunk, Embedding, Reference
from ingest.index import Index
from ingest.index.server import ServerIndex
from ingest.store import Store
from ingest.verify.readback import ReadBack
from tests.ingest.filled_home import publish, reference

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning")

PASSAGES = [f"第{number}条 员工每年享有{number + 5}天年假，第{number}组的主管负责审批。" for number in range(9)]
DOCUMENT = reference("/docs/手册.txt")


@pytest.fixture
def home(store: Store) -> Store:
    publish(store, reference("/docs/其他.txt"), ["会议室需要提前预约。", "访客必须在前台登记。"])
    return store


@pytest.fixture(params=["edge", "server"])
def either(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Store]:
    """A home on each of the two engines."""
    store = Store.open(settings, command="test")
    if request.param == "server":
        from qdrant_client import QdrantClient

        store.index.close()
        dimension = store.embedder.dense.dimension
        store = replace(
            store, index=ServerIndex.open(QdrantClient(":memory:"), collection="youju", dimension=dimension)
        )
    publish(store, reference("/docs/其他.txt"), ["会议室需要提前预约。", "访客必须在前台登记。"])
    yield store
    store.close()


def codes(store: Store, document: Reference = DOCUMENT, *, thorough: bool = False) -> list[str]:
    found = store.catalog.document(document.document_id)
    assert found is not None
    return [finding.code for finding in ReadBack(store.index, store.embedder).check(found, thorough=thorough)]


def rewritten(store: Store, chunk: Chunk, embedding: Embedding | None = None) -> None:
    """Put another chunk in the place of one, with these vectors or those that it has there."""
    stored = store.index.embeddings(chunk.document_id, chunk.revision)[chunk.position]
    store.index.write([chunk], [embedding or stored])


def test_a_document_as_it_was_written_is_found(either: Store) -> None:
    publish(either, DOCUMENT, PASSAGES)
    assert codes(either) == []
    assert codes(either, thorough=True) == []


def test_lost_chunks_are_noticed_wherever_they_stood(either: Store) -> None:
    for at in (0, 4, 8):
        chunks = publish(either, DOCUMENT, PASSAGES, digest=f"without {at}")
        either.index.remove([chunks[at].id])
        assert codes(either) == ["chunks_missing"]


def test_a_document_that_is_gone_from_the_index_is_noticed(home: Store) -> None:
    publish(home, DOCUMENT, PASSAGES)
    home.index.retire(DOCUMENT.document_id, first=1, last=9)
    assert codes(home) == ["chunks_missing"]


def test_chunks_that_the_catalog_does_not_know_are_noticed(home: Store) -> None:
    chunks = publish(home, DOCUMENT, PASSAGES[:3])
    extra = replace(chunks[0], id=chunks[0].id[:-1] + "f", position=15)
    home.index.write([extra], home.embedder.embed_documents([extra]))
    assert codes(home) == ["count_differs"]


@pytest.mark.parametrize("marked", [("user:ann",), ("everyone", "user:ann")])
def test_readers_that_differ_from_the_catalogs_are_noticed(either: Store, marked: tuple[str, ...]) -> None:
    publish(either, DOCUMENT, PASSAGES)
    either.index.set_access(DOCUMENT.document_id, marked)
    assert codes(either) == ["access_differs"]


def test_a_document_for_the_operator_alone_is_found(home: Store) -> None:
    secret = reference("/docs/secret.txt", access=())
    publish(home, secret, PASSAGES)
    assert codes(home, secret) == []


def test_a_lost_vector_is_noticed(either: Store) -> None:
    chunks = publish(either, DOCUMENT, ["The gate opens at seven.", "Visitors sign in at the desk."])
    stored = either.index.embeddings(DOCUMENT.document_id, 1)[1]
    assert stored.dense is not None, "the embedder covers English"
    assert codes(either) == []
    assert codes(either, thorough=True) == []
    rewritten(either, chunks[1], Embedding(None, stored.sparse))
    assert codes(either) == ["vectors_missing"]


def test_terms_of_another_text_are_noticed(either: Store) -> None:
    chunks = publish(either, DOCUMENT, PASSAGES)
    rewritten(either, replace(chunks[8], text="停车场在地下二层。"))
    assert codes(either) == ["vectors_differ"]


def test_a_vector_of_another_text_is_noticed_by_a_thorough_check_only(home: Store) -> None:
    chunks = publish(home, DOCUMENT, ["The gate opens at seven.", "Visitors sign in at the desk."])
    stored = home.index.embeddings(DOCUMENT.document_id, 1)
    rewritten(home, chunks[1], Embedding(stored[0].dense, stored[1].sparse))
    assert codes(home) == []
    assert codes(home, thorough=True) == ["vectors_differ"]


def test_a_damaged_chunk_is_noticed(settings: Settings) -> None:
    store = Store.open(settings, command="test")
    chunks = publish(store, DOCUMENT, PASSAGES)
    index: Index = store.index
    engine, shard = index._engine, index._shard  # type: ignore[attr-defined]
    shard.update(engine.UpdateOperation.delete_payload([chunks[3].id], ["text"]))
    assert codes(store) == ["chunks_damaged"]
    shard.update(engine.UpdateOperation.clear_payload([chunks[3].id]))
    assert codes(store) == ["chunks_missing"]
    store.close()


# What must not give a false alarm


def test_copies_of_a_document_do_not_hide_each_other(home: Store) -> None:
    copies = [reference(f"/docs/copy {number}.txt") for number in range(12)]
    for copy in copies:
        publish(home, copy, PASSAGES[:2])
    assert [codes(home, copy) for copy in copies] == [[]] * 12


def test_copies_in_english_do_not_hide_each_other(home: Store) -> None:
    copies = [reference(f"/docs/copy {number}.txt") for number in range(12)]
    for copy in copies:
        publish(home, copy, ["The gate opens at seven."])
    assert [codes(home, copy) for copy in copies] == [[]] * 12


def test_a_short_passage_of_common_words_is_found_among_long_ones(home: Store) -> None:
    publish(home, DOCUMENT, ["年假"])
    for number in range(20):
        publish(home, reference(f"/docs/{number}.txt"), ["手册 年假 年假 年假 " * 3 + f"第{number}条"])
    assert codes(home) == []


def test_a_passage_without_words_is_no_fault_of_the_others(home: Store) -> None:
    publish(home, DOCUMENT, ["……", "年假需要审批。"])
    assert codes(home) == []


def test_a_long_passage_is_found_by_an_excerpt(home: Store) -> None:
    passages = ["".join(f"第{number}款规定了{part}号事项。" for number in range(80)) for part in range(5)]
    publish(home, DOCUMENT, passages)
    assert codes(home) == []


def test_a_document_whose_vectors_cannot_be_searched_is_named(home: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(home, DOCUMENT, PASSAGES)
    hidden = {chunk.id for chunk in home.index.chunks(DOCUMENT.document_id, 1)}
    search: Callable[..., object] = home.index.search

    def blind(*args: object, **kwargs: object) -> object:
        legs = search(*args, **kwargs)
        return replace(legs, sparse=_without(legs.sparse, hidden))  # type: ignore[type-var, attr-defined]

    monkeypatch.setattr(home.index, "search", blind)
    assert codes(home) == ["not_found"]


def _without(hits: Sequence[object], hidden: set[str]) -> tuple[object, ...]:
    return tuple(hit for hit in hits if hit.chunk_id not in hidden)  # type: ignore[attr-defined]
