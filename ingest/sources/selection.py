"""Says which documents of a source are read, and who may read them. Both use globs over the path inside the source."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ingest.access import EVERYONE
from ingest.sources.settings import AccessRule, ConfiguredSource

_WILD = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]]+\]")
_MEANING = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of a source that is read, and who may read it. Paths are relative to the source, with `/` between
    folders.

    `fingerprint` changes when another part is read.
    """

    includes: Callable[[str], object] | None = None
    excludes: Callable[[str], object] | None = None
    rules: tuple[tuple[Callable[[str], object], tuple[str, ...]], ...] | None = None
    hidden: bool = False
    fingerprint: str = ""

    @classmethod
    def of(cls, source: ConfiguredSource, *, hidden: bool = False) -> Selection:
        """Returns the selection that the settings of a source ask for."""
        return cls(
            includes=_matcher(source.include) if source.include else None,
            excludes=_matcher(source.exclude) if source.exclude else None,
            rules=tuple(map(_rule, source.access)) or None,
            hidden=hidden,
            fingerprint=repr((source.include, source.exclude, hidden)),
        )

    def takes(self, path: str) -> bool:
        """Returns True if the document at this path is read."""
        return self.enters(path) and (self.includes is None or bool(self.includes(_folded(path))))

    def enters(self, path: str) -> bool:
        """Returns True if the folder at this path is read. Hidden and excluded folders are not."""
        name = path.rpartition("/")[2]
        if name.startswith("~$") or (name.startswith(".") and not self.hidden):  # lock files of office programs
            return False
        return self.excludes is None or not self.excludes(_folded(path))

    def access(self, path: str) -> tuple[str, ...]:
        """Returns who may read the document at this path. If no rule fits, only the operator may read it: `()`."""
        if self.rules is None:
            return (EVERYONE,)
        folded = _folded(path)
        return next((principals for fits, principals in self.rules if fits(folded)), ())


EVERYTHING: Final = Selection()
"""Selects all documents that are not hidden. Everyone may read them."""


def _rule(rule: AccessRule) -> tuple[Callable[[str], object], tuple[str, ...]]:
    return _matcher((rule.glob,)), rule.principals


def _matcher(globs: Iterable[str]) -> Callable[[str], object]:
    return re.compile("|".join(map(_expression, globs)), re.S).fullmatch


def _folded(path: str) -> str:
    # Names from other systems may be decomposed (NFD). A rule about Secret must also hold for secret.
    return path.casefold() if path.isascii() else unicodedata.normalize("NFC", path).casefold()


def _expression(glob: str) -> str:
    """Returns a regular expression for the paths that the glob fits, and for all paths below them."""
    glob = _folded(glob).rstrip("/")
    anchored = "/" in glob
    glob = glob.removeprefix("/").removesuffix("/**") or "**"
    parts, end = [], 0
    for found in _WILD.finditer(glob):
        parts.append(re.escape(glob[end : found.start()]))
        mark = found[0]
        parts.append(_MEANING.get(mark) or ("[^/" + _set(mark[2:]) if mark[1] == "!" else "[" + _set(mark[1:])))
        end = found.end()
    parts.append(re.escape(glob[end:]))
    return f"(?:{'' if anchored else '(?:.*/)?'}{''.join(parts)}(?:/.*)?)"


def _set(rest: str) -> str:
    """Returns the rest of a character set, after its opening bracket. Only `-` keeps its meaning."""
    return rest[:-1].replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^") + "]"
