"""What a second search finds in the words of a chat model that translates well, badly, or not at all. Prints JSON.

    python -m benchmarks.second_search --parallel xquad-mixed --paragraphs 100 --questions 40

Asks the questions of `benchmarks/company` of `examples/`, near misses too. With `--parallel`, a set in the BEIR layout
that has everything in both languages, as XQuAD has, half of its paragraphs are kept in Chinese and half in English, and
each question is asked in both: of one language it has to cross. There, a few questions of the company are strangers.

In the model's place stand the translators of `benchmarks.word_by_word`. What a good model would say was written by hand
for the questions of the company that are refused at first (`company/wordings.jsonl`), from the questions alone; of a
parallel set it is the question in its other language. All else is the product's: search, gate, the reading of what is
said, merging. `refused` counts the questions for which no passage passes the gate, so that no answer is asked for, and
`passed_with_the_passage` those that pass with a passage that answers in the evidence.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from api.cli.evaluation_set import CorpusSource, read_set
from api.settings import Settings
from assistant.admission import Admission
from assistant.gate.fitted import FittedGate
from assistant.gather import Asked, Gathered, Gatherer
from assistant.models import Described
from assistant.retrieve import CurrentRetriever, Retrieved
from assistant.rewording.retriever import RewordingRetriever
from assistant.rewording.synonyms import Synonyms, everyday_words
from assistant.second_search import SecondSearch
from benchmarks.word_by_word import Known, Poor, Stray, WordByWord, is_chinese
from ingest.access import OPERATOR
from ingest.document import Hit, Reference
from ingest.runs.pipeline import Ingestor
from ingest.sources import NOTHING_KNOWN, Source
from ingest.sources.folder import FolderSource
from ingest.store import Store

DEPTH = 10
_STRANGERS = 24
_SECONDS = 60.0
_COMPANY = Path(__file__).with_name("company") / "questions.jsonl"
_WORDINGS = _COMPANY.with_name("wordings.jsonl")


@dataclass(frozen=True, slots=True)
class Question:
    """`answers` says whether a hit answers it. It is None if nothing does."""

    kind: str
    text: str
    answers: Callable[[Hit], bool] | None


class Half(CorpusSource):
    """The documents of a set that are `kept`."""

    def __init__(self, folder: Path, kept: frozenset[str]) -> None:
        super().__init__(folder)
        self._kept = kept

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        return (each for each in super().references(known) if each.uri in self._kept)


class House:
    """An open home, searched as the assistant does it with a chat model."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.limit = 2 * settings.evidence_limit
        self._retriever = RewordingRetriever(
            CurrentRetriever(store.open_versions), Synonyms(settings.home / "none"), everyday=everyday_words()
        )
        gate = FittedGate(settings.refusal_threshold, line="lenient")
        self._gatherer = Gatherer(gate, settings, gate.good)

    def found(self, query: str, limit: int) -> Retrieved:
        return self._retriever.retrieve(query, reader=OPERATOR, limit=limit)

    def gathered(self, question: str, found: Retrieved) -> Gathered | None:
        asked = Asked(question, found.query, "zh" if is_chinese(question) else "en", ())
        return self._gatherer.gather(asked, found, Described())

    async def again(self, found: Retrieved, model: WordByWord) -> Retrieved:
        async def search(query: str, limit: int) -> Retrieved:
            return self.found(query, limit)

        return await SecondSearch(model, Admission(1, 0), _SECONDS).after(found, search, self.limit)


