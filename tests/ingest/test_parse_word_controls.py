"""Controls and symbols of a Word document: boxes to tick, choices, prompts, signs of the fonts Symbol and Wingdings."""

from __future__ import annotations

import pytest

from tests.ingest.tiny_word import read, run, texts, word


def paragraph(middle: str) -> bytes:
    return word(f"<w:p>{run('Limit: ')}{middle}{run(' end')}</w:p>")


def symbol(font: str, code: str) -> str:
    return f"<w:r><w:sym w:font='{font}' w:char='{code}'/></w:r>"


def field(data: str) -> str:
    marks = ("begin", "separate", "end")
    begin, separate, end = (f"<w:r><w:fldChar w:fldCharType='{mark}'>%s</w:fldChar></w:r>" for mark in marks)
    return begin % f"<w:ffData>{data}</w:ffData>" + separate % "" + end % ""


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (symbol("Symbol", "F0B1") + run("5"), "±5"),
        (symbol("Symbol", "F0B3"), "≥"),
        (symbol("symbol", "F06D") + run("m"), "μm"),
        (symbol("Symbol", "F033"), "3"),
        (symbol("Wingdings", "F0FE"), "☑"),
        (symbol("Wingdings", "00A8"), "☐"),
        (symbol("Wingdings 2", "F052"), "☑"),
        ("<w:r><w:rPr><w:rFonts w:ascii='Symbol' w:hAnsi='Symbol'/></w:rPr><w:t>\uf0b4</w:t></w:r>", "×"),
        (symbol("Wingdings", "F0FE").replace("<w:sym", "<w:rPr><w:strike/></w:rPr><w:sym"), ""),
        (symbol("Webdings", "F061"), ""),
        (symbol("Symbol", "none"), ""),
    ],
)
def test_signs_of_symbol_fonts_are_the_characters_that_they_look_like(signs: str, expected: str) -> None:
    assert texts(read(paragraph(signs))) == [f"Limit: {expected} end"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("<w:checkBox><w:default w:val='0'/><w:checked/></w:checkBox>", "☑"),
        ("<w:checkBox><w:default w:val='1'/><w:checked w:val='0'/></w:checkBox>", "☐"),
        ("<w:checkBox><w:default w:val='1'/></w:checkBox>", "☑"),
        ("<w:ddList><w:result w:val='1'/><w:listEntry w:val='A'/><w:listEntry w:val='B'/></w:ddList>", "B"),
        ("<w:ddList><w:listEntry w:val='A'/><w:listEntry w:val='B'/></w:ddList>", "A"),
        ("<w:ddList><w:result w:val='7'/><w:listEntry w:val='A'/></w:ddList>", ""),
    ],
)
def test_fields_of_older_forms_show_what_is_chosen(data: str, expected: str) -> None:
    assert texts(read(paragraph(field(data)))) == [f"Limit: {expected} end"]


@pytest.mark.parametrize(
    ("prompt", "expected"), [("<w:showingPlcHdr/>", ""), ("<w:showingPlcHdr w:val='0'/>", "5 days")]
)
def test_a_prompt_to_enter_something_is_no_text(prompt: str, expected: str) -> None:
    content = f"<w:sdt><w:sdtPr>{prompt}</w:sdtPr><w:sdtContent>{run('5 days')}</w:sdtContent></w:sdt>"
    assert texts(read(paragraph(content))) == [f"Limit: {expected} end"]


def test_a_cell_with_a_prompt_keeps_its_place() -> None:
    def cell(text: str) -> str:
        return f"<w:tc><w:p>{run(text)}</w:p></w:tc>"

    prompt = f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{cell('Enter a date')}</w:sdtContent></w:sdt>"
    rows = [
        cell("Name") + cell("Date") + cell("Days"),
        cell("Ann") + prompt + cell("5"),
        cell("Bo") + cell("May") + cell("7"),
    ]
    grid = "<w:tblPr/><w:tblGrid><w:gridCol/><w:gridCol/><w:gridCol/></w:tblGrid>"
    table = word(f"<w:tbl>{grid}{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>")
    assert texts(read(table))[0].split("\n")[2] == "| Ann |  | 5 |"
