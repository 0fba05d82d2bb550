"""Which messages have been accepted and which are answered: one row per message, so that each is answered once.

    accepted ──► sending ──► done
        └───────────┴──────► failed

A message is `accepted` before DingTalk is told so. Only whoever moves it to `sending` may send: a second worker,
or a process that was started while another still works, finds that it has moved. A process that dies while
`accepted` leaves it to be answered; one that dies while `sending` may have been heard, and is not repeated. The same
goes for a row that a living process could not settle, because the database was away at the time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal

import sqlalchemy as sa

from api.dingtalk.message import InboundMessage
from ingest.errors import UnavailableError
from ingest.home.database import metadata

CHANNEL = "dingtalk"
_TOLD = "told_to_wait"
_KEEP_MS = 7 * 24 * 3_600_000
_SWEEP_SECONDS = 3600.0

messages = sa.Table(
    "dingtalk_messages",
    metadata,
    sa.Column("channel", sa.String(20), primary_key=True),
    sa.Column("msg_id", sa.String(200), primary_key=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("message", sa.JSON, nullable=False),
    sa.Column("detail", sa.String(100), nullable=False),
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
)


class Inbox:
    """The durable list of messages. Synchronous: asynchronous code calls it in a thread.

    Every method raises UnavailableError when the database does not answer.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._swept = 0.0
        self._received_ms = 0
        self._receiving = threading.Lock()

    def accept(self, message: InboundMessage) -> bool:
        """Write the message down; False when it was written down before, in whatever state."""
        with self._receiving:  # two of one millisecond keep their order over a restart
            self._received_ms = now = max(_now_ms(), self._received_ms + 1)
        row = {
            "channel": CHANNEL,
            "msg_id": message.id,
            "state": "accepted",
            "message": message.to_json(),
            "detail": "",
            "received_ms": now,
            "updated_ms": now,
        }
        try:
            with self._transaction() as connection:
                connection.execute(sa.insert(messages).values(row))
                self._sweep(connection)
        except sa.exc.IntegrityError:
            return False
        return True

    def begin_sending(self, msg_id: str) -> bool:
        """Move the message from `accepted` to `sending`; False when it was not `accepted` any more."""
        return self._move(msg_id, to="sending", only_from="accepted")

    def tell_to_wait(self, msg_id: str) -> bool:
        """Whether the asker is to be told to wait: once per message, by one process, and not once it is being sent.

        What may have been told before a restart is not told again.
        """
        waiting = (messages.c.channel == CHANNEL, messages.c.msg_id == msg_id, messages.c.state == "accepted")
        with self._transaction() as connection:
            told = sa.update(messages).where(*waiting, messages.c.detail != _TOLD).values(detail=_TOLD)
            return connection.execute(told).rowcount == 1

    def finish(self, msg_id: str, state: Literal["done", "failed"], detail: str = "") -> None:
        """The message is settled. Its text and its webhook are forgotten; `detail` is a code."""
        self._move(msg_id, to=state, detail=detail, forget=True)

    def left_over(self, *, except_for: Collection[str], idle_seconds: float = 0.0) -> list[InboundMessage]:
        """Accepted messages that nobody here works on and nobody has touched for `idle_seconds`, oldest first.

        Those that were being sent are settled as `failed`: they may have been heard.
        """
        ours = messages.c.msg_id.in_(list(except_for))
        mine = sa.and_(messages.c.channel == CHANNEL, sa.not_(ours))
        if idle_seconds:
            mine = sa.and_(mine, messages.c.updated_ms <= _now_ms() - int(idle_seconds * 1000))
        with self._transaction() as connection:
            connection.execute(
                sa.update(messages)
                .where(mine, messages.c.state == "sending")
                .values(state="failed", detail="interrupted_while_sending", message={}, updated_ms=_now_ms())
            )
            accepted = sa.select(messages.c.message).where(mine, messages.c.state == "accepted")
            rows = connection.execute(accepted.order_by(messages.c.received_ms, messages.c.msg_id)).scalars().all()
        return [InboundMessage.from_json(row) for row in rows]

    def _move(
        self, msg_id: str, *, to: str, only_from: str | None = None, detail: str = "", forget: bool = False
    ) -> bool:
        statement = sa.update(messages).where(messages.c.channel == CHANNEL, messages.c.msg_id == msg_id)
        if only_from is not None:
            statement = statement.where(messages.c.state == only_from)
        if forget:
            statement = statement.values(message={})
        with self._transaction() as connection:
            done = connection.execute(statement.values(state=to, detail=detail[:100], updated_ms=_now_ms()))
            return done.rowcount == 1

    def _sweep(self, connection: sa.Connection) -> None:
        """Forget settled messages after a week: no redelivery comes that late."""
        if time.monotonic() - self._swept < _SWEEP_SECONDS and self._swept:
            return
        self._swept = time.monotonic()
        settled = messages.c.state.in_(["done", "failed"])
        connection.execute(sa.delete(messages).where(settled, messages.c.updated_ms < _now_ms() - _KEEP_MS))

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.IntegrityError:
            raise
        except sa.exc.SQLAlchemyError as error:
            raise UnavailableError(
                "database_unavailable",
                f"The database did not take a DingTalk message ({type(error).__name__}).",
                "See that it runs and that its disk is not full.",
            ) from None


def _now_ms() -> int:
    return int(time.time() * 1000)
