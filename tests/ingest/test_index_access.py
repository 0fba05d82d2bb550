"""Who may find what can change without anything being embedded again, on both engines."""

from __future__ import annotations

import pytest

from ingest.access import OPERATOR, Reader
from ingest.document import document_id
from ingest.index import Index
from tests.ingest.test_index import folder, index, make_chunk, make_embedding

__all__ = ["folder", "index"]

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning")


def test_access_changes_for_every_chunk_of_the_document_and_no_other(index: Index) -> None:
    chunks = [make_chunk("a", 0), make_chunk("a", 1), make_chunk("b", 0)]
    embeddings = [make_embedding(1, dense=number + 1) for number in range(3)]
    index.write(chunks, embeddings)
    before = index.embeddings(document_id("local", "a"), 1)

    index.set_access(document_id("local", "a"), ["group:finance"])
    index.flush()

    query = make_embedding(1, dense=None)
    finance = Reader(frozenset({"group:finance"}))
    assert {hit.document_id for hit in index.search(query, reader=finance, limit=9).sparse} == {
        document_id("local", "a")
    }
    assert {hit.document_id for hit in index.search(query, reader=OPERATOR, limit=9).sparse} == {
        document_id("local", name) for name in "ab"
    }
    everyone = Reader(frozenset({"everyone"}))
    assert document_id("local", "a") not in {
        hit.document_id for hit in index.search(query, reader=everyone, limit=9).sparse
    }
    after = index.embeddings(document_id("local", "a"), 1)
    assert [e.sparse for e in after] == [e.sparse for e in before]
    assert [chunk.access for chunk in index.chunks(document_id("local", "a"), 1)] == [("group:finance",)] * 2
