"""What `/openapi.json` says, held against what is answered: schemathesis makes the requests, good and bad.

Its engine is driven here: its pytest plugin wants the description when tests are collected, before anything is served.
A seed makes the requests the same each time on the same code, whose constants are tried as well; nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from schemathesis import Config, engine, openapi
from schemathesis.engine import Status, events
from schemathesis.engine.recorder import ScenarioRecorder

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from ingest.sources.from_settings import named, open_source
from tests.api.served import served
from tests.ingest.inline_engine import without_workers

# Whoever imports hypothesis has trio, which is installed with selenium, register its generator of random numbers.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like `register_random`")

KEY, READER_KEY = "operator-0123456789abcdef", "reader-0123456789abcdef"
CALLERS = [("open", ""), ("keyed", KEY), ("keyed", READER_KEY)]

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


def outcome_of(url: str, key: str, *, examples: int, seed: int, coverage: bool = True) -> Outcome:
    """Make requests of every operation, `examples` of each kind at random; with `coverage`, also each bound of each
    field by itself, and each method that there is not."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    settings: dict[str, Any] = {
        "seed": seed,
        "headers": headers,
        "continue-on-failure": True,
        "request-timeout": 120,
        "suppress-health-check": ["all"],
        "operations": [NO_NULS],
        "checks": CHECKS,
        "phases": {"coverage": {"enabled": coverage}},
        "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
    }
    schema = openapi.from_url(f"{url}/openapi.json", config=Config.from_dict(settings), headers=headers)
    outcome = Outcome()
    for event in engine.from_schema(schema).execute():
        outcome.take(event)
    return outcome


@contextmanager
def a_server(folder: Path, **keys: Any) -> Iterator[str]:
    """A server with a source of two files, one of which is broken. Gives its address."""
    documents = folder / "wiki"
    documents.mkdir()
    (documents / "leave.md").write_text("# Leave\n\nAnnual leave is 15 days per year.\n", encoding="utf-8")
    (documents / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    wiki = {"name": "wiki", "type": "folder", "path": str(documents)}
    settings = Settings(home=folder / "home", max_file_mb=1, sources=[wiki], **keys)  # type: ignore[list-item]
    with closing(Workspace.open(settings, command="test")) as workspace:
        workspace.ingestor.run(open_source(named(settings, "wiki"), settings))
        with served(create_app(workspace)) as url:
            yield url


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """One without keys, and one with both."""
    with pytest.MonkeyPatch.context() as patch:
        without_workers(patch)
        # Many wrong keys are sent, each of which is to be answered as the first.
        patch.setattr("api.security.wrong_keys.FREE_TRIES", 10**9)
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", str(tmp_path_factory.mktemp("hypothesis")))
        with (
            a_server(tmp_path_factory.mktemp("open")) as without_keys,
            a_server(tmp_path_factory.mktemp("keyed"), api_key=KEY, reader_key=READER_KEY) as with_keys,
        ):
            yield {"open": without_keys, "keyed": with_keys}


@pytest.mark.parametrize(
    ("server", "key"),
    [pytest.param(*CALLERS[0], marks=pytest.mark.slow), *CALLERS[1:]],
    ids=["open", "operator", "reader"],
)
def test_every_answer_is_as_described(servers: dict[str, str], server: str, key: str) -> None:
    outcome = outcome_of(servers[server], key, examples=1, seed=1, coverage=key == KEY)
    assert outcome.findings == []
    assert outcome.cases > (1000 if key == KEY else 30)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize(("server", "key"), CALLERS, ids=["open", "operator", "reader"])
def test_every_answer_to_many_requests_is_as_described(
    servers: dict[str, str], server: str, key: str, seed: int
) -> None:
    outcome = outcome_of(servers[server], key, examples=25, seed=seed)
    assert outcome.findings == []
    assert outcome.cases > 1500
