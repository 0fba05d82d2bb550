"""The register of conversations, in SQL: who owns them, their bounds, and how long they are kept.

    conversations   one row each: owner, title, when it began and when it last changed
    exchanges       one row for each question: written when the question is accepted, completed when its answer ends

Whatever a reader asks for names the owner, so what belongs to somebody else is not there. Several processes may work
on one conversation: its row is locked while a question takes its number, and each answer writes to its own row only.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any

import sqlalchemy as sa

from assistant.history.records import Begun, Ending, Exchange, Kept, State, turns_before
from assistant.settings import AssistantSettings
from ingest.errors import RequestError
from ingest.home.database import alone, metadata

MAX_TITLE = 200
LONGEST_ANSWER_SECONDS = 3600
"""An answer that is still being written after this time lost its process."""

_TITLE_CHARS = 80
_DAY_MS = 24 * 3_600_000
_LOCK = 0x596F756374
_BESIDE = ("answer_id", "grounded", "refused", "small_talk", "reader_left", "error", "language", "strayed")
"""The fields of an ending that stand in the column `told`, with its citations and the places without support."""

_STOPPING = "stopping"
"""The state of the row of an answer that is to be stopped. Who reads it sees `answering`: the process that writes the
answer has not heard of it yet."""

Place = tuple[int, str]
"""The place of a conversation in a list: when it last changed, and its id."""

_conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("owner", sa.String(220), nullable=False),
    sa.Column("title", sa.Text, nullable=False),  # empty until the first question
    sa.Column("chat", sa.String(64)),  # the digest of a bot's chat that it belongs to, else null
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("updated_ms", sa.BigInteger, nullable=False),
    sa.Column("stopped_ms", sa.BigInteger),  # when its answers were last told to stop
    sa.Index("ix_conversations_owner", "owner", "updated_ms", "id"),
    sa.Index("ix_conversations_updated_ms", "updated_ms"),
)
_exchanges = sa.Table(
    "exchanges",
    metadata,
    sa.Column(
        "conversation_id", sa.String(64), sa.ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("told", sa.JSON, nullable=False),
    sa.Column("chars", sa.Integer, nullable=False),  # of question, answer and citations together
    sa.Column("asked_ms", sa.BigInteger, nullable=False),
    sa.Column("ended_ms", sa.BigInteger),
)


class Register:
    """The conversations of a home. It is synchronous and safe to call from several threads and processes."""

    def __init__(
        self, database: sa.Engine, settings: AssistantSettings, now_ms: Callable[[], int] | None = None
    ) -> None:
        self._database = database
        self._reads = database.execution_options(reads_only=True)
        self._settings = settings
        self.now_ms = now_ms or _now_ms
        """The clock of all that is written down."""

    def create(self, owner: str, title: str = "", *, chat: str | None = None) -> Kept:
        """Begin a conversation. Without a title it gets the beginning of its first question. `chat` names the chat of a
        bot that it belongs to, see `ongoing`.

        Raises RequestError `conversations_off` or `too_many_conversations`.
        """
        if not self._settings.conversation_days:
            raise RequestError(
                "conversations_off",
                "This server keeps no conversations.",
                "Send the earlier turns in `conversation`, or set YOUJU_CONVERSATION_DAYS.",
            )
        now, most = self.now_ms(), self._settings.conversations_per_owner
        kept = Kept(uuid.uuid4().hex, title, now, now, 0)
        with alone(self._database, _LOCK) as connection:
            count = sa.select(sa.func.count()).select_from(_conversations).where(*self._owned(owner))
            if connection.execute(count).scalar_one() >= most:
                raise RequestError(
                    "too_many_conversations",
                    f"There are {most} conversations already, as many as one owner may have.",
                    "Delete some, or raise YOUJU_CONVERSATIONS_PER_OWNER.",
                )
            row = {"id": kept.id, "owner": owner, "title": title, "created_ms": now, "updated_ms": now, "chat": chat}
            connection.execute(sa.insert(_conversations).values(row))
        return kept

    def listed(
        self, owner: str, *, words: Sequence[str] = (), after: Place | None = None, limit: int = 50
    ) -> list[Kept]:
        """Returns the conversations of an owner, the one that changed last first; those of one moment by id.

        With `words`, only those are returned in which each of them stands, in the title, a question or an answer. In
        SQLite the case of letters beyond ASCII counts.
        """
        query = _kept_query().where(*self._owned(owner), *(_has(word) for word in words))
        order = sa.tuple_(_conversations.c.updated_ms, _conversations.c.id)
        if after is not None:
            query = query.where(order < sa.tuple_(*(sa.literal(part) for part in after)))
        newest_first = query.order_by(_conversations.c.updated_ms.desc(), _conversations.c.id.desc())
        with self._reads.begin() as connection:
            return [Kept(*row) for row in connection.execute(newest_first.limit(limit))]

    def ongoing(self, owner: str, chat: str, seconds: float) -> tuple[Kept, list[Exchange]] | None:
        """Returns the newest conversation of a chat, if it changed within so many seconds and is not full."""
        since = self.now_ms() - int(seconds * 1000)
        own = (*self._owned(owner), _conversations.c.chat == chat, _conversations.c.updated_ms > since)
        newest = _kept_query().where(*own).order_by(_conversations.c.updated_ms.desc(), _conversations.c.id.desc())
        with self._reads.begin() as connection:
            row = connection.execute(newest.limit(1)).one_or_none()
            rows = connection.execute(_exchanges_of(row.id)).all() if row is not None else []
        if row is None or self._is_full(rows):
            return None
        return Kept(*row), [_exchange(each, self.now_ms()) for each in rows]

    def read(self, owner: str, conversation_id: str) -> tuple[Kept, list[Exchange]]:
        """Returns a conversation and its exchanges, the oldest first. Raises RequestError `unknown_conversation`."""
        found = _kept_query().where(*self._owned(owner), _conversations.c.id == conversation_id)
        with self._reads.begin() as connection:
            row = connection.execute(found).one_or_none()
            if row is None:
                raise _unknown()
            rows = connection.execute(_exchanges_of(conversation_id)).all()
        return Kept(*row), [_exchange(each, self.now_ms()) for each in rows]

    def rename(self, owner: str, conversation_id: str, title: str) -> Kept:
        """Give a conversation another title. Its place in the list stays. Raises `unknown_conversation`."""
        own = (*self._owned(owner), _conversations.c.id == conversation_id)
        with self._database.begin() as connection:
            if connection.execute(sa.update(_conversations).where(*own).values(title=title)).rowcount != 1:
                raise _unknown()
            return Kept(*connection.execute(_kept_query().where(*own)).one())

    def delete(self, owner: str, conversation_id: str) -> None:
        """Delete a conversation with all its exchanges. Raises RequestError `unknown_conversation`.

        An answer that is being written is written no more.
        """
        own = (*self._owned(owner), _conversations.c.id == conversation_id)
        with self._database.begin() as connection:
            if connection.execute(sa.delete(_conversations).where(*own)).rowcount != 1:
                raise _unknown()

    def begin(self, owner: str, conversation_id: str, question: str, came_ms: int | None = None) -> Begun:
        """Write a question down. Returns its place, and the turns before it that it may refer to.

        `came_ms` is when the question came, if that was before now. If its conversation was told to stop since, its
        answer is one that is to be stopped. Within one millisecond the stop counts as the later one: who stops an
        answer needs longer than that to ask again.

        Raises RequestError `unknown_conversation` or `conversation_full`.
        """
        now, ours = self.now_ms(), _conversations.c
        own = (*self._owned(owner), ours.id == conversation_id)
        with self._database.begin() as connection:
            locked = sa.select(ours.title, ours.stopped_ms).where(*own).with_for_update()
            row = connection.execute(locked).one_or_none()
            if row is None:
                raise _unknown()
            earlier = connection.execute(_exchanges_of(conversation_id)).all()
            if self._is_full(earlier, len(question)):
                raise self._full()
            number = earlier[-1].number + 1 if earlier else 1
            was_stopped = row.stopped_ms is not None and came_ms is not None and row.stopped_ms >= came_ms
            values: dict[str, Any] = {
                "conversation_id": conversation_id, "number": number, "question": question, "answer": "",
                "state": _STOPPING if was_stopped else "answering", "told": {}, "chars": len(question), "asked_ms": now,
            }  # fmt: skip
            connection.execute(sa.insert(_exchanges).values(values))
            title = row.title or " ".join(question.split())[:_TITLE_CHARS]
            connection.execute(sa.update(_conversations).where(*own).values(title=title, updated_ms=now))
        return Begun(conversation_id, number, turns_before([_exchange(each, now) for each in earlier]))

    def end(self, begun: Begun, ending: Ending) -> None:
        """Write the end of an answer down. It does nothing if the conversation was deleted meanwhile."""
        now, answer = self.now_ms(), ending.answer.replace("\x00", "")  # PostgreSQL takes no NUL
        marks = {"citations": list(ending.citations), "unsupported": list(ending.unsupported)}
        told = {name: getattr(ending, name) for name in _BESIDE} | marks
        chars = len(answer) + len(json.dumps(list(marks.values()), ensure_ascii=False))
        values = {"answer": answer, "state": ending.state, "told": told, "ended_ms": now}
        with self._database.begin() as connection:
            changed = sa.update(_exchanges).where(*_place(begun)).values(**values, chars=_exchanges.c.chars + chars)
            connection.execute(changed)
            touched = sa.update(_conversations).where(_conversations.c.id == begun.conversation_id)
            connection.execute(touched.values(updated_ms=now))

    def stop(self, owner: str, conversation_id: str) -> int:
        """Ask whatever process writes answers of a conversation now to stop them. Returns how many there are.

        A question that has come to another process, and that it has not written down yet, is not among them. It is
        stopped once it is: see `begin`. So the conversation's row is locked first, as it is there.

        Raises RequestError `unknown_conversation`.
        """
        own = (*self._owned(owner), _conversations.c.id == conversation_id)
        theirs, now = _exchanges.c, self.now_ms()
        since = now - LONGEST_ANSWER_SECONDS * 1000
        writing = (theirs.conversation_id == conversation_id, theirs.state == "answering", theirs.asked_ms > since)
        with self._database.begin() as connection:
            if connection.execute(sa.update(_conversations).where(*own).values(stopped_ms=now)).rowcount != 1:
                raise _unknown()
            return connection.execute(sa.update(_exchanges).where(*writing).values(state=_STOPPING)).rowcount

    def to_be_stopped(self, conversation_ids: Collection[str]) -> set[tuple[str, int]]:
        """Returns the answers in these conversations that are to be stopped: the id of each one's conversation, and its
        number in it.
        """
        theirs = _exchanges.c
        query = sa.select(theirs.conversation_id, theirs.number).where(
            theirs.conversation_id.in_(conversation_ids), theirs.state == _STOPPING
        )
        with self._reads.begin() as connection:
            return {(row.conversation_id, row.number) for row in connection.execute(query)}

    def forget(self, begun: Begun) -> None:
        """Remove a question that was refused before its answer began."""
        with self._database.begin() as connection:
            connection.execute(sa.delete(_exchanges).where(*_place(begun)))

    def sweep(self) -> int:
        """Delete the conversations that are older than the settings keep them. Returns how many there were."""
        old = sa.delete(_conversations).where(_conversations.c.updated_ms <= self._kept_since_ms())
        with self._database.begin() as connection:
            return connection.execute(old).rowcount

    def _owned(self, owner: str) -> tuple[sa.ColumnElement[bool], ...]:
        return _conversations.c.owner == owner, _conversations.c.updated_ms > self._kept_since_ms()

    def _kept_since_ms(self) -> int:
        return self.now_ms() - self._settings.conversation_days * _DAY_MS

    def _is_full(self, exchanges: Sequence[sa.Row[Any]], more_chars: int = 0) -> bool:
        chars = sum(each.chars for each in exchanges) + more_chars
        return len(exchanges) >= self._settings.conversation_exchanges or chars > self._settings.conversation_chars

    def _full(self) -> RequestError:
        return RequestError(
            "conversation_full",
            f"This conversation is full: it may have {self._settings.conversation_exchanges} questions, "
            f"and {self._settings.conversation_chars} characters in all.",
            "Begin another one, or raise YOUJU_CONVERSATION_EXCHANGES or YOUJU_CONVERSATION_CHARS.",
        )


def _kept_query() -> sa.Select[Any]:
    """Returns the query for conversations in the order of the fields of `Kept`."""
    ours, theirs = _conversations.c, _exchanges.c
    count = sa.select(sa.func.count()).select_from(_exchanges).where(theirs.conversation_id == ours.id)
    return sa.select(ours.id, ours.title, ours.created_ms, ours.updated_ms, count.scalar_subquery())


def _has(word: str) -> sa.ColumnElement[bool]:
    """Returns the condition that a word stands in a conversation."""
    ours, theirs = _conversations.c, _exchanges.c
    said = sa.or_(*(column.icontains(word, autoescape=True) for column in (theirs.question, theirs.answer)))
    return sa.or_(
        ours.title.icontains(word, autoescape=True), sa.exists().where(theirs.conversation_id == ours.id, said)
    )


def _exchanges_of(conversation_id: str) -> sa.Select[Any]:
    """Returns the query for the exchanges of a conversation, the oldest first."""
    return sa.select(_exchanges).where(_exchanges.c.conversation_id == conversation_id).order_by(_exchanges.c.number)


def _place(begun: Begun) -> tuple[sa.ColumnElement[bool], ...]:
    return _exchanges.c.conversation_id == begun.conversation_id, _exchanges.c.number == begun.number


def _exchange(row: sa.Row[Any], now_ms: int) -> Exchange:
    beside = {name: row.told[name] for name in _BESIDE if name in row.told}
    citations, unsupported = (tuple(row.told.get(name, ())) for name in ("citations", "unsupported"))
    state: State = "answering" if row.state == _STOPPING else row.state
    ending = Ending(state, row.answer, citations, unsupported=unsupported, **beside)
    if state == "answering" and now_ms - row.asked_ms > LONGEST_ANSWER_SECONDS * 1000:
        ending = Ending("failed", row.answer, error="answer_incomplete")
    return Exchange(row.number, row.question, ending, row.asked_ms, row.ended_ms)


def _unknown() -> RequestError:
    return RequestError(
        "unknown_conversation",
        "There is no such conversation, or it is not yours, or it was kept for long enough.",
        "List yours with GET /v1/conversations, or begin one with POST /v1/conversations.",
    )


def _now_ms() -> int:
    return int(time.time() * 1000)
