"""What becomes of questions that the documents do not answer, over models that obey, ignore their orders, or ramble.

    python -m benchmarks.model_refusals benchmarks/company/questions.jsonl benchmarks/company/held_out.jsonl

The models are scripted, so that it is known what they say; the rest is real: `examples/` is ingested and searched, the
gate before a model judges, and the citations are checked. How often a real model obeys is another matter. A model that
obeys answers if the passage with the answer was given to it, and refuses otherwise. Prints one JSON object: for each
model, of the near misses and of the other questions, how many were refused by the gate, refused by the model and known
as refusals, shown with a warning, and shown without one.

`--reading` also reads each cited passage with the question, by the model that reads where there is no chat model, and
says of how many near misses a repeated passage scores below the good answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from api.settings import Settings, synonyms_file
from api.workspace import Workspace, open_gate
from assistant.answer import Assistant, Retrieves
from assistant.checking.meaning import Meaning
from assistant.events import EvidenceFound, Failed, Finished
from assistant.models import Described
from assistant.prompts.refusals import REFUSALS
from assistant.quoting.reading import PassageReading, open_reading
from assistant.request import Locale, Piece, Request
from assistant.retrieve import CurrentRetriever, Retrieved
from assistant.rewording.retriever import RewordingRetriever
from assistant.rewording.synonyms import Synonyms, everyday_words
from ingest.access import OPERATOR, Reader
from ingest.document import Chunk
from ingest.sources.folder import FolderSource

_ORDERS: dict[str, Locale] = {"用简体中文回答": "zh", "用繁體中文回答": "zh-Hant"}
_PIECE_CHARS = 7
_SECONDS = 60.0
"""The embedder may take so long, so that what is counted does not depend on the machine."""

_OWN_WORDS: dict[Locale, tuple[str, ...]] = {
    "zh": (
        "抱歉，提供的资料中没有提到这方面的规定。",
        "根据现有资料，无法确定这个问题的答案。",
        "文档里并没有相关内容，建议咨询人事部门。",
        "很遗憾，我在这些材料里没找到答案。",
    ),
    "zh-Hant": (
        "抱歉，提供的資料中沒有提到這方面的規定。",
        "根據現有資料，無法確定這個問題的答案。",
        "文件裡並沒有相關內容，建議詢問人事部門。",
        "很遺憾，我在這些材料裡沒找到答案。",
    ),
    "en": (
        "Sorry, the documents do not mention this.",
        "I cannot find an answer to this in the documents provided.",
        "There is no information about this in the given context. Please ask the HR department.",
        "Unfortunately, nothing in these passages says so.",
    ),
}
_PREAMBLE: dict[Locale, str] = {
    "zh": "这是一个很好的问题。我仔细阅读了您提供的全部资料，并逐条作了核对，结论如下。",
    "zh-Hant": "這是一個很好的問題。我仔細閱讀了您提供的全部資料，並逐條作了核對，結論如下。",
    "en": "That is a very good question. I have read all of the passages that you gave me with care, one by one.",
}
_ADVICE: dict[Locale, str] = {
    "zh": "不同公司的做法各不相同，具体要看所在部门的安排。您可以先和直接主管沟通，再向有关部门确认。",
    "zh-Hant": "不同公司的做法各不相同，具體要看所在部門的安排。您可以先和直接主管溝通，再向有關部門確認。",
    "en": "Companies handle this in different ways, and much depends on the department. It is best to speak with your "
    "line manager first, and then to ask whoever is in charge, so that no time is lost.",
}
_KNOWN: dict[Locale, str] = {
    "zh": "一般情况下是 77 天，费用为 7,700 元",
    "zh-Hant": "一般情況下是 77 天，費用為 7,700 元",
    "en": "It is usually 77 days, at a cost of CNY 7,700",
}
_END: dict[Locale, str] = {"zh": "。", "zh-Hant": "。", "en": ". "}

_SHOWN, _DOUBTED = "shown without a warning", "shown with a warning"
_GOOD, _REPEATED = ("obeys", "answerable"), ("repeats the first passage, whatever is asked", "near misses")
_MARKED = (0, 2, 5, 10, 20)

Row = dict[str, Any]
Says = Callable[[Row, Request, Locale], str]


def _locale(request: Request) -> Locale:
    """The language that the last lines of the prompt ask for."""
    told = request.messages[-1].text[-160:]
    return next((locale for order, locale in _ORDERS.items() if order in told), "en")


def _found(row: Row, request: Request) -> tuple[str, int] | None:
    """What answers the question, as its passage has it, and the number of the passage. None if it was not given."""
    quote = "".join(row["quote"].split())
    for evidence in request.evidence:
        text = evidence.hit.chunk.text
        if quote and quote in "".join(text.split()):
            alternatives = [" ".join(texts) for texts in row["answer_has"]]
            return next((said for said in alternatives if said in text), alternatives[0]), evidence.number
    return None


def _stated(row: Row, request: Request, locale: Locale) -> str:
    """The answer of a model that obeys, or an empty text if the passage is missing."""
    if (found := _found(row, request)) is None:
        return ""
    said, number = found
    return f"The answer is: {said} [{number}]." if locale == "en" else f"答案是：{said} [{number}]。"


def _own_words(row: Row, locale: Locale) -> str:
    words = _OWN_WORDS[locale]
    return words[len(row["question"]) % len(words)]


def _first_passage(_: Row, request: Request, locale: Locale) -> str:
    lines = [line.strip(" |#") for line in request.evidence[0].hit.chunk.text.splitlines()]
    return f"{next((line for line in lines if len(line) > 12), lines[0])} [1]{_END[locale]}"


MODELS: dict[str, Says] = {
    "obeys": lambda row, request, locale: _stated(row, request, locale) or REFUSALS[locale],
    "refuses in its own words": lambda row, request, locale: _stated(row, request, locale) or _own_words(row, locale),
    "rambles before and after": lambda row, request, locale: (
        f"{_PREAMBLE[locale]} {_stated(row, request, locale) or _own_words(row, locale)} {_ADVICE[locale]}"
    ),
    "refuses, then tells what is usual": lambda row, request, locale: (
        _stated(row, request, locale) or f"{_own_words(row, locale)} {_KNOWN[locale]}{_END[locale]}"
    ),
    "ignores the documents": lambda row, request, locale: f"{_KNOWN[locale]}{_END[locale]}",
    "invents, and cites the first passage": lambda row, request, locale: f"{_KNOWN[locale]} [1]{_END[locale]}",
    "repeats the first passage, whatever is asked": _first_passage,
}


class Scripted:
    """A chat model that says what its script says of the row that is being asked."""

    model = "scripted"
    follows_instructions = True
    is_away = False

    def __init__(self) -> None:
        self.says: Says = MODELS["obeys"]
        self.row: Row = {}

    async def described(self) -> Described:
        return Described(32_768)

    async def count_tokens(self, messages: Any) -> int | None:
        return None

    async def answer(self, request: Request) -> AsyncGenerator[Piece, None]:
        said = self.says(self.row, request, _locale(request)) if request.evidence else "-"
        for start in range(0, len(said), _PIECE_CHARS):
            yield Piece(said[start : start + _PIECE_CHARS])

    async def aclose(self) -> None:
        """Nothing to let go of."""


class Remembering:
    """A retriever that searches for each query once, for all models."""

    def __init__(self, retriever: Retrieves) -> None:
        self._retriever = retriever
        self._found: dict[tuple[str, int], Retrieved] = {}

    def retrieve(self, query: str, *, reader: Reader, limit: int) -> Retrieved:
        if (query, limit) not in self._found:
            self._found[query, limit] = self._retriever.retrieve(query, reader=reader, limit=limit)
        return self._found[query, limit]


async def _outcome(assistant: Assistant, question: str) -> tuple[str, list[Chunk]]:
    """What becomes of a question, and the passages that its answer cites."""
    gated, end = True, None
    async for event in assistant.answer(question, (), OPERATOR):
        if isinstance(event, EvidenceFound):
            gated = not event.evidence
        end = event
    if isinstance(end, Failed) or not isinstance(end, Finished):
        return "failed", []
    if end.refused:
        return ("refused by the gate" if gated else "refused by the model"), []
    doubtful = not end.grounded or end.unsupported or any(each.support != "checked" for each in end.citations)
    return (_DOUBTED if doubtful else _SHOWN), [each.evidence.hit.chunk for each in end.citations]


async def _measured(rows: list[Row], workspace: Workspace, reading: PassageReading | None) -> dict[str, Any]:
    model, found = Scripted(), {}
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    synonyms = Synonyms(synonyms_file(workspace.settings))
    retriever = RewordingRetriever(
        CurrentRetriever(workspace.opened.open_versions), synonyms, everyday=everyday_words()
    )
    meaning = Meaning(lambda: workspace.store.current().embedder.dense, seconds=_SECONDS)
    gate = open_gate(workspace.settings, model, None)
    assistant = Assistant(Remembering(retriever), gate, model, workspace.settings, meaning=meaning, good=gate.good)
    for name, model.says in MODELS.items():
        counts: dict[str, Counter[str]] = {"near misses": Counter(), "answerable": Counter()}
        for model.row in rows:
            kind = "near misses" if model.row["expect"] == "refuse" else "answerable"
            question = model.row["question"]
            outcome, cited = await _outcome(assistant, question)
            counts[kind][outcome] += 1
            if reading is not None and outcome == _SHOWN and (name, kind) in (_GOOD, _REPEATED):
                scores[name, kind].append(max(reading.read(question, [chunk])[0].best for chunk in cited))
        found[name] = {kind: dict(sorted(count.items())) for kind, count in counts.items()}
    await assistant.aclose()
    return found if reading is None else found | {"reading": _told_apart(scores[_GOOD], scores[_REPEATED])}


def _told_apart(good: list[float], repeated: list[float]) -> dict[str, Any]:
    """How many repeated passages score below a line that marks so many good answers."""
    lines = {marked: sorted(good)[marked] for marked in _MARKED if marked < len(good)}
    return {
        "good answers": len(good),
        "repeated passages that do not answer": len(repeated),
        "of these marked, by the good answers that are marked as well": {
            marked: sum(score < line for score in repeated) for marked, line in lines.items()
        },
        "lines": {marked: round(line, 2) for marked, line in lines.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path, nargs="+")
    parser.add_argument("--home", type=Path, help="keep the home here, and take it from here the next time")
    parser.add_argument("--reading", action="store_true", help="also read the cited passages")
    parser.add_argument("--threshold", type=float, help="YOUJU_REFUSAL_THRESHOLD; its default if left out")
    given = parser.parse_args()
    rows = [json.loads(line) for file in given.questions for line in file.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory(prefix="youju-bench-") as temporary:
        settings = Settings(home=given.home or Path(temporary))
        if given.threshold is not None:
            settings = settings.model_copy(update={"refusal_threshold": given.threshold})
        with closing(Workspace.open(settings, command="bench")) as workspace:
            workspace.ingestor.run(FolderSource([Path("examples")]))
            found = asyncio.run(_measured(rows, workspace, open_reading() if given.reading else None))
            asyncio.run(workspace.assistant.aclose())
    print(json.dumps(found, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
