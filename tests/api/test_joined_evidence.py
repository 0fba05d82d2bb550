"""Evidence over the real chain: neighbours as one passage, copies once, and the newer of two editions first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.workspace import Workspace
from ingest.sources.folder import FolderSource

ROWS = [f"| RX-{number} | rotor for {number} tubes | {number * 111} |" for number in range(2, 20)]
PRICES = (
    "# Spare parts\n\n## Rotors\n\n| Code | Rotor | Price in yuan |\n| --- | --- | --- |\n" + "\n".join(ROWS) + "\n"
)
CARE = """# Care of the centrifuge

## Cleaning the bowl

Clean the bowl of the centrifuge with a damp cloth every week. Never use chlorine in the bowl, because it eats the
steel. Dry the bowl of the centrifuge with the lid open for at least twenty minutes. Look for cracks in the bowl when
it is clean and dry. A bowl with a crack is taken out of service at once and reported to the safety officer. The gasket
of the bowl is greased after every tenth cleaning of the bowl with the grease that came with the centrifuge.

## Storing the centrifuge

Store the centrifuge in a dry room, with the bowl empty and the lid open.
"""
OLD = "# 差旅制度（2023版）\n\n## 住宿\n\n出差到一线城市的员工，住宿费上限为每晚 550 元，超出部分由员工本人承担。\n"
NEW = "# 差旅制度（2025版）\n\n## 住宿\n\n出差到一线城市的员工，住宿费上限为每晚 650 元，超出部分由员工本人承担。\n"
PARKING = "# 停车须知\n\n地下车库的车位每月租金一百五十元，须在行政部登记车牌号码，当月生效。第 {page} 页\n"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, inline_module: None) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("documents")
    written = {"prices.md": PRICES, "care.md": CARE, "a-2025.md": NEW, "b-2023.md": OLD}
    written |= {"parking.md": PARKING.format(page=3), "parking-copy.md": PARKING.format(page=17)}
    ages = {"a-2025.md": 100, "b-2023.md": 200, "parking.md": 400, "parking-copy.md": 300}
    for name, text in written.items():
        write(folder / name, text, 1_700_000_000 - ages.get(name, 0))
    settings = Settings(home=tmp_path_factory.mktemp("home"), chunk_tokens=96, evidence_limit=6)
    workspace = Workspace.open(settings, command="test")
    report = workspace.ingestor.run(FolderSource([folder]))
    assert (report.new, report.failed) == (6, 0)
    with TestClient(create_app(workspace), base_url="http://127.0.0.1") as opened:
        yield opened
    workspace.close()


def write(path: Path, text: str, modified: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (modified, modified))


def ask(client: TestClient, question: str) -> dict[str, Any]:
    body: dict[str, Any] = client.post("/v1/ask", json={"question": question}).json()
    return body


def passages(client: TestClient, evidence: dict[str, Any]) -> list[dict[str, Any]]:
    """The chunks of the document that lie in the place of the evidence."""
    document = client.get(f"/v1/documents/{evidence['document_id']}").json()
    place = evidence["location"]
    return [
        passage
        for passage in document["passages"]
        if place["start"] <= passage["location"]["start"] and passage["location"]["end"] <= place["end"]
    ]


def test_neighbouring_chunks_of_a_section_are_one_evidence(client: TestClient) -> None:
    evidence = ask(client, "How do I clean the bowl of the centrifuge?")["evidence"]
    bowl = [hit for hit in evidence if hit["location"]["heading_path"][-1] == "Cleaning the bowl"]
    assert len(bowl) == 1
    parts = passages(client, bowl[0])
    assert len(parts) > 1
    assert bowl[0]["chunk_id"] in [part["chunk_id"] for part in parts]
    assert all(part["text"] in bowl[0]["text"] for part in parts)
    assert bowl[0]["location"]["start"] == parts[0]["location"]["start"]
    assert [hit["number"] for hit in evidence] == list(range(1, len(evidence) + 1))
    assert "Store the centrifuge" not in bowl[0]["text"], "another section is another evidence"


def test_the_parts_of_a_table_share_one_header(client: TestClient) -> None:
    [table] = [hit for hit in ask(client, "What is the price of a rotor?")["evidence"] if "RX-" in hit["text"]]
    assert len(passages(client, table)) > 1
    assert table["text"].count("| Code | Rotor |") == 1
    lines = table["text"].split("\n")
    found = [line for line in lines if line.startswith("| RX-")]
    assert found == sorted(found, key=ROWS.index)
    assert len(set(found)) == len(found) == len(lines) - 2


@pytest.mark.parametrize("number", [3, 11, 19])
def test_a_citation_opens_the_chunk_that_has_the_quote(client: TestClient, number: int) -> None:
    body = ask(client, f"What is the price of the rotor RX-{number} for {number} tubes?")
    cited = next(citation for citation in body["citations"] if f"RX-{number} " in citation["quote"])
    opened = client.get(f"/v1/documents/{cited['document_id']}/passages/{cited['chunk_id']}").json()["passage"]
    assert cited["quote"] in opened["text"]
    assert opened["location"]["start"] <= cited["location"]["start"] < cited["location"]["end"]
    assert cited["location"]["end"] <= opened["location"]["end"]
    place = cited["location"]
    whole = next(hit for hit in body["evidence"] if hit["number"] == cited["number"])
    assert whole["location"]["start"] <= place["start"] <= place["end"] <= whole["location"]["end"]


def test_the_newer_of_two_editions_comes_first(client: TestClient) -> None:
    evidence = ask(client, "出差到一线城市住宿费上限是多少？")["evidence"]
    titles = [hit["title"] for hit in evidence if hit["title"].startswith("差旅制度")]
    assert titles == ["差旅制度（2025版）", "差旅制度（2023版）"]


def test_the_older_edition_comes_first_if_it_is_asked_for(client: TestClient) -> None:
    titles = [hit["title"] for hit in ask(client, "2023 版差旅制度，出差住宿费上限是多少？")["evidence"]]
    assert titles.index("差旅制度（2023版）") < titles.index("差旅制度（2025版）")


def test_of_two_copies_the_newer_is_the_evidence(client: TestClient) -> None:
    evidence = [hit for hit in ask(client, "停车一个月租金多少？")["evidence"] if hit["title"] == "停车须知"]
    assert [hit["uri"].rsplit("/", 1)[-1] for hit in evidence] == ["parking-copy.md"]
