"""Where a Markdown text that is still being written is code, in which nothing is a citation, a link or a tag.

Code is what every reader of Markdown takes for code: a span that is closed on its line by as many backticks as opened
it, and a block between fences that stand at the beginning of their lines. Whatever is open to doubt is text, since text
is checked and code is not: after a backtick without a partner the rest of the paragraph is text, and after a fence in
another place the rest of the answer.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r"`++|\n|\||\\|[^`\n|\\]++")
_CLOSING = re.compile(r"`++|\n|\|")
_RUN = re.compile(r"```|~~~")
_OPENS = re.compile(r"(`{3,}+)[^`\n]*+|(~{3,}+)[^\n]*+")
_CLOSES = re.compile(r" {0,3}(`{3,}+|~{3,}+)[ \t]*+")
_LINE_CHARS = 200
"""So much of a line is looked at for a fence."""


class CodeSpans:
    """Follows a text as it is written. `line` is the beginning of its last line."""

    def __init__(self) -> None:
        self.line = ""
        self._fence = ""
        self._open = 0  # backticks of the span that may have begun on this line
        self._run = 0  # backticks at the end of the text, to which more may come
        self._escaped = False
        self._stray = False  # a backtick of this paragraph has no partner
        self._doubtful = False
        self._long = False

    def write(self, text: str) -> None:
        """The text goes on with `text`."""
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
        """Whether what follows, `ahead`, begins inside code. None where more of it must be known, which it never
        must once it is `complete`."""
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
        """Take what may have been the beginning of a span for text, for nobody can wait for its end."""
        if self._open and not self._fence:
            self._stray, self._open = True, 0

    def _end_run(self) -> None:
        run, self._run = self._run, 0
        if run and not self._fence:
            self._open = 0 if self._open == run else self._open or run

    def _take(self, piece: str) -> None:
        if piece == "|":  # no span goes on in the next cell of a table
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
        """Every reader agrees on a fence that closes where it can be read that way and no other."""
        closes = _CLOSES.fullmatch(line)
        if closes and closes[1].startswith(self._fence):
            self._fence = ""
        elif line.strip().startswith(self._fence):
            self._fence, self._doubtful = "", True
