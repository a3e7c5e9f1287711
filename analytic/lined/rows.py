"""Rows of liners in one duct: the lined modes of all of them are followed together."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np

from ..errors import ConvergenceError, quiet
from .liner import Liner

Modes = TypeVar("Modes")
Section = TypeVar("Section")
_KEPT = 8  # sections: with a liner up to the lip each has megabytes of matrices


def sections_of(
    rows: Sequence[Sequence[Liner]],
    modes: Callable[[list[Liner]], list[Modes | ConvergenceError]],
    section: Callable[[Liner, Modes], Section],
) -> Iterator[list[Section] | ConvergenceError]:
    """Lined ducts of every row, one after the other, or why one failed; the last few that are alike are shared.

    modes : of liners of different impedances; section : of a liner and its modes.
    """
    every = list(dict.fromkeys(liner for row in rows for liner in row))
    _, first, which = np.unique([liner.impedance for liner in every], return_index=True, return_inverse=True)
    with quiet():
        found = modes([every[index] for index in first])
    place = dict(zip(every, which.tolist(), strict=True))

    @lru_cache(maxsize=_KEPT)
    def made(liner: Liner) -> Section:
        one = found[place[liner]]
        if isinstance(one, ConvergenceError):
            raise one
        return section(liner, one)

    for row in rows:
        try:
            with quiet():
                result: list[Section] | ConvergenceError = [made(liner) for liner in row]
        except ConvergenceError as failure:
            result = failure
        yield result
