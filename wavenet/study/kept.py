"""A small cache that threads share."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any


class Kept:
    """The last `count` results by key, errors included; whoever asks for one that is being computed waits for it."""

    def __init__(self, count: int):
        self._count, self._lock = count, threading.Lock()
        self._known: OrderedDict[Any, Future] = OrderedDict()

    def __call__(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """The result of a key, computed if it is not kept; raises what the computation raised."""
        with self._lock:
            first = key not in self._known
            future = self._known.setdefault(key, Future())
            self._known.move_to_end(key)
            if len(self._known) > self._count:
                self._known.popitem(last=False)
        if first:
            try:
                future.set_result(compute())
            except BaseException as error:  # to be raised by all who wait, this one among them
                future.set_exception(error)
        return future.result()
