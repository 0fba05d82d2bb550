"""Requests that schemathesis makes of a server by its description, good and bad, and what was wrong with the answers.

Its engine is driven here: its pytest plugin wants the description when tests are collected, before anything is served.
A seed makes the requests the same each time on the same code, whose constants are tried as well; nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from schemathesis import Config, engine, openapi
from schemathesis.engine import Status, events
from schemathesis.engine.recorder import ScenarioRecorder

MEANT = {
    ("GET /v1/documents", "unknown_cursor"): "cursors are handed out, and cannot be made up",
    ("GET /v1/conversations", "unknown_cursor"): "the same",
    ("POST /v1/ask", "leave `conversation` out"): "turns and a conversation each are good, and not both",
    ("PATCH /v1/conversations/{conversation_id}", "no blank"): "which characters are blank, no pattern says",
    ("GET /v1/documents/{document_id}/pages/{page}.png", "not_renderable"): "the document has no such page",
    ("POST /v1/documents", "invalid_path"): "which characters can be printed, no pattern says",
    ("POST /v1/runs", "paths_not_accepted"): "paths are for the local socket, which has the same description",
    ("POST /v1/chat/completions", "The last message must be a user's"): "a schema says nothing of a list's last item",
    ("POST /v1/chat/completions", "unsupported_content"): "the same",
}
"""Requests that are good as far as a description can say, and are refused: the operation, what is said, and why."""

NO_NULS = {"include-path": "/v1/chat/completions", "generation": {"allow-x00": False}}
"""OpenAI's requests may have any fields inside; that none of their texts has a NUL, the description cannot say."""

CHECKS = {
    "negative_data_rejection": {"expected-statuses": ["4xx", "5xx"]},
    "positive_data_acceptance": {
        "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "413", "429", "5xx"],
    },
}
"""What is usual, and 413: how long a whole body may be, good or bad, a schema does not say. What is a 5xx, another
check finds."""


@dataclass(slots=True)
class Outcome:
    """What came of the requests: how many there were, and what was wrong with the answers."""

    cases: int = 0
    findings: list[str] = field(default_factory=list)

    def take(self, event: events.EngineEvent) -> None:
        if isinstance(event, events.ScenarioFinished):
            self.cases += len(event.recorder.cases)
            self.findings += _findings(event.recorder)
        elif isinstance(event, events.NonFatalError):
            self.findings.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            raise event.exception


def _findings(recorder: ScenarioRecorder) -> Iterator[str]:
    for case_id, checks in recorder.checks.items():
        operation = recorder.cases[case_id].value.operation.label
        response = recorder.interactions[case_id].response
        answer = response.content.decode("utf-8", "replace") if response is not None else ""
        for check in checks:
            if check.status == Status.FAILURE and not (
                check.name == "positive_data_acceptance"
                and any(operation == each and said in answer for each, said in MEANT)
            ):
                assert check.failure_info is not None
                yield (
                    f"{operation} {check.name}: {check.failure_info.failure}\n"
                    f"{check.failure_info.code_sample}\n{answer[:500]}"
                )


def outcome_of(url: str, key: str, *, examples: int, seed: int, covered: str = "") -> Outcome:
    """Make requests of every operation, `examples` of each kind at random. Of those whose path matches `covered`, also
    each bound of each field by itself, and each method that there is not."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    settings: dict[str, Any] = {
        "seed": seed,
        "headers": headers,
        "continue-on-failure": True,
        "request-timeout": 120,
        "suppress-health-check": ["all"],
        "operations": [NO_NULS, {"exclude-path-regex": covered, "phases": {"coverage": {"enabled": False}}}],
        "checks": CHECKS,
        "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
    }
    config = Config.from_dict(settings)
    schema = openapi.from_url(f"{url}/openapi.json", config=config, headers=headers, timeout=120)
    outcome = Outcome()
    for event in engine.from_schema(schema).execute():
        outcome.take(event)
    return outcome
