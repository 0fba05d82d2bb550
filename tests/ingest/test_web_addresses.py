"""Web addresses in their one form, the machines behind them, and what sites ask of robots."""

from __future__ import annotations

import pytest

from ingest.sources.web.addresses import may_speak_to, normal
from ingest.sources.web.kinds import is_readable, name_of
from ingest.sources.web.links import read_links, robots_words
from ingest.sources.web.robots import read_robots


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("HTTP://Example.COM:80/a/../b/./c?x=1&utm_source=mail#part", "", "http://example.com/b/c?x=1"),
        ("../制度?页=1", "https://e.com/a/b/c", "https://e.com/a/%E5%88%B6%E5%BA%A6?%E9%A1%B5=1"),
        ("https://e.com:8443", "", "https://e.com:8443/"),
        ("/%7euser/a%2fb%3A", "http://e.com/", "http://e.com/~user/a%2Fb%3A"),
        ("?page=2", "http://e.com/list?page=1", "http://e.com/list?page=2"),
        ("http://e.com/../../a/..", "", "http://e.com/"),
        ("http://bücher.example/", "", "http://xn--bcher-kva.example/"),
        ("http://[::1]:80/a b", "", "http://[::1]/a%20b"),
        ("mailto:a@e.com", "http://e.com/", None),
        ("javascript:alert(1)", "http://e.com/", None),
        ("http://user:secret@e.com/", "", None),
        ("http://[", "", None),
        ("http://e.com:port/", "", None),
        ("http://e.com/" + "a" * 2000, "", None),
    ],
)
def test_an_address_has_one_form(url: str, base: str, expected: str | None) -> None:
    assert normal(url, base) == expected
    if expected is not None:
        assert normal(expected) == expected


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1::1", True, True),
        ("127.0.0.1", False, True),
        ("10.1.2.3", False, True),
        ("100.64.0.1", False, True),
        ("::1", False, True),
        ("fd12::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("2002:7f00:1::", False, True),
        ("169.254.169.254", False, False),
        ("100.100.100.200", False, False),
        ("fe80::1%eth0", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
        ("168.63.129.16", False, False),
        ("192.0.0.192", False, False),
        ("fd00:ec2::254", False, False),
        ("fd20:ce::254", False, False),
        ("::ffff:168.63.129.16", False, False),
        ("fec0::1", False, True),
        ("5f00::1", False, True),
        ("::10.0.0.1", False, True),
        ("::93.184.216.34", False, True),
        ("::169.254.169.254", False, False),
        ("::", False, False),
        ("::ffff:93.184.216.34", True, True),
        ("::ffff:0:169.254.169.254", False, False),
        ("64:ff9b::5db8:d822", True, True),
        ("64:ff9b::a00:1", False, True),
        ("64:ff9b::a83f:8110", False, False),
        ("64:ff9b:1::5db8:d822", False, True),
        ("64:ff9b:1::a9fe:a9fe", False, False),
        ("64:ff9b:1:a9fe:a9:fe00::", False, False),
        ("64:ff9b:1:a9:fe:a9fe::", False, False),
        ("64:ff9b:1:0:a9:fea9:fe00:0", False, False),
        ("2002:5db8:d822::", True, True),
        ("2002:a9fe:a9fe::", False, False),
        ("2001:0:5db8:d822::a247:27dd", True, True),
        ("2001:0:5db8:d822::f5ff:fffe", False, True),
        ("2001:0:a9fe:a9fe::a247:27dd", False, False),
        ("2001:0:5db8:d822::5601:5601", False, False),
        ("2001:db8::1", False, True),
        ("not an address", False, False),
    ],
)
def test_which_machines_may_be_spoken_to(address: str, public: bool, private: bool) -> None:
    assert (may_speak_to(address, private=False), may_speak_to(address, private=True)) == (public, private)


