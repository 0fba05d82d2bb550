"""Embedding: what every model in this process has in common, MiniLM, a server on loopback, BM25, and the choice.

What is the shipped model's own is in `test_e5.py`.
"""

from __future__ import annotations

import logging
import shutil
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from ingest.document import Chunk, Language, Location
from ingest.embedding import Embedder
from ingest.embedding.dense import LocalEmbedder
from ingest.embedding.from_settings import open_embedder, token_counter
from ingest.embedding.minilm import MINILM_SHA256, MiniLmEncoder, minilm_folder
from ingest.embedding.remote import RemoteEmbedder
from ingest.embedding.sparse import Bm25Embedder
from ingest.errors import ConfigurationError, DocumentError, UnavailableError, YoujuError
from ingest.network.retrying import BRISK
from ingest.settings import MINILM, IngestSettings
from tests.embedding_server import EmbeddingServer, embedding_server

SETTINGS = IngestSettings()
WITH_MINILM = SETTINGS.model_copy(update={"embedding_model": MINILM})


@pytest.fixture(scope="module", params=[SETTINGS, WITH_MINILM], ids=["shipped", "MiniLM"])
def local(request: pytest.FixtureRequest) -> Embedder:
    settings: IngestSettings = request.param
    return open_embedder(settings)


@pytest.fixture(scope="module")
def minilm() -> Embedder:
    return open_embedder(WITH_MINILM)


def chunk(text: str, language: Language, title: str = "") -> Chunk:
    return Chunk("c", "d", 1, 0, "local", "a.txt", title, language, text, Location(), ("everyone",))


def test_facts_of_minilm_are_known_without_its_weights(minilm: Embedder) -> None:
    assert minilm.dense.dimension == 384
    assert minilm.dense.max_tokens == 254
    assert "all-MiniLM-L6-v2" in minilm.name


def test_vectors_have_length_one_and_similar_texts_are_near(local: Embedder) -> None:
    texts = ["Employees have fifteen days of leave.", "Staff may take 15 vacation days.", "The server is down."]
    vectors = local.dense.embed_documents(texts)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    # The shipped model's cosines lie between 0.7 and 1: its unrelated texts are as near as related ones of others.
    margin = 0.1 if "e5" in local.name else 0.2
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + margin


def test_the_order_of_texts_survives_batching_by_length(local: Embedder) -> None:
    texts = [f"Text {n} " + "about a longer subject " * (n % 7) for n in range(40)]
    vectors = local.dense.embed_documents(texts)
    [alone] = local.dense.embed_documents([texts[13]])
    assert vectors[13] @ alone > 0.999
    assert np.argmax(vectors @ alone) == 13


def test_minilm_gives_what_sentence_transformers_gives(minilm: Embedder) -> None:
    from sentence_transformers import SentenceTransformer  # seconds of every process that collects this file

    general = open_embedder(SETTINGS.model_copy(update={"embedding_model": str(minilm_folder())})).dense
    reference = SentenceTransformer(str(minilm_folder()), local_files_only=True, device="cpu")
    texts = ["leave", "What does the GT-9000 cost?", "年假 is leave", "", "a sentence that is longer " * 9, "x " * 900]
    expected = reference.encode(texts, normalize_embeddings=True)
    for embedder in (minilm.dense, general):
        assert np.sum(embedder.embed_documents(texts) * expected, axis=1) == pytest.approx(1.0, abs=2e-4)
        assert embedder.embed_query(texts[1]) @ expected[1] == pytest.approx(1.0, abs=2e-4)


def test_no_texts_give_no_vectors(local: Embedder) -> None:
    assert local.dense.embed_documents([]).shape == (0, 384)


def test_minilm_covers_english_and_mixed_text_only(minilm: Embedder) -> None:
    covered: list[Language] = ["zh", "en", "mixed", "other"]
    assert [minilm.dense.covers(language) for language in covered] == [False, True, True, False]


