"""Conversations that are kept: their owners, their bounds, their end, and several processes at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from assistant.conversation import Turn
from assistant.history.owner import owner_of
from assistant.history.records import Ending
from assistant.history.register import LONGEST_ANSWER_SECONDS, Register
from assistant.settings import AssistantSettings
from ingest.access import EVERYONE, OPERATOR, Reader
from ingest.errors import RequestError
from ingest.home.database import open_database
from ingest.settings import IngestSettings

DAY_MS = 24 * 3_600_000
ANNA, BEN = "user:anna", "user:ben"
SAID = Ending("complete", "15 days [1].", ({"number": 1, "quote": "15 days"},), "a1", grounded=True)


@dataclass
class Clock:
    now_ms: int = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(IngestSettings(home=tmp_path))
    yield engine
    engine.dispose()


def a_register(database: sa.Engine, clock: Clock, **settings: Any) -> Register:
    return Register(database, AssistantSettings(**settings), clock)


def refused(call: Any, *arguments: Any) -> str:
    with pytest.raises(RequestError) as caught:
        call(*arguments)
    assert caught.value.hint, "an error says the way out"
    return caught.value.code


def say(register: Register, conversation: str, question: str, ending: Ending = SAID, owner: str = ANNA) -> None:
    register.end(register.begin(owner, conversation, question), ending)


def test_what_was_asked_and_answered_is_read_again_in_its_order(database: sa.Engine, clock: Clock) -> None:
    register = a_register(database, clock)
    made = register.create(ANNA)
    say(register, made.id, "年假有几天？\n请说明")
    clock.now_ms += 5
    say(register, made.id, "And in March?", Ending("cut", "They lapse", answer_id="a2", refused=True, reader_left=True))
    kept, exchanges = a_register(database, clock).read(ANNA, made.id)
    assert (kept.title, kept.exchanges, kept.updated_ms - kept.created_ms) == ("年假有几天？ 请说明", 2, 5)
    assert [(each.number, each.question) for each in exchanges] == [(1, "年假有几天？\n请说明"), (2, "And in March?")]
    assert exchanges[0].ending == SAID
    assert exchanges[1].ending == Ending("cut", "They lapse", answer_id="a2", refused=True, reader_left=True)


def test_a_question_gets_the_turns_before_it_that_it_may_refer_to(database: sa.Engine, clock: Clock) -> None:
    register = a_register(database, clock)
    made = register.create(ANNA).id
    say(register, made, "hello", Ending("complete", "Hello!", small_talk=True))
    say(register, made, "leave?", Ending("complete", "15 days [1]."))
    say(register, made, "broken?", Ending("failed", "It", error="model_silent"))
    say(register, made, "gone?", Ending("left", ""))
    say(register, made, "stopped?", Ending("left", "It is"))
    register.begin(ANNA, made, "under way?")
    begun = register.begin(ANNA, made, "and then?")
    told = [("leave?", "15 days [1]."), ("stopped?", "It is")]
    assert begun.number == 7
    assert begun.turns == tuple(turn for q, a in told for turn in (Turn("user", q), Turn("assistant", a)))


def test_nobody_sees_or_touches_what_another_owns(database: sa.Engine, clock: Clock) -> None:
    register = a_register(database, clock)
    made = register.create(ANNA, "Anna's").id
    say(register, made, "leave?")
    for call in (
        lambda: register.read(BEN, made),
        lambda: register.rename(BEN, made, "mine"),
        lambda: register.delete(BEN, made),
        lambda: register.stop(BEN, made),
        lambda: register.begin(BEN, made, "q"),
    ):
        assert refused(call) == "unknown_conversation"
    assert register.listed(BEN) == []
    assert register.read(ANNA, made)[0].title == "Anna's"
    assert len(register.read(ANNA, made)[1]) == 1


def test_what_had_come_before_a_stop_is_stopped_also_if_it_is_written_down_after_it(
    database: sa.Engine, clock: Clock
) -> None:
    register, elsewhere = a_register(database, clock), a_register(database, clock)
    made, other = register.create(ANNA).id, register.create(ANNA).id
    came = clock.now_ms
    clock.now_ms += 5
    assert elsewhere.stop(ANNA, made) == 0
    clock.now_ms += 5
    late = register.begin(ANNA, made, "asked before the stop", came)
    register.begin(ANNA, made, "asked after it", clock.now_ms - 2)
    register.begin(ANNA, made, "asked now")
    register.begin(ANNA, other, "in another conversation", came)
    assert register.to_be_stopped([made, other]) == {(made, late.number)}
    assert [each.ending.state for each in register.read(ANNA, made)[1]] == ["answering"] * 3
    assert elsewhere.stop(ANNA, made) == 2
    assert len(register.to_be_stopped([made, other])) == 3


def test_the_owner_is_the_operator_or_one_person() -> None:
    assert owner_of(OPERATOR) == "operator"
    assert owner_of(Reader(frozenset({EVERYONE, "group:hr", ANNA}), frozenset({"a"}))) == ANNA
    for nobody in ({EVERYONE}, {"group:hr"}, set(), {ANNA, BEN}):
        assert refused(owner_of, Reader(frozenset(nobody))) == "no_owner"


def test_the_list_is_newest_first_and_its_pages_join_without_gap(database: sa.Engine, clock: Clock) -> None:
    register = a_register(database, clock)
    made = [register.create(ANNA, str(number)).id for number in range(7)]  # all at the same moment
    clock.now_ms += 1
    say(register, made[3], "again")
    whole = register.listed(ANNA)
    assert whole[0].id == made[3]
    assert [each.id for each in whole[1:]] == sorted((each for each in made if each != made[3]), reverse=True)
    paged, after = [], None
    while page := register.listed(ANNA, after=after, limit=2):
        paged += page
        after = (page[-1].updated_ms, page[-1].id)
    assert paged == whole


def test_conversations_are_found_by_words_of_their_titles_questions_and_answers(
    database: sa.Engine, clock: Clock
) -> None:
    register = a_register(database, clock)
    leave, travel, other = (register.create(ANNA).id, register.create(ANNA, "差旅报销").id, register.create(BEN).id)
    say(register, leave, "How much annual leave?", Ending("complete", "15 days, of 100%_ pay [1]."))
    say(register, travel, "住宿标准？", Ending("complete", "每晚 650 元 [1]。"))
    say(register, other, "How much annual leave?", owner=BEN)
    for words, found in (
        (("LEAVE",), [leave]), (("leave", "15", "days"), [leave]), (("差旅", "650"), [travel]), (("住宿",), [travel]),
        (("leave", "650"), []), (("100%_",), [leave]), (("1%",), []), (("5_days",), []), (("\\",), []),
    ):  # fmt: skip
        assert [kept.id for kept in register.listed(ANNA, words=words)] == found, words
    assert {kept.id for kept in register.listed(ANNA)} == {leave, travel}


def test_renaming_keeps_the_place_and_deleting_takes_the_exchanges_along(database: sa.Engine, clock: Clock) -> None:
    register = a_register(database, clock)
    first, second = register.create(ANNA).id, register.create(ANNA).id
    say(register, first, "leave?")
    order = [each.id for each in register.listed(ANNA)]
    clock.now_ms += 1
    assert register.rename(ANNA, second, "Pay").title == "Pay"
    assert [each.id for each in register.listed(ANNA)] == order
    begun = register.begin(ANNA, first, "while it is deleted")
    register.delete(ANNA, first)
    register.end(begun, SAID)
    with database.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM exchanges")).scalar_one() == 0
    assert refused(register.read, ANNA, first) == "unknown_conversation"


def test_a_question_that_was_refused_before_its_answer_leaves_nothing(database: sa.Engine, clock: Clock) -> None:
    register = a_register(database, clock)
    made = register.create(ANNA).id
    register.forget(register.begin(ANNA, made, "too long"))
    assert register.read(ANNA, made)[1] == []


def test_bounds_refuse_and_delete_nothing(database: sa.Engine, clock: Clock) -> None:
    bounds = {"conversations_per_owner": 2, "conversation_exchanges": 2, "conversation_chars": 1000}
    register = a_register(database, clock, **bounds)
    made, long = register.create(ANNA).id, register.create(ANNA).id
    assert refused(register.create, ANNA) == "too_many_conversations"
    register.create(BEN)
    for _ in range(2):
        say(register, made, "q")
    assert refused(register.begin, ANNA, made, "q") == "conversation_full"
    say(register, long, "q", Ending("complete", "x" * 1000))
    assert refused(register.begin, ANNA, long, "q") == "conversation_full"
    assert len(register.read(ANNA, made)[1]) == 2


def test_a_conversation_is_kept_for_so_many_days_after_it_last_changed(database: sa.Engine, clock: Clock) -> None:
    register = a_register(database, clock, conversation_days=2)
    old, new = register.create(ANNA).id, register.create(ANNA).id
    clock.now_ms += DAY_MS
    say(register, new, "q")
    clock.now_ms += DAY_MS
    assert [each.id for each in register.listed(ANNA)] == [new]
    assert refused(register.begin, ANNA, old, "q") == "unknown_conversation"
    assert (register.sweep(), register.sweep()) == (1, 0)
    assert register.read(ANNA, new)[0].exchanges == 1


def test_a_server_that_keeps_none_shows_none_and_removes_what_it_had(database: sa.Engine, clock: Clock) -> None:
    made = a_register(database, clock).create(ANNA).id
    register = a_register(database, clock, conversation_days=0)
    assert refused(register.create, ANNA) == "conversations_off"
    assert refused(register.read, ANNA, made) == "unknown_conversation"
    assert (register.listed(ANNA), register.sweep()) == ([], 1)


def test_an_answer_whose_process_was_lost_has_failed_after_an_hour(database: sa.Engine, clock: Clock) -> None:
    register = a_register(database, clock)
    made = register.create(ANNA).id
    register.begin(ANNA, made, "q")
    assert register.read(ANNA, made)[1][0].ending.state == "answering"
    clock.now_ms += LONGEST_ANSWER_SECONDS * 1000 + 1
    ending = register.read(ANNA, made)[1][0].ending
    assert (ending.state, ending.error) == ("failed", "answer_incomplete")


_ASKING = """
import sys
from pathlib import Path
from assistant.history.records import Ending
from assistant.history.register import Register
from assistant.settings import AssistantSettings
from ingest.home.database import open_database
from ingest.settings import IngestSettings
register = Register(open_database(IngestSettings(home=Path(sys.argv[1]))), AssistantSettings())
for number in range(20):
    begun = register.begin("user:anna", sys.argv[2], f"{sys.argv[3]} {number}")
    register.end(begun, Ending("complete", f"to {sys.argv[3]} {number}"))
"""


def test_two_processes_write_to_one_conversation_and_lose_nothing(
    tmp_path: Path, database: sa.Engine, clock: Clock
) -> None:
    register = Register(database, AssistantSettings())
    made = register.create(ANNA).id
    asking = [subprocess.Popen([sys.executable, "-c", _ASKING, str(tmp_path), made, name]) for name in "xy"]
    assert [each.wait(120) for each in asking] == [0, 0]
    exchanges = register.read(ANNA, made)[1]
    assert [each.number for each in exchanges] == list(range(1, 41))
    assert all(each.ending.answer == f"to {each.question}" for each in exchanges)
    assert [each.question for each in exchanges if each.question[0] == "x"] == [f"x {number}" for number in range(20)]
