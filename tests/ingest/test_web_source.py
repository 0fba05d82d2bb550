"""The web source against real sites on loopback: what it lists, what it asks for, and what it may take for gone."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from api.settings import Settings
from ingest.document import Reference
from ingest.errors import DocumentError, SourceError
from ingest.parse.text.encoding import decode
from ingest.sources.settings import WebSettings
from ingest.sources.web.source import WebSource
from tests.ingest.tiny_pdf import Words, pdf
from tests.ingest.web_site import Served, Site, a_page, web_site

Open = Callable[..., WebSource]


@pytest.fixture
def site() -> Iterator[Site]:
    with web_site() as opened:
        yield opened


@pytest.fixture
def open_web(site: Site, settings: Settings) -> Open:
    """A source that begins at the site's front page."""

    def opened(**changes: Any) -> WebSource:
        values = {"start": (f"{site.url}/",), "delay_seconds": 0, "allow_private": True, "timeout_seconds": 5}
        return WebSource(WebSettings.model_validate({"name": "wiki", "type": "web", **values, **changes}), settings)

    return opened


def listed(source: WebSource, known: dict[str, str] | None = None) -> dict[str, str]:
    """The tokens of what a source lists, by address without the host."""
    return {path_of(reference.uri): reference.token for reference in source.references(known or {})}


def path_of(uri: str) -> str:
    return "/" + uri.split("/", 3)[3]


def known_of(site: Site, tokens: dict[str, str]) -> dict[str, str]:
    return {site.url + path: token for path, token in tokens.items()}


def one(source: WebSource, path: str, known: dict[str, str] | None = None) -> Reference:
    return next(r for r in source.references(known or {}) if path_of(r.uri) == path)


def read(fetched: Reference) -> bytes:
    assert fetched.path is not None
    return fetched.path.read_bytes()


def test_pages_are_found_by_their_links_breadth_first_and_each_once(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/b", "a#part", "/b?utm_source=mail", "mailto:x@y.z", "javascript:void(0)", "/pic.png")
    site["/a"] = a_page("A", "/deep/c", "/")
    site["/b"] = a_page("B", "../b", "/a")
    site["/deep/c"] = a_page("C")
    assert list(listed(open_web())) == ["/", "/b", "/a", "/deep/c"]
    assert sorted(site.paths()) == ["/", "/a", "/b", "/deep/c"]


def test_an_unchanged_page_costs_one_304_and_its_links_are_still_known(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/a", "/file.pdf")
    site["/a"] = a_page("A", "/b")
    site["/b"] = a_page("B")
    site["/file.pdf"] = Served(pdf([Words(72, 72, "A file")]), headers={"content-type": "application/pdf"})
    first = listed(open_web())
    site.forget()
    again = open_web()
    assert listed(again, known_of(site, first)) == first
    assert site.statuses() == {"/": 304, "/a": 304, "/b": 304, "/file.pdf": 304}
    site.forget()
    site["/a"] = a_page("A has changed", "/b", "/new")
    site["/new"] = a_page("New")
    changed = listed(open_web(), known_of(site, first))
    assert {path for path in changed if changed[path] != first.get(path)} == {"/a", "/new"}
    assert site.statuses() == {"/": 304, "/a": 200, "/b": 304, "/file.pdf": 304, "/new": 200}


def test_a_page_without_validators_is_told_by_its_content(site: Site, open_web: Open) -> None:
    site["/"] = Served(a_page("Home", "/data.csv").encode(), headers={"content-type": "text/html"}, validators=False)
    site["/data.csv"] = Served(b"a,b\n1,2\n", headers={"content-type": "text/csv"}, validators=False)
    first = listed(open_web())
    assert listed(open_web()) == first
    site["/data.csv"] = Served(b"a,b\n1,3\n", headers={"content-type": "text/csv"}, validators=False)
    assert listed(open_web())["/data.csv"] != first["/data.csv"]


def test_what_the_listing_downloaded_is_not_downloaded_again(site: Site, open_web: Open, tmp_path: Path) -> None:
    site["/"] = a_page("What the page says")
    source = open_web()
    reference = one(source, "/")
    fetched = source.fetch(reference, tmp_path)
    assert b"What the page says" in read(fetched)
    assert (site.paths(), fetched.name) == (["/"], "index.html")


def test_a_file_is_downloaded_when_it_is_fetched_and_not_before(site: Site, open_web: Open, tmp_path: Path) -> None:
    site["/"] = a_page("Home", "/file.pdf")
    site["/file.pdf"] = Served(pdf([Words(72, 72, "A file")]), headers={"content-type": "application/pdf"})
    source = open_web()
    reference = one(source, "/file.pdf")
    assert read(source.fetch(reference, tmp_path)) == site.pages["/file.pdf"].body
    unchanged = open_web()
    again = unchanged.fetch(one(unchanged, "/"), tmp_path)  # wanted though unchanged: the parser is another
    assert read(again) == site.pages["/"].body


def test_the_encoding_that_the_header_names_counts(site: Site, open_web: Open, tmp_path: Path) -> None:
    text = "报销需要在十个工作日之内完成"
    html = f'<html><head><meta charset="utf-8"><title>x</title></head><body><p>{text}</p></body></html>'
    site["/"] = Served(html.encode("gb18030"), headers={"content-type": "text/html; charset=GBK"})
    source = open_web()
    assert text in decode(read(source.fetch(one(source, "/"), tmp_path)), declared=True)


def test_one_connection_and_the_pause_that_was_asked_for(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/a", "/b", "/gone", "/moved")
    site["/a"] = a_page("A")
    site["/b"] = a_page("B")
    site["/moved"] = Served(status=301, headers={"location": "/a"})
    listed(open_web(delay_seconds=0.1))
    listed(open_web(delay_seconds=0.1))
    half = len(site.asked) // 2
    for asked in (site.asked[:half], site.asked[half:]):
        assert len({each.connection for each in asked}) == 1
        pauses = [later.at - sooner.at for sooner, later in pairwise(asked)]
        assert min(pauses) >= 0.1


def test_robots_txt_is_obeyed_and_its_delay_too(site: Site, open_web: Open) -> None:
    site["/robots.txt"] = Served(
        b"User-agent: *\nDisallow: /\n\n"
        b"User-agent: youju\nDisallow: /private\nAllow: /private/public\nCrawl-delay: 0.2\n"
    )
    site["/"] = a_page("Home", "/private/a", "/private/public/b")
    site["/private/a"] = a_page("A")
    site["/private/public/b"] = a_page("B")
    source = open_web()
    assert list(listed(source)) == ["/", "/private/public/b"]
    assert site.asked[2].at - site.asked[1].at >= 0.2
    assert source.covers(f"{site.url}/private/a")


def test_a_robots_txt_that_cannot_be_had_keeps_us_away_and_loses_nothing(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home")
    first = listed(open_web())
    site["/robots.txt"] = Served(b"", 500)
    source = open_web()
    with pytest.raises(SourceError, match=r"robots\.txt"):
        listed(source, known_of(site, first))
    assert not source.covers(f"{site.url}/")


def test_pages_that_ask_not_to_be_indexed_or_followed_are_not(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/noindex", "/nofollow", "/header") + '<a rel="nofollow" href="/advert">x</a>'
    site["/noindex"] = a_page("Index me not", "/behind", head='<meta name="ROBOTS" content="NOINDEX, follow">')
    site["/behind"] = a_page("Behind")
    site["/nofollow"] = a_page("Follow me not", "/hidden", head='<meta name="robots" content="nofollow">')
    site["/header"] = Served(
        a_page("By header", "/hidden").encode(), headers={"content-type": "text/html", "x-robots-tag": "none"}
    )
    source = open_web()
    for _ in range(2):  # also where it is remembered
        assert list(listed(source)) == ["/", "/nofollow", "/behind"]
        source = open_web()
    list(source.references())
    assert source.covers(f"{site.url}/noindex")


def test_a_copy_is_listed_under_its_canonical_address(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/print/a", "/lonely", "/one")
    site["/print/a"] = a_page("A", head='<link rel="canonical" href="/a">')
    site["/a"] = a_page("A", head='<link rel="canonical" href="/a">')
    site["/lonely"] = a_page("Its canonical address is broken", head='<link rel="canonical" href="/nowhere">')
    site["/one"] = a_page("One says two", head='<link rel="canonical" href="/two">')
    site["/two"] = a_page("Two says one", head='<link rel="canonical" href="/one">')
    source = open_web()
    assert list(listed(source)) == ["/", "/a", "/lonely", "/one"]
    assert source.covers(f"{site.url}/print/a")


def test_a_page_is_gone_when_the_site_says_so_and_not_before(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/a", "/b", "/c", "/d", "/e")
    for path in ("/a", "/b", "/c", "/d", "/e"):
        site[path] = a_page(f"Page {path}")
    first = listed(open_web())
    del site["/a"]
    site["/b"] = Served(b"", 410)
    site["/c"] = Served(b"", 500)
    site["/d"] = Served(status=301, headers={"location": "/d2"})
    site["/d2"] = a_page("Page /d")
    site["/e"] = Served(status=302, headers={"location": "/login"})
    site["/login"] = a_page("Log in")
    source = open_web()
    second = listed(source, known_of(site, first))
    assert set(second) == {"/", "/c", "/d2", "/e", "/login"}
    assert {path for path in first if source.covers(site.url + path) and path not in second} == {"/a", "/b", "/d"}
    assert second["/c"] != first["/c"]  # so that it is tried, and says why
    assert source.partial == ()
    site["/"] = a_page("Home is rewritten")
    third = open_web()
    assert {"/c", "/e"} <= set(listed(third, known_of(site, first)))


@pytest.mark.parametrize(
    ("status", "code"), [(401, "login_required"), (403, "forbidden"), (500, "web_failed"), (418, "web_failed")]
)
def test_a_page_that_cannot_be_had_is_listed_and_says_why(
    site: Site, open_web: Open, tmp_path: Path, status: int, code: str
) -> None:
    site["/"] = a_page("Home", "/a")
    site["/a"] = Served(b"no", status)
    source = open_web()
    reference = one(source, "/a")
    list(source.references())
    with pytest.raises(DocumentError) as raised:
        source.fetch(reference, tmp_path)
    assert raised.value.code == code
    assert len(source.partial) == 1
    assert not source.covers(f"{site.url}/behind-it")


def test_a_page_that_nothing_links_to_stays_while_it_is_there(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/a", "/b")
    site["/a"] = a_page("A")
    site["/b"] = a_page("B")
    first = listed(open_web())
    site["/"] = a_page("Home without links")
    del site["/b"]
    source = open_web()
    assert set(listed(source, known_of(site, first))) == {"/", "/a"}
    assert source.covers(f"{site.url}/b")
    strict = open_web(unlinked="remove")
    assert set(listed(strict, known_of(site, first))) == {"/"}
    assert strict.covers(f"{site.url}/a")


def test_a_site_that_is_down_is_an_error_and_loses_nothing(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/a")
    site["/a"] = a_page("A")
    first = listed(open_web())
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        source = open_web(start=(url,))
        with pytest.raises(SourceError) as raised:
            list(source.references(known_of(site, first)))
    assert raised.value.code == "site_unreachable"
    assert not source.covers(f"{site.url}/a")


def test_a_site_that_goes_down_half_way_is_not_asked_for_ever(site: Site, open_web: Open) -> None:
    paths = [f"/{number}" for number in range(20)]
    site["/"] = a_page("Home", *paths)
    for path in paths:
        site[path] = a_page(f"Page {path}")
    first = listed(open_web())
    for path in paths:
        site[path] = Served(b"", 503, {"retry-after": "0"})
    site.forget()
    source = open_web()
    assert set(listed(source, known_of(site, first))) == set(first)
    assert len(site.paths()) < 10
    assert not any(source.covers(site.url + path) for path in paths)


def test_a_start_page_that_is_not_there_is_an_error(site: Site, open_web: Open) -> None:
    with pytest.raises(SourceError, match="404"):
        listed(open_web())
    site["/"] = Served(status=302, headers={"location": "http://localhost:1/login"})
    with pytest.raises(SourceError, match="localhost"):
        listed(open_web())


@pytest.mark.parametrize("in_words", [False, True])
def test_retry_after_is_honoured(site: Site, open_web: Open, in_words: bool) -> None:
    site["/"] = a_page("Home")
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True) if in_words else "1"
    site["/robots.txt"] = Served(b"", 429, {"retry-after": soon})
    source = open_web()
    with pytest.raises(SourceError):
        list(source.references())
    assert site.asked[1].at - site.asked[0].at >= 1.0
    assert {asked.path for asked in site.asked} == {"/robots.txt"}


def test_other_hosts_are_left_alone_unless_told(site: Site, open_web: Open) -> None:
    with web_site("127.0.0.2") as other:
        other["/"] = a_page("Elsewhere")
        site["/"] = a_page("Home", f"{other.url}/")
        assert list(listed(open_web())) == ["/"]
        assert other.asked == []
        assert len(list(open_web(same_host=False).references())) == 2


@pytest.mark.parametrize(
    "start", ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::ffff:127.0.0.1]:{port}/"]
)
def test_this_machine_is_not_spoken_to_unless_told(site: Site, open_web: Open, start: str) -> None:
    site["/"] = a_page("Home")
    port = site.url.rpartition(":")[2]
    source = open_web(start=(start.format(port=port),), allow_private=False)
    with pytest.raises(SourceError, match="allow_private"):
        list(source.references())
    assert site.asked == []


def test_a_redirect_does_not_lead_to_what_may_not_be_spoken_to(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/out")
    site["/out"] = Served(status=301, headers={"location": "http://169.254.169.254/latest/meta-data"})
    assert list(listed(open_web(same_host=False))) == ["/"]


def test_sitemaps_and_indexes_of_them_are_read_packed_or_not(site: Site, open_web: Open) -> None:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    spaces = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
    urls = (
        f"<url><loc>{site.url}/a?x=1&amp;y=2</loc><image:image><image:loc>{site.url}/i</image:loc></image:image></url>"
    )
    site["/index.xml"] = Served(
        f"{head}<sitemapindex {spaces}><sitemap><loc> {site.url}/one.xml.gz </loc></sitemap>"
        f"<sitemap><loc>{site.url}/two.txt</loc></sitemap></sitemapindex>".encode()
    )
    site["/one.xml.gz"] = Served(gzip.compress(f"{head}<urlset {spaces}>{urls}</urlset>".encode()))
    site["/two.txt"] = Served(f"{site.url}/b\nhttp://elsewhere.example/\n".encode())
    site["/a?x=1&y=2"] = a_page("A", "/linked")
    site["/b"] = a_page("B")
    site["/linked"] = a_page("Linked")
    asked = {"start": (), "sitemaps": (f"{site.url}/index.xml",)}
    assert list(listed(open_web(**asked, max_depth=0))) == ["/a?x=1&y=2", "/b"]
    site.forget()
    assert list(listed(open_web(**asked))) == ["/a?x=1&y=2", "/b", "/linked"]
    assert {status for path, status in site.statuses().items() if path != "/linked"} == {304}


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>no sitemap</body></html>",
        b"<urlset><url><loc>cut",
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa">]><urlset><url><loc>&a;</loc></url></urlset>',
        b"\x1f\x8bnot packed",
    ],
)
def test_a_sitemap_that_cannot_be_read_is_an_error_and_not_an_empty_site(
    site: Site, open_web: Open, tmp_path: Path, body: bytes
) -> None:
    site["/map.xml"] = Served(body)
    with pytest.raises(SourceError, match="sitemap"):
        listed(open_web(start=(), sitemaps=(f"{site.url}/map.xml",)))
    site["/"] = a_page("Home")
    source = open_web(sitemaps=(f"{site.url}/map.xml",))
    references = {path_of(reference.uri): reference for reference in source.references()}
    assert set(references) == {"/", "/map.xml"}
    with pytest.raises(DocumentError, match="sitemap"):
        source.fetch(references["/map.xml"], tmp_path)
    assert len(source.partial) == 1
    site["/map.xml"] = Served(b"<urlset></urlset>", headers={"content-type": "application/xml"})
    mended = open_web(sitemaps=(f"{site.url}/map.xml",))
    assert set(listed(mended, {f"{site.url}/map.xml": "failed corrupt"})) == {"/"}
    assert mended.covers(f"{site.url}/map.xml"), "its failure is forgotten"


def test_globs_choose_pages_and_who_may_read_them(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/docs/a", "/docs/old/b", "/news/c")
    site["/docs/a"] = a_page("A")
    site["/docs/old/b"] = a_page("B")
    site["/news/c"] = a_page("C", "/docs/from-news")
    site["/docs/from-news"] = a_page("D")
    source = open_web(
        include=("docs/**",),
        exclude=("docs/old/**",),
        access=({"glob": "docs/a", "principals": ("group:hr",)},),
    )
    references = {path_of(reference.uri): reference.access for reference in source.references()}
    assert references == {"/docs/a": ("group:hr",), "/docs/from-news": ()}
    assert "/docs/old/b" not in site.paths()


def test_a_visit_ends_after_so_many_pages_and_takes_nothing_for_gone(
    site: Site, open_web: Open, tmp_path: Path
) -> None:
    site["/"] = a_page("Home", *(f"/{number}" for number in range(10)))
    for number in range(10):
        site[f"/{number}"] = a_page(str(number))
    source = open_web(max_pages=4, unlinked="remove")
    *pages, beyond = source.references()
    assert len(pages) == 4
    with pytest.raises(DocumentError, match="more than 4 pages"):
        source.fetch(beyond, tmp_path)
    assert "max_pages" in source.partial[0]
    assert not source.covers(f"{site.url}/9")
    wider = open_web(max_pages=40)
    assert len(listed(wider, {beyond.uri: "failed too_many_pages"})) == 11
    assert wider.covers(beyond.uri), "its failure is forgotten"


def test_links_are_followed_so_deep_and_no_deeper(site: Site, open_web: Open) -> None:
    for number in range(5):
        site[f"/{number or ''}"] = a_page(str(number), f"/{number + 1}")
    assert list(listed(open_web(max_depth=2))) == ["/", "/1", "/2"]


def test_what_is_no_document_is_left_out(site: Site, open_web: Open) -> None:
    site["/"] = a_page("Home", "/feed", "/photo", "/download", "/download.pdf")
    site["/feed"] = Served(b"<rss/>", headers={"content-type": "application/rss+xml"})
    site["/photo"] = Served(b"\x89PNG", headers={"content-type": "image/png"})
    site["/download"] = Served(b"\0\1", headers={"content-type": "application/octet-stream"})
    site["/download.pdf"] = Served(b"%PDF", headers={"content-type": "application/octet-stream"})
    assert list(listed(open_web())) == ["/", "/download.pdf"]


def test_a_page_that_is_too_large_fails_alone(site: Site, open_web: Open, tmp_path: Path, settings: Settings) -> None:
    site["/"] = a_page("Home", "/big")
    site["/big"] = Served(
        gzip.compress(b"x" * (3 << 20)), headers={"content-type": "text/html", "content-encoding": "gzip"}
    )
    small = settings.model_copy(update={"max_file_mb": 1})
    values = {"name": "wiki", "type": "web", "start": (f"{site.url}/",), "delay_seconds": 0, "allow_private": True}
    source = WebSource(WebSettings.model_validate(values), small)
    references = list(source.references())
    assert len(references) == 2
    with pytest.raises(DocumentError) as raised:
        source.fetch(references[1], tmp_path)
    assert raised.value.code == "too_large"


def test_what_is_remembered_may_be_lost_without_harm(site: Site, open_web: Open, settings: Settings) -> None:
    site["/"] = a_page("Home", "/a")
    site["/a"] = a_page("A")
    first = listed(open_web())
    (memory,) = (settings.home / "web").glob("*.db")
    memory.write_bytes(b"not a database at all" * 1000)
    assert listed(open_web(), known_of(site, first)) == first


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"start": ["ftp://x/"]},
        {"start": ["http://u:secret@x/"]},
        {"start": ["x"]},
        {"start": ["http://x/"], "a": 1},
    ],
)
def test_settings_that_lead_nowhere_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        WebSettings.model_validate({"name": "wiki", "type": "web", **values})
    assert "secret" not in str(raised.value)


def test_a_slow_site_is_given_up(open_web: Open, site: Site) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        with pytest.raises(SourceError, match="in time"):
            list(open_web(start=(f"http://127.0.0.1:{silent.getsockname()[1]}/",), timeout_seconds=0.2).references())
        assert time.monotonic() - started < 10
