"""Dense vectors that are added to stored chunks, on both engines: nothing else of the chunk changes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.access import OPERATOR, Reader
from ingest.document import document_id
from ingest.errors import ConfigurationError
from ingest.index import Index, edge
from ingest.index.server import ServerIndex
from tests.ingest.test_index import DIMENSION, folder, index, make_chunk, make_embedding, open_edge, open_server

__all__ = ["folder", "index"]

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning")

ID = document_id("local", "a")
VECTOR = np.eye(DIMENSION, dtype=np.float32)


def _by_words(index: Index, positions: int) -> list[str]:
    """Chunks of one document, written without dense vectors; each has term 1 and one of its own."""
    chunks = [make_chunk("a", position) for position in range(positions)]
    index.write(chunks, [make_embedding(1, 10 + position, dense=None) for position in range(positions)])
    return [chunk.id for chunk in chunks]


def test_a_chunk_without_a_vector_is_found_by_words_only_until_it_gets_one(index: Index) -> None:
    [chunk] = _by_words(index, 1)
    legs = index.search(make_embedding(1, dense=3), reader=OPERATOR, limit=9)
    assert ([hit.chunk_id for hit in legs.sparse], legs.dense) == ([chunk], ())

    index.add_vectors([chunk], [VECTOR[3]])
    index.flush()
    legs = index.search(make_embedding(1, dense=3), reader=OPERATOR, limit=9)
    assert [hit.chunk_id for hit in legs.sparse] == [hit.chunk_id for hit in legs.dense] == [chunk]
    assert legs.dense[0].score == pytest.approx(1.0, abs=1e-3)


def test_words_text_and_readers_stay_as_they_are_at_that_moment(index: Index) -> None:
    chunks = _by_words(index, 3)
    before = index.chunks(ID, 1)
    index.set_access(ID, ["group:hr"])
    index.add_vectors(chunks[:2], VECTOR[:2])

    stored = index.embeddings(ID, 1)
    assert [each.sparse.indices for each in stored] == [(1, 10), (1, 11), (1, 12)]
    assert [each.dense is None for each in stored] == [False, False, True]
    after = index.chunks(ID, 1)
    assert [(each.id, each.text, each.location) for each in after] == [(e.id, e.text, e.location) for e in before]
    assert {each.access for each in after} == {("group:hr",)}
    stranger = Reader(frozenset({"everyone"}))
    assert index.search(make_embedding(1), reader=stranger, limit=9).dense == ()


def test_a_chunk_that_is_gone_is_left_out_and_does_not_come_back(index: Index) -> None:
    chunks = _by_words(index, 300)  # more than one request to the engine
    index.remove(chunks[:2])
    index.add_vectors(chunks, np.repeat(VECTOR[:1], 300, axis=0))
    assert index.count() == 298
    assert [each.position for each in index.unembedded(ID, 1)] == []
    index.retire(ID, first=1, last=1)
    index.add_vectors(chunks, np.repeat(VECTOR[:1], 300, axis=0))
    assert index.count() == 0


def test_what_has_no_vector_yet_is_told_by_position_and_revision(index: Index) -> None:
    chunks = _by_words(index, 300)
    newer = make_chunk("a", 0, revision=2)
    index.write([newer], [make_embedding(1, dense=None)])
    index.add_vectors([chunks[0], chunks[2]], VECTOR[:2])
    assert [each.position for each in index.unembedded(ID, 1)] == [1, *range(3, 300)]
    assert index.unembedded(ID, 2) == [newer]
    assert index.unembedded(document_id("local", "b"), 1) == []


def test_a_vector_of_another_size_is_refused(index: Index) -> None:
    [chunk] = _by_words(index, 1)
    with pytest.raises(ConfigurationError, match="holds vectors of 16 numbers"):
        index.add_vectors([chunk], [np.ones(3, dtype=np.float32)])


def test_chunks_that_were_rewritten_to_the_disk_get_vectors_and_are_found_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "COMPACT_AFTER", 50)
    index = open_edge(folder)
    chunks = _by_words(index, 120)
    assert index.compact(interrupted=lambda: False)
    index.add_vectors(chunks, np.repeat(VECTOR[:1], 120, axis=0))
    assert index.compact(interrupted=lambda: False), "what was copied back into memory counts as growth"
    index.close()

    with closing(open_edge(folder)) as again:
        legs = again.search(make_embedding(1), reader=OPERATOR, limit=500)
        assert sorted(hit.chunk_id for hit in legs.dense) == sorted(hit.chunk_id for hit in legs.sparse) == chunks
        assert again.count() == 120


def test_a_chunk_that_another_process_removes_meanwhile_costs_no_other_its_vector(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulator raises KeyError where a server says 404; the answer here is that of a server."""
    from qdrant_client.http.exceptions import UnexpectedResponse

    index = open_server(folder)
    assert isinstance(index, ServerIndex)
    chunks = _by_words(index, 3)
    client = index._client
    update = client.update_vectors

    def racing(collection: str, points: list[Any], **options: Any) -> Any:
        monkeypatch.setattr(client, "update_vectors", update)
        index.remove(chunks[:1])
        raise UnexpectedResponse(404, "Not Found", b"No point with id", None)  # type: ignore[arg-type]

    monkeypatch.setattr(client, "update_vectors", racing)
    index.add_vectors(chunks, VECTOR[:3])
    assert index.unembedded(ID, 1) == []
    assert index.count() == 2
    index.close()
