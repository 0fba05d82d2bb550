"""The words of a model's name, as hubs, servers, folders and files of weights write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_GENERATIONS = ("1.5", "2.5", "3.5", "3.6", "3.7", "3.8", "1", "2", "3")
_WITHOUT_POINT = {name.replace(".", ""): name for name in _GENERATIONS if "." in name}
_FIRST = re.compile(
    rf"qwen({'|'.join(map(re.escape, [*_GENERATIONS, *_WITHOUT_POINT]))})?"
    r"(?:\.?(\d+(?:\.\d+)?b))?(vl|omni|audio|coder)?"
)
"""The word that begins with qwen. A size follows without a hyphen where a name was written with `_`."""
_SIZE = re.compile(r"\d+(?:\.\d+)?[bt]")
_ACTIVE = re.compile(r"a\d+(?:\.\d+)?b")
_PRECISION = re.compile(
    r"awq|gptq|gguf|bnb|mlx|int[48]|fp8|nvfp4|mxfp[48]|[34568]bit|i?q\d(?:\.\d)?|w\d+a\d+|bf16|f(?:p)?16"
)
_OF_PRECISION = frozenset({"k", "m", "s", "l", "xl", "xs", "xxs", "nl", "ud", "0", "1"})
_OTHER_KIND = re.compile(
    r"coder?|vl|math|audio|omni|embed(?:ding)?|rerank(?:er)?|guard|image|tts|asr|mt|ocr|prm|rm|gte|distill|r1|qwq|qvq"
    r"|captioner|livetranslate|long|character|search"
)
"""What makes a Qwen model something else than a chat model, or another model that was distilled into its shape."""
_SAYS_NOTHING = re.compile(
    r"chat|instruct|it|hf|unsloth|community|dynamic|latest|main|text|ov|openvino|onnx|of|model|preview|base"
)
_SHARD = re.compile(r"\d{5}|v\d(?:\.\d)?")
_SERVICE = re.compile(r"qwen(\d(?:\.\d)?)?-(plus|max|flash|turbo)(?:-(?:latest|preview|us|\d{4}-\d{2}-\d{2}|\d{4}))*")
_SNAPSHOT = re.compile(r"snapshots|[0-9a-f]{7,64}|blobs|resolve|main|master")


@dataclass(frozen=True, slots=True)
class Words:
    """A name that has to do with Qwen, taken apart.

    `generation` is `1`, `1.5`, … or `3-next`. `size` is `8b`, `30b`, `moe` or `flash-next`, and empty if the name does
    not say it. `variant` is `instruct`, `thinking` or empty, and `dated` is True for 2507. `million` is True for the
    variants with a context of a million. `service` is the name of a model that only the API has. `unknown` has words
    that none of ours are: those of a fine-tune, usually.
    """

    generation: str = ""
    size: str = ""
    variant: str = ""
    dated: bool = False
    million: bool = False
    base: bool = False
    service: str = ""
    other_kind: str = ""
    precision: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def words_of(name: str) -> Words | None:
    """Returns the words of a name, or None if it has nothing to do with Qwen.

    Of a path, the last part that names a Qwen with its size counts, or else the last one that names a Qwen.
    """
    parts = [part for part in re.split(r"[/\\]|--", name.lower()) if part]
    if not any("qwen" in part for part in parts):
        return None
    last = parts[-1]
    named = [_words(part) for part in parts if "qwen" in part and (part != "qwen" or part is last)]
    if not named:  # only the organisation is Qwen's, as in Qwen/QwQ-32B
        return Words(other_kind=re.split(r"[-_.:]", last)[0])
    found = next((words for words in reversed(named) if words.size or words.service), named[-1])
    if "qwen" not in last and not _SNAPSHOT.fullmatch(last) and not last.endswith((".gguf", ".safetensors")):
        return _with_unknown(found, last)
    return found


def _with_unknown(words: Words, word: str) -> Words:
    values = {name: getattr(words, name) for name in Words.__slots__}
    return Words(**{**values, "unknown": (*words.unknown, word)})


def _words(part: str) -> Words:
    part = re.sub(r"@.*|\.gguf$", "", part)
    if service := _SERVICE.fullmatch(part):
        return Words(service=f"qwen{service[1] or ''}-{service[2]}")
    ollamas_first = part.startswith("qwen:")  # Ollama calls Qwen1.5 by the name of the family
    # ModelScope's cache writes `___` for a point, and others write `_`.
    part = re.sub(r"(?<=\d)_+(?=\d)", ".", part.replace(":", "-"))
    words = [word for word in re.split(r"[-_\s]+", part) if word]
    at = next((number for number, word in enumerate(words) if word.startswith("qwen")), None)
    first = _FIRST.fullmatch(words[at]) if at is not None else None
    if at is None or first is None:
        return Words(other_kind=next(word for word in words if "qwen" in word))
    generation, rest = _WITHOUT_POINT.get(first[1], first[1] or ""), [*words[:at], *words[at + 1 :]]
    if not generation:
        generation = next((word.lstrip("v") for word in rest if word.lstrip("v") in _GENERATIONS), "1")
        rest = [word for word in rest if word.lstrip("v") not in _GENERATIONS or word in _OF_PRECISION]
    return _sorted("1.5" if ollamas_first else generation, first[2] or "", first[3] or "", rest)


def _sorted(generation: str, size: str, other_kind: str, words: list[str]) -> Words:
    """Returns the words that follow the one with the generation, each in its place."""
    if "next" in words:
        flash = "flash" in words
        generation, size = (generation, "flash-next") if flash else (f"{generation}-next", size)
        words = [word for word in words if word not in ("next", "flash")]
    if "moe" in words and not size:
        size, words = "moe", [word for word in words if word != "moe"]
    size = size or next((word for word in words if _SIZE.fullmatch(word)), "")
    precise = any(_PRECISION.fullmatch(word) for word in words)
    known = _OF_PRECISION if precise else frozenset()
    other = [word for word in words if word not in known and not _is_of_the_name(word, size)]
    return Words(
        generation,
        size,
        next((word for word in ("thinking", "instruct") if word in words), ""),
        "2507" in words,
        "1m" in words,
        "base" in words,
        other_kind=other_kind or next(filter(_OTHER_KIND.fullmatch, other), ""),
        precision=tuple(word for word in words if _PRECISION.fullmatch(word)),
        unknown=tuple(word for word in other if not _OTHER_KIND.fullmatch(word)),
    )


_OF_NAMES: Final = frozenset({"thinking", "instruct", "2507", "1m"})


def _is_of_the_name(word: str, size: str) -> bool:
    if word == size or word in _OF_NAMES:
        return True
    return any(pattern.fullmatch(word) for pattern in (_ACTIVE, _PRECISION, _SHARD, _SAYS_NOTHING))
