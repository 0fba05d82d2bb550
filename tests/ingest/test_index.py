"""One contract, two engines: every test that takes `index` runs against both."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ingest.access import OPERATOR, Reader
from ingest.document import Box, Chunk, Embedding, Location, SparseVector, chunk_id, document_id
from ingest.errors import ConfigurationError, DocumentError, OwnedError, UnavailableError
from ingest.index import Index, Legs, Scored
from ingest.index.edge import EdgeIndex
from ingest.index.from_settings import open_index
from ingest.index.server import ServerIndex
from ingest.settings import IngestSettings

DIMENSION = 16
HALF = 5e-4  # how far a score may be off: the simulator of a server does not store vectors in half precision
# The simulator says that payload indexes, which a real server needs, do nothing in it.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning")


def open_edge(folder: Path) -> Index:
    return EdgeIndex.open(folder / "index", dimension=DIMENSION)


def open_server(folder: Path) -> Index:
    """The simulator that ships with the client stands in for a server, which cannot be installed everywhere."""
    from qdrant_client import QdrantClient

    return ServerIndex.open(QdrantClient(":memory:"), collection="youju", dimension=DIMENSION)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, in memory where the machine has such: opening an index is mostly waiting for the disk."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name)


@pytest.fixture(params=[open_edge, open_server], ids=["edge", "server"])
def index(request: pytest.FixtureRequest, folder: Path) -> Iterator[Index]:
    opened: Index = request.param(folder)
    yield opened
    opened.close()


@pytest.fixture
def edge(folder: Path) -> Iterator[Index]:
    opened = open_edge(folder)
    yield opened
    opened.close()


def make_chunk(
    name: str,
    position: int = 0,
    *,
    revision: int = 1,
    source: str = "local",
    access: tuple[str, ...] = ("everyone",),
    location: Location | None = None,
) -> Chunk:
    document = document_id(source, name)
    return Chunk(
        id=chunk_id(document, revision, position),
        document_id=document,
        revision=revision,
        position=position,
        source=source,
        uri=name,
        title=f"About {name}",
        language="en",
        text=f"{name} {revision}.{position}",
        location=location or Location(start=position, end=position + 1),
        access=access,
    )


def make_embedding(*terms: int, dense: int | None = 0) -> Embedding:
    """A vector along axis `dense`, and each term with weight one."""
    vector = None if dense is None else np.eye(DIMENSION, dtype=np.float32)[dense]
    return Embedding(vector, SparseVector(terms, tuple(1.0 for _ in terms)))


def write_one(index: Index, chunk: Chunk, embedding: Embedding | None = None) -> Chunk:
    index.write([chunk], [embedding or make_embedding(1)])
    return chunk


def uris(index: Index, found: tuple[Scored, ...]) -> list[str]:
    chunks = index.fetch([scored.chunk_id for scored in found])
    return [chunks[scored.chunk_id].uri for scored in found]


def found_by(index: Index, reader: Reader) -> set[str]:
    """What both legs agree that `reader` may see."""
    legs = index.search(make_embedding(1), reader=reader, limit=50)
    assert set(uris(index, legs.dense)) == set(uris(index, legs.sparse))
    return set(uris(index, legs.dense))


# Chunks and vectors


def test_a_chunk_comes_back_as_it_was_written(index: Index) -> None:
    corners = np.random.default_rng(5).random((200, 4)).tolist()
    location = Location(
        page=3,
        slide=2,
        sheet="价格",
        cells="B2:D9",
        heading_path=("第一章 总则", "Scope"),
        start=17,
        end=400,
        boxes=(Box(3, 0.0, 1.0, 0.1, 1 / 3), *(Box(4, *corner) for corner in corners)),
    )
    chunk = write_one(index, make_chunk("手册.pdf", location=location, access=("user:王芳", "group:hr")))

    assert index.chunks(chunk.document_id, 1) == [chunk]
    assert index.fetch([chunk.id]) == {chunk.id: chunk}


def test_a_bare_location_comes_back_as_it_was_written(index: Index) -> None:
    chunk = write_one(index, make_chunk("plain.txt", location=Location()))

    assert index.chunks(chunk.document_id, 1) == [chunk]


def test_chunks_and_embeddings_of_a_long_document_come_back_in_order(index: Index) -> None:
    chunks = [make_chunk("long.txt", position) for position in range(300)]
    embeddings = [make_embedding(position + 1, dense=position % DIMENSION) for position in range(300)]
    index.write(chunks[::-1], embeddings[::-1])
    write_one(index, make_chunk("long.txt", 7, revision=2))

    document = chunks[0].document_id
    assert index.chunks(document, 1) == chunks
    stored = index.embeddings(document, 1)
    assert [embedding.sparse for embedding in stored] == [embedding.sparse for embedding in embeddings]
    dense = np.stack([embedding.dense for embedding in stored if embedding.dense is not None])
    assert dense.dtype == np.float32
    np.testing.assert_allclose(dense, np.stack([e.dense for e in embeddings if e.dense is not None]), atol=1e-6)


def test_a_missing_vector_stays_missing(index: Index) -> None:
    chunks = [make_chunk("mixed.txt", position) for position in range(3)]
    index.write(chunks, [make_embedding(1, dense=None), make_embedding(dense=2), make_embedding(dense=None)])

    stored = index.embeddings(chunks[0].document_id, 1)
    assert [embedding.dense is not None for embedding in stored] == [False, True, False]
    assert [embedding.sparse.indices for embedding in stored] == [(1,), (), ()]


def test_fetching_leaves_out_what_was_retired(index: Index) -> None:
    kept, gone = write_one(index, make_chunk("kept")), write_one(index, make_chunk("gone"))
    index.retire(gone.document_id, first=1, last=1)

    assert index.fetch([gone.id, kept.id, make_chunk("never written").id]) == {kept.id: kept}
    assert index.fetch([]) == {}


def test_a_search_says_which_revision_it_found(index: Index) -> None:
    chunk = write_one(index, make_chunk("a", 3, revision=7))

    (found,) = index.search(make_embedding(1, dense=None), reader=OPERATOR, limit=1).sparse
    assert (found.chunk_id, found.document_id, found.revision) == (chunk.id, chunk.document_id, 7)


def test_an_unknown_document_has_no_chunks(index: Index) -> None:
    write_one(index, make_chunk("a.txt"))

    assert index.chunks(document_id("local", "other.txt"), 1) == []
    assert index.embeddings(document_id("local", "a.txt"), 2) == []


def test_writing_the_same_chunk_again_overwrites_it(index: Index) -> None:
    write_one(index, make_chunk("a.txt", access=("user:ann",)), make_embedding(1, dense=0))
    write_one(index, make_chunk("a.txt", access=("user:bob",)), make_embedding(2, dense=None))

    assert index.count() == 1
    assert index.chunks(document_id("local", "a.txt"), 1)[0].access == ("user:bob",)
    assert index.search(make_embedding(1), reader=OPERATOR, limit=5) == Legs((), ())


def test_chunks_without_as_many_embeddings_are_refused(index: Index) -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        index.write([make_chunk("a.txt"), make_chunk("b.txt")], [make_embedding(1)])


def test_text_that_is_not_unicode_costs_that_document_only(index: Index) -> None:
    write_one(index, make_chunk("good.txt"))

    with pytest.raises(DocumentError) as caught:
        write_one(index, replace(make_chunk("bad.txt"), text="half a pair: \ud83d"))

    assert caught.value.code == "text_not_unicode"
    assert index.count() == 1


def test_a_vector_of_another_dimension_is_refused(index: Index) -> None:
    wrong = Embedding(np.ones(3, dtype=np.float32), SparseVector((), ()))

    for attempt in (
        lambda: write_one(index, make_chunk("a.txt"), wrong),
        lambda: index.search(wrong, reader=OPERATOR, limit=1),
    ):
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert caught.value.code == "dimension_mismatch"


# Retiring


def test_retiring_removes_the_named_revisions_of_that_document_only(index: Index) -> None:
    for revision in (1, 2, 3, 4):
        write_one(index, make_chunk("a.txt", revision=revision))
    other = write_one(index, make_chunk("b.txt", revision=2))
    document = document_id("local", "a.txt")

    index.retire(document, first=2, last=3)

    assert [len(index.chunks(document, revision)) for revision in (1, 2, 3, 4)] == [1, 0, 0, 1]
    assert index.chunks(other.document_id, 2) == [other]
    assert index.count() == 3


def test_retired_chunks_are_not_found(index: Index) -> None:
    write_one(index, make_chunk("a.txt"))
    index.retire(document_id("local", "a.txt"), first=1, last=1)

    assert index.search(make_embedding(1), reader=OPERATOR, limit=5) == Legs((), ())


def test_retiring_what_is_not_there_does_nothing(index: Index) -> None:
    write_one(index, make_chunk("a.txt"))
    index.retire(document_id("local", "other.txt"), first=0, last=99)

    assert index.count() == 1


# Searching


def test_each_leg_ranks_by_its_own_score(index: Index) -> None:
    near, far = np.eye(DIMENSION, dtype=np.float32)[[0, 1]]
    between = np.asarray(0.6 * near + 0.8 * far, dtype=np.float32)
    index.write(
        [make_chunk("far"), make_chunk("between"), make_chunk("near")],
        [
            Embedding(far, SparseVector((1,), (2.0,))),
            Embedding(between, SparseVector((1,), (1.0,))),
            Embedding(near, SparseVector((2,), (1.0,))),
        ],
    )

    legs = index.search(Embedding(near, SparseVector((1,), (1.0,))), reader=OPERATOR, limit=5)

    assert uris(index, legs.dense) == ["near", "between", "far"]
    assert [scored.score for scored in legs.dense] == pytest.approx([1.0, 0.6, 0.0], abs=HALF)
    assert uris(index, legs.sparse) == ["far", "between"]


def test_limit_holds_for_each_leg(index: Index) -> None:
    index.write([make_chunk("a", i) for i in range(9)], [make_embedding(1) for _ in range(9)])

    legs = index.search(make_embedding(1), reader=OPERATOR, limit=4)

    assert (len(legs.dense), len(legs.sparse)) == (4, 4)
    assert index.search(make_embedding(1), reader=OPERATOR, limit=0) == Legs((), ())


def test_a_query_without_a_vector_leaves_the_dense_leg_out(index: Index) -> None:
    write_one(index, make_chunk("a"))

    legs = index.search(make_embedding(1, dense=None), reader=OPERATOR, limit=5)

    assert (uris(index, legs.dense), uris(index, legs.sparse)) == ([], ["a"])


def test_a_query_without_terms_leaves_the_sparse_leg_out(index: Index) -> None:
    write_one(index, make_chunk("a"))

    legs = index.search(make_embedding(), reader=OPERATOR, limit=5)

    assert (uris(index, legs.dense), uris(index, legs.sparse)) == (["a"], [])


def test_a_query_without_anything_finds_nothing(index: Index) -> None:
    write_one(index, make_chunk("a"))

    assert index.search(make_embedding(dense=None), reader=OPERATOR, limit=5) == Legs((), ())


def test_a_chunk_without_a_vector_is_found_by_its_terms_only(index: Index) -> None:
    write_one(index, make_chunk("english"), make_embedding(2, dense=0))
    write_one(index, make_chunk("chinese"), make_embedding(1, dense=None))

    legs = index.search(make_embedding(1, dense=0), reader=OPERATOR, limit=5)

    assert (uris(index, legs.dense), uris(index, legs.sparse)) == (["english"], ["chinese"])


def test_an_empty_index_finds_nothing(index: Index) -> None:
    assert index.search(make_embedding(1), reader=OPERATOR, limit=5) == Legs((), ())
    assert index.count() == 0


# Access


def test_a_reader_sees_what_one_of_their_principals_may_read(index: Index) -> None:
    write_one(index, make_chunk("all", access=("everyone",)))
    write_one(index, make_chunk("hr", access=("group:hr", "user:ann")))
    write_one(index, make_chunk("ops", access=("group:ops",)))
    write_one(index, make_chunk("nobody", access=()))

    assert found_by(index, Reader(frozenset({"everyone"}))) == {"all"}
    assert found_by(index, Reader(frozenset({"everyone", "user:ann"}))) == {"all", "hr"}
    assert found_by(index, Reader(frozenset({"group:hr", "group:ops"}))) == {"hr", "ops"}
    assert found_by(index, Reader(frozenset({"group:h", "user:an"}))) == set()


def test_an_empty_set_of_principals_sees_nothing(index: Index) -> None:
    write_one(index, make_chunk("all"))

    assert found_by(index, Reader(frozenset())) == set()


def test_the_operator_sees_everything(index: Index) -> None:
    write_one(index, make_chunk("hr", access=("group:hr",)))
    write_one(index, make_chunk("nobody", access=()))

    assert found_by(index, OPERATOR) == {"hr", "nobody"}


def test_a_scope_of_sources_bounds_every_reader(index: Index) -> None:
    write_one(index, make_chunk("a", source="wiki"))
    write_one(index, make_chunk("b", source="contracts"))
    write_one(index, make_chunk("c", source="wiki", access=("user:ann",)))

    assert found_by(index, Reader(None, frozenset({"wiki"}))) == {"a", "c"}
    assert found_by(index, Reader(frozenset({"everyone"}), frozenset({"wiki"}))) == {"a"}
    assert found_by(index, Reader(frozenset({"everyone"}), frozenset({"wiki", "contracts"}))) == {"a", "b"}
    assert found_by(index, Reader(None, frozenset())) == set()


def test_the_filter_does_not_cost_a_reader_their_hits(index: Index) -> None:
    index.write(
        [make_chunk("secret", i, access=("group:board",)) for i in range(200)],
        [make_embedding(1) for _ in range(200)],
    )
    write_one(index, make_chunk("mine"), Embedding(make_embedding(dense=1).dense, SparseVector((1,), (0.1,))))

    legs = index.search(make_embedding(1), reader=Reader(frozenset({"everyone"})), limit=3)

    assert (uris(index, legs.dense), uris(index, legs.sparse)) == (["mine"], ["mine"])


# Both engines say the same


def random_corpus(count: int) -> tuple[list[Chunk], list[Embedding]]:
    rng = np.random.default_rng(11)
    vectors = rng.standard_normal((count, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    chunks, embeddings = [], []
    for i in range(count):
        terms = tuple(sorted({int(term) for term in rng.zipf(1.4, 20) if term < 500}))
        weights = tuple(float(weight) for weight in rng.uniform(0.5, 2.0, len(terms)))
        chunks.append(make_chunk(f"{i}.txt", access=(f"group:{i % 3}",), source=("wiki", "mail")[i % 2]))
        embeddings.append(Embedding(None if i % 5 == 0 else vectors[i], SparseVector(terms, weights)))
    return chunks, embeddings


@pytest.mark.parametrize(
    "reader",
    [OPERATOR, Reader(frozenset({"group:1", "group:2"})), Reader(frozenset({"group:0"}), frozenset({"wiki"}))],
    ids=["operator", "groups", "group and source"],
)
def test_both_engines_give_the_same_chunks_and_scores(folder: Path, reader: Reader) -> None:
    chunks, embeddings = random_corpus(400)
    answers = []
    for opening in (open_edge, open_server):
        index = opening(folder)
        index.write(chunks, embeddings)
        answers.append([index.search(query, reader=reader, limit=10) for query in embeddings[1:40]])
        index.close()

    for ours, theirs in zip(*answers, strict=True):
        for leg, other in ((ours.dense, theirs.dense), (ours.sparse, theirs.sparse)):
            assert [s.chunk_id for s in leg] == [s.chunk_id for s in other]
            assert [s.score for s in leg] == pytest.approx([s.score for s in other], abs=HALF)


def test_the_rarer_term_counts_for_more(index: Index) -> None:
    index.write([make_chunk("common", i) for i in range(9)], [make_embedding(1) for _ in range(9)])
    write_one(index, make_chunk("rare"), make_embedding(2))
    # Chunks without terms are no part of the statistics.
    index.write([make_chunk("mute", i) for i in range(5)], [make_embedding() for _ in range(5)])

    (best, *rest) = index.search(make_embedding(1, 2, dense=None), reader=OPERATOR, limit=20).sparse

    assert best.chunk_id == make_chunk("rare").id
    assert best.score == pytest.approx(np.log((10 - 1 + 0.5) / (1 + 0.5) + 1), abs=1e-4)
    assert [scored.score for scored in rest] == pytest.approx([np.log((10 - 9 + 0.5) / (9 + 0.5) + 1)] * 9, abs=1e-4)


# Opening and closing


def test_closing_twice_is_harmless_and_the_index_is_over(index: Index) -> None:
    write_one(index, make_chunk("a"))
    index.close()
    index.close()

    attempts: list[Callable[[], object]] = [
        index.count,
        index.flush,
        lambda: index.search(make_embedding(1), reader=OPERATOR, limit=1),
        lambda: write_one(index, make_chunk("b")),
        lambda: index.chunks(document_id("local", "a"), 1),
        lambda: index.fetch([make_chunk("a").id]),
        lambda: index.retire(document_id("local", "a"), first=1, last=1),
    ]
    for attempt in attempts:
        with pytest.raises(UnavailableError) as caught:
            attempt()
        assert caught.value.code == "index_closed"


def test_embedders_of_another_name_get_another_index(folder: Path) -> None:
    settings = IngestSettings(home=folder)
    first = open_index(settings, dimension=DIMENSION, name="one")
    write_one(first, make_chunk("a"))
    second = open_index(settings, dimension=2, name="two")

    assert (first.count(), second.count()) == (1, 0)
    first.close()
    second.close()
    again = open_index(settings, dimension=DIMENSION, name="one")
    assert again.count() == 1
    again.close()


def test_the_embedded_index_is_there_after_reopening(folder: Path) -> None:
    chunks, embeddings = random_corpus(300)
    before = open_edge(folder)
    before.write(chunks, embeddings)
    expected = before.search(embeddings[3], reader=Reader(frozenset({"group:1"})), limit=10)
    before.close()

    after = open_edge(folder)
    assert after.count() == 300
    assert after.search(embeddings[3], reader=Reader(frozenset({"group:1"})), limit=10) == expected
    after.close()


def test_a_second_owner_is_refused_and_does_the_first_no_harm(edge: Index, folder: Path) -> None:
    write_one(edge, make_chunk("a"))
    with pytest.raises(OwnedError) as caught:
        open_edge(folder)
    assert caught.value.code == "home_in_use"
    assert caught.value.hint

    # The engine itself would let the loser cut the owner's journals short: writing, retiring and flushing must go on.
    edge.write([make_chunk("b", i) for i in range(200)], [make_embedding(i) for i in range(200)])
    edge.retire(document_id("local", "a"), first=1, last=1)
    edge.flush()
    assert edge.count() == 200


def test_a_folder_of_another_dimension_is_refused(folder: Path) -> None:
    open_edge(folder).close()

    with pytest.raises(ConfigurationError) as caught, closing(EdgeIndex.open(folder / "index", dimension=17)) as other:
        other.count()
    assert caught.value.code == "dimension_mismatch"
    open_edge(folder).close()


def test_a_home_that_cannot_be_written_says_so(folder: Path) -> None:
    (folder / "file").write_text("not a folder")

    with pytest.raises(ConfigurationError) as caught:
        EdgeIndex.open(folder / "file" / "index", dimension=DIMENSION)
    assert caught.value.code == "home_not_writable"


def test_searches_and_writes_of_many_threads_do_not_disturb_each_other(edge: Index) -> None:
    chunks, embeddings = random_corpus(400)
    edge.write(chunks, embeddings)
    stop = threading.Event()
    errors: list[BaseException] = []
    searches = [0, 0, 0]

    def guarded(work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    def read(number: int) -> None:
        while not stop.is_set():
            legs = edge.search(embeddings[1], reader=OPERATOR, limit=10)
            assert len(legs.dense) == 10
            searches[number] += 1

    def rewrite(_: int) -> None:
        revision = 1
        while not stop.is_set():
            revision += 1
            edge.write([make_chunk("live", i, revision=revision) for i in range(150)], embeddings[:150])
            edge.flush()
            edge.retire(document_id("local", "live"), first=0, last=revision - 1)
            assert len(edge.chunks(document_id("local", "live"), revision)) == 150

    threads = [threading.Thread(target=guarded, args=(read, number)) for number in range(3)]
    threads.append(threading.Thread(target=guarded, args=(rewrite, 0)))
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while min(searches) <= 10 and not errors and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()

    assert errors == []
    assert min(searches) > 10
    assert edge.count() == 550


WRITER = """
import sys
from pathlib import Path
import numpy as np
from ingest.document import Chunk, Embedding, Location, SparseVector, chunk_id, document_id
from ingest.index.edge import EdgeIndex

