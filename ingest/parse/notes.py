"""What a document has and could not be taken from it, counted. A document with notes is read and ready.

formulas_without_value    a formula whose value the file does not have, and that could not be computed
pictures_not_read         a picture whose words may be missing: too many, too large, too late, in an unknown format, or
                          OCR is off; a scan with a few words of text on it counts as one
embedded_objects          an object of another program inside the document that is not read
parts_not_read            a part of a kind that is not read here, or that is damaged; a run of characters of a PDF or an
                          OFD file that their font does not tell and that OCR did not read
pages_without_text        a page that shows something and gave no text
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

FORMULAS_WITHOUT_VALUE: Final = "formulas_without_value"
PICTURES_NOT_READ: Final = "pictures_not_read"
EMBEDDED_OBJECTS: Final = "embedded_objects"
PARTS_NOT_READ: Final = "parts_not_read"
PAGES_WITHOUT_TEXT: Final = "pages_without_text"

NOTES: Final = (
    FORMULAS_WITHOUT_VALUE,
    PICTURES_NOT_READ,
    EMBEDDED_OBJECTS,
    PARTS_NOT_READ,
    PAGES_WITHOUT_TEXT,
)


def together(notes: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Returns the sums of several counts, in the order of `NOTES`, without zeros."""
    total: Counter[str] = Counter()
    for each in notes:
        total.update(each)
    return {name: total[name] for name in NOTES if total[name] > 0}
