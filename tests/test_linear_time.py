"""No text that a caller, a document or a model can write takes more than linear time to read.

One expression that takes quadratic time on a long run of digits stops the server for everybody: it runs under the
interpreter's lock.
"""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from lxml import etree

import api
import assistant
import ingest
from api.answers.nearest import snippet
from api.answers.notices import without_notice
from api.channels import markdown
from api.dingtalk.markdown import spaced
from assistant import (
    cite,
    condense,
    context,
    figures,
    follow_up,
    follow_up_words,
    links,
    nearest,
    quote,
    refuse,
    same_text,
    second_search,
    small_talk,
    terms,
)
from assistant.checking import figures as checking
from assistant.checking import quantities
from assistant.checking import segments as clauses
from assistant.checking.passage import Passage
from assistant.conversation import Turn
from assistant.events import Evidence
from assistant.gate import words
from assistant.models.end_tokens import EndTokenFilter
from assistant.models.extractive import quotations
from assistant.models.failures import stream_error
from assistant.models.refused_fields import RefusedFields
from assistant.models.servers.streams import LineDecoder
from assistant.models.thinking import ThinkingFilter
from assistant.prompts import answer_language, fences, messages
from assistant.quoting import forms, kinds, parts
from assistant.quoting import intervals as quoting_intervals
from assistant.request import Request
from assistant.sse import EventDecoder
from ingest import language
from ingest.access import is_principal
from ingest.archives import names as archive_names
from ingest.document import Element, ElementKind, Location, ParsedDocument
from ingest.embedding import codes, numbers
from ingest.embedding.glosses import dictionary
from ingest.errors import YoujuError
from ingest.parse import contents_lists, html_word_markdown, sniff
from ingest.parse.mail import message as mail
from ingest.parse.office import opendocument_epub as opened
from ingest.parse.office import rtf
from ingest.parse.page import hyphens, segments
from ingest.parse.pdf import garbled_text as legible
from ingest.parse.pdf import outline
from ingest.parse.pictures.drawings import read_drawing
from ingest.parse.pictures.embedded import Pictures
from ingest.parse.pictures.in_pages import PagePictures
from ingest.parse.sheets import number_formats
from ingest.parse.sheets import reader as sheets
from ingest.parse.sheets.formulas.calculator import Calculator, Formula
from ingest.parse.sheets.formulas.values import UncomputableError
from ingest.parse.tables.elements import table_elements
from ingest.parse.tables.units import are_units
from ingest.parse.text import characters, columns, confluence, encoding, markup
from ingest.parse.text import plain as text
from ingest.settings import IngestSettings
from ingest.sources.web import addresses, robots
from ingest.sources.web import links as page_links
from ingest.split import split
from ingest.uploads import register as uploads
from tests.canned_retrieval import hits_of, passage
from tests.hostile_texts import PATTERNS, slow_patterns, slow_uses

BOUNDED = {
    "ingest.sources.selection._WILD": "reads the globs of the settings, which the operator writes",
}
"""Expressions that meet nothing a stranger wrote, and may take their time."""


def _expressions() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes], str]]:
    """Every compiled expression of the project, with each method that its module uses it by."""
    for package in (ingest, assistant, api):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" in found.name:
                continue
            module = importlib.import_module(found.name)
            source = inspect.getsource(module)
            for name, value in vars(module).items():
                if not re.search(rf"^{name}\b[^\n]*= ", source, re.M):
                    continue  # imported from where it is tried
                group = value if isinstance(value, tuple) else (value,)
                methods = set(re.findall(rf"\b{name}\.(search|match|fullmatch|findall|finditer|sub|split)\b", source))
                for expression in group:
                    if isinstance(expression, re.Pattern):
                        for method in sorted(methods or {"search"}):
                            yield f"{found.name}.{name}", expression, method


_NO_PICTURES = Pictures(enabled=False, most=0)


def _parsed(whole: str, kind: ElementKind) -> ParsedDocument:
    element = Element(kind, whole, Location(start=0, end=len(whole)))
    return ParsedDocument("txt", "Title", (element,), whole)


