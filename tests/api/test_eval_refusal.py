"""`youju eval --refusal`: which questions are refused, and weights of a home's own."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.cli.evaluation_set import CorpusSource
from api.settings import Settings
from api.workspace import Workspace
from assistant.events import Finished
from assistant.quoting.reading import PassageReading
from assistant.reading.model import Window
from assistant.terms import terms
from ingest.access import OPERATOR
from tests.api.command_line import json_here, run_here
from tests.embedding_server import embedding_server
from tests.squeezed_embedder import SqueezedEmbedder

MACHINES = (
    "lathe", "kiln", "loom", "forklift", "centrifuge", "autoclave", "compressor", "dehumidifier", "engraver",
    "furnace", "grinder", "incubator", "laminator", "microscope", "oscilloscope", "plotter", "router",
    "sandblaster", "shredder", "spectrometer", "stapler", "telescope", "thermostat", "transformer", "trimmer",
    "turbine", "vacuum", "ventilator", "welder", "winch", "bandsaw", "boiler", "conveyor", "crane", "dishwasher",
    "drill",
)  # fmt: skip
ANIMALS = (
    "penguin", "giraffe", "otter", "badger", "walrus", "falcon", "hedgehog", "iguana", "jaguar", "koala", "lemur",
    "meerkat", "narwhal", "octopus", "pelican", "quail", "raccoon", "salamander", "tapir", "urchin", "vulture",
    "wombat", "yak", "zebra", "beaver", "camel", "dolphin", "elephant", "flamingo", "gazelle", "heron", "ibex",
    "jackal", "kangaroo", "llama", "moose",
)  # fmt: skip
PLACES = ("cellar", "attic", "garage", "foyer", "annex", "depot")
SOME = 6
"""So many questions of each kind are too few to fit weights to, and enough to see that they are asked."""


def write_set(folder: Path, documents: Mapping[str, str], questions: Mapping[str, str]) -> Path:
    """A set in which a question is answered by the document of its own id."""
    (folder / "qrels").mkdir(parents=True)
    for name, texts in (("corpus", documents), ("queries", questions)):
        write_lines(folder / f"{name}.jsonl", texts)
    judged = ["query-id\tcorpus-id\tscore", *(f"{query}\t{query}\t1" for query in questions)]
    (folder / "qrels" / "dev.tsv").write_text("\n".join(judged) + "\n")
    return folder


def write_lines(file: Path, texts: Mapping[str, str]) -> None:
    file.write_text("".join(json.dumps({"_id": key, "text": text}) + "\n" for key, text in texts.items()))


def numbered(template: str, words: Sequence[str]) -> dict[str, str]:
    return {f"d{number}": template.format(word) for number, word in enumerate(words)}


@dataclass(frozen=True)
class Sets:
    """Thirty-six documents about machines, a question about each, and one about each that it does not answer; and a set
    about animals, whose questions share a word or two with those documents.
    """

    machines: Path
    animals: Path

    @classmethod
    def made(cls, folder: Path) -> Sets:
        documents = {
            f"d{number}": f"The {machine} stands in the {PLACES[number % 6]}. Mechanic {number} serviced it last May."
            for number, machine in enumerate(MACHINES)
        }
        machines = write_set(folder / "machines", documents, numbered("Where does the {} stand?", MACHINES))
        write_lines(machines / "unanswerable.jsonl", numbered("Who painted the {} last May?", MACHINES))
        animals = numbered("How long does a {} stand in the snow?", ANIMALS)
        return cls(machines, write_set(folder / "animals", {"d0": "Penguins stand in the snow."}, animals))

    def refusal(self, *more: str) -> list[str]:
        """The command that asks the questions of both sets."""
        return ["eval", str(self.machines), "--refusal", "--strangers", str(self.animals), *more]


@pytest.fixture
def sets(tmp_path: Path) -> Sets:
    return Sets.made(tmp_path)


@pytest.fixture(scope="module", autouse=True)
def _without_reading(inline_module: None) -> Iterator[None]:
    """No model reads the hits, as where the package of its weights is not installed: reading takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assistant.quoting.reading.shipped", lambda: None)
        yield


@dataclass(frozen=True)
class Fitted:
    """A home with weights of its own, what was measured before they were there and after, and its embedding server."""

    sets: Sets
    home: Path
    server: dict[str, str]
    before: dict[str, Any]
    after: dict[str, Any]

    def settings(self) -> Settings:
        return Settings(home=self.home, **self.server)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, _without_reading: None) -> Iterator[Fitted]:
    folder = tmp_path_factory.mktemp("fitted")
    sets, home = Sets.made(folder), folder / "home"
    with embedding_server() as (behind, url):
        behind.answer = SqueezedEmbedder(0.7).answer
        server = {"embedding_url": url, "embedding_model": "squeezed"}
        before = json_here(home, *sets.refusal("--fit"), **server)
        yield Fitted(sets, home, server, before, json_here(home, *sets.refusal(), **server))


