"""One visit of a web source, breadth first. It lists what is there now and sends one conditional request for each page.

A page is no longer listed only if the site says so (404, 410, moved for good, noindex, robots.txt, a canonical address
elsewhere). If a request fails, the page is listed as a page that cannot be fetched.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ingest.document import Reference
from ingest.errors import DocumentError, SourceError
from ingest.sources.selection import Selection
from ingest.sources.settings import WebSettings
from ingest.sources.web.addresses import normal, path_of, site
from ingest.sources.web.client import Answer, WebClient
from ingest.sources.web.kinds import is_html, is_readable, leads_nowhere, name_of
from ingest.sources.web.links import MAX_LINKS, read_links, robots_words
from ingest.sources.web.memory import Page, PageMemory
from ingest.sources.web.robots import ALLOW_ALL, Robots, read_robots
from ingest.sources.web.sitemaps import MAX_BYTES, read_sitemap

_HTML_BYTES = 10 * 2**20
_ROBOTS_BYTES = 2**20
_ROBOTS_REDIRECTS = 5
_SITEMAP_LEVELS = 3
_WAITING_FACTOR = 10
_KEPT_BYTES = 512 * 2**20
_REDIRECTS = (301, 302, 303, 307, 308)
_FOR_GOOD = (301, 308)
_GONE = (404, 410)

_MORE_PAGES = "#more-pages"
"""The end of the address that stands for the pages beyond `max_pages`."""

logger = logging.getLogger(__name__)


class Crawl:
    """One visit. `settled` has the addresses where there is certainly no document. `failed` says why a page could not
    be fetched. `kept` has bodies that came with the visit, each with the encoding that its header names. `incomplete`
    has the reasons why pages may have been missed; it is empty if none were.
    """

    def __init__(self, source: WebSettings, client: WebClient, memory: PageMemory, folder: Path) -> None:
        self.settled: set[str] = set()
        self.failed: dict[str, DocumentError] = {}
        self.kept: dict[str, tuple[Path, str | None]] = {}
        self.incomplete: list[str] = []
        self._source = source
        self._selection = Selection.of(source, hidden=True)
        self._client = client
        self._memory = memory
        self._folder = folder
        self._hosts = {_bare(site(url)) for url in (*source.start, *source.sitemaps)}
        self._queue: deque[tuple[str, int]] = deque()
        # Forbidden addresses wait too and are not requested later. Still, 5,000 pages may lead to fifty million
        # addresses.
        self._waiting_limit = _WAITING_FACTOR * source.max_pages + MAX_LINKS
        self._is_full = False
        self._met: set[str] = set()
        self._listed: set[str] = set()
        self._copies: dict[str, tuple[str, Page]] = {}  # pages that name another address as the original
        self._sitemaps: set[str] = set()
        self._beside: dict[str, DocumentError] = {}  # not pages; because of them pages may be missing
        self._robots: dict[str, Robots | DocumentError] = {}
        self._requested = self._answered = self._kept_bytes = 0
        self._problem: DocumentError | None = None

    def references(self, known: Mapping[str, str]) -> Iterator[Reference]:
        """Yields every page and file. Raises SourceError if no start page and no sitemap can be fetched."""
        self._memory.begin_visit()
        for sitemap in self._source.sitemaps:
            self._read_sitemap(sitemap, _SITEMAP_LEVELS)
        for start in self._source.start:
            self._meet(start, 0)
        yield from self._visit(known)
        if self._answered and self._source.unlinked == "keep":
            for url in known:
                if url not in self._sitemaps and not url.endswith(_MORE_PAGES):
                    self._meet_again(url)
            yield from self._visit(known)
        for url, (canonical, page) in self._copies.items():
            if canonical in self._listed:
                self.settled.add(url)
            else:
                yield self._reference(url, page.token, page.name)
        if not self._answered:
            problem = self._problem or DocumentError("web_unreachable", "It could not be asked.", "Run again.")
            hint = f"{problem.hint} Nothing that was ingested from there has been removed."
            raise SourceError("site_unreachable", f"Nothing can be read: {problem.message}", hint)
        yield from self._missed(known)
        if self.incomplete:
            logger.warning("%s was not seen in full: %s", self._source.name, "; ".join(self.incomplete[:5]))

    def _missed(self, known: Mapping[str, str]) -> Iterator[Reference]:
        """Yields an entry for each unreadable sitemap, and one entry if there are too many pages.

        They are listed as documents that cannot be fetched, so that every run reports them until they are mended.
        """
        self.settled.update(self._sitemaps, (url for url in known if url.endswith(_MORE_PAGES)))
        for url, error in self._beside.items():
            self.settled.discard(url)
            self.failed[url] = error
            yield self._reference(url, f"failed {error.code}", name_of(url, ""))

    def access(self, url: str) -> tuple[str, ...]:
        """Returns who may read a page."""
        return self._selection.access(self._path(url))

    # Which pages are visited.

    def _visit(self, known: Mapping[str, str]) -> Iterator[Reference]:
        while self._queue:
            if self._requested >= self._source.max_pages:
                self._is_full = True
                self._queue.clear()
                break
            yield from self._page(*self._queue.popleft(), known)
        first = [*self._source.start, *self._source.sitemaps][0]
        if self._is_full and (more := f"{first}{_MORE_PAGES}") not in self._beside:
            self.incomplete.append(f"there are more than {self._source.max_pages} pages (max_pages)")
            self._beside[more] = _too_many(self._source.max_pages)

    def _meet(self, url: str, depth: int, *, next_: bool = False) -> None:
        """Put the page into the queue, if it belongs to this source and was not met before."""
        if url in self._met or depth > self._source.max_depth or not self._is_ours(url):
            return
        if len(self._queue) >= self._waiting_limit and not next_:
            self._is_full = True
            return
        self._met.add(url)
        if next_:
            self._queue.appendleft((url, depth))
        else:
            self._queue.append((url, depth))

    def _meet_again(self, url: str) -> None:
        """Put a page into the queue that was ingested once and that no link led to this time."""
        if not self._is_ours(url) or not self._selection.takes(self._path(url)):
            self.settled.add(url)
        self._meet(url, self._source.max_depth)

    def _is_ours(self, url: str) -> bool:
        return self._is_near(url) and not leads_nowhere(url) and self._selection.enters(self._path(url))

    def _is_near(self, url: str) -> bool:
        return not self._source.same_host or _bare(site(url)) in self._hosts

    def _path(self, url: str) -> str:
        path = path_of(url).removeprefix("/")
        return path if self._source.same_host else f"{site(url)}/{path}"

    def _follow(self, page: Page, depth: int) -> None:
        for link in page.links:
            self._meet(link, depth + 1)

    # One page.

    def _page(self, url: str, depth: int, known: Mapping[str, str]) -> Iterator[Reference]:
        try:
            if not self._rules(url).allows(url):
                self._problem = self._problem or _disallowed(url)
                self.settled.add(url)
                return
            self._requested += 1
            page = self._look(url, depth, known)
        except DocumentError as error:
            yield from self._fail(url, depth, error)
            return
        if page is None:
            return
        self._follow(page, depth)
        if not page.is_document or not self._selection.takes(self._path(url)):
            self.settled.add(url)
            return
        canonical = page.canonical
        if canonical is not None and canonical != url and self._is_ours(canonical):
            self._copies[url] = canonical, page
            self._meet(canonical, depth)
            return
        yield self._reference(url, page.token, page.name)

    def _reference(self, url: str, token: str, name: str) -> Reference:
        self._listed.add(url)
        return Reference(self._source.name, url, name, 0, 0, access=self.access(url), token=token)

    def _fail(self, url: str, depth: int, error: DocumentError) -> Iterator[Reference]:
        self._problem = self._problem or error
        if error.code == "address_refused" and url not in self._source.start:
            logger.info("%s is left out: %s", url, error.message)
            return
        remembered = self._memory.get(url)
        if remembered is None:
            self.incomplete.append(f"{url}: {error.message}")
        else:
            self._follow(remembered, depth)
        if self._selection.takes(self._path(url)) and (remembered is None or remembered.is_document):
            self.failed[url] = error
            yield self._reference(url, f"failed {error.code}", name_of(url, ""))

    def _look(self, url: str, depth: int, known: Mapping[str, str]) -> Page | None:
        """Returns the page as it is now. Returns None if there is no document at this address. Raises DocumentError."""
        remembered = self._memory.get(url)
        answer = self._client.get(url, asking=_conditions(remembered), folder=self._folder, wants=_is_wanted)
        if answer.status == 304 and remembered is not None:
            self._answered += 1
            self._memory.seen(url)
            return remembered
        if answer.status == 200:
            self._answered += 1
            page = self._read(url, answer)
            self._memory.put(url, page)
            return page
        if answer.status in _REDIRECTS:
            self._redirected(url, depth, answer, is_known=url in known)
            return None
        if answer.status in _GONE and url not in self._source.start:
            self._answered += 1
            self._memory.forget(url)
            self.settled.add(url)
            return None
        raise refusal(url, answer.status)

    def _read(self, url: str, answer: Answer) -> Page:
        etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        words = robots_words(answer.headers.get("x-robots-tag", ""), self._source.agent)
        is_document = is_readable(url, answer.media_type) and not {"noindex", "none"} & words
        token = f"sha256 {answer.digest}" if answer.path is not None else f"{etag} {modified}"
        name = name_of(url, answer.media_type)
        page = Page(etag, modified, token, name, is_document=is_document)
        if answer.path is None:
            return page
        if is_html(answer.media_type):
            with answer.path.open("rb") as file:
                content = file.read(_HTML_BYTES)
            try:
                found = read_links(content, url, answer.charset, self._source.agent, self._client.stop.is_set)
            except DocumentError:
                answer.path.unlink()
                raise
            links = () if {"nofollow", "none"} & words else tuple(found.links)
            is_document = is_document and found.is_indexed
            page = Page(etag, modified, token, name, links, found.canonical, is_document)
        if is_document and self._kept_bytes + answer.size <= _KEPT_BYTES:
            self._kept_bytes += answer.size
            self.kept[url] = answer.path, answer.charset
        else:
            answer.path.unlink()
        return page

    def _redirected(self, url: str, depth: int, answer: Answer, *, is_known: bool) -> None:
        target = normal(answer.headers.get("location", ""), url)
        if target is None or target == url:
            raise DocumentError("redirected", f"{url} leads nowhere else than to itself.", "Look at it in a browser.")
        if not self._is_ours(target):
            if url in self._source.start or answer.status not in _FOR_GOOD:
                raise DocumentError(
                    "redirected",
                    f"{url} leads to {site(target)}.",
                    "It may want a login; or make it a start page.",
                )
        else:
            self._answered += 1
            self._meet(target, depth, next_=True)
        if answer.status in _FOR_GOOD:
            self._memory.forget(url)
            self.settled.add(url)
        elif is_known:
            raise DocumentError("redirected", f"{url} leads to {target} for now.", "It may want a login.")

    # What a site says about itself: robots.txt and sitemaps.

    def _rules(self, url: str) -> Robots:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._robots:
            try:
                self._robots[origin] = self._read_robots(f"{origin}/robots.txt")
            except DocumentError as error:
                self._robots[origin] = error
        rules = self._robots[origin]
        if isinstance(rules, DocumentError):
            raise rules
        self._client.slow_down(url, rules.delay_seconds)
        return rules

    def _read_robots(self, url: str) -> Robots:
        for _ in range(_ROBOTS_REDIRECTS):
            answer = self._client.get(url, folder=self._folder, max_bytes=_ROBOTS_BYTES)
            if answer.status in _REDIRECTS and (target := normal(answer.headers.get("location", ""), url)):
                url = target
                continue
            if answer.path is not None:
                text = answer.path.read_text(encoding="utf-8", errors="replace")
                answer.path.unlink()
                return read_robots(text, self._source.agent)
            if 400 <= answer.status < 500 and answer.status != 429:
                break
            # The rules of a site are unknown if it cannot answer. RFC 9309 then tells robots to stay away.
            raise DocumentError(
                "web_failed", f"{url} was answered with status {answer.status}.", "The next run tries again."
            )
        return ALLOW_ALL

    def _read_sitemap(self, url: str, levels: int) -> None:
        self._sitemaps.add(url)
        try:
            urls, is_index = self._sitemap(url)
        except DocumentError as error:
            self._problem = self._problem or error
            self.incomplete.append(f"{url}: {error.message}")
            self._beside[url] = error
            return
        for each in urls:
            if not is_index:
                self._meet(each, 0)
            elif levels > 1 and self._is_near(each):
                self._read_sitemap(each, levels - 1)

    def _sitemap(self, url: str) -> tuple[tuple[str, ...], bool]:
        """Returns the addresses in a sitemap, and True if they are sitemaps again.

        An unchanged one is not downloaded.
        """
        remembered = self._memory.get(url)
        answer = self._client.get(url, asking=_conditions(remembered), folder=self._folder, max_bytes=MAX_BYTES)
        if answer.status == 304 and remembered is not None:
            self._answered += 1
            self._memory.seen(url)
            return remembered.links, remembered.name == "index"
        if answer.path is None:
            raise refusal(url, answer.status)
        try:
            urls, is_index = read_sitemap(answer.path, url)
        finally:
            answer.path.unlink()
        self._answered += 1
        etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        page = Page(etag, modified, "", "index" if is_index else "urls", tuple(urls), is_document=False)
        self._memory.put(url, page)
        return page.links, is_index


def refusal(url: str, status: int) -> DocumentError:
    """Returns the error for an answer that is not a page."""
    said = f"{url} was answered with status {status}."
    if status in (401, 407):
        return DocumentError("login_required", said, "It wants a login: publish it, or exclude it from the source.")
    if status in (403, 451):
        return DocumentError("forbidden", said, "The site lets no robots or strangers in: exclude it, or ask there.")
    if status in _GONE:
        return DocumentError("page_gone", said, "Correct the start page, or remove it from the source.")
    return DocumentError("web_failed", said, "The next run tries again.")


def _conditions(remembered: Page | None) -> dict[str, str]:
    if remembered is None:
        return {}
    asking = {"if-none-match": remembered.etag, "if-modified-since": remembered.modified}
    return {name: value for name, value in asking.items() if value}


def _is_wanted(answer: Answer) -> bool:
    """Returns True if the body is needed, either for its links or to see a change."""
    if is_html(answer.media_type):
        return True
    return not (answer.headers.get("etag") or answer.headers.get("last-modified"))


def _bare(host: str) -> str:
    return host.removeprefix("www.")


def _too_many(limit: int) -> DocumentError:
    return DocumentError(
        "too_many_pages", f"There are more than {limit} pages.", "Raise max_pages of the source, or exclude some."
    )


def _disallowed(url: str) -> DocumentError:
    return DocumentError("robots_disallowed", f"The robots.txt of the site forbids {url}.", "Ask who runs the site.")
