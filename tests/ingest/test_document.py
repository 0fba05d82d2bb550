"""Identities: the same for ever, and readable from a chunk's id."""

from __future__ import annotations

import uuid

import pytest

from ingest.document import Chunk, Location, chunk_id, document_id, owner_of


def test_the_same_source_and_path_give_the_same_document_in_every_process() -> None:
    assert document_id("local", "/docs/年假.md") == "56a89aa6-4b74-387e-0000-000000000000"


def test_another_source_or_path_gives_another_document() -> None:
    ids = {document_id(source, f"/docs/{number}") for source in ("local", "wiki") for number in range(1000)}
    assert len(ids) == 2000


@pytest.mark.parametrize(("revision", "position"), [(1, 0), (7, 12_345), (2**32 - 1, 2**32 - 1)])
def test_a_chunks_id_says_what_it_is_of(revision: int, position: int) -> None:
    document = document_id("local", "/docs/a.md")
    identity = chunk_id(document, revision, position)
    assert str(uuid.UUID(identity)) == identity
    assert owner_of(identity) == (document, revision)


def test_an_id_may_be_written_in_another_way_but_must_be_one() -> None:
    document = document_id("local", "/docs/a.md")
    identity = chunk_id(document, 7, 3)
    assert owner_of(identity.upper()) == owner_of(identity.replace("-", "")) == (document, 7)
    with pytest.raises(ValueError, match="badly formed"):
        owner_of("0" * 35 + "g")


def test_no_two_chunks_share_an_id() -> None:
    documents = [document_id("local", f"/docs/{number}") for number in range(20)]
    ids = {chunk_id(d, revision, position) for d in documents for revision in (1, 2, 3) for position in range(30)}
    assert len(ids) == 20 * 3 * 30


@pytest.mark.parametrize(("revision", "position"), [(0, 0), (1, -1), (2**32, 0)])
def test_what_does_not_fit_into_an_id_is_refused(revision: int, position: int) -> None:
    with pytest.raises(ValueError, match="no chunk has"):
        chunk_id(document_id("local", "a"), revision, position)


def test_the_context_of_a_chunk_names_each_heading_once() -> None:
    document = document_id("local", "a")
    location = Location(heading_path=("Leave", "Annual leave"))
    chunk = Chunk(chunk_id(document, 1, 0), document, 1, 0, "local", "a", "Leave", "en", "Ten days.", location, ())
    assert chunk.heading == "Leave › Annual leave"
