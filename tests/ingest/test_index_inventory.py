"""Which chunks an index holds, on both engines."""

from __future__ import annotations

from ingest.index import Index
from tests.ingest.test_index import folder, index, make_chunk, make_embedding, pytestmark, write_one

__all__ = ["folder", "index", "pytestmark"]


def test_the_inventory_names_every_chunk_of_every_revision_once(index: Index) -> None:
    chunks = [make_chunk(f"{name}.txt", position) for name in "abc" for position in range(130)]
    index.write(chunks, [make_embedding(1)] * len(chunks))
    newer = write_one(index, make_chunk("a.txt", revision=2))

    assert list(index.inventory()) == sorted([newer.id, *(chunk.id for chunk in chunks)])


def test_the_inventory_forgets_what_was_retired(index: Index) -> None:
    kept, gone = write_one(index, make_chunk("kept")), write_one(index, make_chunk("gone"))
    index.retire(gone.document_id, first=1, last=1)

    assert list(index.inventory()) == [kept.id]


def test_an_empty_index_has_an_empty_inventory(index: Index) -> None:
    assert list(index.inventory()) == []


def test_an_inventory_goes_on_while_chunks_are_written(index: Index) -> None:
    chunks = [make_chunk(f"{number}.txt") for number in range(300)]
    index.write(chunks, [make_embedding(1)] * len(chunks))

    seen = []
    for number, chunk in enumerate(index.inventory()):
        seen.append(chunk)
        if number == 10:
            write_one(index, make_chunk("late.txt"))
    assert set(seen) >= {chunk.id for chunk in chunks}
    assert len(seen) == len(set(seen))


def test_chunks_are_removed_by_their_ids(index: Index) -> None:
    chunks = [make_chunk("a.txt", position) for position in range(300)]
    index.write(chunks, [make_embedding(1)] * len(chunks))
    index.remove([chunk.id for chunk in chunks[1:]])
    index.remove([make_chunk("never written").id])
    index.remove([])

    assert list(index.inventory()) == [chunks[0].id]