def _book(whole: str) -> None:
    """An e-book of one chapter."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("META-INF/container.xml", '<c><r full-path="a.opf"/></c>')
        listed = '<manifest><item id="a" href="a.x"/></manifest><spine><itemref idref="a"/></spine>'
        archive.writestr("a.opf", f"<package>{listed}</package>")
        archive.writestr("a.x", f"<html><body><p>one</p>{whole}")
    opened.read_epub(stream.getvalue(), Pictures(enabled=False, most=0))


def _computed(whole: str) -> None:
    """A formula, and texts of cells that it compares with a pattern and joins."""
    cells = {(1, 1): whole, (2, 1): f"={whole}", (3, 1): f'=COUNTIF(A1,"*{whole[:200]}*b")&SUBSTITUTE(A1,"a","b")&A1'}
    formulas: dict[tuple[int, int], object] = {place: Formula(text) for place, text in cells.items() if place != (1, 1)}
    calculator = Calculator({"a": {(1, 1): whole, **formulas}})
    for row, column in formulas:
        with suppress(UncomputableError):
            calculator.computed("a", row, column)


def _letters(texts: list[str] | tuple[str, ...]) -> list[int]:
    return [len(each) for each in texts]


def _split(kind: ElementKind) -> Callable[[str], object]:
    return lambda whole: split(_parsed(whole, kind), IngestSettings(), _letters)


def _told(reply: str) -> None:
    """A model's reply that comes in small pieces, all of it held back or none."""
    for is_open in (True, False):
        thinking, ending = ThinkingFilter(opened=is_open), EndTokenFilter()
        for start in range(0, len(reply), 5):
            ending.feed(thinking.feed(reply[start : start + 5]))
        ending.feed(thinking.finish(cut=False))
        ending.finish()


def _decoded(stream: str) -> None:
    """Events whose bytes come in small pieces."""
    decoder, content = EventDecoder(longest_bytes=1 << 30), f"data: {stream}\ndata:\n\n".encode()
    for start in range(0, len(content), 5):
        decoder.feed(content[start : start + 5])


def _decoded_lines(stream: str) -> None:
    """The same of lines of JSON."""
    decoder, content = LineDecoder(longest_bytes=1 << 30), f"{stream}\n".encode()
    for start in range(0, len(content), 5):
        decoder.feed(content[start : start + 5])


def _cited(answer: str) -> None:
    """An answer that comes in small pieces, and each of its markers."""
    citer = cite.Citer([Evidence(1, hits_of(passage("年假为十天, 15 days of leave."))[0])], "年假 leave 15")
    for start in range(0, len(answer), 7):
        list(citer.feed(answer[start : start + 7]))
    list(citer.finish())


def _cited_from(whole: str) -> None:
    """A statement that is compared with a document of this text, for a question of this text."""
    citer = cite.Citer([Evidence(1, hits_of(passage(whole))[0])], whole)
    list(citer.feed(f"{whole}[1]"))
    list(citer.finish())


def _borne_out(whole: str) -> None:
    """A statement whose figures are compared with a passage, the asker's among them."""
    text = f"{whole}\n\n满 15 天"
    checking.borne_out(f"30 天, {whole[:2000]}", "30 7 9999", [Passage("", text)])


def _quoted(whole: str) -> None:
    dictionary()  # a server has loaded it before the first question
    evidence = (Evidence(1, hits_of(passage(whole))[0]),)
    request = Request(messages.answer_messages(whole, "zh", evidence), whole, "zh", evidence)
    list(quotations(request))


def _tabled(whole: str) -> None:
    """A table that is quoted, with a header and cells of this text."""
    row = f"| {whole} | {whole} |"
    evidence = (Evidence(1, hits_of(passage(f"{row}\n| --- | --- |\n{row}"))[0]),)
    list(quotations(Request((), "年假有几天？", "zh", evidence)))


def _coverage(whole: str) -> float:
    found = terms.terms(whole)
    return terms.coverage(dict.fromkeys(found, 1.0), set(found))


