"""Makes `passages.jsonl` and `pairs.jsonl` from the documents that were written by hand.

    python -m benchmarks.citations.expand

Beside the statements as they were written, and each with its changes, it makes three kinds by templates: two supported
statements of one passage joined to one sentence, a question that names a wrong figure and an answer that agrees, and a
statement that cites another passage. Nothing was chosen on the documents of `held_out.txt`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = (
    *("chinese.txt", "english.txt", "traditional.txt", "fitting.txt"),
    *("once_held_out.txt", "second_held_out.txt", "held_out.txt"),
)
HALVES = ("fit", "held_out")
"""The parts of the documents: `held_out.txt`, and all others."""
_CHANGES = {"f": "wrong_figure", "w": "wrong_subject", "n": "negated"}
_FIGURE = re.compile(r"\d[\d,.:/-]*\d%?|\d%?")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_WORD = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a document. `half` is one of `HALVES`, the same for all passages of a document."""

    id: str
    document: str
    half: str
    title: str
    heading: str
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A statement that cites a passage. `holds` is True if the passage supports it.

    `label` is `supported`, `wrong_figure`, `asked_figure`, `wrong_subject`, `negated` or `other_language`, and `kind`
    says how it was made. The language of an `other_language` statement is not the passage's.
    """

    passage: str
    statement: str
    question: str
    label: str
    kind: str
    holds: bool
    language: str
    figures: list[str]


@dataclass(slots=True)
class _Written:
    """A statement as it was written, the changes that make it wrong, and questions with answers that agree."""

    text: str
    other_language: bool
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    agreed: list[tuple[str, str]] = field(default_factory=list)

    def changed(self, old: str, new: str) -> str:
        if old not in self.text:
            raise ValueError(f"{old!r} is not in {self.text!r}")
        return self.text.replace(old, new)


def read() -> tuple[list[Passage], list[Pair]]:
    """Returns the passages and the pairs of all documents."""
    written = [entry for name in SOURCES for entry in _read(FOLDER / name)]
    pairs = [pair for passage, statements in written for pair in _pairs(passage, statements)]
    pairs += _other_passages(written)
    return [passage for passage, _ in written], pairs


def _read(file: Path) -> Iterator[tuple[Passage, list[_Written]]]:
    documents = file.read_text(encoding="utf-8").split("=== ")[1:]
    for document in documents:
        head, *passages = document.split("\n--- ")
        name, title, language = (part.strip() for part in head.split("|"))
        half = file.stem if file.stem in HALVES else "fit"
        for place, passage in enumerate(passages, start=1):
            heading, *lines = passage.strip().split("\n")
            text = "\n".join(line for line in lines if not re.match(r"[SXfwna]: ", line))
            statements = _statements(lines)
            yield Passage(f"{name}#{place}", name, half, title, heading, language, text), statements


def _statements(lines: list[str]) -> list[_Written]:
    statements: list[_Written] = []
    for line in lines:
        mark, _, rest = line.partition(": ")
        if mark in ("S", "X"):
            statements.append(_Written(rest, mark == "X"))
        elif mark in _CHANGES:
            for change in rest.split(" ; "):
                old, new = change.split(" => ")
                statements[-1].changes.append((_CHANGES[mark], old, new))
        elif mark == "a":
            question, answer = rest.split(" => ")
            statements[-1].agreed.append((question, answer))
    return statements


def _pairs(passage: Passage, statements: list[_Written]) -> Iterator[Pair]:
    topic = passage.heading.split(" > ")[-1]
    question = f"{topic}是怎么规定的？" if passage.language == "zh" else f"What do I need to know about {topic}?"
    for one in statements:
        label = "other_language" if one.other_language else "supported"
        yield _pair(passage, one.text, question, label, "supported", holds=True)
        for kind, old, new in one.changes:
            changed = one.changed(old, new)
            yield _pair(passage, changed, question, "other_language" if one.other_language else kind, kind)
        for asked, answer in one.agreed:
            yield _pair(passage, answer, asked, "asked_figure", "asked_figure")
        wrong = [change for change in one.changes if change[0] == "wrong_figure"]
        if wrong and not one.other_language:
            changed = one.changed(*wrong[-1][1:])
            yield _pair(passage, _yes(changed), _is_it(changed), "asked_figure", "asked_by_template")
    same = [one.text for one in statements if not one.other_language]
    for first, second in list(pairwise(same))[::2]:
        yield _pair(passage, _joined(first, second), question, "supported", "joined", holds=True)


def _other_passages(written: list[tuple[Passage, list[_Written]]]) -> Iterator[Pair]:
    """Yields statements of each passage that cite another one of the same half, two in its language and one in another.

    The other passage is of the same document if it has more than one.
    """
    for half in HALVES:
        entries = [entry for entry in written if entry[0].half == half]
        for language in ("zh", "en"):
            passages = [passage for passage, _ in entries if passage.language == language]
            for passage, statements in entries:
                others = [other for other in passages if other.document == passage.document and other != passage]
                if passage.language != language:
                    continue
                cited = (
                    others[0] if others else passages[(passages.index(passage) + len(passages) // 2) % len(passages)]
                )
                for one in [each for each in statements if not each.other_language][:2]:
                    yield _pair(cited, one.text, "", "wrong_subject", "other_passage")
                for one in [each for each in statements if each.other_language][:1]:
                    yield _pair(cited, one.text, "", "other_language", "other_passage")


def _pair(passage: Passage, statement: str, question: str, label: str, kind: str, *, holds: bool = False) -> Pair:
    language = "zh" if 2 * len(_HAN.findall(statement)) > len(_WORD.findall(statement)) else "en"
    return Pair(passage.id, statement, question, label, kind, holds, language, _FIGURE.findall(statement))


def _yes(statement: str) -> str:
    return f"是的，{statement}" if _HAN.search(statement) else f"Yes. {statement}"


def _is_it(statement: str) -> str:
    if _HAN.search(statement):
        return f"{statement.rstrip('。')}，对吗？"
    return f"Is it true that {statement.rstrip('.')}?"


def _joined(first: str, second: str) -> str:
    if _HAN.search(first):
        return f"{first.rstrip('。')}，另外，{second}"
    return f"{first.rstrip('.')}, and {second}"


def main() -> None:
    passages, pairs = read()
    for name, rows in (("passages", passages), ("pairs", pairs)):
        lines = [json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows]  # type: ignore[call-overload]
        (FOLDER / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    print(f"{len(passages)} passages, {len(pairs)} pairs")


if __name__ == "__main__":
    main()