@pytest.mark.parametrize(
    ("rules", "allowed", "refused"),
    [
        ("", ["/"], []),
        ("User-agent: *\nDisallow:", ["/a"], []),
        ("User-agent: *\nDisallow: /", [], ["/", "/a"]),
        ("User-agent: other\nDisallow: /", ["/a"], []),
        ("User-agent: *\nDisallow: /\nUser-agent: Youju/2\nAllow: /", ["/a"], []),
        ("User-agent: a\nUser-agent: youju\nDisallow: /a # no\n", ["/b"], ["/a", "/ab", "/a/b"]),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", ["/a/b/c"], ["/a", "/a/c"]),
        ("User-agent: *\nAllow: /a\nDisallow: /a", ["/a"], []),
        ("User-agent: *\nDisallow: /*.pdf$\nDisallow: /p*n?x=", ["/a.pdf?v=1", "/pn"], ["/a/b.pdf", "/person?x=1"]),
        ("User-agent: *\nDisallow: /*a*b*c$", ["/abcd", "/acb"], ["/xaxbxc"]),
        ("User-agent: *\nDisallow: /%e4%b8%ad", [], ["/%E4%B8%AD"]),
        ("Disallow: /\nUser-agent: *\nSitemap: x\nnonsense\nDisallow: /a", ["/b"], ["/a"]),
        ("\ufeffuser-agent:*\r\ndisallow:/a\r\n\r\nUSER-AGENT: *\r\nDisallow: /b", ["/c"], ["/a", "/b"]),
    ],
)
def test_robots_txt_is_read_as_the_standard_says(rules: str, allowed: list[str], refused: list[str]) -> None:
    robots = read_robots(rules, "Youju")
    answers = {path: robots.allows(f"http://e.com{path}") for path in [*allowed, *refused]}
    assert answers == dict.fromkeys(allowed, True) | dict.fromkeys(refused, False)


def test_many_wildcards_take_no_time() -> None:
    robots = read_robots("User-agent: *\nDisallow: /" + "*a" * 500 + "$", "Youju")
    assert robots.allows("http://e.com/" + "a" * 1900 + "b")


@pytest.mark.parametrize(("value", "seconds"), [("2", 2.0), ("0.5", 0.5), ("soon", 0.0), ("inf", 0.0)])
def test_a_crawl_delay_is_read(value: str, seconds: float) -> None:
    assert read_robots(f"User-agent: *\nCrawl-delay: {value}", "Youju").delay_seconds == seconds


def test_links_of_a_page_however_it_is_written() -> None:
    page = (
        "<base href='/docs/'><a href=a>A</a><A HREF='b?x=1&amp;y=2'>B</A><a href='a#2'>A</a><area href=c><a>no</a>"
        "<iframe src=d></iframe><link rel='next' href=e><link rel=x href=f><a rel='nofollow x' href=g>G</a>"
        "<meta http-equiv=refresh content='0; url=h'><!-- <a href=i> --><script>'<a href=j>'</script><a href='k"
    )
    found = read_links(page.encode(), "http://e.com/x/y", None, "Youju")
    assert found.links == [f"http://e.com/docs/{each}" for each in ("a", "b?x=1&y=2", "c", "d", "e", "h")]
    assert (found.canonical, found.is_indexed) == (None, True)
    assert read_links(b"<![nonsense<a href=a>", "http://e.com/", "no-such-charset", "Youju").is_indexed


def test_what_a_page_asks_of_one_robot_is_not_asked_of_others() -> None:
    assert robots_words("otherbot: noindex, nofollow", "youju") == set()
    assert robots_words("otherbot: none, youju: noindex", "Youju") == {"noindex"}
    assert robots_words("NOINDEX, max-snippet: 5", "youju") == {"noindex", "max-snippet: 5"}


@pytest.mark.parametrize(
    ("url", "media_type", "name"),
    [
        ("http://e.com/", "text/html", "index.html"),
        ("http://e.com/制度.html", "text/html", "制度.html"),
        ("http://e.com/%E5%88%B6%E5%BA%A6.htm", "text/html", "制度.htm"),
        ("http://e.com/page.php?id=1", "text/html", "page.php.html"),
        ("http://e.com/download?id=1", "application/pdf", "download.pdf"),
        ("http://e.com/notes.md", "text/plain", "notes.md"),
    ],
)
def test_a_document_is_named_for_what_it_is(url: str, media_type: str, name: str) -> None:
    assert name_of(url, media_type) == name
    assert is_readable(url, media_type)