READERS: dict[str, Callable[[str], object]] = {
    "language.detect": language.detect,
    "language.fold": language.fold,
    "language.sentences": language.sentences,
    "embedding.codes, a passage": codes.with_codes,
    "embedding.codes, a question": lambda whole: codes.with_codes(whole, asked=True),
    "embedding.codes, the codes": codes.codes_in,
    "embedding.numbers, the days": numbers.days_in,
    "archive_names.harmless": archive_names.harmless,
    "archive_names.is_archive": archive_names.is_archive,
    "archive_names.split_uri": archive_names.split_uri,
    "access.is_principal": is_principal,
    "uploads.checked_path": uploads.checked_path,
    "split, prose": _split("paragraph"),
    "split, table": _split("table"),
    "split, code": _split("code"),
    "parse.hyphens": lambda whole: hyphens.mended([f"{whole}\x02a"]),
    "parse.segments": lambda whole: segments.joined(whole, whole),
    "parse.outline": outline.bare,
    "parse.legible, garbage": legible.is_garbage,
    "parse.legible, doubtful": legible.is_doubtful,
    "parse.encoding": encoding.storable,
    "parse.characters": characters.name,
    "parse.confluence": lambda whole: confluence.html_of(f"<p>{whole}"),
    "parse.sniff": lambda whole: sniff.text_kind(whole, "", True, lambda: False),
    "parse.markup, rst": markup.read_rst,
    "parse.markup, org": markup.read_org,
    "parse.text": text.read_text,
    "parse.contents_lists": lambda whole: contents_lists.without_contents([Element("paragraph", whole)] * 2),
    "parse.text.columns": lambda whole: list(
        columns.with_tables_by_tabs([Element("paragraph", f"{whole}\t{whole}"), *[Element("paragraph", "a\t\tb")] * 3])
    ),
    "parse.text, json": text.read_json,
    "parse.text, xml": lambda whole: text.read_xml(f"<a><b>{whole}</b></a>".encode(), "a.xml"),
    "parse.sheets, csv": sheets.read_csv,
    "parse.sheets, formats": lambda whole: number_formats.shown_text(
        f"{number_formats.shown_number(1.5, whole)}@", whole
    ),
    "parse.sheets, formulas": _computed,
    "parse.table_elements": lambda whole: list(table_elements([[whole, f"{whole}a"], [f"{whole}1", whole]])),
    "parse.tables.below": lambda whole: list(table_elements([["a", "b", "c"], ["1", "2", "3"], [whole, "", ""]])),
    "parse.drawings": lambda whole: read_drawing(f'<svg xmlns="http://www.w3.org/2000/svg"><text>{whole}'.encode()),
    "parse.rtf": lambda whole: rtf.read_rtf(f"{{\\rtf1 {whole}}}".encode()),
    "parse.mail": lambda whole: mail.read_eml(
        f"Subject: a\nContent-Type: text/html\n\n{whole}".encode(), "a.eml", _NO_PICTURES
    ),
    "parse.opened, epub": _book,
    "parse.html_word_markdown, html": html_word_markdown.read_html,
    "parse.html_word_markdown, html with pictures": lambda whole: html_word_markdown.read_html(
        f"<p>{whole}", words_of=PagePictures(_NO_PICTURES)
    ),
    "parse.text.html_drawings": lambda whole: html_word_markdown.read_html(
        f"<!--[if gte vml 1]>{whole}<v:shape href='{whole}' alt='{whole}'>{whole}</v:shape><![endif]-->"
        f"<img usemap='#m'><map name='m'><area href='{whole}' alt='{whole}'></map><svg><a href='{whole}'><text>{whole}"
    ),
    "parse.text.html_numbers": lambda whole: html_word_markdown.read_html(
        f"<style>.a{{mso-number-format:{whole}}}{whole}</style><table><td style='mso-number-format:{whole}'>{whole}"
    ),
    "parse.tables.units": lambda whole: are_units(["", whole, f"({whole}"], ["", "a", "b"]),
    "parse.html_word_markdown, markdown": html_word_markdown.read_markdown,
    "sources.addresses": lambda whole: addresses.normal(f"http://a.example/{whole}"),
    "sources.page_links": lambda whole: page_links.robots_words(whole, "youju"),
    "sources.page_links, the page": lambda whole: page_links.read_links(whole.encode(), "http://e.com/", None, "youju"),
    "sources.robots": lambda whole: robots.read_robots(whole, "youju"),
    "terms.terms": terms.terms,
    "terms.figures": terms.figures,
    "terms.numbers": terms.numbers,
    "terms.coverage": _coverage,
    "figures.measures": figures.measures,
    "checking.quantities": lambda whole: quantities.quantities(quantities.read_text(whole)),
    "checking.segments": lambda whole: clauses.segments_of("", whole),
    "checking.borne_out": _borne_out,
    "links.addresses": lambda whole: links.addresses(passage(whole)),
    "quote": lambda whole: quote.Quotes(passage(whole)).best(whole[:2000], ["leave"]),
    "cite, the answer": _cited,
    "cite, the document": _cited_from,
    "gate.words": lambda whole: words.relevance(whole, hits_of(passage(whole))),
    "refuse.is_refusal": refuse.is_refusal,
    "context.estimate_tokens": context.estimate_tokens,
    "context.choose_evidence": lambda whole: context.choose_evidence(
        hits_of(passage(whole), passage(f"{whole}a")), limit=5, budget_tokens=100_000
    ),
    "same_text": lambda whole: same_text.distinct(
        hits_of(passage(whole, title=whole), passage(f"{whole}a", title=whole)), whole
    ),
    "nearest": lambda whole: nearest.nearest(whole, hits_of(passage(whole), passage(f"{whole}a"))),
    "small_talk": lambda whole: small_talk.small_talk(whole, first=True),
    "answers.snippet": snippet,
    "answers.without_notice": without_notice,
    "condense": condense._first_line,
    "second_search": lambda whole: second_search.wordings_in(f"英文：{whole}\n{whole}\n换词：{whole}", whole, "zh"),
    "follow_up, the question": lambda whole: follow_up.completed(
        whole, (Turn("user", "年假有几天？"), Turn("user", "满五年呢？"))
    ),
    "follow_up, the turns": lambda whole: follow_up.completed(
        "what is his number?", (Turn("user", whole), Turn("assistant", whole), Turn("user", f"{whole[:100]}呢"))
    ),
    "follow_up_words": lambda whole: [follow_up_words.words_of(f"年假{whole}"), follow_up_words.measures_of(whole)],
    "prompts.answer_language": answer_language.answer_language,
    "prompts.neutralise": fences.neutralise,
    "extractive": _quoted,
    "quoting.intervals": lambda whole: (quoting_intervals.intervals(whole, whole), quoting_intervals.quantities(whole)),
    "quoting.intervals, without": quoting_intervals.without_quantities,
    "quoting.kinds": lambda whole: (kinds.kinds_asked(whole), kinds.without_kinds(whole)),
    "quoting.kinds, the answer": lambda whole: [
        kinds.gives(kind, whole, whole, new_number=True) for kind in kinds.KINDS
    ],
    "quoting.forms": lambda whole: [
        forms.form_shift(f"{asked}{whole}", whole)
        for asked in ("多少钱", "how long", "几点", "when is", "how heavy", "how wide", "how loud", "how hot")
    ],
    "quoting.forms, numbers": lambda whole: [
        forms.form_shift(f"{asked}{whole}", whole) for asked in ("电话是多少", "邮箱是多少", "how fast", "how much")
    ],
    "quoting.parts": lambda whole: parts.parts_of("Title", (), whole),
    "quoting.shown": _tabled,
    "sse": _decoded,
    "lines of JSON": _decoded_lines,
    "models.thinking, models.end_tokens": _told,
    "models.failures": stream_error,
    "models.refused_fields": lambda whole: RefusedFields().and_named({"top_p": 0.8, "max_tokens": 9}, whole),
    "channels.harmless": markdown.harmless,
    "channels.literal": markdown.literal,
    "dingtalk.spaced": spaced,
    "channels.split_markdown": lambda whole: markdown.split_markdown(whole, 500),
}
"""What reads text that a stranger wrote, by what it reads."""


