"""Replaces the characters of a text by a table. `str.translate` looks each one up by itself, and takes longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

_SIZE = 0x10000
_OTHERS = _SIZE - 1
"""Rarer characters share the last entry of the table, which never says what replaces them."""


class Replacements:
    """What replaces each character, where one character replaces one."""

    def __init__(self, replaced: Mapping[int, int | str | None], kept: Iterable[int] = range(_SIZE)) -> None:
        """`replaced` has the form that `str.translate` takes. Of the other characters, those in `kept` stay."""
        import numpy as np  # it takes 0.1 s, and most commands fold nothing

        self._table = np.zeros(_SIZE, dtype=np.uint32)
        stay = np.fromiter(kept, dtype=np.int64)
        self._table[stay] = stay
        for code, by in replaced.items():
            if code < _SIZE:
                self._table[code] = by if isinstance(by, int) else ord(by) if by and len(by) == 1 else 0
        self._table[_OTHERS] = 0

    def in_each(self, texts: Sequence[str]) -> list[str | None]:
        """Returns the same as `all_in` for each of these texts."""
        replaced = self.all_in("".join(texts))
        if replaced is None:
            return [self.all_in(text) for text in texts]
        ends = accumulate(map(len, texts), initial=0)
        return [replaced[start:end] for start, end in pairwise(ends)]

    def all_in(self, text: str) -> str | None:
        """Returns the text with all characters replaced, or None if the table does not say what one of them becomes."""
        import numpy as np

        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        replaced = self._table[np.minimum(codes, _OTHERS)]
        return replaced.tobytes().decode("utf-32-le", "surrogatepass") if replaced.all() else None
