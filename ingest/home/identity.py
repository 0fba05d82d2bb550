"""Says which home and which catalog belong together, so that a wrong setting never opens one with a stranger.

    home.json, in the home            home_id, and catalog_id: the one catalog that the home belongs to
    catalog_identity, in the catalog  catalog_id, and home_id: the home that keeps the originals of the uploads

A home is opened only with its own catalog. A catalog is opened with any home until something is uploaded. After that it
is opened only with the home that keeps the originals. An older backup has the same ids. Nothing here removes a file.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from ingest.errors import ConfigurationError
from ingest.home.database import alone, metadata
from ingest.home.disk import flush_folder
from ingest.home.lock import make_home, unusable
from ingest.home.originals import Originals
from ingest.settings import IngestSettings

FILE_NAME = "home.json"
_LOCK = 0x596F75696E
_ADOPT = "If the two are meant to be joined, `youju home adopt` does it; it deletes nothing."

_identity = sa.Table(
    "catalog_identity",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # always 1
    sa.Column("catalog_id", sa.String(36), nullable=False),
    sa.Column("home_id", sa.String(36)),  # null: nothing was uploaded yet
)
_uploads = sa.table("uploads", sa.column("digest", sa.String))  # from `uploads.register`, which imports this


@dataclass(frozen=True, slots=True)
class HomeIdentity:
    """The content of `home.json`: the id of the home, and the id of the catalog that it belongs to."""

    home_id: str
    catalog_id: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """The result of `adopt`: the ids now, and the earlier content of `home.json`."""

    home_id: str
    catalog_id: str
    before: HomeIdentity | None


@dataclass(frozen=True, slots=True)
class _Facts:
    """The two sides' statements about each other. `keeper` is the id of the home that keeps the originals."""

    home: HomeIdentity | None
    catalog_id: str | None
    keeper: str | None
    has_uploads: bool

    @property
    def are_settled(self) -> bool:
        """Returns True if both know each other, and nothing has to be written."""
        if self.home is None or self.home.catalog_id != self.catalog_id:
            return False
        return not self.has_uploads or self.keeper == self.home.home_id


def pair(engine: sa.Engine, settings: IngestSettings) -> None:
    """Check that the home and the catalog of these settings belong together. If both are new, they are joined.

    Raises ConfigurationError `other_catalog` or `other_home` with the way out, `home_damaged` for a broken `home.json`.
    """
    home = settings.home
    with engine.execution_options(reads_only=True).begin() as connection:
        facts = _facts(connection, home)
    if facts.are_settled:
        return
    make_home(home)
    with alone(engine, _LOCK) as connection:
        facts = _facts(connection, home)
        _check(connection, facts, settings)
        catalog_id = facts.catalog_id or _introduce(connection)
    # The row comes first, the file second. After a crash between them, the catalog has an id and any home may still
    # join it.
    ours = facts.home or _introduce_home(home, catalog_id)
    if ours.catalog_id != catalog_id:  # another process with another database wrote the file first
        raise _other_catalog(home)
    with alone(engine, _LOCK) as connection:
        facts = _facts(connection, home)
        if facts.has_uploads and facts.keeper is None:
            connection.execute(sa.update(_identity).values(home_id=ours.home_id))


def adopt(engine: sa.Engine, home: Path) -> Adoption:
    """Join a home and a catalog, whatever they said before. No file and no row of either is removed."""
    make_home(home)
    try:
        before = read_home(home)
    except ConfigurationError:
        before = None
    home_id = before.home_id if before is not None else str(uuid.uuid4())
    with alone(engine, _LOCK) as connection:
        catalog_id = _facts(connection, home=None).catalog_id or _introduce(connection)
        connection.execute(sa.update(_identity).values(home_id=home_id))
    aside = _written_aside(home, HomeIdentity(home_id, catalog_id))
    aside.replace(home / FILE_NAME)
    flush_folder(home)
    return Adoption(home_id, catalog_id, before)


def read_home(home: Path) -> HomeIdentity | None:
    """Returns what `home.json` says, or None if there is no such file. Raises ConfigurationError `home_damaged`."""
    path = home / FILE_NAME
    try:
        return HomeIdentity(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        return None  # creating the home says what is wrong
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            "home_damaged",
            f"{path} cannot be read ({type(error).__name__}): which catalog the home belongs to is not known.",
            f"Restore the file from a backup. {_ADOPT}",
        ) from None


