"""reStructuredText and Org: headings, lists, code, tables and notes. A worker that reads markup loads no torch."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from ingest.document import ParsedDocument, Reference
from ingest.parse.html_word_markdown import read_markdown
from ingest.parse.parsed import parse
from ingest.settings import IngestSettings

RST = """\
=============
安装手册
=============

Requirements
============

You need **Python** 3.11 and `the tools <https://example.com>`_::

    pip install youju
    youju serve

.. note:: Mind the version.
   It must be exact.

Options
-------

- first with :ref:`a role <target>`
- second

1. step one
2. step two

.. code-block:: python
   :linenos:

   print(1)

+------+-------+
| Name | Price |
+======+=======+
| Desk | 120   |
|      | net   |
+------+-------+

=====  =====
City   Rate
=====  =====
Paris  120
=====  =====

.. a comment
.. [1] A footnote.

Further
=======

The end.
"""

ORG = """\
#+TITLE: 季度计划
#+AUTHOR: Li

* DONE [#A] Goals                                     :work:plan:
:PROPERTIES:
:ID: 42
:END:
Grow by [[https://example.com][twelve percent]].
- first
- [ ] second
** Costs
| Item | Cost |
|------+------|
| Desk | 120  |
#+BEGIN_SRC python
print(1)
#+END_SRC
# a comment
Last words
over two lines
"""


def read(text: str, name: str) -> ParsedDocument:
    data = text.encode()
    return parse(Reference("local", name, name, len(data), 0, content=data), IngestSettings(ocr=False))


def test_restructured_text_keeps_its_headings_lists_code_tables_and_notes() -> None:
    parsed = read(RST, "guide.rst")
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("heading", "安装手册"),
        ("heading", "Requirements"),
        ("paragraph", "You need Python 3.11 and the tools (https://example.com):"),
        ("code", "pip install youju\nyouju serve"),
        ("paragraph", "Mind the version."),
        ("paragraph", "It must be exact."),
        ("heading", "Options"),
        ("list_item", "first with a role"),
        ("list_item", "second"),
        ("list_item", "1. step one"),
        ("list_item", "2. step two"),
        ("code", "print(1)"),
        ("table", "| Name | Price |\n| --- | --- |\n| Desk | 120 net |"),
        ("table", "| City | Rate |\n| --- | --- |\n| Paris | 120 |"),
        ("paragraph", "[1] A footnote."),
        ("heading", "Further"),
        ("paragraph", "The end."),
    ]
    paths = {element.text: element.location.heading_path for element in parsed.elements}
    assert paths["second"] == ("安装手册", "Requirements", "Options")
    assert paths["The end."] == ("安装手册", "Further")


def test_org_keeps_its_headings_lists_code_and_tables() -> None:
    parsed = read(ORG, "plan.org")
    assert parsed.title == "季度计划"
    assert [(e.kind, e.text) for e in parsed.elements] == [
        ("heading", "Goals"),
        ("paragraph", "Grow by twelve percent (https://example.com)."),
        ("list_item", "first"),
        ("list_item", "[ ] second"),
        ("heading", "Costs"),
        ("table", "| Item | Cost |\n| --- | --- |\n| Desk | 120 |"),
        ("code", "print(1)"),
        ("paragraph", "Last words\nover two lines"),
    ]
    assert parsed.elements[-1].location.heading_path == ("Goals", "Costs")


def test_what_an_org_file_comments_out_is_left_out() -> None:
    text = (
        "* 价格\n新价 9\n#+BEGIN_COMMENT\n旧价 7\n#+END_COMMENT\n** COMMENT 旧节\n旧文\n*** 更旧\n旧表\n** 说明\n含税\n"
    )
    assert [e.text for e in read(text, "a.org").elements] == ["价格", "新价 9", "说明", "含税"]


def test_lines_around_the_tables_of_an_org_file_are_text() -> None:
    rows = (
        "| 领料单 | |\n| 物料 | 数量 | 单价 |\n|---+---+---|\n| 阀 | 3 | 120 |\n| 泵 | 2 | 900 |\n| 制表人：周 | | |\n"
    )
    assert [(e.kind, e.text.split("\n")[0]) for e in read(rows, "a.org").elements] == [
        ("caption", "领料单"), ("table", "| 物料 | 数量 | 单价 |"), ("paragraph", "制表人：周"),
    ]  # fmt: skip


def test_links_of_restructured_text_say_where_they_lead() -> None:
    parsed = read(
        "`门户 <https://it.example/t>`_\n=============================\n\n"
        "见 `手册`_、portal_ 与 `附录 <#x>`_，some_name_here 除外。\n\n"
        "限额 :del:`600` 800 元。\n\n.. _手册: https://doc.example/m\n.. _portal: https://it.example/p\n",
        "a.rst",
    )
    assert (parsed.title, [element.text for element in parsed.elements]) == (
        "门户",
        [
            "门户", "门户 (https://it.example/t)",
            "见 手册 (https://doc.example/m)、portal (https://it.example/p) 与 附录，some_name_here 除外。",
            "限额  800 元。",
        ],
    )  # fmt: skip


def test_links_of_org_say_where_they_lead_and_struck_text_is_left_out() -> None:
    parsed = read(
        "* [[https://it.example/t][门户]]\n限额 +600+ 800 元，+旧规定+；电话 +86 10，1+2+3，=+x+=，"
        "[[file:a.org][附件]]。\n"
        "| 项 | 价 |\n|---+---|\n| +旧+ | [[https://b.example][表]] |\n#+BEGIN_SRC sh\n+a+\n#+END_SRC\n",
        "a.org",
    )
    assert [element.text for element in parsed.elements] == [
        "门户", "门户 (https://it.example/t)", "限额  800 元，；电话 +86 10，1+2+3，=+x+=，附件。",
        "| 项 | 价 |\n| --- | --- |\n|  | 表 (https://b.example) |", "+a+",
    ]  # fmt: skip


def test_marks_that_are_never_closed_end_with_the_file() -> None:
    assert read("#+TITLE: a\n* b\n#+BEGIN_SRC x\ncode\n", "a.org").elements[-1].text == "code"
    assert read("Title\n=====\n\n.. code-block::\n\n   code", "a.rst").elements[-1].text == "code"
    assert read("a\n:DRAWER:\nb\n", "a.org").text.endswith("b")


def _texts_and_modules() -> tuple[list[str], set[str]]:
    """What a worker reads, and which of these are imported or still hidden."""
    texts = [element.text for element in read_markdown("# 年假\n\n满三年十天。").elements]
    return texts, {"torch", "spacy"} & sys.modules.keys()


def test_a_worker_reads_markup_without_spacy_and_torch() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(_texts_and_modules).result() == (["年假", "满三年十天。"], set())


def test_footnotes_of_markdown_are_read_whether_or_not_they_have_blanks() -> None:
    text = "# 规则\n\n按规定[^1]办理[^b]。\n\n[^1]: 依据章程第三条。\n[^b]: see the\nannex\n\n见[附录]。\n\n[附录]: https://a.example/x\n"
    parsed = read(text, "a.md")
    assert [element.text for element in parsed.elements[1:]] == [
        "按规定[^1]办理[^b]。",
        "[^1]: 依据章程第三条。",
        "[^b]: see the annex",
        "见附录 (https://a.example/x)。",
    ]
