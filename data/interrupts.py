"""Signals that ask a process to end: Ctrl-C, the batch system's SIGTERM, the closed terminal's SIGHUP."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
SIGNALS = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)  # Windows has no SIGHUP


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end; `signal` is its number."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.signal = number


class Noted:
    """The first signal that arrived, or None."""

    signal: int | None = None

    def check(self) -> None:
        """Raise `Stopped` if a signal has arrived."""
        if self.signal is not None:
            raise Stopped(self.signal)


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Every signal raises `Stopped`."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    with _handled(handle):
        yield


@contextlib.contextmanager
def noted() -> Iterator[Noted]:
    """The first signal is noted, to be checked where the work can stop; a second one raises `Stopped`.

    An exception that is raised at an arbitrary place may be lost: Python drops those of some callbacks.
    """
    first = Noted()

    def handle(number: int, frame: FrameType | None) -> None:
        if first.signal is not None:
            raise Stopped(number)
        first.signal = number

    with _handled(handle):
        yield first


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """Ctrl-C is ignored; processes that are started meanwhile inherit this."""
    with _handled(signal.SIG_IGN, SIGNALS[:1]):
        yield


@contextlib.contextmanager
def _handled(
    handler: Callable[[int, FrameType | None], Any] | signal.Handlers, signals: tuple[signal.Signals, ...] = SIGNALS
) -> Iterator[None]:
    """Install another handler, in the main thread only, of signals that the caller of this process did not ignore."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in signals}
    mine = [number for number in signals if before[number] not in (signal.SIG_IGN, None)]  # as under nohup
    for number in mine:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])
