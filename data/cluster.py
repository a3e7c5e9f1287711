"""Shards computed by the workers of a running dask scheduler."""

import asyncio
import contextlib
import itertools
import logging
import queue
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .interrupts import noted
from .journal import Missing
from .recipe import Recipe
from .sampling import Plan
from .shards import compute, given_up, versions

TIMEOUT = 60.0  # seconds to wait for a scheduler or workers: batch systems start them within this, people notice it
_AHEAD = 2  # shards submitted at a time per thread of the cluster
GLANCE = 0.1  # seconds between checks for Ctrl-C
_LOOK = 2.0  # seconds between questions to the scheduler whether it has workers


class ClusterError(OSError):
    """The scheduler or its workers do not do their part."""


@dataclass(frozen=True)
class Scheduler:
    """A running dask scheduler.

    address : str, tcp://HOST:PORT or tls://HOST:PORT. timeout : seconds to wait for its answers and for workers.
    """

    address: str
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(tcp|tls)://[^\s/]+:\d+", self.address):
            raise ValueError(f"the scheduler's address must be tcp://HOST:PORT, got {self.address!r}")
        if not 0 < self.timeout < 1e6:  # also refuses NaN; dask's timers take no infinity
            raise ValueError(f"the time to wait must be positive and below 1e6 seconds, got {self.timeout}")


def compute_all(
    recipe: Recipe, plan: Plan, todo: list[int], scheduler: Scheduler
) -> Iterator[tuple[int, bytes, list[Missing]]]:
    """Number, content and missing cases of each shard, in the order in which they finish.

    Raises
    ------
    ClusterError
        The scheduler does not answer, is lost, or has no workers for too long; or a worker imports another `data`.
    """
    with noted() as signals, _client(scheduler) as crew:
        work, waiting, ready = iter(todo), dict[Any, int](), queue.SimpleQueue[Any]()

        def submit() -> None:
            for number in itertools.islice(work, max(1, _AHEAD * max(crew.threads(), 1) - len(waiting))):
                future = crew.submit(compute, recipe, number, versions(recipe.task))
                waiting[future] = number
                future.add_done_callback(ready.put)

        submit()
        while waiting:
            signals.check()
            try:
                future = ready.get(timeout=GLANCE)
            except queue.Empty:
                crew.look()
                continue
            number = waiting.pop(future)
            result = crew.result(future)
            if result is None:
                result = b"", given_up(recipe, plan, number)
            submit()
            yield number, *result


class _Crew:
    """A client of a scheduler; everything that it waits for has an end."""

    def __init__(self, client: Any, scheduler: Scheduler) -> None:
        self._client, self._scheduler = client, scheduler
        self._seen = self._looked = time.monotonic()  # when there were workers, and when they were counted

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A future of the function's value."""
        import cloudpickle

        return self._client.submit(_by_value(), cloudpickle.dumps((function, arguments)), pure=False)

    def result(self, future: Any) -> Any:
        """The value of a finished future, which is released; None if every worker that tried it died."""
        from distributed import CancelledError, KilledWorker

        while True:
            try:
                value = future.result(timeout=self._scheduler.timeout)
            except TimeoutError:  # its worker is gone, and it is computed anew; or the scheduler is
                self.look()
                continue
            except CancelledError:
                raise self._lost() from None
            except KilledWorker:
                value = None
            future.release()
            return value

    def threads(self) -> int:
        """Number of threads of the workers now."""
        self._looked = time.monotonic()
        if self._client.status != "running":
            raise self._lost()
        question = self._client.scheduler.identity
        try:
            about = self._client.sync(question, n_workers=-1, callback_timeout=self._scheduler.timeout)
        except (OSError, TimeoutError):
            raise self._lost() from None
        if about["workers"]:
            self._seen = time.monotonic()
        return sum(one["nthreads"] for one in about["workers"].values())

    def look(self) -> None:
        """Raise an error if the scheduler is gone, or has had no workers for too long."""
        now, timeout = time.monotonic(), self._scheduler.timeout
        if now - self._looked > min(_LOOK, timeout / 2) and not self.threads() and now - self._seen > timeout:
            raise ClusterError(f"the scheduler at {self._scheduler.address} has had no workers for {timeout:g} s")

    def _lost(self) -> ClusterError:
        return ClusterError(f"the scheduler at {self._scheduler.address} was lost")


def _by_value() -> Callable[[bytes], Any]:
    """A function of pickled work, itself pickled by value: the worker may import another `data`, which it reports.

    Pickled by name, neither the function nor the recipe could be read there, and dask would end the worker.
    """

    def start(work: bytes) -> Any:
        import os
        import pickle
        import sys

        try:
            function, arguments = pickle.loads(work)
        except (ImportError, AttributeError) as error:
            places = [getattr(sys.modules.get(name), "__file__", None) for name in ("data", "analytic")]
            raise OSError(
                f"a worker in {os.getcwd()} cannot load this package: {error}; it has data from {places[0]}, analytic "
                f"from {places[1]}; start workers in another folder, with the same version of wavenet"
            ) from None
        return function(*arguments)

    return start


@contextlib.contextmanager
def _client(scheduler: Scheduler) -> Iterator[_Crew]:
    """A client of the scheduler."""
    import dask
    from distributed import Client

    for name in (
        "distributed",
        "distributed.client",
        "tornado",
        "tornado.application",
        "asyncio",
    ):  # they print tracebacks of what is reported here in a line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    settings = {"distributed.comm.timeouts.connect": scheduler.timeout}
    with dask.config.set(settings):
        _expect_scheduler(scheduler)
        client = Client(scheduler.address, set_as_default=False, timeout=scheduler.timeout)
        try:
            yield _Crew(client, scheduler)
        finally:
            with contextlib.suppress(Exception):  # errors here must not mask an earlier one
                client.close()


def _expect_scheduler(scheduler: Scheduler) -> None:
    """Ask who answers at an address. A client would wait for a silent port for ever, and print what others say."""
    from distributed.comm import CommClosedError
    from distributed.core import rpc
    from distributed.security import Security

    async def ask() -> Any:
        async with rpc(scheduler.address, connection_args=Security().get_connection_args("client")) as remote:
            return await remote.identity()

    try:
        kind = asyncio.run(asyncio.wait_for(ask(), scheduler.timeout))["type"]
    except Exception as error:  # whatever the bytes of another service mean to dask
        silent = isinstance(error, OSError) and not isinstance(error, CommClosedError)
        kind = f"nothing answers for {scheduler.timeout:g} s" if silent else "what answers is something else"
    if kind != "Scheduler":
        raise ClusterError(f"there is no dask scheduler at {scheduler.address}: {kind}")
