"""OpenDocument in one XML file is read as the zip file of the same document is."""

from __future__ import annotations

import base64

import pytest

from ingest.errors import DocumentError
from ingest.parse.office import opendocument_flat
from tests.ingest.test_parse_opened import NAMES, read
from tests.ingest.test_parse_word import picture


def flat(kind: str, body: str, more: str = "") -> bytes:
    """Returns a document of this kind with this body."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {NAMES} xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'office:version="1.3" office:mimetype="application/vnd.oasis.opendocument.{kind}">'
        f"<office:meta><dc:title>制度</dc:title></office:meta><office:settings>true</office:settings>{more}"
        f"<office:body>{body}</office:body></office:document>"
    ).encode()


STYLES = (
    '<office:automatic-styles><style:style style:name="S" style:family="text"><style:text-properties '
    'style:text-line-through-style="solid"/></style:style></office:automatic-styles>'
)


@pytest.mark.parametrize("name", ["规定.fodt", "规定.xml", "规定"])
def test_a_text_is_read_with_its_headings_and_without_what_is_struck_through(name: str) -> None:
    body = (
        '<office:text><text:h text:outline-level="1">差旅规定</text:h>'
        '<text:p>每晚 <text:span text:style-name="S">999</text:span>800 元</text:p></office:text>'
    )
    parsed = read(flat("text", body, STYLES), name)
    assert (parsed.kind, parsed.title) == ("odt", "制度")
    assert [(element.kind, element.text) for element in parsed.elements] == [
        ("heading", "差旅规定"), ("paragraph", "每晚 800 元"),
    ]  # fmt: skip


def test_a_spreadsheet_is_read_by_its_sheets() -> None:
    rows = "".join(
        f"<table:table-row>{''.join(f'<table:table-cell><text:p>{text}</text:p></table:table-cell>' for text in row)}"
        "</table:table-row>"
        for row in (("城市", "标准"), ("北京", "800"))
    )
    body = f'<office:spreadsheet><table:table table:name="住宿">{rows}</table:table></office:spreadsheet>'
    parsed = read(flat("spreadsheet", body), "a.fods")
    assert parsed.kind == "ods"
    assert "| 北京 | 800 |" in parsed.text
    assert "true" not in parsed.text


def test_slides_are_read_without_their_numbers() -> None:
    def frame(kind: str, words: str) -> str:
        box = f"<draw:text-box><text:p>{words}</text:p></draw:text-box>"
        return f'<draw:frame presentation:class="{kind}">{box}</draw:frame>'

    notes = f"<presentation:notes>{frame('notes', '备注')}{frame('page-number', '&lt;number&gt;')}</presentation:notes>"
    page = f"<draw:page>{frame('title', '总结')}{frame('outline', '要点')}{frame('footer', '内部')}{notes}</draw:page>"
    parsed = read(flat("presentation", f"<office:presentation>{page}</office:presentation>"), "a.fodp")
    assert parsed.kind == "odp"
    assert parsed.text.split() == ["总结", "要点", "备注"]


@pytest.mark.slow
def test_a_picture_in_it_is_read() -> None:
    data = base64.encodebytes(picture("Invoice 2026").getvalue()).decode()
    image = f"<draw:frame><draw:image><office:binary-data>{data}</office:binary-data></draw:image></draw:frame>"
    body = f"<office:text><text:p>Before</text:p><text:p>{image}</text:p></office:text>"
    assert read(flat("text", body), "a.fodt", ocr=True).text.split("\n")[-1] == "Invoice 2026"


def test_a_picture_of_many_megabytes_does_not_stop_it() -> None:
    image = (
        f"<draw:frame><draw:image><office:binary-data>{'A' * 12_000_000}</office:binary-data></draw:image></draw:frame>"
    )
    assert read(flat("text", f"<office:text><text:p>Words{image}</text:p></office:text>"), "a.fodt").text == "Words"


def test_entities_are_refused_and_other_xml_is_no_document() -> None:
    bomb = flat("text", "<office:text><text:p>&a;</text:p></office:text>").replace(
        b"<office:document ", b'<!DOCTYPE a [<!ENTITY a "x">]><office:document ', 1
    )
    with pytest.raises(DocumentError) as caught:
        read(bomb, "a.fodt")
    assert caught.value.code == "unsafe"
    assert opendocument_flat.flat_kind(b"<a>office:document</a>") is None
    assert opendocument_flat.flat_kind(flat("chart", "")) is None
