"""Opens the SQL database. It has one `metadata` and one migration history.

The modules that own tables declare them on `metadata`: the catalog here, conversations in `assistant`,
DingTalk's inbox in `api`.
Calls are synchronous. Asynchronous code calls them in a thread.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from ingest.errors import ConfigurationError, UnavailableError
from ingest.home.lock import make_home, not_at_rest
from ingest.settings import IngestSettings

metadata = sa.MetaData()

_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_SECONDS = 30
_IDLE_SECONDS = 60
_SQLITE_OVERFLOW = 115
"""There is a connection for every possible thread. Readers must not wait behind writers that wait for each other."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_MIGRATION_LOCK = 0x596F756A75
_LOOK_SECONDS = 0.02


def open_database(settings: IngestSettings) -> sa.Engine:
    """Returns an engine on the configured database, migrated to the newest schema.

    Raises ConfigurationError for an unusable URL, UnavailableError for a server that is away.
    """
    engine = _engine(settings)
    event.listen(engine, "handle_error", _translate)
    try:
        _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def alone(engine: sa.Engine, lock: int) -> Iterator[sa.Connection]:
    """Yields a connection in a transaction. Only one process at a time has such a transaction with the same `lock`.

    `lock` is any number that no other program uses on the same database.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # SQLite runs only one writing transaction at a time
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
        yield connection


@contextmanager
def file_at_rest(engine: sa.Engine, timeout_seconds: float) -> Iterator[None]:
    """Keep the file of an SQLite database as it is inside the context. It then has every commit so far.

    Commits go on. They stay in the log beside the file (`youju.db-wal`) until the context ends: SQLite carries nothing
    into a file that somebody reads without its log. So the file alone, copied without its log, is the database as it
    was at one moment. For PostgreSQL this does nothing.

    Raises UnavailableError `home_busy` if other transactions leave no moment for it.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    path = Path(engine.url.database or "")
    log = path.with_name(f"{path.name}-wal")
    deadline = time.monotonic() + timeout_seconds
    with closing(sqlite3.connect(path, timeout=timeout_seconds, isolation_level=None)) as reader:
        while True:
            reader.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            # The log is empty unless somebody has committed before this read began, or would not wait.
            if not log.exists() or log.stat().st_size == 0:
                break
            reader.execute("ROLLBACK")
            if time.monotonic() >= deadline:
                raise not_at_rest("a transaction of the database goes on", timeout_seconds)
            time.sleep(_LOOK_SECONDS)
        yield


def _translate(context: sa.engine.ExceptionContext) -> None:
    """Translate into our error if the database is away, locked or full.

    Other errors are mistakes of ours and stay as they are.
    """
    error = context.original_exception
    if isinstance(error, sqlite3.DatabaseError) and _sqlite_code(error) in _DAMAGED:
        raise ConfigurationError(
            "database_damaged",
            f"The database is damaged ({error}).",
            "Restore YOUJU_HOME from a backup, or move it away and ingest again.",
        ) from None
    gone = isinstance(context.sqlalchemy_exception, sa.exc.OperationalError | sa.exc.InterfaceError)
    if gone or context.is_disconnect:
        raise UnavailableError(
            "database_unavailable",
            f"The database does not answer ({type(error).__name__}).",
            "Check YOUJU_DATABASE_URL, that the server runs, and that YOUJU_HOME is writable and has room.",
        ) from None


def _sqlite_code(error: sqlite3.DatabaseError) -> int:
    """Returns SQLite's primary result code. The driver sets it for errors of SQLite, not for errors of its own."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _engine(settings: IngestSettings) -> sa.Engine:
    if settings.database_url is None:
        make_home(settings.home)
        engine = sa.create_engine(
            f"sqlite:///{settings.home / 'youju.db'}",
            max_overflow=_SQLITE_OVERFLOW,
            connect_args={"timeout": _BUSY_SECONDS},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediately)
        return engine
    try:
        engine = sa.create_engine(settings.database_url.get_secret_value(), pool_pre_ping=True)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise ConfigurationError(
            "database_url_unusable",
            f"YOUJU_DATABASE_URL cannot be used ({type(error).__name__}).",
            "Write it as postgresql+psycopg://user:password@host/name and install youju[postgres].",
        ) from None
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # FULL: a publication that was reported must survive a power loss, because the old chunks are removed after it.
    assert isinstance(connection, sqlite3.Connection)
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _prepare_postgresql(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # If a process is suspended in the middle of a transaction, it keeps its locks, and everybody waits for them.
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'")
    connection.commit()


def _begin_immediately(connection: sa.Connection) -> None:
    # By default the driver begins late and upgrades a read lock to a write lock. Under contention that fails at once.
    mode = "DEFERRED" if connection.get_execution_options().get("reads_only") else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {mode}")


def _is_current(engine: sa.Engine) -> bool:
    """Returns True if the newest migration has run. Alembic is not asked, because importing it takes half a second."""
    newest = max(path.stem for path in _MIGRATIONS.glob("versions/[0-9]*.py")).partition("_")[0]
    with engine.begin() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return False
        return bool(connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == newest)


def _migrate(engine: sa.Engine) -> None:
    if _is_current(engine):
        return
    from alembic import command  # importing it takes as long as the rest of a command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with alone(engine, _MIGRATION_LOCK) as connection:  # several processes may start at once
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigurationError(
                "database_newer",
                f"The database was made by another version of Youju ({error}).",
                "Install that version again, or point YOUJU_HOME or YOUJU_DATABASE_URL elsewhere.",
            ) from None
