from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.channels.inbox import Inbox, messages
from api.dingtalk.bot import DINGTALK
from api.dingtalk.message import DingTalkMessage
from ingest.errors import UnavailableError
from ingest.home.database import metadata
from tests.api.dingtalk_rig import database, states

MESSAGE = DingTalkMessage(
    id="msg1==",
    msgtype="text",
    conversation_id="cid1==",
    group=True,
    question="年假有几天？",
    session_webhook="https://oapi.dingtalk.com/robot/sendBySession?session=abc",
    session_expires_ms=1,
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = database(tmp_path)
    yield engine
    engine.dispose()


def test_the_migration_makes_the_table_that_the_code_declares(engine: sa.Engine) -> None:
    made = {column["name"]: str(column["type"]) for column in sa.inspect(engine).get_columns("dingtalk_messages")}
    declared = metadata.tables["dingtalk_messages"].columns
    assert made == {column.name: str(column.type.compile(engine.dialect)) for column in declared}


def test_of_many_deliveries_at_the_same_time_one_is_accepted(engine: sa.Engine) -> None:
    inboxes = [Inbox(engine, DINGTALK) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        accepted = list(threads.map(lambda inbox: inbox.accept(MESSAGE), inboxes))
    assert sorted(accepted) == [False] * 7 + [True]


def test_of_many_workers_one_may_send(engine: sa.Engine) -> None:
    inbox = Inbox(engine, DINGTALK)
    inbox.accept(MESSAGE)
    with ThreadPoolExecutor(8) as threads:
        sending = list(threads.map(lambda _: inbox.begin_sending("msg1=="), range(8)))
    assert sorted(sending) == [False] * 7 + [True]


def test_a_settled_message_is_not_accepted_again_and_its_text_is_forgotten(engine: sa.Engine) -> None:
    inbox = Inbox(engine, DINGTALK)
    inbox.accept(MESSAGE)
    inbox.begin_sending("msg1==")
    inbox.finish("msg1==", "done")
    assert inbox.accept(MESSAGE) is False
    with engine.connect() as connection:
        assert connection.execute(sa.select(messages.c.message)).scalar_one() == {}


def test_what_was_accepted_is_left_over_and_what_was_being_sent_is_given_up(engine: sa.Engine) -> None:
    inbox = Inbox(engine, DINGTALK)
    for name in ("one", "two", "three"):
        inbox.accept(replace(MESSAGE, id=name))
    inbox.begin_sending("two")
    assert Inbox(engine, DINGTALK).left_over(except_for=["three"]) == [replace(MESSAGE, id="one")]
    assert states(engine) == {"one": "accepted", "two": "failed interrupted_while_sending", "three": "accepted"}


def test_what_somebody_touched_lately_is_not_left_over(engine: sa.Engine) -> None:
    inbox = Inbox(engine, DINGTALK)
    for name in ("accepted", "sending", "accepted of old", "sending of old"):
        inbox.accept(replace(MESSAGE, id=name))
    inbox.begin_sending("sending")
    inbox.begin_sending("sending of old")
    with engine.begin() as connection:
        old = messages.c.msg_id.endswith("of old")
        connection.execute(sa.update(messages).where(old).values(updated_ms=messages.c.updated_ms - 3_600_000))
    assert inbox.left_over(except_for=[], idle_seconds=1800) == [replace(MESSAGE, id="accepted of old")]
    assert states(engine) == {
        "accepted": "accepted",
        "sending": "sending",
        "accepted of old": "accepted",
        "sending of old": "failed interrupted_while_sending",
    }


def test_messages_settled_a_week_ago_are_forgotten(engine: sa.Engine) -> None:
    inbox = Inbox(engine, DINGTALK)
    inbox.accept(MESSAGE)
    inbox.accept(replace(MESSAGE, id="still open"))
    inbox.finish("msg1==", "done")
    with engine.begin() as connection:
        connection.execute(sa.update(messages).values(updated_ms=messages.c.updated_ms - 8 * 24 * 3_600_000))
    Inbox(engine, DINGTALK).accept(replace(MESSAGE, id="new"))
    assert set(states(engine)) == {"still open", "new"}


def test_a_database_without_the_table_is_said_to_be_unavailable(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(UnavailableError) as error:
        Inbox(engine, DINGTALK).accept(MESSAGE)
    assert error.value.code == "database_unavailable"
    assert "session=abc" not in str(error.value)
    engine.dispose()
