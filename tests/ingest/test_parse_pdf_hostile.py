"""PDF files that are broken, endless or meant to harm: the right code or the right text, and no hang."""

from __future__ import annotations

import base64
import time
import zlib
from collections.abc import Iterator

import pytest

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse.parsed import parse
from ingest.parse.pdf import streams
from ingest.settings import IngestSettings
from tests.ingest.peak_memory import peak_mb
from tests.ingest.tiny_pdf import Field, Stroke, Words, pdf, written

FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def read(data: bytes, *, ocr: bool = False) -> ParsedDocument:
    return parse(Reference("local", "a.pdf", "a.pdf", len(data), 0, content=data), IngestSettings(ocr=ocr))


def outcome(data: bytes, *, ocr: bool = False) -> str:
    """The text that was read, or the code it was refused with."""
    try:
        return read(data, ocr=ocr).text
    except DocumentError as error:
        return error.code


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 20


def drawn(content: bytes, *more: bytes, page: bytes = b"", catalog: bytes = b"") -> bytes:
    """A page with this content stream; `more` objects are numbered from 6."""
    return written(
        [
            b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
            b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
            FONT,
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</L 3 0 R>>%s>>>>" % page,
            b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
            *more,
        ]
    )


WORDS = b"BT /L 12 Tf 1 0 0 1 72 700 Tm (Still legible) Tj ET"


def test_a_page_that_is_missing_is_said_at_its_place_and_pages_that_never_were_are_not() -> None:
    def pages(kids: bytes, count: int) -> bytes:
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</L 3 0 R>>>>>>"
        content = b"<</Length %d>>stream\n%s\nendstream" % (len(WORDS), WORDS)
        tree = b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids)
        return written([b"<</Type/Catalog/Pages 2 0 R>>", tree, FONT, page, content])

    whole = read(pages(b"4 0 R 9 0 R 4 0 R", 3))
    assert [(element.text, element.location.page) for element in whole.elements] == [
        ("Still legible", 1),
        ("Page 2 of this file is damaged and was not read.", 2),
        ("Still legible", 3),
    ]
    assert outcome(pages(b"4 0 R", 500)) == "Still legible"
    assert outcome(pages(b"9 0 R", 1)) == "corrupt"


def test_ten_thousand_empty_pages_have_no_text() -> None:
    kids = b" ".join(b"4 0 R" for _ in range(10_000))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"
    pages = b"<</Type/Pages/Count 10000/Kids[%s]>>" % kids
    assert outcome(written([b"<</Type/Catalog/Pages 2 0 R>>", pages, FONT, page]), ocr=True) == "no_text"


def test_a_page_of_two_hundred_inches_is_read_and_its_picture_is_bounded() -> None:
    words = [Words(700, 700, "Plan of the site", 90)]
    assert outcome(pdf(words, size=(14_400, 14_400)), ocr=True) == "Plan of the site"
    assert outcome(pdf([bytes([255]) * 5950 * 8], size=(14_400, 14_400)), ocr=True) == "no_text"


def test_a_page_without_a_size_or_with_an_endless_one_does_no_harm() -> None:
    for box in (b"0 0 0 0", b"0 0 1e30 1e30", b"0 0 14400 0.01", b"nan nan nan nan", b"-1e9 -1e9 1e9 1e9"):
        data = drawn(WORDS).replace(b"/MediaBox[0 0 595 842]", b"/MediaBox[%s]" % box)
        assert outcome(data, ocr=True) in {"Still legible", "no_text", "corrupt"}


def test_an_empty_page_that_is_two_thousand_million_points_long_is_corrupt() -> None:
    data = drawn(b"").replace(b"/MediaBox[0 0 595 842]", b"/MediaBox[0 0 595 2147483647]")
    assert outcome(data) == "corrupt"


def test_an_outline_that_goes_in_circles_is_followed_once() -> None:
    first = b"<</Title(One)/Parent 6 0 R/Next 8 0 R/First 8 0 R/Dest[4 0 R/Fit]>>"
    second = b"<</Title(Two)/Parent 7 0 R/Next 7 0 R/First 7 0 R/Dest[4 0 R/Fit]>>"
    outline = b"<</First 7 0 R/Last 8 0 R/Count 2>>"
    assert read(drawn(WORDS, outline, first, second, catalog=b"/Outlines 6 0 R")).text == "Still legible"