def test_refused_questions_are_counted_by_the_gate_in_use_and_by_a_fitted_one(fitted: Fitted) -> None:
    found = fitted.before
    assert (found["documents"], found["gate"], found["reading"]) == (36, "strict", None)
    assert found["embedder"].startswith("squeezed@remote+")
    assert found["asked"] == {"own": 36, "near_misses": 36, "strangers": 36}
    assert found["own_found"] == 36
    assert (found["weights"], found["written"]) == ("shipped", str(fitted.home / "gate.json"))
    assert found["refused"]["near_misses"] <= 3, "they have the words of the documents"
    judged_unseen = found["refused_by_fitted"]
    assert judged_unseen["own"] <= 3
    assert judged_unseen["near_misses"] >= 33, "what they ask for is in no document, and this can be learnt here"
    assert judged_unseen["strangers"] >= 33


def test_a_home_uses_the_weights_that_were_fitted_to_its_questions(fitted: Fitted) -> None:
    assert fitted.after["weights"] == "own"
    assert fitted.after["refused"]["own"] <= 1
    assert fitted.after["refused"]["near_misses"] >= 33
    stored = json.loads((fitted.home / "gate.json").read_text())
    assert (stored["embedder"], stored["reading"]) == (fitted.before["embedder"], None)
    assert stored["measured"]["refused_by_fitted"] == fitted.before["refused_by_fitted"]


def refused_in(workspace: Workspace, questions: Sequence[str]) -> int:
    """How many of these questions the assistant refuses."""

    async def ends() -> list[bool]:
        answers = [workspace.assistant.answer(each, (), OPERATOR) for each in questions]
        return [event.refused for answer in answers async for event in answer if isinstance(event, Finished)]

    return sum(asyncio.run(ends()))


def test_the_assistant_of_the_home_refuses_by_them_and_one_of_another_home_does_not(
    fitted: Fitted, tmp_path: Path
) -> None:
    near = list(numbered("Who painted the {} last May?", MACHINES[:12]).values())
    own = list(numbered("Where does the {} stand?", MACHINES[:12]).values())
    counts = []
    for name in ("with", "without"):
        home = tmp_path / name
        home.mkdir()
        if name == "with":
            (home / "gate.json").write_bytes((fitted.home / "gate.json").read_bytes())
        settings = fitted.settings().model_copy(update={"home": home})
        with closing(Workspace.open(settings, command="test")) as workspace:
            workspace.ingestor.run(CorpusSource(fitted.sets.machines))
            counts.append((refused_in(workspace, own), refused_in(workspace, near)))
    (own_with, near_with), (own_without, near_without) = counts
    assert (own_with <= 1, own_without <= 1) == (True, True)
    assert (near_with >= 10, near_without <= 1) == (True, True)


def gate_of(home: Path, **settings: str) -> tuple[int, dict[str, str]]:
    done = run_here(home, "doctor", "--json", **settings)
    [finding] = [each for each in json.loads(done.stdout)["findings"] if each["name"] == "gate"]
    return done.returncode, finding


def test_doctor_says_which_weights_the_gate_uses(fitted: Fitted, tmp_path: Path) -> None:
    _, finding = gate_of(fitted.home, **fitted.server)
    assert finding["state"] == "ok"
    assert "weights of this home, fitted with squeezed@remote" in finding["detail"]
    _, finding = gate_of(fitted.home)
    assert finding["state"] == "note"
    assert "squeezed@remote" in finding["detail"]
    assert "multilingual-e5-small" in finding["detail"]
    assert "--refusal --fit" in finding["hint"]
    code, finding = gate_of(tmp_path / "home")
    assert (code, finding["state"]) == (0, "ok")
    assert "shipped weights" in finding["detail"]


GOOD = {
    "embedder": "any", "reading": None, "intercept": 0.0, "weights": {"wording": 1.0}, "strict": 0.5,
    "lenient": 0.0,
}  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "\x00\xff",
        "[" * 100_000,
        json.dumps({**GOOD, "weights": {"a feature of tomorrow": 1.0}}),
        json.dumps({**GOOD, "weights": {}}),
        json.dumps({**GOOD, "strict": float("nan")}),
        json.dumps({**GOOD, "weights": {"reading": 1.0}}),
        json.dumps({**GOOD, "embedder": 5}),
        json.dumps({key: value for key, value in GOOD.items() if key != "lenient"}),
    ],
    ids=["empty", "list", "bytes", "deep", "unknown", "none", "nan", "not read", "no embedder", "incomplete"],
)
def test_a_damaged_file_of_weights_stops_nothing_and_is_named(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "gate.json").write_text(content, encoding="latin-1")
    with caplog.at_level(logging.WARNING), closing(Workspace.open(Settings(home=tmp_path), command="test")):
        assert "gate.json cannot be used" in caplog.text
        assert "shipped weights" in caplog.text


