"""The labelled statements about citations: what they are made of, and that the check does not become worse at them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict

import pytest

from benchmarks import citation_check
from benchmarks.citations import expand

LABELS = {"supported", "wrong_figure", "asked_figure", "wrong_subject", "negated", "other_language"}


def test_the_files_are_what_the_documents_give() -> None:
    passages, pairs = expand.read()
    for name, rows in (("passages", passages), ("pairs", pairs)):
        assert citation_check.rows(name) == json.loads(json.dumps([asdict(row) for row in rows]))  # type: ignore[call-overload]


def test_the_set_is_large_and_has_every_label_and_both_languages() -> None:
    passages, pairs = expand.read()
    assert len(pairs) >= 1200
    assert len({passage.document for passage in passages}) >= 40
    labels = Counter(pair.label for pair in pairs)
    assert set(labels) == LABELS
    assert min(labels.values()) >= 100
    language = {passage.id: passage.language for passage in passages}
    assert all((pair.label == "other_language") == (pair.language != language[pair.passage]) for pair in pairs)
    assert not {p.document for p in passages if p.half == "fit"} & {p.document for p in passages if p.half != "fit"}


@pytest.mark.parametrize(("documents", "kept", "caught"), [("h2-", 94, 91), ("zh3-", 73, 83), ("en3-", 58, 83)])
def test_the_check_is_as_good_as_it_was(documents: str, kept: float, caught: float) -> None:
    passages = {row["id"]: row for row in citation_check.rows("passages") if row["document"].startswith(documents)}
    chunks = {name: citation_check.chunk_of(passage) for name, passage in passages.items()}
    measured = [
        {**pair, "outcome": citation_check.outcome(pair, chunks[pair["passage"]], None)}
        for pair in citation_check.rows("pairs")
        if pair["passage"] in passages
    ]
    bars = citation_check.bars(measured)
    assert bars["supported_kept"] >= kept
    assert bars["wrong_figures_caught"] >= caught
