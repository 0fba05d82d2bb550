"""An answer in another language than the question's is asked for again, once, before anything is shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from assistant.adherence import is_clearly, is_other
from assistant.events import TextDelta
from assistant.request import Locale
from ingest.access import OPERATOR
from ingest.document import Hit
from tests.assistant.test_answer import assistant, events_of, finished
from tests.canned_retrieval import CannedRetriever, passage
from tests.fake_openai_server import FakeOpenAIServer, Reply

LEAVE = passage(
    "Every employee has ten days of annual leave. 年假为每年十天，须提前三个工作日申请。年假幾天", title="Handbook 手册"
)
ENGLISH = "Every employee has ten days of annual leave in a year of service."
CHINESE = "每位员工每年享有十天带薪年休假，须提前三个工作日申请，由主管在系统里批准后生效，不能折算成工资。"
TRADITIONAL = "每位員工每年享有十天帶薪年休假，須提前三個工作日申請，由主管在系統裡批准後生效，不能折算成工資。"
ASKED: dict[Locale, str] = {
    "en": "How many days of annual leave are there?",
    "zh": "年假有几天，怎么申请？",
    "zh-Hant": "年假有幾天，怎麼申請？",
}
SAID: dict[Locale, str] = {"en": ENGLISH, "zh": CHINESE, "zh-Hant": TRADITIONAL}
PAIRS = [(asked, said) for asked in ASKED for said in ASKED if asked != said]


def always(query: str, hits: Sequence[Hit], *, embedder: str, **_: object) -> bool:
    return True


def house(server: FakeOpenAIServer) -> Any:
    return assistant(CannedRetriever([LEAVE]), always, model="qwen", model_url=server.url)


@pytest.mark.parametrize(("asked", "said"), PAIRS)
def test_an_answer_in_another_language_is_asked_for_again_and_never_shown(asked: Locale, said: Locale) -> None:
    with FakeOpenAIServer([Reply(SAID[said]), Reply(SAID[asked])]) as server:
        events = events_of(house(server), ASKED[asked])
        first, again = (body["messages"] for body in server.requests)
    shown = "".join(event.text for event in events if isinstance(event, TextDelta))
    end = finished(events)
    assert shown == end.answer == SAID[asked]
    assert (end.strayed, end.language) == (False, asked[:2])
    # The prompt is the same up to the order at its end, so that the server reads it once.
    assert again[:-1] == first[:-1]
    assert again[-1]["content"].startswith(first[-1]["content"])
    assert len(again[-1]["content"]) > len(first[-1]["content"])


@pytest.mark.parametrize("locale", list(ASKED))
def test_a_right_answer_is_asked_for_once(locale: Locale) -> None:
    with FakeOpenAIServer([Reply(SAID[locale])]) as server:
        end = finished(events_of(house(server), ASKED[locale]))
        assert len(server.requests) == 1
    assert (end.answer, end.strayed) == (SAID[locale], False)


@pytest.mark.parametrize(("asked", "said"), PAIRS)
def test_a_second_wrong_answer_is_shown_and_marked(asked: Locale, said: Locale, caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "assistant.adherence"), FakeOpenAIServer([Reply(SAID[said])]) as server:
        end = finished(events_of(house(server), ASKED[asked]))
        assert len(server.requests) == 2
    assert (end.strayed, end.answer) == (True, SAID[said])
    told = [record for record in caplog.records if record.name == "assistant.adherence"]
    assert [record.levelname for record in told] == ["INFO", "WARNING"]
    assert SAID[said][:10] not in caplog.text


def test_a_wrong_answer_is_stopped_once_its_beginning_is_read() -> None:
    with FakeOpenAIServer([Reply(ENGLISH * 200, pause_seconds=0.01), Reply(CHINESE)]) as server:
        end = finished(events_of(house(server), ASKED["zh"]))
        assert server.wait_for_disconnect()
    assert end.answer == CHINESE


def test_a_right_beginning_is_shown_before_the_answer_is_long() -> None:
    async def pieces_before_the_first_text(server: FakeOpenAIServer) -> int:
        asked = house(server)
        events = asked.answer(ASKED["zh"], (), OPERATOR)
        async for event in events:
            if isinstance(event, TextDelta):
                break
        sent = server.pieces
        await events.aclose()
        await asked.aclose()
        return sent

    with FakeOpenAIServer([Reply(CHINESE * 5, piece_chars=2, pause_seconds=0.05)]) as server:
        assert asyncio.run(pieces_before_the_first_text(server)) < 20  # of 40 characters, in pieces of two


def test_what_a_failing_model_said_is_still_shown() -> None:
    with FakeOpenAIServer([Reply("年假有十天", piece_chars=1, cut_after=4)]) as server:
        events = events_of(house(server), ASKED["zh"])
    assert events[-1].type == "failed"
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "年假有"


def test_a_model_that_only_quotes_is_not_judged() -> None:
    quoting = assistant(CannedRetriever([passage("年假为每年十天。", title="年假 leave")]), always)
    end = finished(events_of(quoting, "How long is annual leave (年假)?"))
    assert (end.language, end.strayed) == ("en", False)


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("42", "en"),
        ("42 [1]", "zh"),
        ("Yes.", "zh"),
        ("QX-17、VPN、SSO[1]", "zh"),
        ("《员工手册》“年假为十天” says ten days of leave", "en"),
        ("`请假` is the button to press", "en"),
        ("The 年假 policy gives ten days a year", "en"),
        ("Outlook for Windows 的设置步骤如下", "zh"),
        ("`youju serve --host 0.0.0.0` https://intra.example/a/b/c/d/e", "zh"),
        ("年假", "zh-Hant"),
        ("「员工手册」：年假十天", "zh-Hant"),
    ],
)
def test_names_quotations_code_and_short_answers_are_in_no_wrong_language(text: str, locale: Locale) -> None:
    assert not is_other(text, locale)


@pytest.mark.parametrize("asked", list(ASKED))
@pytest.mark.parametrize("said", list(ASKED))
def test_a_beginning_is_either_clearly_right_or_in_another_language(asked: Locale, said: Locale) -> None:
    beginning = SAID[said][:40]
    assert is_other(beginning, asked) == (asked != said)
    assert is_clearly(beginning, asked) == (asked == said)


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("The ", "en"),
        ("According to", "en"),
        ("**Yes, you", "en"),
        ("根据", "zh"),
        ("根據", "zh-Hant"),
        ("您应", "zh"),
        ("如果员", "zh"),
    ],
)
def test_a_word_that_only_one_language_begins_with_is_clear_at_once(text: str, locale: Locale) -> None:
    assert is_clearly(text, locale)


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("The", "en"),  # it may become a longer word
        ("IT 部门", "en"),
        ("IT department", "en"),
        ("A 类员工", "en"),
        ("VPN ", "en"),
        ("The 年假", "en"),
        ("根据", "zh-Hant"),
        ("根據", "zh"),
        ("根据 the handbook you", "zh"),
        ("年假", "zh"),
        ("“根据”", "en"),
    ],
)
def test_a_word_that_another_answer_may_begin_with_is_not(text: str, locale: Locale) -> None:
    assert not is_clearly(text, locale)