def measured(source: Source, questions: Sequence[Question], models: Sequence[WordByWord]) -> dict[str, Any]:
    """The figures of each kind of question, without a model and with each."""
    rows: defaultdict[str, defaultdict[str, list[_Outcome]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="youju-bench-") as home:
        settings = Settings(home=Path(home))
        with closing(Store.open(settings, command="benchmark")) as store:
            Ingestor(store, settings).run(source)
            house = House(store, settings)
            for question in questions:
                found = house.found(question.text, house.limit)
                first = house.gathered(question.text, found)
                rows[question.kind]["no model"].append(_outcome(question, found, first))
                for model in models:
                    again, second = found, first
                    if first is None or first.is_poor:
                        again = asyncio.run(house.again(found, model))
                        second = house.gathered(question.text, again) if again is not found else None
                        if second is None or (second.is_poor and first is not None):
                            again, second = found, first
                    rows[question.kind][model.model].append(_outcome(question, again, second))
    return {kind: {name: _figures(each) for name, each in by_model.items()} for kind, by_model in rows.items()}


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The reciprocal rank of the first hit that answers, or 0; whether the gate let the hits pass, and whether the
    evidence then has a passage that answers."""

    rank: float
    passed: bool
    right: bool


def _outcome(question: Question, found: Retrieved, gathered: Gathered | None) -> _Outcome:
    answers = question.answers or (lambda hit: False)
    rank = next((1 / rank for rank, hit in enumerate(found.hits[:DEPTH], start=1) if answers(hit)), 0.0)
    right = gathered is not None and any(answers(item.hit) for item in gathered.request.evidence)
    return _Outcome(rank, gathered is not None, right)


def _figures(rows: Sequence[_Outcome]) -> dict[str, Any]:
    return {
        "questions": len(rows),
        "mrr@10": round(statistics.fmean(each.rank for each in rows), 3),
        "hit@10": round(statistics.fmean(each.rank > 0 for each in rows), 3),
        "refused": sum(not each.passed for each in rows),
        "passed_with_the_passage": sum(each.right for each in rows),
    }


def company_questions() -> list[Question]:
    """The questions about `examples/`, with the document and the words that answer them."""
    rows = [json.loads(line) for line in _COMPANY.read_text(encoding="utf-8").splitlines()]
    return [
        Question(row["kind"], row["question"], partial(_quotes, row) if row["expect"] == "answer" else None)
        for row in rows
    ]


def by_hand() -> dict[str, tuple[str, str]]:
    """The translation and the rewording of questions of the company."""
    rows = [json.loads(line) for line in _WORDINGS.read_text(encoding="utf-8").splitlines()]
    return {row["question"]: (row["translation"], row["rewording"]) for row in rows}


def _quotes(row: Mapping[str, Any], hit: Hit) -> bool:
    return hit.chunk.uri.endswith(row["document"]) and _bare(row["quote"]) in _bare(hit.chunk.text)


def _bare(text: str) -> str:
    return re.sub(r"[\s|]+", "", text)


def parallel(folder: Path, paragraphs: int, most: int) -> tuple[Half, list[Question], dict[str, tuple[str, str]]]:
    """The half of a set that is kept, its questions, and their translations. Ids are `SET-LANGUAGE-KIND-ID`."""
    judged = read_set(folder, "dev")
    of_paragraph: dict[str, list[str]] = defaultdict(list)
    for query, relevant in judged.relevant.items():
        for document in relevant:
            if _language(query) == _language(document) == "zh":
                of_paragraph[document].append(query)
    kept: set[str] = set()
    questions: list[Question] = []
    translations: dict[str, tuple[str, str]] = {}
    for number, (document, queries) in enumerate(sorted(of_paragraph.items())[:paragraphs]):
        there = document if number % 2 else document.replace("-zh-", "-en-")
        kept.add(there)
        if number >= most:
            continue
        chinese, english = judged.queries[queries[0]], judged.queries[queries[0].replace("-zh-", "-en-")]
        translations |= {chinese: (english, ""), english: (chinese, "")}
        for language, text in (("zh", chinese), ("en", english)):
            kind = f"{language} in {_language(there)}"
            questions.append(Question(kind, text, partial(lambda uri, hit: hit.chunk.uri == uri, there)))
    return Half(folder, frozenset(kept)), questions, translations


def _language(name: str) -> str:
    return name.split("-")[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parallel", type=Path)
    parser.add_argument("--paragraphs", type=int, default=100, help="how many paragraphs of the parallel set are kept")
    parser.add_argument("--questions", type=int, default=40, help="of how many of them a question is asked")
    given = parser.parse_args()
    company = company_questions()
    texts = [question.text for question in company]
    models = [Known(by_hand()), WordByWord(), Poor(texts), Stray(texts)]
    figures = {"company": measured(FolderSource([Path("examples")]), company, models)}
    if given.parallel:
        source, questions, translations = parallel(given.parallel, given.paragraphs, given.questions)
        theirs = [question.text for question in questions]
        strangers = [replace(each, kind="strangers", answers=None) for each in company[:: len(company) // _STRANGERS]]
        models = [Known(translations), WordByWord(), Poor(theirs), Stray(theirs)]
        figures[given.parallel.name] = measured(source, [*questions, *strangers], models)
    print(json.dumps(figures, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
