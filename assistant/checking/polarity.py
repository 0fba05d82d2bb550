"""Whether a statement denies what its passage says.

There is no logic in this. A clause of a statement with a negation is compared with the one clause of the passage that
has most of its words. If nothing in the whole sentence of that clause denies anything, not even a word such as `free`,
`except` or 作废, the two say opposite things. Limits (不超过, no more than) and conditions are no
negations.

A denial that the statement leaves out is not seen: what a passage forbids is too often said in other words (only).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Literal

from assistant.checking.passage import Passage
from assistant.checking.placing import fit, weights_of
from assistant.checking.segments import FIGURE, Segment

_HARMLESS = re.compile(
    r"[不别勿莫](?:得|能|可|应|会|要|宜)?(?:超过?|多于|高于|大于|少于|低于|小于|短于|足|满|到|等|论|同)"
    r"|不(?:仅|但|光|只|过|管|然|止|久|锈|良|断|妨|少|时|定期|动产|慎|当|适|一样)|差不多|没关系|没问题|未(?:来|成年)"
    r"|(?:如果?|若|要是|万一|只要)[^，,]*|[^，,]{0,30}的话|[不没未][\u4e00-\u9fff]{1,6}的(?=[\u4e00-\u9fff])"
    r"|\b(?:not?|never)(?: \w+){0,2} (?:more|less|fewer|later|earlier|longer|than|exceed\w*|only|least|below|above|over"
    r"|under)\b|\bno matter\b|\b(?:if|who|which|that|when)\b.*"
)
"""Matches limits, conditions, and what a negation is only a part of."""
_NOT = re.compile(
    r"不|没|无需|无须|未|勿|別|别(?=[\u4e00-\u9fff])|\bnot\b|n't\b|\bno\b|\bnever\b|\bcannot\b|\bneither\b|\bnor\b|\bwithout\b"
)
_NEGATIVE = re.compile(
    r"[不没未无非勿免禁拒停废除外缺失仅只才否莫罚别空]|过期|逾期|截止|超|取消|撤|暂|另"
    r"|\b(?:no|not|none|never|cannot|without|free|except\w*|exempt\w*|waive\w*|exclu\w+|void|forfeit\w*|laps\w+"
    r"|expir\w*|prohibit\w*|forbid\w*|forbidden|refus\w+|reject\w*|den(?:y|ie)\w*|only|unless|until|stop\w*|cancel\w*"
    r"|ban(?:ned)?|fail\w*|lack\w*|miss\w*|lost|lose\w*|declin\w+|avoid\w*|instead|rather|un\w{4,}|in(?:valid|eligible)\w*"
    r"|non\w*|neither|nor|nobody|nothing|otherwise|zero|off|out|limit\w*|end\w*|remov\w*|late|after)\b|n't\b"
)
"""Matches what may deny something in a passage. It is wide on purpose."""
Denial = Literal["certain", "possible", "none"]
_ALIKE, _ANCHORED = 0.6, 0.4
"""A clause of the passage must have these shares of the terms of the statement's clause, the second if all figures of
the clause are among them. From `benchmarks.citation_check`, on the documents for fitting."""
_MAYBE_ALIKE, _MAYBE_ANCHORED = 0.4, 0.2
"""With these shares, nothing can tell."""
_COMPARED = 12
"""At most so many denying clauses of a statement are compared with the passages."""
_STANDS = 0.5
"""The weight from which on a clause has a term, be it from the clauses before."""


def denial(statement: Sequence[Segment], passages: Sequence[Passage]) -> Denial:
    """Returns whether a clause of the statement denies what the passages say. Across languages it is never certain."""
    denying = (clause for clause in statement if _denies(clause.text, _NOT))
    found = {_denial(clause, passages) for clause in islice(denying, _COMPARED)}
    return "certain" if "certain" in found else "possible" if "possible" in found else "none"


def _denies(text: str, words: re.Pattern[str]) -> bool:
    return words.search(_HARMLESS.sub(" ", text)) is not None


def _denial(clause: Segment, passages: Sequence[Passage]) -> Denial:
    words = {term: weight for term, weight in clause.words.items() if weight >= 1.0 and not _NOT.search(term)}
    weights = weights_of(words, passages)
    if not weights or len(words) < 2:
        return "none"
    crossed = any(passage.crossed for passage in passages)
    segments = [(passage, segment) for passage in passages for segment in passage.segments]
    passage, best = max(segments, key=lambda pair: fit(weights, pair[1], crossed=crossed))
    alike = sum(best.words.get(term, 0.0) >= _STANDS for term in words) / len(words)
    figures = [term for term in words if term.startswith(FIGURE)]
    anchored = bool(figures) and all(best.words.get(term, 0.0) >= 1.0 for term in figures)
    if alike < (_MAYBE_ANCHORED if anchored else _MAYBE_ALIKE):
        return "none"
    units = {best.unit} | {
        each.unit for each in passage.segments if figures and all(each.words.get(term, 0.0) >= 1.0 for term in figures)
    }
    if any(_denies(each.text, _NEGATIVE) for each in passage.segments if each.unit in units):
        return "none"
    return "certain" if not crossed and alike >= (_ANCHORED if anchored else _ALIKE) else "possible"
