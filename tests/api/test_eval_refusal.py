"""`youju eval --refusal`: which questions are refused, and weights of a home's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.command_line import json_here, run_here
from tests.embedding_server import embedding_server
from tests.squeezed_embedder import SqueezedEmbedder

MACHINES = (
    "lathe kiln loom forklift centrifuge autoclave compressor dehumidifier engraver furnace grinder incubator laminator "
    "microscope oscilloscope plotter router sandblaster shredder spectrometer stapler telescope thermostat transformer "
    "trimmer turbine vacuum ventilator welder winch bandsaw boiler conveyor crane dishwasher drill"
).split()
ANIMALS = (
    "penguin giraffe otter badger walrus falcon hedgehog iguana jaguar koala lemur meerkat narwhal octopus pelican quail "
    "raccoon salamander tapir urchin vulture wombat yak zebra beaver camel dolphin elephant flamingo gazelle heron ibex "
    "jackal kangaroo llama moose"
).split()
PLACES = "cellar attic garage foyer annex depot".split()


def write_set(folder: Path, documents: dict[str, str], questions: dict[str, str]) -> Path:
    """A set in which a question is answered by the document of its own id."""
    (folder / "qrels").mkdir(parents=True)
    for name, texts in (("corpus", documents), ("queries", questions)):
        write_lines(folder / f"{name}.jsonl", texts)
    judged = ["query-id\tcorpus-id\tscore", *(f"{query}\t{query}\t1" for query in questions)]
    (folder / "qrels" / "dev.tsv").write_text("\n".join(judged) + "\n")
    return folder


def write_lines(file: Path, texts: dict[str, str]) -> None:
    file.write_text("".join(json.dumps({"_id": key, "text": text}) + "\n" for key, text in texts.items()))


@pytest.fixture
def machines(tmp_path: Path) -> Path:
    """Thirty-six documents about machines, a question about each, and one about each that it does not answer."""
    documents = {
        f"m{number}": f"The {machine} stands in the {PLACES[number % 6]}. It was serviced by mechanic {number} last May."
        for number, machine in enumerate(MACHINES)
    }
    questions = {f"m{number}": f"Where does the {machine} stand?" for number, machine in enumerate(MACHINES)}
    folder = write_set(tmp_path / "machines", documents, questions)
    missed = {f"n{number}": f"Which colour was the {machine} painted?" for number, machine in enumerate(MACHINES)}
    write_lines(folder / "unanswerable.jsonl", missed)
    return folder


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """A set about something else. Only its questions are asked."""
    questions = {f"a{number}": f"How long does a {animal} sleep in winter?" for number, animal in enumerate(ANIMALS)}
    return write_set(tmp_path / "animals", {"a0": "Penguins sleep."}, questions)


@pytest.fixture(autouse=True)
def _without_reading(monkeypatch: pytest.MonkeyPatch, inline: None) -> None:
    """No model reads the hits, as where the package of its weights is not installed: reading takes most of the time."""
    monkeypatch.setattr("assistant.quoting.reading.shipped", lambda: None)


@pytest.fixture(params=[0.7])
def served(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The settings for an embedding server whose cosines lie above this number."""
    with embedding_server() as (server, url):
        server.answer = SqueezedEmbedder(request.param).answer
        yield {"embedding_url": url, "embedding_model": f"bag-{request.param}"}


def measured(home: Path, machines: Path, animals: Path, *more: str, **settings: str) -> Any:
    return json_here(home, "eval", str(machines), "--refusal", "--strangers", str(animals), *more, **settings)
def test_x(tmp_path, machines, animals, served):
    import time
    t=time.process_time()
    print(measured(tmp_path/"home", machines, animals, **served), time.process_time()-t)
@pytest.mark.parametrize("served",[0.0],indirect=True)
def test_y(tmp_path, machines, animals, served):
    print(measured(tmp_path/"home", machines, animals, **served))
def test_z(tmp_path, machines, animals):
    import time
    t=time.process_time()
    print(measured(tmp_path/"home", machines, animals), time.process_time()-t)