def test_a_chunk_in_a_language_that_is_not_covered_costs_no_dense_vector(minilm: Embedder) -> None:
    zh, en = minilm.embed_documents([chunk("员工有年假", "zh"), chunk("annual leave", "en", "Handbook")])
    assert zh.dense is None
    assert zh.sparse.indices
    assert en.dense is not None
    assert minilm.embed_query("年假", "zh").dense is None


def test_several_threads_may_embed_at_once(local: Embedder) -> None:
    expected = local.dense.embed_query("annual leave")
    results: list[float] = []

    def work() -> None:
        for _ in range(5):
            results.append(float(local.dense.embed_query("annual leave") @ expected))
            local.dense.embed_documents(["one text", "another, longer text"])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 20
    assert min(results) > 0.999


@pytest.mark.parametrize(("settings", "counts"), [(SETTINGS, [3, 3, 0]), (WITH_MINILM, [2, 4, 0])])
def test_tokens_are_counted_without_truncation_and_padding(settings: IngestSettings, counts: list[int]) -> None:
    count = token_counter(settings)
    assert count(["hello world", "你好世界", ""]) == counts
    assert count(["word " * 1000]) == [1000]


def test_altered_weights_are_refused_before_they_are_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(minilm_folder(), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "model.safetensors").write_bytes(b"something else")
    embedder = LocalEmbedder(folder, MiniLmEncoder, name="m", languages=("en",), sha256=MINILM_SHA256)
    with pytest.raises(ConfigurationError) as caught:
        embedder.embed_query("hello")
    assert caught.value.code == "embedding_model_altered"


