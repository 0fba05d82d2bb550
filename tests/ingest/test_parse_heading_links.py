"""Headings with links, in every format: the heading stays bare, and a paragraph below it says where they lead."""

from __future__ import annotations

import io

import pytest
from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from ingest.parse.links import with_target, without_targets
from tests.ingest.test_parse_text import read

RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"


def linked_heading(text: str, target: str) -> bytes:
    """A Word document whose only heading is a link."""
    document, link, run, words = Document(), OxmlElement("w:hyperlink"), OxmlElement("w:r"), OxmlElement("w:t")
    heading = document.add_heading("", 1)
    link.set(qn("r:id"), heading.part.relate_to(target, RELATION, is_external=True))
    words.text = text
    run.append(words)
    link.append(run)
    heading._p.append(link)
    document.add_paragraph("每天开放。")
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize("target", ["https://fee.example/a_(b)?c=d", "mailto:fee@corp.example"])
def test_a_heading_stays_bare_and_its_links_are_said_below_it(target: str) -> None:
    said = with_target("报销系统", target)
    documents = {
        "a.docx": linked_heading("报销系统", target),
        "a.md": f"# [报销系统]({target})\n\n每天开放。\n",
        "a.html": f'<html><body><h1><a href="{target}">报销系统</a></h1><p>每天开放。</p></body></html>',
        "a.rst": f"`报销系统 <{target}>`_\n{'=' * 60}\n\n每天开放。\n",
        "a.org": f"* [[{target}][报销系统]]\n每天开放。\n",
    }
    for name, data in documents.items():
        parsed = read(data, name)
        assert parsed.title == "报销系统"
        assert [element.text for element in parsed.elements] == ["报销系统", said, "每天开放。"]
        assert parsed.elements[-1].location.heading_path == ("报销系统",)


@pytest.mark.parametrize("heading", ["第一章（总则）", "API (v2)", "Use of f(x) (draft)", "https://it.example"])
def test_other_parentheses_of_a_heading_stay(heading: str) -> None:
    assert without_targets(heading) == heading
