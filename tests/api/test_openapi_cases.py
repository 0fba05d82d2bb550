"""What `/openapi.json` says, held against what is answered: schemathesis makes the requests, good and bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from ingest.sources.from_settings import named, open_source
from tests.api.served import served
from tests.ingest.inline_engine import without_workers

if TYPE_CHECKING:
    from tests.api.described_requests import Outcome

# Whoever imports hypothesis has trio, which is installed with selenium, register its generator of random numbers.
pytestmark = pytest.mark.filterwarnings("ignore:It looks like `register_random`")

KEY, READER_KEY = "operator-0123456789abcdef", "reader-0123456789abcdef"
CALLERS = [("open", ""), ("keyed", KEY), ("keyed", READER_KEY)]
EVERY, SOME, NONE = ".", "^/v1/(ask|search|documents)$", "^$"
"""Of which paths each bound of each field is tried."""


def outcome_of(url: str, key: str, *, examples: int, seed: int, covered: str = EVERY) -> Outcome:
    """See there. It brings schemathesis, a second of every process that collects this file."""
    from tests.api.described_requests import outcome_of

    return outcome_of(url, key, examples=examples, seed=seed, covered=covered)


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
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Gives the address of the server without keys, `open`, or of the one with both, `keyed`: each is begun when it is
    asked for."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as begun:
        without_workers(patch)
        # Many wrong keys are sent, each of which is to be answered as the first.
        patch.setattr("api.security.wrong_keys.FREE_TRIES", 10**9)
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", str(tmp_path_factory.mktemp("hypothesis")))

        @cache
        def address(server: str) -> str:
            keys = {"api_key": KEY, "reader_key": READER_KEY} if server == "keyed" else {}
            return begun.enter_context(a_server(tmp_path_factory.mktemp(server), **keys))

        yield address


@pytest.mark.parametrize(
    ("server", "key", "covered", "least"),
    [
        pytest.param(*CALLERS[0], NONE, 30, marks=pytest.mark.slow, id="open"),
        pytest.param(*CALLERS[1], SOME, 150, id="operator"),
        pytest.param(*CALLERS[1], EVERY, 1000, marks=pytest.mark.slow, id="operator, every bound"),
        pytest.param(*CALLERS[2], NONE, 30, marks=pytest.mark.slow, id="reader"),
    ],
)
def test_every_answer_is_as_described(
    servers: Callable[[str], str], server: str, key: str, covered: str, least: int
) -> None:
    outcome = outcome_of(servers(server), key, examples=1, seed=1, covered=covered)
    assert outcome.findings == []
    assert outcome.cases > least


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize(("server", "key"), CALLERS, ids=["open", "operator", "reader"])
def test_every_answer_to_many_requests_is_as_described(
    servers: Callable[[str], str], server: str, key: str, seed: int
) -> None:
    outcome = outcome_of(servers(server), key, examples=25, seed=seed)
    assert outcome.findings == []
    assert outcome.cases > 1500