index = EdgeIndex.open(Path(sys.argv[1]), dimension=16)
document = document_id("local", "a.txt")
for revision in range(1, 1_000_000):
    chunks = [
        Chunk(chunk_id(document, revision, i), document, revision, i, "local", "a.txt", "", "en", "x" * 500,
              Location(), ("everyone",))
        for i in range(50)
    ]
    vectors = np.eye(16, dtype=np.float32)
    index.write(chunks, [Embedding(vectors[i % 16], SparseVector((i,), (1.0,))) for i in range(50)])
    if revision % 10 == 0:
        index.flush()
    print(revision, flush=True)
    if revision > 5:
        index.retire(document, first=0, last=revision - 5)
"""


def test_a_killed_writer_loses_nothing_that_it_had_written(folder: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder / "index")], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert writer.stdout is not None
    acknowledged = 0
    while acknowledged < 87:
        acknowledged = int(writer.stdout.readline())
    writer.kill()
    # What it managed to say between our reading and its end counts too.
    acknowledged = max([acknowledged, *map(int, writer.stdout.read().split())])
    writer.wait()
    writer.stdout.close()

    index = open_edge(folder)
    document = document_id("local", "a.txt")
    for revision in range(acknowledged - 3, acknowledged + 1):
        assert [chunk.position for chunk in index.chunks(document, revision)] == list(range(50))
        assert len(index.embeddings(document, revision)) == 50
    assert index.chunks(document, acknowledged - 10) == []
    # And the index goes on working: it takes, keeps and flushes.
    write_one(index, make_chunk("after.txt"))
    index.flush()
    index.close()
    again = open_edge(folder)
    assert len(again.chunks(document_id("local", "after.txt"), 1)) == 1
    again.close()
