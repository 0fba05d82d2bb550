"""The Ray engine on a real cluster of two nodes: the same chunks as the local engine's, whatever happens to a node."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from api.settings import Settings
from ingest.access import OPERATOR
from ingest.document import Chunk, Embedding
from ingest.engines import Limits, Stage
from ingest.engines.from_settings import open_engine
from ingest.engines.ray import REFUSED
from ingest.errors import ConfigurationError, DocumentError, UnavailableError, YoujuError
from ingest.runs.pipeline import Ingestor
from ingest.runs.records import Report
from ingest.settings import IngestSettings
from ingest.sources.folder import FolderSource
from ingest.store import Store
from tests.ingest.ray_cluster import ROOT, RayCluster, ray_cluster
from tests.ingest.test_local_engine import make_stage

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'youju[ray]'")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_ENGLISH = "Expenses are refunded within ten working days after the trip, with the receipts attached. " * 6
_CHINESE = "差旅费用应当在返回后十个工作日之内报销，逾期需要部门负责人书面说明。" * 12


@pytest.fixture(autouse=True)
def _no_tokens_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster() as made:
        made.start_head(cpus=1)
        yield made


@pytest.fixture
def on_ray(cluster: RayCluster, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "ray", engine="ray", ray_address=cluster.address, parse_workers=2, embed_workers=2)


def _make(settings: IngestSettings) -> Callable[[str], str]:
    return make_stage(1)


def _anything(settings: IngestSettings) -> str:
    return ""


def _limits(settings: IngestSettings) -> Limits:
    return Limits(settings.parse_timeout_seconds, settings.parse_memory_mb, start_seconds=15.0)


def _this_process(settings: IngestSettings) -> str:
    return f"process {os.getpid()}"


UPPER: Stage[str, str] = Stage(name="shout", make=_make, limits=_limits, identity=_anything)


def _write_documents(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        body = [f"## {part}\n\n{text} {number}" for part in range(4) for text in (_ENGLISH, _CHINESE)]
        (folder / f"{number:03d}.md").write_text(f"# Rule {number}\n\n" + "\n\n".join(body))


def _ingested(
    settings: Settings, folder: Path, on_progress: Callable[[Report], None] | None = None
) -> tuple[Report, dict[str, list[tuple[Chunk, Embedding]]]]:
    """What a run over the folder reports, and every chunk that search can find, by document."""
    with closing(Store.open(settings, command="test")) as store:
        report = Ingestor(store, settings).run(FolderSource([folder]), on_progress=on_progress)
        stored = {}
        for document in store.catalog.documents(OPERATOR):
            assert document.revision is not None
            chunks = store.index.chunks(document.id, document.revision)
            stored[document.uri] = list(
                zip(chunks, store.index.embeddings(document.id, document.revision), strict=True)
            )
        assert store.index.count() == sum(map(len, stored.values()))
        return report, stored


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))


def _assert_same(
    found: dict[str, list[tuple[Chunk, Embedding]]], expected: dict[str, list[tuple[Chunk, Embedding]]]
) -> None:
    assert {uri: [chunk for chunk, _ in chunks] for uri, chunks in found.items()} == {
        uri: [chunk for chunk, _ in chunks] for uri, chunks in expected.items()
    }
    for uri, chunks in expected.items():
        for (_, theirs), (_, ours) in zip(chunks, found[uri], strict=True):
            assert theirs.sparse == ours.sparse
            assert (theirs.dense is None) == (ours.dense is None)
            if theirs.dense is not None and ours.dense is not None:
                assert _cosine(theirs.dense, ours.dense) >= 0.9999


def test_both_engines_make_the_same_index_also_when_a_node_dies_in_the_middle(
    cluster: RayCluster, on_ray: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "docs"
    _write_documents(folder, 60)
    _, expected = _ingested(Settings(home=tmp_path / "local"), folder)
    assert any(embedding.dense is not None for chunks in expected.values() for _, embedding in chunks)

    report, undisturbed = _ingested(on_ray, folder)
    assert (report.new, report.failed) == (60, 0)
    _assert_same(undisturbed, expected)

    node = cluster.add_node(cpus=1)
    killed_at: list[int] = []

    def kill_in_the_middle(report: Report) -> None:
        if report.chunks and not killed_at:
            killed_at.append(report.new)
            cluster.kill(node)

    report, disturbed = _ingested(
        on_ray.model_copy(update={"home": tmp_path / "ray2", "parse_workers": 4, "embed_workers": 4}),
        folder,
        kill_in_the_middle,
    )
    assert killed_at
    assert killed_at[0] < 60
    assert (report.new, report.failed) == (60, 0)
    _assert_same(disturbed, expected)


def test_workers_that_are_lost_with_their_node_cost_no_item(cluster: RayCluster, on_ray: Settings) -> None:
    node = cluster.add_node(cpus=1)
    items = [f"item{number}" for number in range(400)]
    done: dict[str, object] = {}
    with closing(open_engine(on_ray, UPPER, workers=6)) as engine:
        for item, result in engine.run(items):
            assert item not in done
            done[item] = result
            if len(done) == 20:
                cluster.kill(node)
    assert done == {item: item.upper() for item in items}


@pytest.mark.parametrize(
    ("item", "code"),
    [("crash", "worker_crashed"), ("refuse", "encrypted"), ("break", "stage_failed"), ("hang", "timeout")],
)
def test_an_item_that_fails_is_reported_and_the_rest_goes_on(on_ray: Settings, item: str, code: str) -> None:
    hasty = on_ray.model_copy(update={"parse_timeout_seconds": 1.0})
    with closing(open_engine(hasty, UPPER, workers=1)) as engine:
        results = dict(engine.run(["a", item, "b"]))
    assert (results["a"], results["b"]) == ("A", "B")
    failure = results[item]
    assert isinstance(failure, DocumentError)
    assert failure.code == code
    assert failure.hint


def test_stopping_ends_a_run_without_waiting_for_what_is_under_way(on_ray: Settings) -> None:
    stop = threading.Event()
    with closing(open_engine(on_ray, UPPER, workers=1, stop=stop)) as engine:
        results = engine.run(["a", "hang", "b"])
        assert next(results) == ("a", "A")
        started = time.monotonic()
        stop.set()
        assert list(results) == []
        assert time.monotonic() - started < 10


def test_bytes_are_sent_to_nodes_that_do_not_see_the_files(on_ray: Settings, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    stage = replace(UPPER, carry=_read_here)
    for shared, expected in ((False, "X"), (True, str(file).upper())):
        settings = on_ray.model_copy(update={"ray_shared_files": shared})
        with closing(open_engine(settings, stage, workers=1)) as engine:
            assert list(engine.run([str(file)])) == [(str(file), expected)]


def _read_here(item: str, settings: IngestSettings) -> str:
    return Path(item).read_text()


def test_a_node_with_another_version_is_refused(on_ray: Settings) -> None:
    stage = replace(UPPER, identity=_this_process)
    with closing(open_engine(on_ray, stage, workers=1)) as engine, pytest.raises(ConfigurationError) as raised:
        list(engine.run(["a"]))
    assert raised.value.code == "ray_node_differs"
    assert str(os.getpid()) in raised.value.message


def test_keys_of_the_index_and_the_database_stay_on_this_machine(on_ray: Settings) -> None:
    secret = on_ray.model_copy(update={"qdrant_api_key": "sk-1", "database_url": "postgresql://u:p@h/d"})
    with closing(open_engine(secret, replace(UPPER, make=_make_telling), workers=1)) as engine:
        assert list(engine.run(["a"])) == [("a", "None None")]


def _make_telling(settings: IngestSettings) -> Callable[[str], str]:
    return lambda _: f"{settings.qdrant_api_key} {settings.database_url}"


def test_a_cluster_of_this_machine_is_started_where_no_address_is_given(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]]))
    alone = settings.model_copy(update={"engine": "ray"})
    with closing(open_engine(alone, UPPER, workers=2)) as engine:
        assert dict(engine.run(["a", "b", "c"])) == {"a": "A", "b": "B", "c": "C"}


def test_a_cluster_that_is_not_there_is_an_error_that_says_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "3")
    nowhere = settings.model_copy(update={"engine": "ray", "ray_address": "127.0.0.1:1"})
    with closing(open_engine(nowhere, UPPER, workers=1)) as engine, pytest.raises(UnavailableError) as raised:
        list(engine.run(["a"]))
    assert raised.value.code in ("ray_unreachable", "ray_lost")
    assert raised.value.hint


def test_losing_the_head_ends_the_run_and_not_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Ray ends whatever process talks to it when the head has been gone for so long.
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "3")
    with ray_cluster() as alone:
        alone.start_head(cpus=1)
        settings = Settings(home=tmp_path, engine="ray", ray_address=alone.address)
        with closing(open_engine(settings, UPPER, workers=1)) as engine:
            results = engine.run(f"item{number}" for number in range(10_000_000))
            next(results)
            alone.stop()
            with pytest.raises(UnavailableError) as raised:
                list(results)
    assert raised.value.code == "ray_lost"


def test_every_error_of_ray_is_known() -> None:
    known = {error for error in vars(ray.exceptions).values() if isinstance(error, type)}
    names = {error.__name__ for error in known if issubclass(error, ray.exceptions.RayError)}
    assert set(REFUSED) <= names
    lost = {
        "ActorDiedError", "ActorUnavailableError", "NodeDiedError", "WorkerCrashedError", "LocalRayletDiedError",
        "ObjectLostError", "OutOfMemoryError", "GetTimeoutError", "RaySystemError",
    }  # fmt: skip
    assert lost <= names


def test_without_ray_the_setting_says_what_to_install(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.engines.ray.find_spec", lambda name: None)
    with pytest.raises(YoujuError) as raised:
        open_engine(settings.model_copy(update={"engine": "ray"}), UPPER, workers=1)
    assert raised.value.code == "ray_missing"
    assert "youju[ray]" in raised.value.hint
