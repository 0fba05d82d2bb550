"""For OpenAI clients `[n]` is the n-th annotation, whatever the number of the evidence."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from api.answers.renumbering import Renumbering, renumbered
from api.app import create_app
from assistant.cite import Citer
from assistant.conversation import Turn
from assistant.events import Cited, Event, Evidence, EvidenceFound, Finished, Searched, TextDelta
from ingest.document import Language
from tests.api.scripted_assistant import ScriptedAssistant, a_workspace
from tests.api.served import served
from tests.canned_retrieval import hits_of, passage

OWNERS = {"消防": "安保部", "保洁": "行政部", "采购": "采购部", "食堂": "后勤部", "车辆": "车队", "机房": "信息部"}
CHUNKS = [
    passage(f"{what}由{who}负责，每年检查 {number} 次。", title=f"{what}制度")
    for number, (what, who) in enumerate(OWNERS.items(), start=11)
]
SAID = "机房由信息部负责 [6]。采购由采购部负责 [3]。机房每年检查 16 次 [6]。消防由安保部负责 [1]，代码 `a[6]`。"
SHOWN = "机房由信息部负责 [1]。采购由采购部负责 [2]。机房每年检查 16 次 [1]。消防由安保部负责 [3]，代码 `a[6]`。"


def written(text: str, language: Language = "zh", piece: int = 3) -> list[Event]:
    """The events of an answer as the chain gives them."""
    evidence = tuple(Evidence(number, hit) for number, hit in enumerate(hits_of(*CHUNKS), start=1))
    citer = Citer(evidence, "")
    events: list[Event] = [Searched("a1", "q", language, len(evidence)), EvidenceFound(evidence)]
    for start in range(0, len(text), piece):
        events += citer.feed(text[start : start + piece])
    events += citer.finish()
    grounded = any(citation.support == "checked" for citation in citer.citations)
    return [*events, Finished("a1", citer.text, tuple(citer.citations), language, grounded, False, "scripted")]


def completed(events: list[Event], *, stream: bool, messages: list[Any] | None = None) -> tuple[str, dict[str, Any]]:
    """The text that a client shows, and what came beside it."""
    assistant = ScriptedAssistant(events)
    asked = messages or [{"role": "user", "content": "?"}]
    with (
        served(create_app(a_workspace(assistant))) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        if not stream:
            answer = client.chat.completions.create(model="youju", messages=asked)
            message = answer.choices[0].message
            annotations = [each.model_dump() for each in message.annotations or []]
            return message.content or "", {**(answer.model_extra or {}), "annotations": annotations}
        chunks = list(client.chat.completions.create(model="youju", messages=asked, stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        last = chunks[-1]
        return text, {**(last.model_extra or {}), **(last.choices[0].delta.model_extra or {})}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_number_is_the_place_of_its_annotation_and_of_its_search_result(stream: bool, piece: int) -> None:
    text, beside = completed(written(SAID, piece=piece), stream=stream)
    annotations = [each["url_citation"] for each in beside["annotations"]]
    assert text == SHOWN
    assert [each["title"].split()[0] for each in annotations] == ["机房制度", "采购制度", "消防制度", "机房制度"]
    assert [text[each["start_index"] : each["end_index"]] for each in annotations] == ["[1]", "[2]", "[3]", "[1]"]
    titles = [each["title"].split()[0] for each in beside["search_results"]]
    assert titles == ["机房制度", "采购制度", "消防制度", "保洁制度", "食堂制度", "车辆制度"]
    assert (beside["grounded"], beside["refused"]) == (True, False)


def test_text_is_held_back_for_a_marker_alone() -> None:
    renumbering = Renumbering()
    said = [(event, renumbering.take(event)) for event in written(SAID)]
    assert all(text == event.text for event, text in said if isinstance(event, TextDelta) and "[" not in event.text)
    assert "".join(text for _, text in said) == SHOWN
    assert all(text for event, text in said if isinstance(event, Cited))


def test_two_digits_become_one() -> None:
    events = written("机房由信息部负责 [6]。")
    finished = events[-1]
    assert isinstance(finished, Finished)
    citation = finished.citations[0]
    text, [found] = renumbered("机房由信息部负责 [16]。后", [type(citation)(16, citation.evidence, "", 9, 13)])
    assert (text, text[found.start : found.end]) == ("机房由信息部负责 [1]。后", "[1]")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("said", "language", "warning"),
    [
        ("公司明年上市。", "zh", "这个回答没有能核实的出处，请谨慎使用。"),
        ("We go public next year.", "en", "No source of this answer could be verified. Use it with care."),
        ("The server room is cleaned by robots [6].", "en", "No source of this answer could be verified."),
        ("机房由信息部负责[6]。Robots clean the canteen every day [4].", "zh", "[2] 未能与原文核对"),
    ],
)
def test_what_could_not_be_checked_is_said_in_the_text(stream: bool, said: str, language: Any, warning: str) -> None:
    text, beside = completed(written(said, language), stream=stream)
    assert text.rpartition("\n\n> ⚠ ")[2].startswith(warning)
    assert beside["grounded"] == ("机房" in said)


def test_a_warning_does_not_come_back_with_the_conversation() -> None:
    text, _ = completed(written("公司明年上市。"), stream=False)
    assistant = ScriptedAssistant()
    with (
        served(create_app(a_workspace(assistant))) as url,
        openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        client.chat.completions.create(
            model="youju", messages=[{"role": "assistant", "content": text}, {"role": "user", "content": "leave?"}]
        )
    assert assistant.asked[0][1] == (Turn("assistant", "公司明年上市。"),)