def test_there_are_patterns_and_they_grow() -> None:
    assert len(PATTERNS) > 200
    assert all(3900 < len(make(4000)) < 4100 for make in PATTERNS.values())


def test_a_quadratic_expression_is_found_out() -> None:
    assert any(slow_uses(re.compile(r"\s+\["), "search"))
    assert any(slow_uses(re.compile(r"(?:a|a)*b"), "match"))
    assert not any(slow_uses(re.compile(r"(?<!\s)\s++\["), "search"))


def test_no_expression_takes_more_than_linear_time() -> None:
    slow = {
        f"{name}.{method}": found
        for name, expression, method in _expressions()
        if name not in BOUNDED and (found := list(slow_uses(expression, method)))
    }
    assert slow == {}


SLOW = ("parse.html_word_markdown, markdown",)
"""Linear, and too slow at it for the quick suite."""


LONG = (
    "checking.borne_out", "cite, the document", "extractive", "follow_up_words", "nearest", "parse.mail",
    "quoting.intervals", "quoting.shown", "same_text",
)  # fmt: skip
"""Seconds with texts of 4,000 characters: the quick suite has texts half as long for them, which show the same."""


def _slow(reader: str, characters: int = 1000) -> list[str]:
    READERS[reader]("{}")  # what is loaded at the first use is not counted
    passes = (YoujuError, ValueError, etree.LxmlError)
    return list(slow_patterns(READERS[reader], passes=passes, characters=characters))


@pytest.mark.parametrize(
    "reader", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW + LONG else name for name in READERS]
)
def test_no_text_takes_more_than_linear_time(reader: str) -> None:
    assert _slow(reader) == []


@pytest.mark.parametrize("reader", LONG)
def test_no_shorter_text_takes_more_than_linear_time(reader: str) -> None:
    assert _slow(reader, characters=500) == []


def _split_seconds(document: ParsedDocument) -> float:
    began = time.thread_time()
    split(document, IngestSettings(), _letters)
    return time.thread_time() - began


@pytest.mark.parametrize(
    "piece",
    [". ", ".", "!?x", "字", "9,999", "第一", "a b", "[1, ", "QWxh", "😀", "Intro . . . . 12\n", " ", "a = b + c\n"],
)
def test_a_megabyte_is_split_in_a_second(piece: str) -> None:
    whole = piece * (1_000_000 // len(piece))
    for kind in ("paragraph", "table", "code"):
        document = _parsed(whole, kind)  # type: ignore[arg-type]
        # A processor that is shared is slower, but not each of three times.
        assert any(_split_seconds(document) < 1.0 for _ in range(3))


def test_numbers_of_any_length_are_numbers() -> None:
    long = "7" * 10_000
    assert terms.numbers(long) == {long}
    assert terms.numbers("七" * 10_000) == {long}
    assert terms.figures(f"{long}.50万") == {f"{long}5000"}
