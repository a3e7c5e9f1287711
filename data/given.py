"""Cases of a recipe that are given one by one, in the table [given], in place of drawn ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from .parameters import tie_of
from .source import Source

Columns = Mapping[str, Sequence[float]]  # parameter -> its value in every case


def check_given(given: Columns, source: Source, cases: int) -> None:
    """Refuse columns other than of what the source leaves open, of other lengths, or outside the source's ranges.

    Raises
    ------
    ValueError
        The message names the column, and the case and its value.
    """
    for name, one in source.parameters.items():
        if (tie := tie_of(one)) is not None:
            raise ValueError(f"given: a source with these cases has no tied parameters, got {name} = {tie.text!r:.60}")
    spelled: dict[str, Any] = {"m": source.m} | {name: one.spelled() for name, one in source.drawn.items()}
    pieces = {"m": [(m, m) for m in source.m]} | {name: one.pieces for name, one in source.drawn.items()}
    open_ = [name for name, ends in pieces.items() if len(ends) > 1 or ends[0][0] < ends[0][1]]
    for name in open_:
        if name not in given:
            raise ValueError(f"given.{name}: this key is missing, a column of {cases} numbers")
    for name, column in given.items():
        if name not in open_:
            fixed = f", the source has {name} = {spelled[name]}" if name in spelled else ""
            raise ValueError(f"given.{name!s:.40}: there is no such key, expected {', '.join(open_)}{fixed}")
        if len(column) != cases:
            raise ValueError(f"given.{name}: expected {cases} numbers, one for each of the cases, got {column!r:.60}")
        for number, value in enumerate(column):
            if not any(low <= value <= high for low, high in pieces[name]):
                raise ValueError(f"given.{name}: case {number} has {value}, the source {name} = {spelled[name]}")


def given_case(given: Columns, source: Source, number: int) -> tuple[int, dict[str, float]]:
    """Azimuthal order and all parameters of a case."""
    fixed = {name: one.bounds[0] for name, one in source.drawn.items()}
    values = fixed | {name: column[number] for name, column in given.items() if name != "m"}
    return int(given["m"][number]) if "m" in given else source.m[0], values
