"""How much later the first words come through us than from the bare chat server, for one who asks alone.

    python -m benchmarks.first_words
    python -m benchmarks.first_words --pause-ms 20

Ingests `examples/` into a new home, or the one given, and serves it with a scripted model in a process of its own.
Every question of `benchmarks/company/` that the documents answer, Chinese and English, is asked of that model directly,
of `/v1/ask` and of `/v1/chat/completions`, one after the other in one run; the last two take turns in being first, and
the one that is second is asked with another mark at the end, so that no vector of a question is remembered. Questions
whose first search was not good are left out, and counted: those refused, and those searched for again with other words.
Prints one JSON object, with what our first words take more than the model's own, at the median, and which stage takes
it; and the processor time of whole answers, which says more on a machine that has other things to do.

Without a pause the model says everything at once, and the difference is all ours. With one, what is held until the
language of an answer is certain waits for the model's next words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.many_askers import asked, scripted_model
from benchmarks.server_process import ServerProcess, served, summary

_SETS = Path(__file__).parent / "company"
_KINDS = {"zh": ("zh", "zh-en"), "en": ("en", "en-zh")}
"""The kinds of questions in each language. Those with a misspelt word are none: their first search finds too little."""
_WARMING = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=60, help="pieces of the model's answer")
    parser.add_argument("--pause-ms", type=float, default=0, help="between two pieces")
    parser.add_argument("--questions", type=int, help="so many in each language; all if not given")
    parser.add_argument("--home", type=Path, help="a home to keep, so that the next run finds `examples/` ingested")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, scripted_model(given.pieces, given.pause_ms) as url:
        os.environ["YOUJU_LOG_LEVEL"] = "warning"
        os.environ |= {"YOUJU_MODEL_URL": url, "YOUJU_MODEL": "scripted", "YOUJU_MODEL_SERVER": "vllm"}
        with served(given.home or Path(temporary), "--ingest", "examples") as server:
            server.wait_until_said("Youju is ready")
            asyncio.run(_warm(server.port))
            server.wait_until_idle()
            bare = urlsplit(url).port or 0
            result = {language: asyncio.run(_measured(bare, server, language, given.questions)) for language in _KINDS}
    print(json.dumps({"pause_ms": given.pause_ms, **result}, indent=2, ensure_ascii=False))


async def _warm(port: int) -> None:
    for _ in range(_WARMING):
        for language in _KINDS:
            await asked(port, language)
        await asked(port, "openai")


async def _measured(bare: int, ours: ServerProcess, language: str, most: int | None) -> dict[str, Any]:
    """The figures of one language, in milliseconds, of `most` questions or all."""
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    stages: defaultdict[str, list[float]] = defaultdict(list)
    processor: defaultdict[str, list[float]] = defaultdict(list)
    left_out: Counter[str] = Counter()
    for number, question in enumerate(questions_in(language)[:most]):
        lines: list[bytes] = []
        used: dict[str, float] = {}
        taken = {"bare": _checked(await asked(bare, "openai", question))}
        for name in ("ask", "openai") if number % 2 == 0 else ("openai", "ask"):
            face = ("openai", None) if name == "openai" else (language, lines)
            before = ours.cpu_seconds()
            taken[name] = _checked(await asked(ours.port, face[0], question, face[1]))
            used[name] = ours.cpu_seconds() - before
            question = f"{question.rstrip('？?。.')} ?"
        events = _events(lines)
        told = events["finished"]["timings_ms"]
        if events["finished"]["refused"] or events["searched"]["changed"] or "second_search" in told:
            left_out["refused" if events["finished"]["refused"] else "searched for again"] += 1
            continue
        for name, figure in taken.items():
            seconds[name].append(figure)
        for name, figure in used.items():
            processor[name].append(figure)
        stages["search"].append(told["retrieve"])
        stages["from there to the first words"].append(told["first_token"] - told["retrieve"] - told["condense"])
        stages["all, inside the assistant"].append(told["first_token"])
    measured = {name: summary([1000 * each for each in taken]) for name, taken in sorted(seconds.items())}
    over = {name: round(each["p50_ms"] - measured["bare"]["p50_ms"], 2) for name, each in measured.items()}
    return {
        "left_out": left_out,
        "first_words": measured,
        "over_the_bare_server_p50_ms": {name: each for name, each in over.items() if name != "bare"},
        "processor_ms_a_whole_answer": {
            name: round(1000 * statistics.mean(each), 1) for name, each in processor.items()
        },
        "stages_of_ask_p50_ms": {name: round(statistics.median(each), 2) for name, each in stages.items()},
    }


def questions_in(language: str) -> Sequence[str]:
    """The questions that the documents answer."""
    files = (_SETS / name for name in ("held_out.jsonl", "questions.jsonl"))
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    rows = [json.loads(line) for line in lines]
    return [row["question"] for row in rows if row["kind"] in _KINDS[language]]


def _checked(answered: float | str) -> float:
    if isinstance(answered, str):
        raise RuntimeError(f"an answer failed: {answered}")
    return answered


def _events(lines: Sequence[bytes]) -> dict[str, Any]:
    """The data of the last event of each name."""
    events, name = {}, ""
    for line in lines:
        text = line.decode().strip()
        if text.startswith("event: "):
            name = text.removeprefix("event: ")
        elif text.startswith("data: "):
            events[name] = json.loads(text.removeprefix("data: "))
    return events


if __name__ == "__main__":
    main()