def test_a_folder_with_broken_weights_is_a_configuration_error(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(minilm_folder(), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    embedder = open_embedder(SETTINGS.model_copy(update={"embedding_model": str(folder)})).dense
    with pytest.raises(ConfigurationError) as caught:
        embedder.embed_query("hello")
    assert caught.value.code == "embedding_model_broken"


def test_a_model_folder_covers_every_language_unless_told_otherwise() -> None:
    folder = str(minilm_folder())
    every = open_embedder(SETTINGS.model_copy(update={"embedding_model": folder})).dense
    assert all(every.covers(language) for language in ("zh", "en", "mixed", "other"))
    chinese = SETTINGS.model_copy(update={"embedding_model": folder, "embedding_languages": ("zh",)})
    assert not open_embedder(chinese).dense.covers("en")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"embedding_model": "Qwen/Qwen3-Embedding-0.6B"}, "embedding_model_missing"),
        ({"embedding_url": "http://127.0.0.1:1/v1"}, "embedding_model_unnamed"),
        ({"embedding_languages": ("klingon",)}, "embedding_languages_unknown"),
    ],
)
def test_settings_that_name_no_usable_model_are_refused_with_a_way_out(settings: dict[str, Any], code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_embedder(SETTINGS.model_copy(update=settings))
    assert caught.value.code == code
    assert "YOUJU_" in caught.value.hint or "zh" in caught.value.hint


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.json"):
        open_embedder(SETTINGS.model_copy(update={"embedding_model": str(tmp_path)}))


def overlap(query: str, text: str) -> int:
    embedder = Bm25Embedder()
    [document] = embedder.embed_documents([text])
    return len(set(embedder.embed_query(query).indices) & set(document.indices))


def test_bm25_matches_across_scripts_widths_and_english_endings() -> None:
    assert overlap("學術研究", "陆特开创了学术研究") >= 2
    assert overlap("ＧＴ９０００", "gt9000 的价格") == 1
    assert overlap("running", "he runs") == 1
    assert overlap("年假", "the server is down") == 0


def test_bm25_matches_names_that_are_segmented_differently() -> None:
    assert overlap("雷頓開", "漢斯雷頓開創了") >= 2


def test_bm25_weighs_characters_that_stand_together_more_in_a_question() -> None:
    alone, together = (set(Bm25Embedder().embed_query(text).values) for text in ("雷，頓", "雷頓"))
    assert max(alone) < 2
    assert max(together) == 2


def test_bm25_weighs_a_repeated_term_more_and_lists_each_once() -> None:
    embedder = Bm25Embedder()
    once, often = embedder.embed_documents(["leave days", "leave leave leave days"])
    [term] = set(embedder.embed_query("leave").indices) & set(once.indices)
    assert often.values[often.indices.index(term)] > once.values[once.indices.index(term)]
    [long] = embedder.embed_documents(["员工每年有十五天带薪年假，员工可以顺延。"])
    assert len(set(long.indices)) == len(long.indices) == len(long.values)


def test_text_without_words_has_an_empty_sparse_vector() -> None:
    assert Bm25Embedder().embed_query("？！ …").indices == ()


@pytest.fixture
def server() -> Iterator[tuple[EmbeddingServer, str]]:
    with embedding_server() as listening:
        yield listening


def remote(url: str, **settings: Any) -> Any:
    wanted = {"embedding_url": url, "embedding_model": "qwen3-embedding", **settings}
    return open_embedder(SETTINGS.model_copy(update=wanted)).dense


def test_a_server_is_asked_in_batches_and_its_order_is_restored(server: tuple[EmbeddingServer, str]) -> None:
    behind, url = server
    vectors = remote(url).embed_documents(["x" * (n + 1) for n in range(150)])
    assert [len(request["input"]) for request in behind.requests] == [64, 64, 22]
    assert vectors.shape == (150, 3)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert np.argsort(vectors[:, 0]).tolist() == list(range(150))


def test_the_dimension_of_a_server_is_found_by_asking(server: tuple[EmbeddingServer, str]) -> None:
    assert remote(server[1]).dimension == 3


def test_a_query_is_embedded_once_and_nobody_can_change_what_is_remembered(
    server: tuple[EmbeddingServer, str],
) -> None:
    behind, url = server
    embedder = Embedder(remote(url), Bm25Embedder())
    first = embedder.embed_query("annual leave", "en")
    again = embedder.embed_query("annual leave", "en")
    embedder.embed_query("sick leave", "en")
    assert [asked["input"] for asked in behind.requests] == [["annual leave"], ["sick leave"]]
    assert first.sparse == again.sparse
    assert first.dense is not None
    with pytest.raises(ValueError, match="read-only"):
        first.dense[0] = 1.0


def test_a_query_that_failed_is_embedded_again(server: tuple[EmbeddingServer, str]) -> None:
    behind, url = server
    embedder = Embedder(remote(url), Bm25Embedder())
    behind.answer = lambda texts: (401, {"error": "no"})
    with pytest.raises(ConfigurationError):
        embedder.embed_query("annual leave", "en")
    behind.answer = behind.vectors
    assert embedder.embed_query("annual leave", "en").dense is not None


def test_the_key_and_the_query_prompt_are_sent(server: tuple[EmbeddingServer, str]) -> None:
    behind, url = server
    embedder = remote(url, embedding_api_key=SecretStr("sk-secret"), embedding_query_prompt="query: ")
    embedder.embed_query("年假")
    assert behind.requests[0]["input"] == ["query: 年假"]
    assert behind.keys == ["Bearer sk-secret"]


@pytest.mark.parametrize(
    ("status", "answer", "error", "code"),
    [
        (401, {"error": "sk-secret is wrong"}, ConfigurationError, "embedding_server_refused"),
        (404, {"error": "no such model"}, ConfigurationError, "embedding_server_refused"),
        (500, {}, UnavailableError, "embedding_server_failed"),
        (200, {"data": []}, UnavailableError, "embedding_server_failed"),
        (200, {"unexpected": 1}, UnavailableError, "embedding_server_failed"),
        (200, {"data": [{"index": 0, "embedding": ["x"]}]}, UnavailableError, "embedding_server_failed"),
    ],
)
def test_a_bad_answer_is_an_error_that_tells_no_secret(
    server: tuple[EmbeddingServer, str], status: int, answer: Any, error: type[Exception], code: str
) -> None:
    behind, url = server
    behind.answer = lambda texts: (status, answer)
    with pytest.raises(error) as caught:
        remote(url, embedding_api_key=SecretStr("sk-secret")).embed_query("hello")
    assert caught.value.args[0] == code
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_passage_that_the_server_refuses_is_found_among_the_others(
    server: tuple[EmbeddingServer, str], status: int
) -> None:
    behind, url = server
    behind.answer = lambda texts: (status, {"error": "too long"}) if "bad" in texts else behind.vectors(texts)
    assert remote(url).embed_documents(["good", "fine"]).shape == (2, 3)
    with pytest.raises(DocumentError) as caught:
        remote(url).embed_documents(["good", "bad", "fine"])
    assert caught.value.code == "embedding_refused"
    assert "too long" in caught.value.message
    assert "YOUJU_CHUNK_TOKENS" in caught.value.hint
    behind.answer = lambda texts: (413, {}) if len(texts) > 1 else behind.vectors(texts)
    assert remote(url).embed_documents(["good", "fine"]).shape == (2, 3)


def test_a_server_that_is_down_is_unavailable() -> None:
    with pytest.raises(UnavailableError) as caught:
        remote("http://127.0.0.1:9/v1").embed_query("hello")
    assert caught.value.code == "embedding_server_down"
    assert "YOUJU_EMBEDDING_URL" in caught.value.hint


@pytest.mark.parametrize("status", [400, 401, 404, 422, 500])
def test_a_server_that_echoes_secrets_is_not_repeated(
    server: tuple[EmbeddingServer, str],
    status: int,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.embedding.remote.PATIENT", BRISK)
    behind, url = server
    caplog.set_level(logging.DEBUG)
    echo = "hunter2pw plain-key-77 aHVudGVyMnB3 " + "x" * 5000
    behind.answer = lambda texts: (status, {"error": f"{echo} http://me:hunter2pw@host/"})
    embedder = remote(url.replace("//", "//me:hunter2pw@"), embedding_api_key=SecretStr("plain-key-77"))
    with pytest.raises(YoujuError) as caught:
        embedder.embed_documents(["hello"])
    said = str(caught.value) + "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "hunter2pw" not in said
    assert "plain-key-77" not in said
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "url",
    ["http://me:sk-secret@127.0.0.1:9/v1", "http://me:sk-secret@127.0.0.1:port/v1", "http://me:sk-secret/@host/v1"],
)
def test_a_password_in_the_address_is_not_repeated(url: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        remote(url).embed_query("hello")
    assert "sk-secret" not in "".join(traceback.format_exception(caught.value))


def test_a_server_that_is_slow_times_out(server: tuple[EmbeddingServer, str]) -> None:
    behind, url = server
    release = threading.Event()

    def slow(texts: list[str]) -> tuple[int, Any]:
        release.wait(5)
        return 200, {"data": []}

    behind.answer = slow
    with pytest.raises(UnavailableError) as caught:
        RemoteEmbedder(url, "m", timeout_seconds=0.2).embed_query("hello")
    release.set()
    assert caught.value.code == "embedding_server_timeout"


def test_numbers_are_terms_however_they_are_written() -> None:
    sparse = Bm25Embedder()
    year, price, version = (set(sparse.embed_query(text).indices) for text in ("2023", "1,280", "2.13"))
    (chinese, english) = sparse.embed_documents(["2023年的价格是1280元", "Version 2.13 of 2023 costs 1,280."])
    assert year
    assert price
    assert year | price <= set(chinese.indices)
    assert year | price | version <= set(english.indices)
    assert not version <= set(chinese.indices)
