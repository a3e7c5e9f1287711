"""Progress of long work on standard error, with the time left: a bar at a terminal, elsewhere a line now and then."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

TENTHS = 10  # lines at most
_SECONDS = 5.0  # least time between two lines: what is over sooner needs none
_ROUNDED = ((5400, 3600, "h"), (90, 60, "min"), (0, 1, "s"))  # from so many seconds on: a unit of so many, its name


class Progress:
    """Context of some work; `to(done, total)` shows how far it is.

    The time left is reckoned from the first call on: what was done before, or by an interrupted run, does not count.

    Parameters
    ----------
    name : str
        What is worked on.
    unit : str
        What a step is, in the plural.
    shown : bool
        Whether it is shown at all.
    clock : callable
        Time in seconds.
    """

    def __init__(
        self, name: str, unit: str = "steps", *, shown: bool = True, clock: Callable[[], float] = time.monotonic
    ):
        self._name, self._unit, self._clock = name, unit, clock
        self._shown = shown and sys.stderr is not None
        self._begun: tuple[int, float] | None = None
        self._last = 0, 0.0
        self._note = ""
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def note(self, **values: str) -> None:
        """Show some results beside it from now on."""
        self._note = "".join(f", {name.replace('_', ' ')} {value}" for name, value in values.items())
        if self._bar is not None:
            self._bar.set_postfix(values, refresh=False)

    def to(self, done: int, total: int) -> None:
        """So many of all steps are done."""
        if not self._shown:
            return
        if self._begun is None:
            self._begun = done, self._clock()
            self._last = TENTHS * done // total, self._begun[1]
            if sys.stderr.isatty():  # not before, so that an earlier error is printed on a line of its own
                options = {"file": sys.stderr, "unit": f" {self._unit}"}
                self._bar = tqdm(total=total, initial=done, desc=self._name, **options)
        if self._bar is None:
            self._line(done, total, *self._begun)
        else:
            self._bar.update(done - self._bar.n)

    def _line(self, done: int, total: int, first: int, begun: float) -> None:
        tenth, now = TENTHS * done // total, self._clock()
        if tenth == self._last[0] or now - self._last[1] < _SECONDS:
            return
        self._last = tenth, now
        left = (now - begun) * (total - done) / (done - first)
        rest = f"{duration(left)} left" if done < total else f"{duration(now - begun)} taken"
        print(
            f"{self._name}: {100 * done // total} % of {total} {self._unit}, {rest}{self._note}",
            file=sys.stderr,
            flush=True,
        )


def duration(seconds: float) -> str:
    """A time in words, to two digits."""
    size, unit = next((size, unit) for least, size, unit in _ROUNDED if seconds >= least)
    value = seconds / size
    return f"{value:.1f} {unit}" if value < 10 and unit != "s" else f"{value:.0f} {unit}"
