"""The register of uploaded documents: which uploads were accepted, under which path, and which bytes belong to them.

One transaction accepts an upload. It gives the bytes their name and writes the row. After that the upload survives
every crash, and the next run of the source `push` ingests it. If the request has a key, the same transaction records
the key with the answer, so that a repeated request changes nothing.

A deletion or a replacement names the bytes that are no longer needed. Only named bytes are removed, some days later.
Bytes without a row may belong to another database and be the only copy of somebody's documents.
"""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from ingest.access import EVERYONE
from ingest.document import document_id
from ingest.errors import RequestError
from ingest.home.database import alone, metadata
from ingest.home.identity import claim, is_keeper
from ingest.home.originals import Incoming, Originals

PUSH = "push"
"""The source of uploaded documents."""

MAX_PATH = 1000
MAX_KEY = 200
_KEYS_LAST_SECONDS = 7 * 24 * 3600.0
_LOCK = 0x596F757570

_uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("document_id", sa.String(36), primary_key=True),
    sa.Column("upload_id", sa.String(36), nullable=False),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("title", sa.Text),
    sa.Column("access", sa.JSON, nullable=False),
    sa.Column("uploaded_at", sa.String(32), nullable=False),
    sa.Column("run_id", sa.String(36)),  # the first run that finished it; null: it waits for a run
)
_keys = sa.Table(
    "upload_keys",
    metadata,
    sa.Column("key", sa.String(MAX_KEY), primary_key=True),
    sa.Column("request", sa.String(64), nullable=False),
    sa.Column("receipt", sa.JSON, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
)
_unwanted = sa.Table(
    "unwanted_originals",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("since", sa.Float, nullable=False),  # seconds since 1970
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """The newest upload of a document.

    `uri` is its path in the source. If `title` is None, the document's own title counts.
    """

    document_id: str
    upload_id: str
    uri: str
    digest: str
    size: int
    title: str | None
    access: tuple[str, ...]
    uploaded_at: str
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The wishes of a caller for a document.

    None keeps the earlier value, so an omission never opens it to more readers.
    """

    uri: str
    title: str | None = None
    access: tuple[str, ...] | None = None
    must_exist: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to an accepted request.

    A repeated request with its key gets the same one. A removal has no `upload_id`.
    """

    document_id: str
    uri: str
    upload_id: str | None = None
    digest: str | None = None
    size: int | None = None
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Stock:
    """Numbers of originals in a home.

    `kept` are for uploads and published revisions. `unwanted` are removed later. `unknown` are not in the catalog and
    are never removed. `missing` are uploads without their bytes.
    """

    kept: int
    unwanted: int
    unknown: int
    missing: int


class Uploads:
    """The uploads of a home, in SQL, and their bytes. Safe to call from several threads."""

    def __init__(self, engine: sa.Engine, originals: Originals) -> None:
        self._engine = engine
        self._reader = engine.execution_options(reads_only=True)
        self._originals = originals

    def all(self) -> list[Upload]:
        """Returns every upload, by path."""
        with self._reader.begin() as connection:
            return [_upload(row) for row in connection.execute(sa.select(_uploads).order_by(_uploads.c.uri))]

    def get(self, identity: str) -> Upload | None:
        """Returns the newest upload of a document, or None."""
        with self._reader.begin() as connection:
            row = connection.execute(sa.select(_uploads).where(_uploads.c.document_id == identity)).first()
        return _upload(row) if row is not None else None

    def waiting(self) -> int:
        """Returns how many uploads wait for a run."""
        with self._reader.begin() as connection:
            query = sa.select(sa.func.count()).select_from(_uploads).where(_uploads.c.run_id.is_(None))
            return int(connection.scalar(query) or 0)

    def accept(self, incoming: Incoming, wanted: Wanted, key: str | None = None) -> Receipt:
        """Accept an upload whose bytes are finished.

        Raises RequestError `idempotency_key_reused`. Raises RequestError `unknown_document` if `must_exist` is set and
        there is no such document. Raises ConfigurationError `other_home` if another home keeps the originals of this
        catalog.
        """
        identity = document_id(PUSH, wanted.uri)
        request = _fingerprint("put", wanted, incoming.digest)
        with alone(self._engine, _LOCK) as connection:
            if (earlier := _earlier(connection, key, request)) is not None:
                return earlier
            where = _uploads.c.document_id == identity
            before = connection.execute(sa.select(_uploads).where(where)).first()
            if before is None and wanted.must_exist:
                raise _unknown()
            claim(connection, self._originals.home, is_free=not _names_any(connection))
            receipt = Receipt(
                identity, wanted.uri, str(uuid.uuid4()), incoming.digest, incoming.size, before is not None
            )
            values = {
                "upload_id": receipt.upload_id,
                "digest": incoming.digest,
                "size": incoming.size,
                "title": wanted.title if wanted.title is not None or before is None else before.title,
                "access": list(wanted.access or (before.access if before is not None else (EVERYONE,))),
                "uploaded_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "run_id": None,
            }
            if before is None:
                connection.execute(sa.insert(_uploads).values(document_id=identity, uri=wanted.uri, **values))
            else:
                connection.execute(sa.update(_uploads).where(where).values(**values))
                _name_unwanted(connection, before.digest)
            _name_wanted(connection, incoming.digest)
            _remember(connection, key, request, receipt)
            self._originals.keep(incoming)
        return receipt

    def change(self, identity: str, *, title: str | None, access: tuple[str, ...] | None) -> Receipt:
        """Change the title or the readers of an uploaded document. None keeps the earlier value.

        The next run treats it as a new upload of the same bytes. Raises RequestError `unknown_document`.
        """
        with alone(self._engine, _LOCK) as connection:
            where = _uploads.c.document_id == identity
            before = connection.execute(sa.select(_uploads).where(where)).first()
            if before is None:
                raise _unknown()
            values = {
                "upload_id": str(uuid.uuid4()),
                "title": title if title is not None else before.title,
                "access": list(access or before.access),
                "run_id": None,
            }
            connection.execute(sa.update(_uploads).where(where).values(**values))
        return Receipt(identity, before.uri, str(values["upload_id"]), before.digest, before.size)

    def remove(self, identity: str, key: str | None = None) -> Receipt:
        """Forget an upload, and name its bytes for a later `sweep`.

        Raises RequestError `unknown_document`, `idempotency_key_reused`.
        """
        request = _fingerprint("delete", identity)
        with alone(self._engine, _LOCK) as connection:
            if (earlier := _earlier(connection, key, request)) is not None:
                return earlier
            where = _uploads.c.document_id == identity
            row = connection.execute(sa.select(_uploads.c.uri, _uploads.c.digest).where(where)).first()
            if row is None:
                raise _unknown()
            connection.execute(sa.delete(_uploads).where(where))
            _name_unwanted(connection, row.digest)
            receipt = Receipt(identity, row.uri)
            _remember(connection, key, request, receipt)
        return receipt

    def record_run(self, upload_ids: Collection[str], run_id: str) -> None:
        """Record the run that finished these uploads, whether each one succeeded or failed."""
        with self._engine.begin() as connection:
            for upload_id in upload_ids:
                connection.execute(
                    sa.update(_uploads)
                    .where(_uploads.c.upload_id == upload_id, _uploads.c.run_id.is_(None))
                    .values(run_id=run_id)
                )

    def sweep(self, in_use: Callable[[], Collection[str]], *, older_than_seconds: float) -> int:
        """Remove bytes that a deletion or a replacement named more than `older_than_seconds` ago. Returns how many
        files.

        Bytes stay if an upload or a published revision (`in_use`: digests) uses them, if nobody named them, or if
        another home keeps the originals.
        """
        self._originals.remove_left_behind()
        with alone(self._engine, _LOCK) as connection:
            if not is_keeper(connection, self._originals.home):
                return 0
            due = sa.select(_unwanted.c.digest).where(_unwanted.c.since <= time.time() - older_than_seconds)
            named = set(connection.scalars(due))
            if not named:
                return 0
            named -= {*connection.scalars(sa.select(_uploads.c.digest)), *in_use()}
            gone = [digest for digest in sorted(named) if self._removed(digest)]
            for digest in gone:  # after the bytes: a crash in between leaves only a name
                connection.execute(sa.delete(_unwanted).where(_unwanted.c.digest == digest))
        return len(gone)

    def stock(self, in_use: Collection[str]) -> Stock:
        """Count the originals. `in_use` are the digests from which published revisions were made."""
        with self._reader.begin() as connection:
            uploaded = set(connection.scalars(sa.select(_uploads.c.digest)))
            unwanted = set(connection.scalars(sa.select(_unwanted.c.digest)))
        there = set(self._originals.digests())
        wanted = uploaded | set(in_use)
        return Stock(
            kept=len(there & wanted),
            unwanted=len(there & unwanted - wanted),
            unknown=len(there - wanted - unwanted),
            missing=len(uploaded - there),
        )

    def _removed(self, digest: str) -> bool:
        try:
            was_there = self._originals.remove(digest)
        except OSError as error:
            logger.warning("The original %s cannot be removed: %s", digest, error.strerror)
            return False
        if was_there:
            logger.info("Removed the original %s: its upload was deleted or replaced", digest)
        return True


def checked_path(text: str) -> str:
    """Returns the path of a document in the source. Raises RequestError `invalid_path`."""
    path = text.strip().lstrip("/")
    segments = path.split("/")
    if not path or len(path) > MAX_PATH or not path.isprintable() or {"", ".", ".."} & set(segments):
        raise RequestError(
            "invalid_path",
            "The path of the document is missing or not usable.",
            f"Give one like hr/handbook.pdf: at most {MAX_PATH} printable characters, no empty parts, no . and no ..",
        )
    return path


def _names_any(connection: sa.Connection) -> bool:
    """Returns True if any bytes belong to this catalog, for uploads or for a later removal."""
    return any(
        connection.execute(sa.select(table.c.digest).limit(1)).first() is not None for table in (_uploads, _unwanted)
    )


def _name_unwanted(connection: sa.Connection, digest: str) -> None:
    _name_wanted(connection, digest)
    connection.execute(sa.insert(_unwanted).values(digest=digest, since=time.time()))


def _name_wanted(connection: sa.Connection, digest: str) -> None:
    connection.execute(sa.delete(_unwanted).where(_unwanted.c.digest == digest))


def _unknown() -> RequestError:
    return RequestError("unknown_document", "There is no such document.", "List them at /v1/documents.")


def _upload(row: sa.Row[tuple[object, ...]]) -> Upload:
    values = dict(row._mapping)
    return Upload(**{**values, "access": tuple(values["access"])})


def _fingerprint(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()


def _earlier(connection: sa.Connection, key: str | None, request: str) -> Receipt | None:
    """Returns the earlier answer to this key, or None.

    Raises RequestError if the earlier request was a different one.
    """
    row = connection.execute(sa.select(_keys).where(_keys.c.key == key)).first() if key is not None else None
    if row is None:
        return None
    if row.request != request:
        raise RequestError(
            "idempotency_key_reused",
            "This Idempotency-Key was sent with another request before.",
            "Make a new key for each request, and send the same one only to repeat it.",
        )
    return Receipt(**row.receipt)


def _remember(connection: sa.Connection, key: str | None, request: str, receipt: Receipt) -> None:
    if key is None:
        return
    connection.execute(sa.delete(_keys).where(_keys.c.created < time.time() - _KEYS_LAST_SECONDS))
    connection.execute(sa.insert(_keys).values(key=key, request=request, receipt=asdict(receipt), created=time.time()))
