"""Work on many cases, of which some may fail."""

from collections.abc import Callable
from typing import Any, TypeVar

from .arrays import IntArray
from .errors import ConvergenceError

RAISE, _RECORD = "raise", "record"  # what happens to a case that fails
Part = TypeVar("Part", list[Any], IntArray)


def check_errors(errors: str) -> bool:
    """Whether failures are recorded."""
    if errors not in (RAISE, _RECORD):
        raise ValueError(f"errors must be {RAISE!r} or {_RECORD!r}, got {errors!r}")
    return errors == _RECORD


def attempt(part: Part, work: Callable[[Part], None], failed: Callable[[Part, str], None] | None) -> None:
    """Do the work on a part; if it fails, on each half, down to single cases.

    failed : takes a part and the reason; without it the error is passed on.
    """
    try:
        work(part)
    except ConvergenceError as error:
        if failed is None:
            raise
        if len(part) == 1:
            failed(part, str(error))
            return
        half = len(part) // 2
        for some in (part[:half], part[half:]):
            attempt(some, work, failed)
