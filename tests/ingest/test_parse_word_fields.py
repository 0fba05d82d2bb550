"""Fields of a Word document that compute something and have no result, as programs write them."""

from __future__ import annotations

from ingest.parse.mail.attachments import Allowance
from ingest.parse.readers import read as read_kind
from ingest.settings import IngestSettings
from tests.ingest.tiny_word import run, word


def mark(kind: str) -> str:
    return f"<w:r><w:fldChar w:fldCharType='{kind}'/></w:r>"


def field(instruction: str, *result: str) -> str:
    shown = "".join((mark("separate"), *map(run, result))) if result else ""
    return f"{mark('begin')}<w:r><w:instrText> {instruction} </w:instrText></w:r>{shown}{mark('end')}"


def test_a_formula_without_a_result_is_read_and_counted() -> None:
    simple = "<w:fldSimple w:instr=' =B1*2 '></w:fldSimple>"
    cells = "".join(f"<w:tc><w:p>{cell}</w:p></w:tc>" for cell in (run("合计"), field(r'=SUM(ABOVE) \# "0.00"')))
    head = "".join(f"<w:tc><w:p>{run(cell)}</w:p></w:tc>" for cell in ("项目", "金额"))
    table = f"<w:tbl><w:tr>{head}</w:tr><w:tr>{cells}</w:tr></w:tbl>"
    texts = f"<w:p>{run('总价 ')}{field('=764 * 1.13', '')}{run(' 元，')}{simple}{run('。')}</w:p>"
    _, found = read_kind(word(table, texts), "a.docx", IngestSettings(), Allowance())
    assert [element.text for element in found.elements] == [
        "| 项目 | 金额 |\n| --- | --- |\n| 合计 | =SUM(ABOVE) |",
        "总价 =764*1.13 元，=B1*2。",
    ]
    assert found.notes == {"formulas_without_value": 3}


def test_a_result_is_read_and_other_fields_stay_as_they_are() -> None:
    text = f"<w:p>{field('=2*3', '6')}{run(' of ')}{field('NUMPAGES')}{field('PAGE', '1')}</w:p>"
    _, found = read_kind(word(text), "a.docx", IngestSettings(), Allowance())
    assert [element.text for element in found.elements] == ["6 of 1"]
    assert not found.notes
