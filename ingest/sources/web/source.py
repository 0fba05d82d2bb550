"""The source for pages and files of web sites."""

from __future__ import annotations

import shutil
import tempfile
import threading
import uuid
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ingest.document import Reference
from ingest.errors import DocumentError
from ingest.settings import IngestSettings
from ingest.sources import NOTHING_KNOWN
from ingest.sources.settings import WebSettings
from ingest.sources.web.charsets import recode
from ingest.sources.web.client import Manners, WebClient
from ingest.sources.web.crawl import Crawl, refusal
from ingest.sources.web.kinds import is_html
from ingest.sources.web.memory import PageMemory


class WebSource:
    """All pages that start pages and sitemaps lead to. The uri of a document is its address.

    After a listing, `partial` says why pages may have been missed. It is empty if none were.
    """

    def __init__(self, source: WebSettings, settings: IngestSettings) -> None:
        self.name = source.name
        self.partial: tuple[str, ...] = ()
        self._source = source
        self._home = settings.home
        manners = Manners(
            user_agent=source.user_agent,
            delay_seconds=source.delay_seconds,
            timeout_seconds=source.timeout_seconds,
            max_bytes=settings.max_file_mb * 2**20,
            allow_private=source.allow_private,
            proxy=source.proxy.get_secret_value() if source.proxy is not None else None,
        )
        self._open = _Open(WebClient(manners))
        self._crawl: Crawl | None = None
        weakref.finalize(self, self._open.close)

    def give_up_at(self, stop: threading.Event) -> None:
        """See `Patient`."""
        self._open.client.stop = stop

    def references(self, known: Mapping[str, str] = NOTHING_KNOWN) -> Iterator[Reference]:
        """Yields every page and file, in the order in which they are met. `fetch` says why one of them cannot be
        fetched.

        Raises SourceError `site_unreachable` if no start page and no sitemap answers.
        """
        self.partial = ("the visit was not finished",)
        memory = PageMemory(self._home, self.name)
        try:
            self._crawl = crawl = Crawl(self._source, self._open.client, memory, self._open.new_folder())
            yield from crawl.references(known)
            self.partial = tuple(crawl.incomplete)
        finally:
            memory.close()

    def covers(self, uri: str) -> bool:
        """Returns True if a document that was not listed certainly no longer exists at this address."""
        if self._crawl is None:
            return False
        return uri in self._crawl.settled or (self._source.unlinked == "remove" and not self.partial)

    def fetch(self, reference: Reference, folder: Path) -> Reference:
        """Returns the page as the listing saw it, or as it is now.

        If only the header names the encoding of a text, the file is rewritten as UTF-8.
        Raises DocumentError: `web_unreachable`, `web_failed`, `login_required`, `forbidden`, `page_gone`,
        `redirected`, `address_refused`, `too_large`, `encoding_unsupported`, `corrupt`, `too_slow`.
        """
        crawl = self._crawl
        if crawl is not None and (error := crawl.failed.get(reference.uri)) is not None:
            raise error
        path = folder / uuid.uuid4().hex
        kept = crawl.kept.pop(reference.uri, None) if crawl is not None else None
        if kept is not None:
            shutil.move(kept[0], path)
            charset = kept[1]
        else:
            charset = self._download(reference.uri, path)
        if charset is not None:
            recode(path, charset)
        return replace(reference, path=path)

    def _download(self, url: str, path: Path) -> str | None:
        answer = self._open.client.get(url, folder=path.parent)
        if answer.path is None:
            if answer.status in (301, 302, 303, 307, 308):
                raise DocumentError("redirected", f"{url} leads elsewhere by now.", "The next run follows it.")
            raise refusal(url, answer.status)
        answer.path.replace(path)
        return answer.charset if is_html(answer.media_type) or answer.media_type.startswith("text/") else None


class _Open:
    """The open parts of a source: connections, and a folder for bodies that `fetch` has not asked for yet."""

    def __init__(self, client: WebClient) -> None:
        self.client = client
        self._folder: Path | None = None

    def new_folder(self) -> Path:
        """Returns an empty folder. The folder before it is removed."""
        self._discard()
        self._folder = Path(tempfile.mkdtemp(prefix="youju-web-"))
        return self._folder

    def close(self) -> None:
        """Close the connections and remove the folder."""
        self.client.close()
        self._discard()

    def _discard(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
