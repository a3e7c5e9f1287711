"""Shards computed by the worker processes of a local cluster or of a running dask scheduler."""

import contextlib
import itertools
import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from .journal import Missing
from .recipe import Recipe
from .sampling import Plan
from .shards import compute, groups, lost, versions

_AHEAD = 2  # shards submitted at a time per thread of the cluster
_GLANCE = 0.1  # seconds between checks for Ctrl-C
_DEATHS = 3  # worker deaths after which the cases of a shard are given up


def compute_all(
    recipe: Recipe, plan: Plan, todo: list[int], workers: int, scheduler: str | None
) -> Iterator[tuple[int, bytes, list[Missing]]]:
    """Number, content and missing cases of each shard, in the order in which they finish."""
    from distributed import KilledWorker

    with _interrupts() as interrupted, _client(min(workers, len(todo)), scheduler) as client:
        work, waiting, ready = iter(todo), dict[Any, int](), queue.SimpleQueue[Any]()

        def submit() -> None:
            threads = sum(one["nthreads"] for one in client.scheduler_info(n_workers=-1)["workers"].values())
            for number in itertools.islice(work, max(1, _AHEAD * max(threads, 1) - len(waiting))):
                future = client.submit(compute, recipe, number, versions(), pure=False)
                waiting[future] = number
                future.add_done_callback(ready.put)

        submit()
        while waiting:
            if interrupted.is_set():
                raise KeyboardInterrupt
            try:
                future = ready.get(timeout=_GLANCE)
            except queue.Empty:
                continue
            number = waiting.pop(future)
            try:
                content, missing = future.result()
            except KilledWorker:
                reason = f"its worker died {_DEATHS + 1} times"
                given_up = [plan.group(index) for index in groups(recipe, plan, number)]
                content, missing = b"", lost(given_up, [reason] * (len(given_up) * recipe.source.mixtures))
            future.release()
            submit()
            yield number, content, missing


@contextlib.contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, checked where the work can stop; a second Ctrl-C raises.

    A KeyboardInterrupt raised at an arbitrary place may be lost: Python drops exceptions in some callbacks.
    """
    event = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    with _on_interrupt(handle):
        yield event


@contextlib.contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Any]:
    """A client of the scheduler, or of a local cluster that lives as long as the client."""
    import dask
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    settings = {"distributed.scheduler.allowed-failures": _DEATHS, "distributed.comm.timeouts.connect": "10s"}
    with dask.config.set(settings), contextlib.ExitStack() as stack:
        if scheduler is None:
            with _on_interrupt(signal.SIG_IGN):  # Ctrl-C is for this process; it ends the workers
                cluster = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address="127.0.0.1:0",  # of its HTTP server: any free port, for this machine alone
                    silence_logs=logging.CRITICAL,
                    memory_limit=0,
                )
            stack.callback(_close, cluster)
            scheduler = cluster.scheduler_address
        client = Client(scheduler, set_as_default=False)
        stack.callback(_close, client)
        yield client


def _close(what: Any) -> None:
    """Close a client or cluster after its work is done or given up; errors here must not mask an earlier one."""
    with contextlib.suppress(Exception):
        what.close()


@contextlib.contextmanager
def _on_interrupt(
    handler: Callable[[int, FrameType | None], Any] | signal.Handlers,
) -> Iterator[None]:
    """Install another handler of SIGINT, in the main thread only; processes started meanwhile inherit SIG_IGN."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