def claim(connection: sa.Connection, home: Path, *, is_free: bool) -> None:
    """Note that this home keeps the originals, before something is uploaded. `is_free`: no other home has any
    originals.

    Raises ConfigurationError `other_home` if another home has some.
    """
    ours, keeper = read_home(home), connection.scalar(sa.select(_identity.c.home_id))
    if ours is None or (keeper not in (None, ours.home_id) and not is_free):
        raise _other_home(home)
    if keeper != ours.home_id:
        connection.execute(sa.update(_identity).values(home_id=ours.home_id))


def is_keeper(connection: sa.Connection, home: Path) -> bool:
    """Returns True if this home keeps the originals of the uploads of this catalog."""
    ours = read_home(home)
    return ours is not None and connection.scalar(sa.select(_identity.c.home_id)) == ours.home_id


def _check(connection: sa.Connection, facts: _Facts, settings: IngestSettings) -> None:
    home, originals = settings.home, Originals(settings.home)
    if facts.home is not None and facts.home.catalog_id != facts.catalog_id:
        raise _other_catalog(home)
    if not facts.has_uploads:
        if facts.home is None and originals.has_any():
            raise _other_catalog(home)
        return
    if facts.keeper is not None:
        if facts.home is None or facts.home.home_id != facts.keeper:
            raise _other_home(home)
        return
    # The uploads are from a release without ids. The database may be shared, and the originals may be in another home.
    digests = connection.scalars(sa.select(_uploads.c.digest))
    if settings.database_url is not None and not any(originals.path(digest).is_file() for digest in digests):
        raise _other_home(home)


def _facts(connection: sa.Connection, home: Path | None) -> _Facts:
    row = connection.execute(sa.select(_identity)).first()
    has_uploads = connection.execute(sa.select(_uploads.c.digest).limit(1)).first() is not None
    return _Facts(
        home=read_home(home) if home is not None else None,
        catalog_id=row.catalog_id if row is not None else None,
        keeper=row.home_id if row is not None else None,
        has_uploads=has_uploads,
    )


def _introduce(connection: sa.Connection) -> str:
    catalog_id = str(uuid.uuid4())
    connection.execute(sa.insert(_identity).values(id=1, catalog_id=catalog_id))
    return catalog_id


def _introduce_home(home: Path, catalog_id: str) -> HomeIdentity:
    """Write the file and return its content.

    If another process writes it at the same moment, the other content is returned.
    """
    ours = HomeIdentity(str(uuid.uuid4()), catalog_id)
    aside = _written_aside(home, ours)
    try:
        os.link(aside, home / FILE_NAME)
    except FileExistsError:
        return read_home(home) or ours
    except OSError:  # the disk has no hard links
        aside.replace(home / FILE_NAME)
    finally:
        aside.unlink(missing_ok=True)
    flush_folder(home)
    return ours


def _written_aside(home: Path, identity: HomeIdentity) -> Path:
    aside = home / f"{FILE_NAME}.{uuid.uuid4().hex}"
    try:
        with open(aside, "x", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            json.dump(asdict(identity), file)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        aside.unlink(missing_ok=True)
        hint = "Set YOUJU_HOME to a folder that you may write to, and see whether its disk is full."
        raise unusable(home, error, cannot_be="written", hint=hint) from None
    return aside


def _other_catalog(home: Path) -> ConfigurationError:
    return ConfigurationError(
        "other_catalog",
        f"The home {home} belongs to another database than the one of the settings.",
        "Set YOUJU_DATABASE_URL as it was (unset: SQLite in the home), or restore that database. A new database begins "
        f"with a new YOUJU_HOME (docs/ingestion.md, Moving to PostgreSQL). {_ADOPT}",
    )


def _other_home(home: Path) -> ConfigurationError:
    return ConfigurationError(
        "other_home",
        f"Documents were uploaded to this database, and their files are in another home than {home}.",
        f"Set YOUJU_HOME to the home that they were uploaded to, or restore it from a backup. {_ADOPT}",
    )
