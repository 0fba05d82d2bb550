"""The title of a table stands before it, as text, and is never its header. Tables of reStructuredText."""

from __future__ import annotations

import pytest

from tests.ingest.tiny_word import read, run, word

TABLE = "| 城市 | 限额 |\n| --- | --- |\n| 三亚 | 500 |"
LISTED = "   * - 城市\n     - 限额\n   * - 三亚\n     - 500"
HTML = (
    "<html><body><table><caption>差旅标准</caption><tr><td>城市</td><td>限额</td></tr>"
    "<tr><td>三亚</td><td>500</td></tr></table></body></html>"
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", HTML),
        ("a.org", "#+CAPTION: 差旅标准\n#+NAME: t\n| 城市 | 限额 |\n|----+-----|\n| 三亚 | 500 |"),
        ("a.org", "#+caption[短]: 差旅标准\n| 城市 | 限额 |\n| 三亚 | 500 |"),
        ("a.rst", f".. list-table:: 差旅标准\n   :header-rows: 1\n\n{LISTED}"),
        ("a.rst", '.. csv-table:: 差旅标准\n   :header: "城市", "限额"\n\n   "三亚", 500'),
        ("a.rst", ".. table:: 差旅标准\n\n   ====  ====\n   城市  限额\n   ====  ====\n   三亚  500\n   ====  ===="),
    ],
)
def test_the_title_of_a_table_stands_before_it(name: str, text: str) -> None:
    title, table = read(text.encode(), name).elements
    assert (title.kind in ("caption", "paragraph"), title.text, table.text) == (True, "差旅标准", TABLE)


def test_a_hidden_title_of_a_web_table_stays_hidden() -> None:
    assert [e.text for e in read(HTML.replace("<caption>", "<caption hidden>").encode(), "a.html").elements] == [TABLE]


def test_a_caption_of_word_stays_a_text_before_its_table() -> None:
    cells = "<w:tc><w:p>{}</w:p></w:tc><w:tc><w:p>{}</w:p></w:tc>"
    rows = "".join(f"<w:tr>{cells.format(run(a), run(b))}</w:tr>" for a, b in (("城市", "限额"), ("三亚", "500")))
    style = '<w:style w:type="paragraph" w:styleId="cap"><w:name w:val="caption"/></w:style>'
    table = f"<w:tbl><w:tblPr/><w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid>{rows}</w:tbl>"
    caption = f'<w:p><w:pPr><w:pStyle w:val="cap"/></w:pPr>{run("表 1 差旅标准")}</w:p>'
    parsed = read(word(caption, table, styles=style))
    assert [(e.kind, e.text) for e in parsed.elements] == [("paragraph", "表 1 差旅标准"), ("table", TABLE)]


def test_columns_of_drawn_tables_are_where_wide_characters_put_them() -> None:
    grid = "+------+------+\n| 城市 | 限额 |\n+======+======+\n| a|b  | 500  |\n+------+------+"
    assert read(grid.encode(), "a.rst").elements[0].text == TABLE.replace("三亚", "a\\|b")


def test_a_cell_of_a_list_table_may_have_several_lines() -> None:
    text = f".. list-table::\n\n{LISTED}\n       元每晚"
    assert read(text.encode(), "a.rst").elements[0].text == TABLE.replace("500", "500 元每晚")