def test_an_outline_nested_a_thousand_deep_is_cut_short() -> None:
    entry = b"<</Title(Level %d)/Parent %d 0 R/First %d 0 R/Last %d 0 R/Dest[4 0 R/Fit]>>"
    entries = [entry % (depth, 6 + depth, 8 + depth, 8 + depth) for depth in range(1000)]
    outline = b"<</First 7 0 R/Last 7 0 R/Count 1>>"
    last = b"<</Title(End)/Parent 1006 0 R>>"
    assert read(drawn(WORDS, outline, *entries, last, catalog=b"/Outlines 6 0 R")).text == "Still legible"


def test_a_page_tree_that_contains_itself_is_corrupt_or_read_once() -> None:
    data = drawn(WORDS).replace(b"/Count 1/Kids[4 0 R]", b"/Count 9/Kids[2 0 R 4 0 R 2 0 R]")
    said = [line for line in outcome(data).split("\n\n") if not line.endswith("is damaged and was not read.")]
    assert said in (["Still legible"], ["Still legible"] * 2, ["corrupt"], ["no_text"])


def test_forms_that_draw_one_another_are_drawn_to_a_bounded_depth() -> None:
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</XObject<</F %d 0 R>>>>/Length 5>>"
    forms = [form % (7 + depth % 199) + b"stream\n/F Do\nendstream" for depth in range(200)]
    assert read(drawn(WORDS + b" /F Do", *forms, page=b"/XObject<</F 6 0 R>>")).text == "Still legible"


def test_brackets_and_states_nested_a_hundred_thousand_deep_do_no_harm() -> None:
    assert read(drawn(b"q " * 100_000 + WORDS)).text == "Still legible"
    nested = b"[" * 100_000 + b"]" * 100_000
    data = drawn(WORDS).replace(b"/Type/Catalog", b"/Type/Catalog/Deep %s" % nested)
    assert outcome(data) in {"Still legible", "corrupt", "no_text"}


def test_a_stream_that_unpacks_to_forty_megabytes_of_nothing_is_given_up() -> None:
    packed = zlib.compress(zlib.compress(b"q Q " * 10_000_000, 9), 9)
    bomb = b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n%s\nendstream" % (len(packed), packed)
    data = drawn(b"").replace(b"<</Length 0>>stream\n\nendstream", bomb)
    assert outcome(data) in {"no_text", "corrupt"}


def test_thirty_thousand_lines_across_the_words_cost_little_and_part_none() -> None:
    strokes = [Stroke(10 + number % 570, 10, 10 + number % 570, 800) for number in range(30_000)]
    assert "Still here" in read(pdf([*strokes, Words(72, 100, "Still here")])).text


def test_a_count_of_pages_that_are_not_there_is_not_believed() -> None:
    data = drawn(WORDS).replace(b"/Count 1/", b"/Count 213804087/")
    assert outcome(data) in {"Still legible", "corrupt", "no_text"}


def test_a_file_cut_short_is_read_as_far_as_it_goes_or_corrupt() -> None:
    whole = pdf(*([Words(72, 100, f"Page number {number} of the report")] for number in range(30)))
    for part in (0.1, 0.5, 0.9, 0.99):
        found = outcome(whole[: int(len(whole) * part)])
        assert found in {"corrupt", "no_text"} or "of the report" in found


WIDGET = b"<</FT/Tx/Subtype/Widget/Rect[9 9 99 20]%s>>"


