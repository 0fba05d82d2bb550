"""Refuse: decides if the hits can answer the question at all, and if an answer is itself a refusal."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from assistant.prompts.refusals import REFUSALS
from assistant.terms import coverage, is_chinese, is_han, terms, vocabulary
from ingest.document import Hit

_JUDGED = 6
_COSINE_FLOOR, _COSINE_FULL = 0.15, 0.65
"""The cosines of unrelated passages and of passages that clearly answer, as MiniLM gives them."""
_WORDS_SHARE = 0.4
"""The weight of the words. The cosine has the rest."""
_OTHER_LANGUAGE = 0.7
"""The weight of names and numbers if the chunk and the query are in different languages."""
_STRONG_ENOUGH = 0.38
"""The strength that becomes the middle of the scale, a relevance of 0.5. It was measured on the example company and on
public sets: it refuses 19 of 20 questions from outside, and 1 of 25 questions that the documents answer."""
_NAME = re.compile(r"[a-z]++\d|\d++[a-z]")

_PUNCTUATION = re.compile(r"[\s\W_]+")
_ADMISSION = re.compile(
    r"(?:资料|文档|材料|已知信息|上下文)[^。\n]{0,12}(?:没有|未|并未|不包含|不足以|无法)[^。\n]{0,20}"
    r"|(?:无法|不能)(?:根据[^。\n]{0,12})?(?:回答|确定|得知)"
    r"|(?:documents?|evidence|context|sources?)[^.\n]{0,30}(?:do(?:es)? not|don't|doesn't|no)\b[^.\n]{0,40}"
    r"(?:answer|contain|mention|information|say|specify|provide)"
    r"|(?:cannot|can't|unable to|not able to)\s+(?:answer|find|determine)"
    r"|(?:no|not enough|insufficient)\s+(?:relevant\s+)?information",
    re.IGNORECASE,
)
_ADMISSION_CHARS = 300


def relevance(query: str, hits: Sequence[Hit]) -> float:
    """Returns how well the best hit fits the query, from 0 to 1. The usual threshold is 0.5.

    The words show how much of the query a chunk is about. A content term has more weight if fewer hits contain it.
    Words that the whole collection uses (公司, company) therefore have little weight. A term that no hit contains
    counts in full against each chunk. If a chunk has a cosine, a similar meaning may make up for missing words. Fused
    scores are not used here, because they only rank the hits of one query.
    """
    judged = hits[:_JUDGED]
    contents = [vocabulary(f"{hit.chunk.heading}\n{hit.chunk.text}") for hit in judged]
    wanted = {
        term: math.log(1 + (1 + len(judged)) / (1 + sum(term in content for content in contents)))
        for term in dict.fromkeys(terms(query))
    }
    strength = max((_strength(wanted, *pair) for pair in zip(contents, judged, strict=True)), default=0.0)
    if strength <= _STRONG_ENOUGH:
        return 0.5 * strength / _STRONG_ENOUGH
    return 0.5 + 0.5 * (strength - _STRONG_ENOUGH) / (1 - _STRONG_ENOUGH)


def _strength(wanted: Mapping[str, float], content: Collection[str], hit: Hit) -> float:
    words = _shared_words(wanted, content)
    if hit.dense_score is None:
        return words
    meaning = (hit.dense_score - _COSINE_FLOOR) / (_COSINE_FULL - _COSINE_FLOOR)
    return _WORDS_SHARE * words + (1 - _WORDS_SHARE) * min(1.0, max(0.0, meaning))


def _shared_words(wanted: Mapping[str, float], content: Collection[str]) -> float:
    """Returns the share of the query's terms in the chunk. Across languages only names and numbers count."""
    other = {term: weight for term, weight in wanted.items() if not is_han(term)}
    chinese_chunk = is_chinese(content)
    if len(other) < len(wanted) and other and not chinese_chunk:
        return _OTHER_LANGUAGE * coverage(other, content)
    if len(other) == len(wanted) and chinese_chunk:
        names = {term: weight for term, weight in other.items() if _NAME.match(term)}
        return _OTHER_LANGUAGE * coverage(names, content)
    return coverage(wanted, content)


@dataclass(frozen=True, slots=True)
class RelevanceGate:
    """An `assistant.answer.Gate`: the hits must have a `relevance` of `threshold`. With 0 any hit is enough."""

    threshold: float

    def __call__(self, query: str, hits: Sequence[Hit], *, embedder: str) -> bool:
        """Returns True if the hits are relevant enough to ask the model. One scale of cosines is used for every
        `embedder`.
        """
        return bool(hits) and (self.threshold == 0 or relevance(query, hits) >= self.threshold)


def is_refusal(answer: str) -> bool:
    """Returns True if the model says, in our words or its own, that the evidence does not answer the question."""
    said = _PUNCTUATION.sub("", answer).lower()
    if any(_PUNCTUATION.sub("", sentence).lower() in said for sentence in REFUSALS.values()):
        return True
    return len(answer) <= _ADMISSION_CHARS and _ADMISSION.search(answer) is not None
