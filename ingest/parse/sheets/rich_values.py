"""Values of cells that know more than their text: pieces of a text with their own looks, and rich values of Excel."""

from __future__ import annotations


class RichValue(str):
    """What a cell shows to programs that do not know its rich value, such as a picture in the cell. `number` counts the
    rich values of the workbook from 1.
    """

    __slots__ = ("number",)
    number: int

    def __new__(cls, shown: object, number: int) -> RichValue:
        value = super().__new__(cls, shown)
        value.number = number
        return value


class RichText(str):
    """A text in pieces. `own` is the text of those that state how their letters look; the others look as their cell."""

    __slots__ = ("own",)
    own: str

    def __new__(cls, text: str, own: str) -> RichText:
        made = super().__new__(cls, text)
        made.own = own
        return made
