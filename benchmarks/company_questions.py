"""Asks a server without a chat model what colleagues would ask about `examples/`, and counts the answers.

    python -m benchmarks.company_questions benchmarks/company/questions.jsonl --verbose

A line of the file is a question with its `kind` (the language and where the answer stands), what is expected (`answer`
or `refuse`), and `answer_has`: alternatives, each a list of texts that a right answer has. `held_out.jsonl` and
`everyday.jsonl` are by two other authors. Their failures were read once, so they are no longer blind. `unseen.jsonl` is
by a fourth author, and nothing was chosen by it. An answer counts as right if its beginning has the texts, so it can be
right by accident: read them too, with `--verbose`.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from benchmarks.server_process import served

_BEGINNING = 400
"""Characters of an answer that count."""
_SHOWN = 160


def verdict(expected: dict[str, Any], answer: dict[str, Any]) -> str:
    """Returns what an answer is, beside what is expected."""
    if expected["expect"] == "refuse":
        return "refused rightly" if answer["refused"] else "answered a near miss"
    if answer["refused"]:
        return "refused falsely"
    beginning = " ".join(answer["answer"].split())[:_BEGINNING]
    right = any(all(_has(beginning, text) for text in texts) for texts in expected["answer_has"])
    return "right" if right else "wrong"


def _has(answer: str, text: str) -> bool:
    """Returns True if the answer has the text, and not as a part of a longer number."""
    before = r"(?<![A-Za-z0-9_.,-])" if text[0].isascii() and text[0].isalnum() else ""
    after = r"(?![\d.,]?\d)" if text[-1].isdigit() else ""
    return re.search(before + re.escape(text) + after, answer, re.IGNORECASE) is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--verbose", action="store_true", help="print what is not right, with the answer's beginning")
    given = parser.parse_args()
    rows = [json.loads(line) for line in given.questions.read_text(encoding="utf-8").splitlines()]
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with (
        tempfile.TemporaryDirectory(prefix="youju-bench-") as home,
        served(Path(home), "--ingest", "examples") as server,
    ):
        server.wait_until_said("Youju is ready")
        server.wait_until_idle()
        with server.client() as client:
            for row in rows:
                answer = client.post("/v1/ask", json={"question": row["question"]}).raise_for_status().json()
                found = verdict(row, answer)
                counts["all"][found] += 1
                counts[row["kind"]][found] += 1
                if given.verbose and found not in ("right", "refused rightly"):
                    print(found, row["question"], " ".join(answer["answer"].split())[:_SHOWN], sep=" | ", flush=True)
    print(json.dumps(counts, indent=2))


if __name__ == "__main__":
    main()
