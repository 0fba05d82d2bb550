"""The inbox records which messages were accepted and which were answered. Each message has one row and is answered
once.

    accepted ──► sending ──► done
        └───────────┴──────► failed

A message is `accepted` before the service is told so. Only the process that moves it to `sending` may send the answer.
A second process finds that it has moved. If a process dies while a message is `accepted`, the message is answered
later. If it dies while the message is `sending`, the answer may have been seen, so it is not sent again. The same holds
for a row that a living process could not settle because the database was away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Generic, Literal, TypeAlias

import sqlalchemy as sa

from api.channels.channel import Channel
from api.channels.message import Received
from ingest.errors import UnavailableError
from ingest.home.database import metadata

_TOLD = "told_to_wait"
_KEEP_MS = 7 * 24 * 3_600_000
_SWEEP_SECONDS = 3600.0

Database: TypeAlias = sa.Engine
"""Where an inbox keeps its messages. Channels hand it on and do not look into it."""

messages = sa.Table(
    "dingtalk_messages",  # the name of the first channel; the rows of all channels are here
    metadata,
    sa.Column("channel", sa.String(20), primary_key=True),
    sa.Column("msg_id", sa.String(200), primary_key=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("message", sa.JSON, nullable=False),
    sa.Column("detail", sa.String(100), nullable=False),
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
)


class Inbox(Generic[Received]):
    """The durable list of the messages of one channel. It is synchronous. Asynchronous code calls it in a thread.

    Every method raises UnavailableError if the database does not answer.
    """

    def __init__(self, database: Database, channel: Channel[Received]) -> None:
        self._database = database
        self._channel = channel
        self._swept = 0.0
        self._received_ms = 0
        self._receiving = threading.Lock()

    def accept(self, message: Received) -> bool:
        """Write the message down. Returns False if it was written down before, in any state."""
        with self._receiving:  # so two messages of one millisecond keep their order after a restart
            self._received_ms = now = max(_now_ms(), self._received_ms + 1)
        row = {
            "channel": self._channel.name,
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
        """Move the message from `accepted` to `sending`. Returns False if it was not `accepted` any more."""
        # The database decides between processes: the update finds the row `accepted` for only one of them.
        return self._move(msg_id, to="sending", only_from="accepted")

    def tell_to_wait(self, msg_id: str) -> bool:
        """Returns True if the caller should tell the asker to wait. This happens once per message, before it is being
        sent.

        Only one process gets True. A notice that may have been sent before a restart is not sent again.
        """
        with self._transaction() as connection:
            waiting = sa.update(messages).where(self._row(msg_id), messages.c.state == "accepted")
            told = waiting.where(messages.c.detail != _TOLD).values(detail=_TOLD)
            return connection.execute(told).rowcount == 1

    def finish(self, msg_id: str, state: Literal["done", "failed"], detail: str = "") -> None:
        """Settle the message. What the row holds of it, its text and the way back, is removed. `detail` is a code."""
        self._move(msg_id, to=state, detail=detail, forget=True)

    def left_over(self, *, except_for: Collection[str], idle_seconds: float = 0.0) -> list[Received]:
        """Returns accepted messages that nobody here works on, oldest first.

        Nobody may have changed them for `idle_seconds`. Such messages in the state `sending` become `failed`, because
        their answer may have been seen.
        """
        ours = messages.c.msg_id.in_(list(except_for))
        mine = sa.and_(messages.c.channel == self._channel.name, sa.not_(ours))
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
        return [self._channel.read(row) for row in rows]

    def _row(self, msg_id: str) -> sa.ColumnElement[bool]:
        return sa.and_(messages.c.channel == self._channel.name, messages.c.msg_id == msg_id)

    def _move(
        self, msg_id: str, *, to: str, only_from: str | None = None, detail: str = "", forget: bool = False
    ) -> bool:
        statement = sa.update(messages).where(self._row(msg_id))
        if only_from is not None:
            statement = statement.where(messages.c.state == only_from)
        if forget:
            statement = statement.values(message={})
        with self._transaction() as connection:
            done = connection.execute(statement.values(state=to, detail=detail[:100], updated_ms=_now_ms()))
            return done.rowcount == 1

    def _sweep(self, connection: sa.Connection) -> None:
        """Delete settled messages after a week, because no redelivery comes that late."""
        if time.monotonic() - self._swept < _SWEEP_SECONDS and self._swept:
            return
        self._swept = time.monotonic()
        settled = messages.c.state.in_(["done", "failed"])
        connection.execute(sa.delete(messages).where(settled, messages.c.updated_ms < _now_ms() - _KEEP_MS))

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._database.begin() as connection:
                yield connection
        except sa.exc.IntegrityError:
            raise
        except sa.exc.SQLAlchemyError as error:
            raise UnavailableError(
                "database_unavailable",
                f"The database did not take a {self._channel.label} message ({type(error).__name__}).",
                "See that it runs and that its disk is not full.",
            ) from None


def _now_ms() -> int:
    return int(time.time() * 1000)
