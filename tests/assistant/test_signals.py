"""How far a hit stands out: against the background, and in its legs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from assistant.signals.background import Background, Level, _stored, passages
from assistant.signals.standing_out import signals_of
from ingest.document import Language
from ingest.embedding import DenseEmbedder
from ingest.embedding.from_settings import open_embedder
from ingest.index import Legs, Scored
from ingest.settings import IngestSettings

LEVELS = {"zh": Level(0.8, 0.02, 0.83), "en": Level(0.7, 0.04, 0.75)}


def leg(*scores: float, first: int = 0) -> tuple[Scored, ...]:
    return tuple(Scored(f"c{number}", f"d{number}", 1, score) for number, score in enumerate(scores, start=first))


class ShiftedEmbedder:
    """Random vectors by text, with a part that all share: the larger the `shift`, the higher all cosines."""

    dimension, max_tokens = 64, 512

    def __init__(self, shift: float) -> None:
        self.name = f"{type(self).__name__} {shift}"
        self._shift = shift

    def covers(self, language: Language) -> bool:
        return language != "other"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]

    def embed_query(self, text: str) -> np.ndarray:
        own = np.random.default_rng(abs(hash(text)) % 2**32).standard_normal(self.dimension)
        vector = own / np.linalg.norm(own) + self._shift * np.ones(self.dimension) / 8
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([self.embed_query(text) for text in texts])


def test_each_language_has_a_scale_of_its_own() -> None:
    parts = (Legs(leg(0.86, *[0.8] * 9), ()), Legs(leg(0.86, *[0.7] * 9, first=10), ()))
    found = signals_of(parts, LEVELS, 10)
    assert found["c0"].above_background == pytest.approx(3.0)
    assert found["c10"].above_background == pytest.approx(4.0)
    assert found["c10"].above_nearest_background == pytest.approx(2.75)


def test_a_single_hit_of_the_words_stands_out() -> None:
    parts = (Legs(leg(*np.linspace(0.86, 0.8, 50)), leg(7.5, first=30)), Legs((), ()))
    found = signals_of(parts, LEVELS, 50)
    assert found["c30"].above_sparse_leg > 6
    assert found["c0"].above_sparse_leg < 0


def test_what_only_the_words_found_has_at_most_the_lowest_cosine_or_no_vector() -> None:
    parts = (Legs(leg(*np.linspace(0.9, 0.8, 20)), leg(5.0, 4.0, first=99)), Legs((), ()))
    assert signals_of(parts, LEVELS, 20)["c99"].above_background == pytest.approx(0.0)
    assert "c99" not in signals_of(parts, LEVELS, 100)


def test_without_a_level_nothing_has_signals() -> None:
    assert signals_of((Legs(leg(0.9, 0.8), leg(1.0)), Legs((), ())), {}, 10) == {}


@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_how_far_a_text_stands_out_hardly_depends_on_how_high_the_cosines_lie(shift: float) -> None:
    embedder: DenseEmbedder = ShiftedEmbedder(shift)
    background = Background(embedder)
    query = embedder.embed_query("what is asked")
    level = background.levels(query)["en"]
    stranger = float(query @ embedder.embed_query("a text about something else"))
    near = float(query @ query)
    assert abs(stranger - level.mean) / level.deviation < 4
    assert (near - level.mean) / level.deviation > 4


def test_there_is_a_background_in_both_languages_and_only_for_what_the_embedder_covers() -> None:
    assert len(passages("zh")) == len(passages("en")) == 48

    class EnglishOnly(ShiftedEmbedder):
        def covers(self, language: Language) -> bool:
            return language == "en"

    assert set(Background(EnglishOnly(0)).levels(np.ones(64, dtype=np.float32))) == {"en"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_stored_vectors_are_those_that_the_shipped_embedder_computes(language: Language) -> None:
    dense = open_embedder(IngestSettings()).dense
    stored = _stored(dense.name, language)
    assert stored is not None
    assert stored.shape == (len(passages(language)), dense.dimension)
    computed = dense.embed_documents(passages(language)[:6])
    assert (np.einsum("ij,ij->i", stored[:6], computed) > 0.995).all()


def test_the_vectors_of_other_passages_or_another_model_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    name = open_embedder(IngestSettings()).dense.name
    assert _stored("another", "zh") is None
    monkeypatch.setattr("assistant.signals.background.passages", lambda language: ["something else"])
    assert _stored(name, "zh") is None
