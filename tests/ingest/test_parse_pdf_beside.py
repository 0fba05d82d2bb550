"""What a PDF holds beside its pages' text: fields, comments, metadata; and protection, with what opens it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from ingest.document import ParsedDocument, Reference
from ingest.errors import DocumentError
from ingest.parse.parsed import parse
from ingest.parse.pdf.page_picture import render_page
from ingest.settings import IngestSettings
from tests.ingest.tiny_pdf import Comment, Field, Item, Link, Words, pdf

BODY = Words(72, 100, "Application for leave")


def read(data: bytes, *passwords: str) -> ParsedDocument:
    settings = IngestSettings(ocr=False, passwords=tuple(SecretStr(password) for password in passwords))
    return parse(Reference("local", "form.pdf", "form.pdf", len(data), 0, content=data), settings)


def texts(*items: Item) -> list[str]:
    return [element.text for element in read(pdf([BODY, *items])).elements][1:]


def test_filled_in_fields_are_read_with_their_names_and_boxes() -> None:
    parsed = read(pdf([BODY, Field("employee", "王小明"), Field("days", "12")], [BODY, Field("reason", "Wedding")]))
    assert [element.text for element in parsed.elements][1:] == [
        "employee: 王小明", "days: 12", BODY.text, "reason: Wedding",
    ]  # fmt: skip
    location = parsed.elements[1].location
    (box,) = location.boxes
    assert location.page == box.page == 1
    assert (box.x0, box.x1) == pytest.approx((100 / 595, 300 / 595), abs=0.001)
    assert (box.y0, box.y1) == pytest.approx((122 / 842, 142 / 842), abs=0.001)
    assert parsed.elements[4].location.page == 2


def test_a_field_goes_by_the_name_that_its_reader_sees() -> None:
    assert texts(Field("form1[0].#subform[2].City[0]", "Xi'an")) == ["City: Xi'an"]
    assert texts(Field("f17", "Lanheng", more="/TU(Name of the company)")) == ["Name of the company: Lanheng"]


def test_choices_are_read_and_empty_fields_buttons_and_passwords_are_not() -> None:
    assert texts(Field("city", "Beijing", "Ch", "/Ff 131072/Opt[(Beijing)(Xian)]")) == ["city: Beijing"]
    assert texts(Field("cities", "Xian", "Ch", "/Opt[(Beijing)(Xian)]")) == ["cities: Xian"]
    assert texts(Field("agreed", "Yes", "Btn", "/AS/Yes/AP<</N<</Yes 7 0 R/Off 7 0 R>>>>")) == ["agreed: Yes"]
    assert texts(Field("agreed", "Off", "Btn", "/AS/Off/AP<</N<</Yes 7 0 R/Off 7 0 R>>>>")) == []
    assert texts(Field("empty", ""), Field("pin", "4711", more="/Ff 8192"), Field("hidden", "x", more="/F 2")) == []


def test_comments_are_read_and_links_are_not() -> None:
    items = [
        Comment(300, 100, "Is this still the case?"),
        Comment(300, 200, "请核对金额", "Highlight"),
        Comment(300, 300, "Typed onto the page", "FreeText"),
        Comment(300, 400, "https://example.com", "Link"),
        Comment(300, 500, ""),
    ]
    assert texts(*items) == ["Is this still the case?", "请核对金额", "Typed onto the page"]


def test_a_form_with_nothing_but_fields_is_a_document() -> None:
    assert read(pdf([Field("employee", "Li Lei")])).text == "employee: Li Lei"


def test_metadata_gives_title_author_and_dates() -> None:
    info = {"Author": "财务部", "CreationDate": "D:20250314093000+08'00'", "ModDate": "D:20250402Z"}
    parsed = read(pdf([BODY], title="差旅报销制度", info=info))
    assert parsed.title == "差旅报销制度"
    assert parsed.metadata == {
        "author": "财务部",
        "created": "2025-03-14T09:30:00+08:00",
        "modified": "2025-04-02T00:00:00+00:00",
    }


@pytest.mark.parametrize("stated", ["yesterday", "D:20251399", "D:2025", "", "D:19990101000000-99'00'"])
def test_a_date_that_is_none_is_left_out(stated: str) -> None:
    created = read(pdf([BODY], info={"CreationDate": stated})).metadata.get("created")
    assert created == ("2025-01-01T00:00:00" if stated == "D:2025" else None)


def test_a_protected_file_opens_by_the_first_password_that_fits() -> None:
    data = pdf([BODY], password="open sesame")
    assert read(data, "wrong", "open sesame", "other").text == BODY.text
    for passwords, reason in [((), "only with its password"), (("wrong",), "none of the known passwords")]:
        with pytest.raises(DocumentError, match=reason) as caught:
            read(data, *passwords)
        assert caught.value.code == "encrypted"
        assert "wrong" not in str(caught.value)


def test_a_file_that_only_forbids_copying_opens_without_a_password() -> None:
    assert read(pdf([BODY], password="")).text == BODY.text


def test_a_page_of_a_protected_file_is_drawn_by_a_known_password(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([BODY], password="open sesame"))
    known = (SecretStr("wrong"), SecretStr("open sesame"))
    assert render_page(path, 1, width_px=200, passwords=known).startswith(b"\x89PNG")
    with pytest.raises(DocumentError) as caught:
        render_page(path, 1, width_px=200)
    assert caught.value.code == "not_renderable"
    assert "password" in caught.value.message


def uri(target: str) -> str:
    return f"/S/URI/URI({target})"


def test_the_target_of_a_link_stands_behind_its_text() -> None:
    line = "Claim your expenses in the portal within thirty days."
    portal = Link(209, 186, 28, uri("https://it.example.com/expenses"))
    assert texts(Words(72, 197, line), portal) == [
        "Claim your expenses in the portal (https://it.example.com/expenses) within thirty days."
    ]


def test_a_link_over_two_lines_has_its_target_once_and_an_address_that_is_shown_has_none() -> None:
    wide = 430.0
    broken = [Words(72, 197, "The rules of travel that everyone knows, which the board has passed, are"),
              Words(72, 211, "to be found here."),
              *(Link(72, y, wide, uri("https://a.example/rules")) for y in (186, 200))]  # fmt: skip
    shown = [Words(72, 400, "Write to travel@a.example first."), Link(100, 389, 150, uri("mailto:travel@a.example"))]
    assert texts(*broken, *shown) == [
        "The rules of travel that everyone knows, which the board has passed, are to be found here. "
        "(https://a.example/rules)",
        "Write to travel@a.example first.",
    ]


def test_links_inside_the_file_and_scripts_are_left_alone() -> None:
    words = Words(72, 197, "See the next page.")
    for action in ("/S/GoTo/D[0/Fit]", "/S/JavaScript/JS(alert)", uri("javascript:alert")):
        assert texts(words, Link(72, 186, 100, action)) == [words.text]


def test_files_attached_to_a_pdf_are_read_below_their_names() -> None:
    attached = {"价格.csv": b"Site,Rate\nXi'an,38\nWuhan,40", "rules.pdf": pdf([Words(72, 100, "No smoking")])}
    parsed = read(pdf([BODY], attached={**attached, "cut.zip": b"PK\3\4 cut short"}))
    found = [element.text for element in parsed.elements]
    assert found[:2] == [BODY.text, "Attachment: 价格.csv"]
    assert "| Xi'an | 38 |" in found[2]
    assert found[3:6] == ["Attachment: rules.pdf", "No smoking", "Attachment: cut.zip"]
    assert found[6].startswith("This attachment was not read.")
    assert parsed.elements[4].location.heading_path == ("Attachment: rules.pdf",)
