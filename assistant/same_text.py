"""Same text: of hits that say the same only one is kept, and of two editions of a text the newer comes first."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from assistant.terms import figures
from ingest.document import Chunk, Hit
from ingest.language import fold

_SAME = 0.9
"""The share of shingles (pairs of neighbouring words or Chinese characters) that copies of one text have in common."""
_EDITION = 0.6
"""The same for two editions of a text, in which the numbers are left out."""
_UNNAMED_EDITION = 0.85
"""The same if the titles of the two documents do not say that they belong together."""

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_PAGE_NUMBER = re.compile(
    r"第 ?\d{1,4} ?页(?:[ ,，/]{0,3}共 ?\d{1,4} ?页)?|\bpage \d{1,4}(?: of \d{1,4})?\b"
    r"|^[ \t]{0,20}- ?\d{1,4} ?-[ \t]{0,20}$",
    re.MULTILINE,
)
_TOKEN = re.compile(r"[\u3400-\u9fff]|\d+|[^\W\d_\u3400-\u9fff]+")
_CODE = re.compile(r"(?<![a-z0-9])[a-z]{1,8}-?\d[a-z0-9-]*+")
_EDITION_MARK = re.compile(
    r"(?<![a-z0-9-])(?:(?:19|20)\d\d(?:[-./年]\d{1,2}){0,2}[月日]?"
    r"|v ?\d{1,3}(?:\.\d{1,3}){0,3}|\d{1,3}(?:\.\d{1,3}){1,3})"
    r"|年?(?:修订|试行)?[版稿]|第.版|修订|试行|副本|[新旧](?=版)"
    r"|\b(?:final|draft|copy|old|new|edition|version|revised|rev|ed)\b"
)
_MARKS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class _Content:
    """What two texts are compared by. `name` is the title without year, version and the like."""

    name: str
    shingles: frozenset[str]
    wordings: frozenset[str]
    """The shingles without numbers."""
    figures: frozenset[str]
    codes: frozenset[str]


def distinct(hits: Sequence[Hit], query: str = "") -> list[Hit]:
    """Returns the hits without those that repeat another, the better ones first. Of two editions of a text the newer
    one comes first.

    Texts are the same if they differ in white space, case or page numbers only, or in very few words and in no figure.
    The newest of them is kept, in the place and with the score of the best. Two texts are editions of one text if they
    are in two documents and mostly have the same words. If the query has a figure that only the older one has, that
    one stays first.
    """
    kept: list[tuple[Hit, _Content]] = []
    for hit in hits:
        content = _content_of(hit.chunk)
        at = next((at for at, (_, other) in enumerate(kept) if _repeats(content, other)), None)
        if at is None:
            kept.append((hit, content))
        elif hit.modified_ns > kept[at][0].modified_ns:
            kept[at] = replace(hit, score=kept[at][0].score), content
    asked = figures(query)
    ordered: list[tuple[Hit, _Content]] = []
    for pair in kept:
        newer = (at for at, other in enumerate(ordered) if _is_newer_edition(pair, other, asked))
        ordered.insert(next(newer, len(ordered)), pair)
    return [hit for hit, _ in ordered]


def _repeats(ours: _Content, theirs: _Content) -> bool:
    return ours.figures == theirs.figures and _overlap(ours.shingles, theirs.shingles, _SAME)


def _is_newer_edition(pair: tuple[Hit, _Content], before: tuple[Hit, _Content], asked: Collection[str]) -> bool:
    (hit, ours), (other, theirs) = pair, before
    if hit.modified_ns <= other.modified_ns or hit.chunk.document_id == other.chunk.document_id:
        return False
    if ours.codes != theirs.codes or not _overlap(
        ours.wordings, theirs.wordings, _EDITION if ours.name == theirs.name else _UNNAMED_EDITION
    ):
        return False
    only_theirs = (theirs.figures | figures(other.chunk.heading)) - ours.figures - figures(hit.chunk.heading)
    return only_theirs.isdisjoint(asked)


def _overlap(ours: frozenset[str], theirs: frozenset[str], share: float) -> bool:
    """Returns True if both are there and have this share in common."""
    smaller, larger = sorted((len(ours), len(theirs)))
    return smaller > 0 and smaller >= share * larger and len(ours & theirs) >= share * len(ours | theirs)


def _content_of(chunk: Chunk) -> _Content:
    return _content(chunk.title, chunk.heading, chunk.text)


@lru_cache(maxsize=128)
def _content(title: str, heading: str, text: str) -> _Content:
    """They are cached, because many questions find the same chunks."""
    name = _MARKS.sub("", _EDITION_MARK.sub("", fold(title).lower()))
    above = _EDITION_MARK.sub("", fold(heading).lower())
    said = _PAGE_NUMBER.sub(" ", _THOUSANDS.sub("", fold(text).lower()))
    tokens = [*_TOKEN.findall(above), *_TOKEN.findall(said)]
    return _Content(
        name=name,
        shingles=_shingles(tokens),
        wordings=_shingles([token for token in tokens if not token.isdigit()]),
        figures=frozenset(figures(said)),
        codes=frozenset(_CODE.findall(f"{above}\n{said}")),
    )


def _shingles(tokens: Sequence[str]) -> frozenset[str]:
    """Returns the pairs of neighbouring tokens. A single token is a shingle by itself."""
    return frozenset(map(" ".join, pairwise(tokens))) or frozenset(tokens)