def packed(megabytes: int, times: int = 1) -> bytes:
    """A stream that unpacks to so much, packed so many times over."""
    data = b"words " * (megabytes * (1 << 20) // 6)
    for _ in range(times):
        data = zlib.compress(data, 9)
    return b"<</Filter[%s]/Length %d>>stream\n%s\nendstream" % (b"/FlateDecode" * times, len(data), data)


def with_form(*fields: bytes, roots: bytes = b"6 0 R", shown: bytes = b"6 0 R") -> bytes:
    """A page of words with a form; its `fields` are numbered from 6, `roots` and `shown` are references to them."""
    data = drawn(WORDS, *fields, catalog=b"/AcroForm<</Fields[%s]>>" % roots)
    return data.replace(b"/MediaBox", b"/Annots[%s]/MediaBox" % shown, 1)


def shared(levels: int, ways: int, hidden: bytes = b"") -> bytes:
    """A form of so many levels of fields, each of which names the next one so many times."""
    fields = [
        b"<</T(f%d)%s/Kids[%s]%s>>"
        % (level, hidden, b"%d 0 R " % (7 + level) * ways, b"/Parent %d 0 R" % (5 + level) * (level > 0))
        for level in range(levels)
    ]
    last = WIDGET % b"/T(a)/V(value)/Parent %d 0 R" % (5 + levels)
    return with_form(*fields, last, shown=b"%d 0 R" % (6 + levels))


@pytest.mark.parametrize(("levels", "ways"), [(30, 2), (12, 5), (31, 10)])
def test_fields_that_share_their_kids_are_refused(levels: int, ways: int) -> None:
    assert outcome(shared(levels, ways)) == "unsafe"
    assert outcome(shared(levels, ways, hidden=b"/Kids[]")) == "unsafe"


def test_fields_in_a_few_levels_are_read_and_those_that_contain_themselves_do_no_harm() -> None:
    assert outcome(shared(4, 1)) == "Still legible\n\nf0.f1.f2.f3.a: value"
    assert outcome(with_form(WIDGET % b"/T(a)/V(value)", roots=b"6 0 R 6 0 R")) == "Still legible\n\na: value"
    circle = (b"<</T(a)/Kids[7 0 R]/Parent 7 0 R/FT/Tx/V(x)>>", WIDGET % b"/T(b)/Kids[6 0 R]/Parent 6 0 R/V(x)")
    assert outcome(with_form(*circle, roots=b"6 0 R 7 0 R")).startswith("Still legible")
    assert outcome(with_form(WIDGET % b"/T(a)/Parent 6 0 R/V(value)")).startswith("Still legible")


def test_a_form_is_opened_at_the_first_page_that_shows_a_field() -> None:
    without = shared(30, 2).replace(b"/Annots[36 0 R]", b"")
    assert outcome(without) == "Still legible"
    later = pdf([Words(72, 700, "No field here")], [Words(72, 700, "One here"), Field("Town", "Köln")])
    assert [(element.text, element.location.page) for element in read(later).elements] == [
        ("No field here", 1),
        ("One here", 2),
        ("Town: Köln", 2),
    ]


def test_a_form_that_cannot_be_followed_is_said_where_its_fields_are() -> None:
    deep = b"<</T(a)/X%s%s>>" % (b"[" * 5_000, b"]" * 5_000)
    elements = read(with_form(WIDGET % b"/T(a)/V(value)/Parent 7 0 R", deep, roots=b"")).elements
    assert [element.text for element in elements] == [
        "Still legible",
        "The form of this file is damaged, and what was filled in was not read.",
    ]


@pytest.mark.parametrize("entry", [b"V", b"TU", b"T", b"Opt"])
def test_a_field_whose_text_is_a_bomb_is_refused(entry: bytes) -> None:
    assert outcome(with_form(WIDGET % b"/%s 7 0 R" % entry, packed(2))) == "unsafe"


def test_a_field_that_stands_on_a_page_alone_is_looked_at_too() -> None:
    assert outcome(with_form(WIDGET % b"/V 7 0 R", packed(2), roots=b"")) == "unsafe"
    assert outcome(with_form(WIDGET % b"/Parent 7 0 R", b"<</T(a)/V 8 0 R>>", packed(2), roots=b"")) == "unsafe"


def test_a_page_tree_that_shares_its_parts_is_looked_through_once() -> None:
    data = with_form(*(b"<</Kids[%d 0 R %d 0 R]/Count 9>>" % (7 + level, 7 + level) for level in range(40)), roots=b"")
    data = data.replace(b"/Kids[4 0 R]", b"/Kids[4 0 R 6 0 R]").replace(b"/Annots[6 0 R]", b"")
    assert outcome(data).startswith("Still legible")


@pytest.mark.slow
def test_a_form_of_two_kilobytes_takes_little_memory() -> None:
    data = with_form(WIDGET % b"/V 7 0 R", packed(300, 2))
    assert len(data) < 10_000
    imports = """
        import base64
        from ingest.document import Reference
        from ingest.errors import DocumentError
        from ingest.parse.parsed import parse
        from ingest.parse.pdf import streams
        from ingest.settings import IngestSettings
    """
    work = """
data = base64.b64decode(sys.argv[1])
try:
    parse(Reference("local", "a.pdf", "a.pdf", len(data), 0, content=data), IngestSettings(ocr=False))
except DocumentError as error:
    answer = error.code
    """
    answer, megabytes = peak_mb(imports, work, base64.b64encode(data).decode())
    assert answer == "unsafe"
    assert megabytes < 300


def bomb(megabytes: int, times: int) -> bytes:
    """A page whose content unpacks to so much, packed so many times over."""
    squeezed = zlib.compressobj(9)
    data = b"".join(squeezed.compress(b"q Q " * (1 << 18)) for _ in range(megabytes)) + squeezed.flush()
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    stream = b"<</Filter[%s]/Length %d>>stream\n%s\nendstream" % (b"/FlateDecode" * times, len(data), data)
    return drawn(b"").replace(b"<</Length 0>>stream\n\nendstream", stream)


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_stream_that_unpacks_to_three_hundred_megabytes_is_refused(times: int) -> None:
    assert outcome(bomb(300, times)) == "unsafe"


def test_a_stream_is_known_by_its_bytes_and_counted_in_every_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_MAX_UNPACKED", 2 << 20)
    for times in (1, 2, 3):
        assert outcome(bomb(3, times).replace(b"/FlateDecode", b"/Fl#61teDecode")) == "unsafe"
        assert outcome(bomb(1, times)) == "no_text"
    stored = zlib.compressobj(0)
    hidden = stored.compress(b"endstream endobj") + stored.flush(zlib.Z_FULL_FLUSH)
    assert outcome(bomb(3, 1).replace(b"stream\n\x78\xda", b"stream\n" + hidden)) == "unsafe"
    broken = bomb(6, 1)
    assert outcome(broken[: len(broken) // 2]) == "unsafe"


def test_pages_without_end_are_refused_before_they_are_read() -> None:
    parts = [b"<</Type/Pages/Count %d/Kids[%s]>>" % (2 ** (17 - n), b"%d 0 R " % (7 + n) * 2) for n in range(16)]
    parts.append(b"<</Type/Pages/Count 2/Kids[4 0 R 4 0 R]>>")
    data = drawn(WORDS, *parts).replace(b"/Count 1/Kids[4 0 R]", b"/Count 131072/Kids[6 0 R]")
    assert outcome(data) == "too_large"


def test_a_tree_of_attachments_that_shares_its_branches_does_no_harm() -> None:
    names = [b"<</Kids[%d 0 R %d 0 R]>>" % (number + 1, number + 1) for number in range(6, 40)]
    catalog = b"/Names<</EmbeddedFiles 6 0 R>>"
    assert outcome(drawn(WORDS, *names, b"<</Names[(a) null]>>", catalog=catalog)).startswith("Still legible")


def test_an_attachment_that_is_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_MAX_UNPACKED", 2 << 20)
    packed = zlib.compress(b" " * (3 << 20), 9)
    file = b"<</Type/EmbeddedFile/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(packed), packed)
    entry = b"<</Type/Filespec/F(a.txt)/EF<</F 6 0 R>>>>"
    assert outcome(drawn(WORDS, file, catalog=b"/Names<</EmbeddedFiles<</Names[(a.txt)%s]>>>>" % entry)) == "unsafe"


def test_a_page_of_many_thousand_pictures_and_links_is_read_in_time() -> None:
    small = b"q 3 0 0 3 %d %d cm BI /W 1/H 1/BPC 8/CS/G ID x EI Q\n"
    content = WORDS + b"\n" + b"".join(small % (place % 500, place // 50) for place in range(20_000))
    links = b"<</Type/Annot/Subtype/Link/Rect[0 0 595 842]/A<</S/URI/URI(https://a.example)>>>>" * 3_000
    assert "Still legible" in outcome(drawn(content, page=b">>/Annots[%s]/Extra<<" % links), ocr=True)
