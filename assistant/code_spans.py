"""Finds the code in a Markdown text that is still being written. In code nothing is a citation, a link or a tag.

Code is only what every reader of Markdown takes for code. It is a span that is closed on its line by as many backticks
as opened it, or a block between fences that stand at the beginning of their lines. Doubtful parts are text, because
text is checked and code is not. After a backtick without a partner, the rest of the paragraph is text. After a fence in
another place, the rest of the answer is text.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r"`++|\n|\||\\|[^`\n|\\]++")
_CLOSING = re.compile(r"`++|\n|\|")
_RUN = re.compile(r"```|~~~")
_OPENS = re.compile(r"(`{3,}+)[^`\n]*+|(~{3,}+)[^\n]*+")
_CLOSES = re.compile(r" {0,3}(`{3,}+|~{3,}+)[ \t]*+")
_LINE_CHARS = 200
"""Only so many characters of a line are searched for a fence."""


class CodeSpans:
    """Follows a text as it is written. `line` is the beginning of its last line, at most `_LINE_CHARS` characters."""

    def __init__(self) -> None:
        self.line = ""
        self._fence = ""
        self._open = 0  # backticks of the span that may have begun on this line
        self._run = 0  # backticks at the end of the text; more may follow
        self._escaped = False
        self._stray = False  # a backtick of this paragraph has no partner
        self._doubtful = False
        self._long = False

    def write(self, text: str) -> None:
        """Add `text` to the end of the text."""
        for piece in _PIECE.findall(text):
            if piece[0] != "`":
                self._end_run()
                self._take(piece)
            elif self._escaped:
                self._stray = True
            else:
                self._run += len(piece)
            if piece != "\n":
                self._long |= len(self.line) + len(piece) > _LINE_CHARS
                self.line = (self.line + piece)[:_LINE_CHARS]
            self._escaped = piece == "\\" and not self._escaped and not self._open

    def holds(self, ahead: str, *, complete: bool) -> bool | None:
        """Returns True if the text that follows, `ahead`, begins inside code. Returns None if more of it is needed.
        If `ahead` is `complete`, the result is never None.
        """
        self._end_run()
        if self._fence:
            return True
        if not self._open or self._stray or self._doubtful:
            return False
        for match in _CLOSING.finditer(ahead):
            if match[0][0] != "`":
                return False
            if match.end() == len(ahead) and not complete:
                return None
            if match.end() - match.start() == self._open:
                return True
        return False if complete else None

    def give_up(self) -> None:
        """Treat the possible beginning of a span as text, because its end cannot be waited for."""
        if self._open and not self._fence:
            self._stray, self._open = True, 0

    def _end_run(self) -> None:
        run, self._run = self._run, 0
        if run and not self._fence:
            self._open = 0 if self._open == run else self._open or run

    def _take(self, piece: str) -> None:
        if piece == "|":  # a span does not go on in the next cell of a table
            self.give_up()
        elif piece == "\n":
            self._end_line()

    def _end_line(self) -> None:
        line, long = self.line, self._long
        self.line, self._long = "", False
        if self._fence:
            self._close(line)
        elif (opens := _OPENS.fullmatch(line)) and not long and not self._doubtful:
            self._fence, self._open, self._stray = opens[1] or opens[2], 0, False
        else:
            self._doubtful |= long or _RUN.search(line) is not None
            self.give_up()
            if not line.strip():
                self._stray = False

    def _close(self, line: str) -> None:
        """Close the block if `line` is its closing fence. If Markdown readers may disagree, later text is doubtful."""
        closes = _CLOSES.fullmatch(line)
        if closes and closes[1].startswith(self._fence):
            self._fence = ""
        elif line.strip().startswith(self._fence):
            self._fence, self._doubtful = "", True