def test_doctor_wants_a_damaged_file_of_weights_mended(tmp_path: Path) -> None:
    (tmp_path / "gate.json").write_text("{")
    code, finding = gate_of(tmp_path)
    assert (code, finding["state"]) == (2, "bad")
    assert "gate.json" in finding["detail"]
    assert "delete it" in finding["hint"]


@pytest.mark.parametrize("floor", [None, 0.0, 0.7, 0.95], ids=["shipped", "from 0", "from 0.7", "from 0.95"])
def test_strangers_are_refused_by_the_default_scale_whatever_range_the_cosines_have(
    floor: float | None, sets: Sets, tmp_path: Path
) -> None:
    with embedding_server() as (behind, url):
        behind.answer = SqueezedEmbedder(floor or 0.0).answer
        server = {} if floor is None else {"embedding_url": url, "embedding_model": f"from-{floor}"}
        found = json_here(tmp_path / "home", *sets.refusal(), **server)
    assert found["weights"] == "shipped"
    assert found["own_found"] >= 34
    assert found["refused"]["strangers"] >= 33
    assert found["refused"]["own"] <= 4


class OverlapModel:
    """Reads by counting words: a unit that has most of the question's words answers it."""

    name = "overlap"

    def read(self, question: str, windows: Sequence[Window]) -> list[tuple[float, ...]]:
        wanted = set(terms(question))
        return [tuple(4.0 * len(wanted & set(terms(unit))) - 4.0 for unit in window.units) for window in windows]


def test_with_a_model_that_reads_the_weights_are_for_what_it_says(
    sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = PassageReading(OverlapModel())  # type: ignore[arg-type]
    monkeypatch.setattr("api.cli.refusal.open_reading", lambda: reading)
    with embedding_server() as (behind, url):
        behind.answer = SqueezedEmbedder(0.7).answer
        server = {"embedding_url": url, "embedding_model": "read"}
        found = json_here(tmp_path / "home", *sets.refusal("--fit"), **server)
    assert found["reading"] == "overlap"
    assert found["refused_by_fitted"]["strangers"] >= 33
    assert found["refused_by_fitted"]["own"] <= 3
    stored = json.loads((tmp_path / "home" / "gate.json").read_text())
    assert stored["reading"] == "overlap"
    assert "reading" in stored["weights"]


def test_before_a_chat_model_the_lenient_gate_is_measured(sets: Sets, tmp_path: Path) -> None:
    (sets.machines / "unanswerable.jsonl").unlink()
    model = {"model": "qwen", "model_url": "http://127.0.0.1:9/v1"}
    found = json_here(tmp_path / "home", *sets.refusal("--questions", str(SOME)), **model)
    assert (found["gate"], found["reading"]) == ("lenient", None)
    assert found["asked"] == {"own": SOME, "near_misses": 0, "strangers": SOME}
    assert found["refused_by_fitted"] is None


def test_people_read_lines(sets: Sets, tmp_path: Path) -> None:
    done = run_here(tmp_path / "home", *sets.refusal("--questions", str(SOME)))
    assert done.returncode == 0
    assert f"own questions  0 of {SOME} refused" in done.stdout
    assert f"questions of strangers  {SOME} of {SOME} refused" in done.stdout
    assert "strict, shipped weights" in done.stdout
    assert "Too few questions to fit" in done.stderr
    assert not (tmp_path / "home").exists(), "the user's home is left alone"


def failure(home: Path, *arguments: str) -> str:
    done = run_here(home, *arguments)
    assert done.returncode == 2
    assert not (home / "gate.json").exists()
    return done.stderr


def test_weights_are_not_fitted_to_a_few_questions(sets: Sets, tmp_path: Path) -> None:
    said = failure(tmp_path / "home", *sets.refusal("--fit", "--questions", "20"))
    assert "[too_few_questions]" in said
    assert "20 questions whose document is found, and 40 others" in said
    assert "takes 30 of each" in said


def test_what_cannot_be_measured_is_said_before_anything_is_read(sets: Sets, tmp_path: Path) -> None:
    home, near = tmp_path / "home", sets.machines / "unanswerable.jsonl"
    assert "[option_without_refusal]" in failure(home, "eval", str(sets.machines), "--fit")
    near.write_text("5\n")
    assert "[evaluation_set_unreadable]" in failure(home, *sets.refusal())
    near.unlink()
    said = failure(home, "eval", str(sets.machines), "--refusal")
    assert "[no_stranger_questions]" in said
    assert "--strangers" in said
    said = failure(home, *sets.refusal("--strangers", str(tmp_path / "nowhere")))
    assert "[evaluation_set_unreadable]" in said
    assert "nowhere" in said
