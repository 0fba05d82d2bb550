"""Remembers what the last visit of each page found. It is enough to ask whether a page changed, and to follow its
links.

It is one small SQLite file per source, below the home. Without it every page is fetched again, and nothing is lost. The
catalog says what was ingested; this file says what was seen.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path

_VERSION = 1  # raise it when the code would find other links in the same page
_FORGET_AFTER_VISITS = 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """A page at its last visit. `etag` and `modified` come from the site. `token` changes with the content.

    `links` and `canonical` are normal addresses. `is_document`: the page is listed.
    """

    etag: str
    modified: str
    token: str
    name: str
    links: tuple[str, ...] = ()
    canonical: str | None = None
    is_document: bool = True


class PageMemory:
    """The pages of one source, by address. Only one thread at a time may use it. Close it."""

    def __init__(self, home: Path, source: str) -> None:
        folder = home / "web"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{hashlib.sha256(source.encode()).hexdigest()[:32]}.db"
        try:
            self._connection = self._open()
        except sqlite3.DatabaseError:
            logger.warning("%s is damaged: every page is fetched anew.", self._path)
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
            self._connection = self._open()

    def get(self, url: str) -> Page | None:
        """Returns the remembered page, or None."""
        row = self._connection.execute(
            "SELECT etag, modified, token, name, links, canonical, is_document FROM pages WHERE url = ?", (url,)
        ).fetchone()
        if row is None:
            return None
        etag, modified, token, name, links, canonical, is_document = row
        return Page(etag, modified, token, name, tuple(json.loads(links)), canonical, bool(is_document))

    def put(self, url: str, page: Page) -> None:
        """Remember a page."""
        self._connection.execute(
            "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT number FROM visit))",
            (
                url, page.etag, page.modified, page.token, page.name, json.dumps(page.links), page.canonical,
                page.is_document,
            ),
        )  # fmt: skip

    def seen(self, url: str) -> None:
        """Note that a page has not changed."""
        self._connection.execute("UPDATE pages SET visit = (SELECT number FROM visit) WHERE url = ?", (url,))

    def forget(self, url: str) -> None:
        """Forget a page that is gone."""
        self._connection.execute("DELETE FROM pages WHERE url = ?", (url,))

    def begin_visit(self) -> None:
        """Begin a visit of the whole source. Pages that many visits have not seen are forgotten."""
        self._connection.execute("UPDATE visit SET number = number + 1")
        self._connection.execute(
            "DELETE FROM pages WHERE visit < (SELECT number FROM visit) - ?", (_FORGET_AFTER_VISITS,)
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        # A run lists in one thread and fetches in another, but never at the same time. So the check of sqlite3, which
        # allows only one thread for ever, is off.
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=30, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
                connection.executescript(
                    """
                    DROP TABLE IF EXISTS pages;
                    DROP TABLE IF EXISTS visit;
                    CREATE TABLE pages (url TEXT PRIMARY KEY, etag TEXT, modified TEXT, token TEXT, name TEXT,
                        links TEXT, canonical TEXT, is_document INTEGER, visit INTEGER) WITHOUT ROWID;
                    CREATE TABLE visit (number INTEGER);
                    INSERT INTO visit VALUES (0);
                    """
                )
                connection.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection
