"""Sites that send little and mean much: what an answer may cost in memory and time, whatever it says it is."""

from __future__ import annotations

import gzip
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

import pytest

from ingest.errors import DocumentError, SourceError
from ingest.settings import IngestSettings
from ingest.sources.from_settings import open_source
from ingest.sources.settings import WebSettings
from ingest.sources.web.charsets import recode
from ingest.sources.web.client import Manners, WebClient
from ingest.sources.web.links import read_links
from ingest.sources.web.robots import read_robots
from ingest.sources.web.sitemaps import read_sitemap
from tests.ingest.peak_memory import peak_mb
from tests.ingest.web_site import Served, Site, a_page, web_site

MANNERS = Manners("Youju/0.1", delay_seconds=0, timeout_seconds=5, allow_private=True)
_FETCH = """
manners = Manners("Youju/0.1", delay_seconds=0, timeout_seconds=5, allow_private=True)
try:
    got = WebClient(manners).get(sys.argv[1], folder=Path(sys.argv[2]))
    answer = [got.status, got.size]
except DocumentError as error:
    answer = [error.code, 0]
"""
_IMPORTS = """
import ssl, httpx
from ingest.errors import DocumentError
from ingest.sources.web.client import Manners, WebClient
WebClient(Manners("Youju/0.1"))._client("x")
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with web_site() as opened:
        yield opened


def served(body: bytes, coding: str, status: int = 200) -> Served:
    headers = {"content-type": "text/html", "content-encoding": coding, "location": "/elsewhere"}
    return Served(body, status, headers, validators=False)


@cache
def bomb(levels: int, size: int = 256 << 20) -> bytes:
    packed = b"\0" * size
    for _ in range(levels):
        packed = gzip.compress(packed, mtime=0)
    return packed


@pytest.mark.parametrize(
    ("coding", "levels", "status", "answer"),
    [
        ("gzip, gzip, gzip", 3, 200, ["encoding_unsupported", 0]),
        ("gzip, gzip, gzip", 3, 404, [404, 0]),
        ("gzip, gzip, gzip", 3, 302, [302, 0]),
        ("gzip", 1, 200, [200, 256 << 20]),
        ("gzip", 1, 404, [404, 0]),
    ],
)
def test_an_answer_takes_no_more_memory_than_a_piece_of_it(
    site: Site, tmp_path: Path, coding: str, levels: int, status: int, answer: list[object]
) -> None:
    site["/"] = served(bomb(levels), coding, status)
    got, megabytes = peak_mb(_IMPORTS, _FETCH, f"{site.url}/", tmp_path)
    assert got == answer
    assert megabytes < 16


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, deflate", "nonsense", "gzip, br"])
def test_a_coding_that_was_not_asked_for_is_refused_for_that_page_alone(
    site: Site, tmp_path: Path, coding: str
) -> None:
    site["/a"] = served(b"x" * 100, coding)
    site["/b"] = a_page("good")
    with closing(WebClient(MANNERS)) as client:
        with pytest.raises(DocumentError) as caught:
            client.get(f"{site.url}/a", folder=tmp_path)
        assert (caught.value.code, bool(caught.value.hint)) == ("encoding_unsupported", True)
        assert client.get(f"{site.url}/b", folder=tmp_path).status == 200
    assert site.statuses() == {"/a": 200, "/b": 200}


def bare_deflate(body: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-15)
    return packing.compress(body) + packing.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", b"the words"),
        ("identity", b"the words"),
        ("GZIP", gzip.compress(b"the words", mtime=0)),
        ("x-gzip", gzip.compress(b"the words", mtime=0)),
        ("identity, gzip", gzip.compress(b"the ", mtime=0) + gzip.compress(b"words", mtime=0)),
        ("gzip", gzip.compress(b"the words", mtime=0) + b"\0\0 and what nobody meant"),
        ("deflate", zlib.compress(b"the words")),
        ("deflate", bare_deflate(b"the words")),
    ],
)
def test_what_was_packed_once_comes_out(site: Site, tmp_path: Path, coding: str, body: bytes) -> None:
    site["/"] = served(body, coding)
    with closing(WebClient(MANNERS)) as client:
        answer = client.get(f"{site.url}/", folder=tmp_path)
    assert answer.path is not None
    assert answer.path.read_bytes() == b"the words"


def test_an_empty_body_needs_no_packing(site: Site, tmp_path: Path) -> None:
    site["/"] = served(b"", "gzip")
    with closing(WebClient(MANNERS)) as client:
        assert client.get(f"{site.url}/", folder=tmp_path).size == 0


@pytest.mark.parametrize(
    "body",
    [
        b"<html>as it is</html>",
        gzip.compress(b"x" * 999, mtime=0)[:-9],
        gzip.compress(b"x" * 999, mtime=0)[:1],
        b"\x1f\x8b" * 99,
    ],
)
def test_a_damaged_body_is_an_error_of_that_page_and_leaves_no_file(site: Site, tmp_path: Path, body: bytes) -> None:
    site["/"] = served(body, "gzip")
    with closing(WebClient(MANNERS)) as client, pytest.raises(DocumentError) as caught:
        client.get(f"{site.url}/", folder=tmp_path)
    assert caught.value.code == "corrupt"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("body", [gzip.compress(b"\0" * (9 << 20), mtime=0), gzip.compress(b"", mtime=0) * (2 << 16)])
def test_a_limit_is_of_what_comes_out_and_of_what_goes_in(site: Site, tmp_path: Path, body: bytes) -> None:
    site["/"] = served(body, "gzip")
    with closing(WebClient(MANNERS)) as client, pytest.raises(DocumentError) as caught:
        client.get(f"{site.url}/", folder=tmp_path, max_bytes=2**20)
    assert caught.value.code == "too_large"
    assert list(tmp_path.iterdir()) == []


def test_a_small_answer_that_nobody_wants_leaves_the_connection_open_and_a_large_one_closes_it(
    site: Site, tmp_path: Path
) -> None:
    site["/small"] = served(b"x" * 1000, "gzip, gzip", 404)
    site["/large"] = served(b"x" * 1_000_000, "gzip", 404)
    site["/"] = a_page("good")
    with closing(WebClient(MANNERS)) as client:
        for path in ("/small", "/", "/large", "/"):
            client.get(f"{site.url}{path}", folder=tmp_path)
    first, second, third, fourth = (asked.connection for asked in site.asked)
    assert first == second == third != fourth


@pytest.mark.parametrize(
    "wanted", ["²", "٣", "9" * 5000, "-1", "Mon, 01 Jan 99999999999 00:00:00 GMT", "1 Jan 0 0:0:0 +9999999999", "soon"]
)
def test_no_wish_to_be_left_alone_ends_a_visit(site: Site, wanted: str) -> None:
    site["/"] = a_page("start", "/busy", "/good")
    site["/busy"] = Served(b"later", 503, {"retry-after": wanted.encode().decode("latin-1")})
    site["/good"] = a_page("good")
    values = {"name": "wiki", "type": "web", "start": (f"{site.url}/",), "delay_seconds": 0, "allow_private": True}
    source = open_source(WebSettings.model_validate(values), IngestSettings())
    found = {reference.uri: reference.token for reference in source.references()}
    assert found.keys() == {f"{site.url}/{name}" for name in ("", "busy", "good")}
    assert found[f"{site.url}/busy"] == "failed web_failed"


def test_a_robots_txt_that_names_ten_thousand_robots_is_read_at_once() -> None:
    text = (
        "user-agent: youju\n" * 30_000 + "".join(f"user-agent: a{n}\n" for n in range(20_000)) + "allow: /\n" * 50_000
    )
    began = time.monotonic()
    assert len(read_robots(text, "Youju").rules) == 50_000
    assert time.monotonic() - began < 20


_SITEMAP = """
try:
    answer = len(read_sitemap(Path(sys.argv[1]), "http://e.com/sitemap.xml")[0])
except DocumentError as error:
    answer = error.code
"""
_SITEMAP_IMPORTS = "from ingest.sources.web.sitemaps import read_sitemap\nfrom ingest.errors import DocumentError"


@pytest.mark.parametrize(
    ("begin", "repeated", "end", "answer"),
    [
        (b"", b"ab ", b"", 0),
        (b"", b"x", b"", 0),
        (b"<urlset>", b"<a>", b"", "sitemap_unreadable"),
        (b"<urlset><a b='", b"x", b"'/></urlset>", "sitemap_unreadable"),
        (b"<urlset><url><loc>", b"x", b"</loc></url></urlset>", 0),
        (b"<urlset>", b"<url><loc>http://e.com/</loc></url>", b"</urlset>", 1),
    ],
)
def test_a_sitemap_takes_little_memory_whatever_is_in_it(
    tmp_path: Path, begin: bytes, repeated: bytes, end: bytes, answer: object
) -> None:
    path = tmp_path / "sitemap.xml.gz"
    path.write_bytes(gzip.compress(begin + repeated * ((40 << 20) // len(repeated)) + end))
    got, megabytes = peak_mb(_SITEMAP_IMPORTS, _SITEMAP, path)
    assert got == answer
    assert megabytes < 40


def test_sitemaps_are_read_to_their_limit(tmp_path: Path) -> None:
    path = tmp_path / "sitemap.txt"
    path.write_bytes(b"\xef\xbb\xbf" + b"".join(b"http://e.com/%06d\r\n" % number for number in range(60_000)))
    urls, is_index = read_sitemap(path, "http://e.com/sitemap.txt")
    assert (len(urls), urls[0], urls[-1], is_index) == (50_000, "http://e.com/000000", "http://e.com/049999", False)
    path.write_bytes(b"http://e.com/a http://e.com/\xe4\xb8\xad")
    assert read_sitemap(path, "http://e.com/sitemap.txt")[0] == ["http://e.com/a", "http://e.com/%E4%B8%AD"]
    path.write_bytes(gzip.compress(b"x" * (51 << 20)))
    with pytest.raises(DocumentError, match="larger than 50 MiB"):
        read_sitemap(path, "http://e.com/sitemap.txt")


def test_a_large_text_is_written_as_utf8_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("中文".encode("gbk") * (10 << 20))
    work = "recode(Path(sys.argv[1]), 'gb2312')"
    _, megabytes = peak_mb("from ingest.sources.web.charsets import recode", work, path)
    assert megabytes < 24
    assert path.stat().st_size == 3 + 6 * (10 << 20)
    assert path.read_bytes()[:9] == b"\xef\xbb\xbf" + "中文".encode()


@pytest.mark.parametrize("charset", ["punycode", "unicode_escape", "zlib", "idna", "no such", "\0"])
def test_what_is_no_encoding_of_text_is_not_tried(tmp_path: Path, charset: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"-" + b"a" * 200_000)
    began = time.monotonic()
    recode(path, charset)
    assert path.read_bytes() == b"-" + b"a" * 200_000
    page = b"<a href=x>" + b"a" * 200_000
    assert read_links(page, "http://e.com/", charset, "Youju").links == ["http://e.com/x"]
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("piece", ["<a ", "<!--", "<x></y>", "<a href=x>"])
def test_a_run_that_is_cancelled_does_not_read_a_page_to_its_end(site: Site, tmp_path: Path, piece: str) -> None:
    site["/"] = piece * ((4 << 20) // len(piece))
    settings = WebSettings(type="web", name="site", start=[f"{site.url}/"], allow_private=True, delay_seconds=0)
    source = open_source(settings, IngestSettings(home=tmp_path))
    stop = threading.Event()
    source.give_up_at(stop)
    ended: list[float] = []

    def visit() -> None:
        with suppress(DocumentError, SourceError):
            list(source.references())
        ended.append(time.thread_time())

    visiting = threading.Thread(target=visit, daemon=True)
    visiting.start()
    assert visiting.ident is not None
    clock = time.pthread_getcpuclockid(visiting.ident)
    while not site.asked or site.asked[-1].path != "/":
        time.sleep(0.02)
    time.sleep(0.2)
    stop.set()
    cancelled = time.clock_gettime(clock) if not ended else ended[0]
    visiting.join(30)
    assert ended
    assert ended[0] - cancelled < 0.5  # of a processor: it takes 0.03, and 2 to 6 to the end of some pages


@pytest.mark.parametrize("opened", ["<x></y>", "<div><p>", "<b></i>"])
def test_what_was_never_closed_hides_no_link_and_takes_linear_time(opened: str) -> None:
    page = "<title>a</title><base href=/docs/>" + opened * 30_000 + "<script>'<a href=no>'</script><a href=yes>"
    assert read_links(page.encode(), "http://e.com/", None, "Youju").links == ["http://e.com/docs/yes"]
    seconds = []
    for length in (100_000, 800_000):
        began = time.thread_time()
        read_links(opened.encode() * (length // len(opened)), "http://e.com/", None, "Youju")
        seconds.append(time.thread_time() - began)
    assert seconds[1] < 3 * 8 * seconds[0]


@pytest.mark.slow
def test_a_page_of_links_without_end_is_said_to_be_too_slow() -> None:
    with pytest.raises(DocumentError, match="take too long") as refused:
        read_links(b"<a href=x#>" * 4_000_000, "http://e.com/", None, "Youju")
    assert refused.value.code == "too_slow"
