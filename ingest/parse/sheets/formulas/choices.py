"""Functions that do not need all that they are given, or that look at errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.parse.sheets.formulas.ranges import Argument, Range, single
from ingest.parse.sheets.formulas.values import FormulaError, UncomputableError, as_number, as_truth, is_number, order

Later = Callable[[], Argument]
"""Gives an argument when it is called. It raises FormulaError if that is an error."""


def _if(given: Sequence[Later]) -> Argument:
    if not 2 <= len(given) <= 3:
        raise UncomputableError("arguments")
    chosen = given[1:2] if as_truth(single(given[0]())) else given[2:]
    return chosen[0]() if chosen else False


def _ifs(given: Sequence[Later]) -> Argument:
    for condition, value in zip(given[::2], given[1::2], strict=True):
        if as_truth(single(condition())):
            return value()
    raise FormulaError("#N/A")


def _switch(given: Sequence[Later]) -> Argument:
    sought = order(single(given[0]()))
    cases = given[1:]
    for case, value in zip(cases[::2], cases[1::2], strict=False):
        if order(single(case())) == sought:
            return value()
    if len(cases) % 2:
        return cases[-1]()
    raise FormulaError("#N/A")


def _choose(given: Sequence[Later]) -> Argument:
    place = int(as_number(single(given[0]())))
    if not 1 <= place < len(given):
        raise FormulaError("#VALUE!")
    return given[place]()


def _unless(errors: tuple[str, ...] | None) -> Callable[[Sequence[Later]], Argument]:
    def chosen(given: Sequence[Later]) -> Argument:
        value, instead = given
        try:
            found = value()
            return found.at(0, 0) if isinstance(found, Range) and found.is_one_cell else found
        except FormulaError as error:
            if errors is None or str(error) in errors:
                return instead()
            raise

    return chosen


def _is(holds: Callable[[object], bool]) -> Callable[[Sequence[Later]], bool]:
    """Returns a function that tells whether this holds of its argument, or of its error."""

    def tells(given: Sequence[Later]) -> bool:
        (value,) = given
        try:
            return holds(single(value()))
        except FormulaError as error:
            return holds(error)

    return tells


CHOICES: dict[str, Callable[[Sequence[Later]], Argument]] = {
    "IF": _if,
    "IFS": _ifs,
    "SWITCH": _switch,
    "CHOOSE": _choose,
    "IFERROR": _unless(None),
    "IFNA": _unless(("#N/A",)),
    "ISERROR": _is(lambda value: isinstance(value, FormulaError)),
    "ISERR": _is(lambda value: isinstance(value, FormulaError) and str(value) != "#N/A"),
    "ISNA": _is(lambda value: isinstance(value, FormulaError) and str(value) == "#N/A"),
    "ISBLANK": _is(lambda value: value is None),
    "ISNUMBER": _is(is_number),
    "ISTEXT": _is(lambda value: isinstance(value, str)),
    "ISNONTEXT": _is(lambda value: not isinstance(value, str)),
    "ISLOGICAL": _is(lambda value: isinstance(value, bool)),
}
