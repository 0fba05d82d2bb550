"""Makes and removes the elements of a Word document: texts, runs, paragraphs."""

from __future__ import annotations

from typing import Any


def text_node(text: str) -> Any:
    """Returns an element `w:t` with this text, all of its spaces kept."""
    from docx.oxml import OxmlElement

    node = OxmlElement("w:t")
    node.text = text
    node.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return node


def run(text: str) -> Any:
    """Returns a run with this text."""
    from docx.oxml import OxmlElement

    made = OxmlElement("w:r")
    made.append(text_node(text))
    return made


def paragraph(text: str) -> Any:
    """Returns a paragraph with this text."""
    from docx.oxml import OxmlElement

    made = OxmlElement("w:p")
    made.append(run(text))
    return made


def remove(node: Any) -> None:
    """Take a node out of the document, if it is still in it."""
    if (parent := node.getparent()) is not None:
        parent.remove(node)
