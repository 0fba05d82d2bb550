"""Every format and value of a table that LibreOffice has recorded is read as it shows it, or as Excel does."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile

import pytest

from tests.ingest.recorded_formats import PROGRAM, TABLE, Recorded, recorded, recorded_again, workbook
from tests.ingest.test_parse_number_formats import rows
from tests.ingest.tiny_xls import Cell, old_book

_NORMAL_FORM = re.compile(r" \(\d{4}-\d\d-\d\d\)$")
_ROWS = 200
"""How many fit into the old workbooks of the tests."""
_HEADER = {0: Cell("format"), 1: Cell("shown")}


def shown(data: bytes, name: str) -> list[str]:
    """What is read of the second column, without the normal forms of dates."""
    return [_NORMAL_FORM.sub("", row[1]) for row in rows(data, name)]


def test_a_workbook_is_read_as_it_is_recorded() -> None:
    pairs = recorded()
    assert len(pairs) > 1_400
    found = shown(workbook([(pair.code, pair.value) for pair in pairs]), "a.xlsx")
    wrong = [(pair, text) for pair, text in zip(pairs, found, strict=True) if text != pair.expected]
    assert not wrong


def test_an_old_workbook_is_read_as_it_is_recorded() -> None:
    pairs = [pair for pair in recorded() if pair.value[0] in "-0123456789'"]
    found: list[str] = []
    for start in range(0, len(pairs), _ROWS):
        cells = {number: {0: Cell("f"), 1: _cell(pair)} for number, pair in enumerate(pairs[start : start + _ROWS], 1)}
        found.extend(shown(old_book({0: _HEADER} | cells), "a.xls"))
    wrong = [(pair, text) for pair, text in zip(pairs, found, strict=True) if text != pair.expected]
    assert not wrong


def _cell(pair: Recorded) -> Cell:
    code = int(pair.code[1:]) if re.fullmatch(r"#\d+", pair.code) else pair.code
    return Cell(pair.value[1:] if pair.value[0] == "'" else float(pair.value), code)


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="LibreOffice is not installed")
def test_the_table_is_what_libreoffice_shows() -> None:
    version = subprocess.run([PROGRAM or "", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    if not TABLE.read_text(encoding="utf-8").startswith(f"{version},"):
        pytest.skip(f"the table was recorded with another version than {version}")
    assert recorded_again(recorded()) == recorded()


def test_a_currency_that_the_workbook_states_is_not_that_of_the_country() -> None:
    code, number = '"$"#,##0.00_);[Red]("$"#,##0.00)', 8
    assert shown(workbook([(code, "-1234.5"), ("#8", "-1234.5")]), "a.xlsx") == ["($1,234.50)", "¥-1,234.50"]
    cells = {0: _HEADER, 1: {0: Cell("f"), 1: Cell(-1234.5, number)}}
    assert shown(old_book(cells, stated={number: code}), "a.xls") == ["($1,234.50)"]
    assert shown(old_book(cells), "a.xls") == ["¥-1,234.50"]


def test_numbers_without_a_format_keep_what_is_asked_for() -> None:
    expected = {
        "0.30000000000000004": "0.3", "33.333333333333336": "33.33333333", "1234567890.12": "1234567890.12",
        "310101199003077654": "310101199003077654", "1e15": "1000000000000000", "-0": "0", "0.0000015": "0.0000015",
        "0.00000123456789": "1.23457E-06", "6.02e23": "6.02E+23", "-1e300": "-1E+300", "5e-324": "4.94066E-324",
    }  # fmt: skip
    assert shown(workbook([("General", value) for value in expected]), "a.xlsx") == [*expected.values()]
    found = shown(workbook([('"约"General', value) for value in ("10", "100", "12.50", "1e15")]), "a.xlsx")
    assert found == ["约10", "约100", "约12.5", "约1000000000000000"]


def test_the_last_second_of_a_day_belongs_to_that_day() -> None:
    second = 1 / 86_400
    pairs = [
        ("yyyy-mm-dd", repr(46086 - 0.4 * second)),
        ("yyyy-mm-dd", repr(46086 - 1e-10)),
        ("yyyy-mm-dd hh:mm:ss", repr(46086 - 1.4 * second)),
    ]
    assert shown(workbook(pairs), "a.xlsx") == ["2026-03-04", "2026-03-05", "2026-03-04 23:59:59"]


def test_a_workbook_with_an_empty_fill_is_read() -> None:
    with zipfile.ZipFile(io.BytesIO(workbook([("0.00", "5")]))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/styles.xml"] = members["xl/styles.xml"].replace(b"<patternFill/>", b"")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert shown(stream.getvalue(), "a.xlsx") == ["5.00"]
