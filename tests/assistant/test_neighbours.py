"""Chunks that follow each other in one section become one evidence, within the limits of the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.cite import Citer
from assistant.context import choose_evidence
from assistant.events import Cited, Evidence
from ingest.document import Box, Chunk, Location, chunk_id
from tests.canned_retrieval import hits_of, passage

HEADER = "| Code | Price |\n| --- | --- |\n"


def part(position: int, text: str, start: int, **location: object) -> Chunk:
    """The chunk of one document at a position; its text begins at a character of the document."""
    whole = passage(text, title="Manual", uri="manual.md")
    place = Location(start=start, end=start + len(text), **{"heading_path": ("Care",), "page": 1, **location})  # type: ignore[arg-type]
    return replace(whole, id=chunk_id(whole.document_id, 1, position), position=position, location=place)


def chosen(*chunks: Chunk, limit: int = 9, budget: int = 9_000) -> tuple[Evidence, ...]:
    return choose_evidence(hits_of(*chunks), limit=limit, budget_tokens=budget)


def texts(evidence: Sequence[Evidence]) -> list[str]:
    return [item.hit.chunk.text for item in evidence]


FIRST = part(0, "Clean the bowl every week.", 10, boxes=(Box(1, 0, 0.8, 1, 0.9),))
SECOND = part(1, "Grease the seal twice a year.", 38, page=2, boxes=(Box(2, 0, 0.1, 1, 0.2),))
THIRD = part(2, "Balance the rotor after each repair.", 69, page=2)


def test_the_parts_are_joined_in_reading_order_in_the_place_of_the_best() -> None:
    other = passage("Parking costs CNY 150.")
    [one, two] = chosen(THIRD, other, FIRST, SECOND)
    assert one.hit.chunk.text == f"{FIRST.text}\n\n{SECOND.text}\n\n{THIRD.text}"
    assert (one.number, one.hit.chunk.id, one.hit.score) == (1, THIRD.id, 1.0)
    place = one.hit.chunk.location
    assert (place.start, place.end, place.page) == (FIRST.location.start, THIRD.location.end, 1)
    assert [box.page for box in place.boxes] == [1, 2]
    assert one.parts == (FIRST, SECOND, THIRD)
    assert (two.hit.chunk, two.parts) == (other, ())


def test_a_chunk_between_two_evidences_makes_them_one() -> None:
    assert len(chosen(FIRST, THIRD)) == 2
    other = passage("Parking costs CNY 150.")
    assert [item.parts for item in chosen(FIRST, other, THIRD, SECOND)] == [(FIRST, SECOND, THIRD), ()]


def test_other_sections_sheets_revisions_and_documents_stay_apart() -> None:
    apart = [
        replace(SECOND, location=replace(SECOND.location, heading_path=("Storage",))),
        replace(SECOND, location=replace(SECOND.location, sheet="Prices")),
        replace(SECOND, location=replace(SECOND.location, slide=4)),
        replace(SECOND, revision=2),
        replace(SECOND, document_id=passage("x").document_id),
    ]
    assert [len(chosen(FIRST, chunk)) for chunk in apart] == [2] * len(apart)


def test_a_neighbour_is_taken_beyond_the_limit_of_evidence_but_not_beyond_its_tokens() -> None:
    assert texts(chosen(FIRST, passage("Parking."), SECOND, limit=1)) == [f"{FIRST.text}\n\n{SECOND.text}"]
    long = part(1, "Grease the seal. " * 200, 38)
    assert texts(chosen(FIRST, long, budget=100)) == [FIRST.text]


def test_a_cut_table_has_its_header_once_and_one_range_of_cells() -> None:
    upper = part(0, f"{HEADER}| RX-8 | 888 |\n| RX-9 | 999 |", 0, cells="A1:B3", sheet="Rotors")
    rows = "| RX-10 | 1110 |\n| RX-11 | 1221 |"
    lower = part(1, HEADER + rows, 0, cells="A4:B5", sheet="Rotors")
    start = upper.location.end + 1
    lower = replace(lower, location=replace(lower.location, start=start, end=start + len(rows)))
    [table] = chosen(lower, upper)
    assert table.hit.chunk.text == f"{upper.text}\n{rows}"
    assert table.hit.chunk.location.cells == "A1:B5"


def test_two_tables_that_follow_each_other_stay_two() -> None:
    roster, phones = (
        "| Day | Shift |\n| --- | --- |\n| Monday | Boiler |",
        "| Post | Phone |\n| --- | --- |\n| Boiler | 8102 |",
    )
    bare = "|  |  |\n| --- | --- |\n| Gate | 8119 |"
    start = 10
    parts = []
    for position, text in enumerate((roster, phones, bare)):
        parts.append(part(position, text, start))
        start += len(text) + 2
    assert texts(chosen(*parts)) == [f"{roster}\n\n{phones}\n\n{bare}"]


def test_what_two_parts_have_in_common_is_said_once() -> None:
    whole = "Clean the bowl every week. Dry it with the lid open. Look for cracks."
    first, second = part(0, whole[:52], 0), part(1, whole[27:], 27)
    assert texts(chosen(first, second)) == [whole]
    assert texts(chosen(part(0, "年假为十天。", 0), part(1, "须提前申请。", 6))) == ["年假为十天。须提前申请。"]


def test_a_citation_has_the_chunk_and_the_place_of_its_quote() -> None:
    citer = Citer(chosen(FIRST, SECOND, THIRD), "What is greased?")
    events = [
        *citer.feed("The seal is greased twice a year [1]. The rotor is balanced after repair [1]."),
        *citer.finish(),
    ]
    seal, rotor = (event.citation for event in events if isinstance(event, Cited))
    assert (seal.quote, seal.evidence.hit.chunk, seal.place.page) == (SECOND.text, SECOND, 2)
    assert (rotor.quote, rotor.evidence.hit.chunk) == (THIRD.text, THIRD)
    assert (seal.place.start, seal.place.end) == (SECOND.location.start, SECOND.location.end)
    assert {box.page for box in seal.place.boxes} == {2}
