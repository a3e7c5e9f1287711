"""Shards computed by processes of this machine, each of which writes its own to the folder of shards.

The processes are programs of their own. Those of multiprocessing would run the caller's script anew, and fields would
travel through pipes. Questions and answers go through standard input and output; a worker whose input ends, because
the process that asks has ended in whatever way, ends at once.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .cluster import GLANCE, ClusterError
from .interrupts import ignored, noted
from .journal import Journal, Missing, Stored
from .recipe import Recipe
from .sampling import Plan
from .shards import DEATHS, compute, given_up, versions

_PROGRAM = "import sys; sys.path[:] = {path!r}; from data.processes import serve; serve()"
# Numerical libraries in one thread: there is a worker for every core, and the bits may depend on the number of threads.
_ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def compute_all(
    recipe: Recipe, plan: Plan, todo: list[int], workers: int, folder: Path
) -> Iterator[tuple[int, bytes | Stored, list[Missing]]]:
    """Number, content and missing cases of each shard, in the order in which they finish.

    Raises
    ------
    ClusterError
        The processes cannot be started.
    OSError, MemoryError
        A shard cannot be computed or written.
    """
    work = pickle.dumps((compute, recipe, versions(recipe.task), folder))
    questions, answers = queue.SimpleQueue[int | None](), queue.SimpleQueue[tuple[int, Any]]()
    workers = min(workers, len(todo))
    for number in (*todo, *[None] * workers):
        questions.put(number)
    with noted() as signals, contextlib.ExitStack() as stack:
        try:
            with ignored():  # Ctrl-C is for this process; it ends the workers
                crew = [stack.enter_context(_Worker(work)) for _ in range(workers)]
        except OSError as error:
            raise ClusterError(f"cannot start {workers} worker processes: {error}") from None
        for worker in crew:
            worker.attend(questions, answers)
        for _ in todo:
            found = None
            while found is None:
                signals.check()
                with contextlib.suppress(queue.Empty):
                    found = answers.get(timeout=GLANCE)
            number, answer = found
            if isinstance(answer, BaseException):
                raise answer
            yield number, *(answer or (b"", given_up(recipe, plan, number)))


class _Worker:
    """A process that answers questions, with the thread that asks it; as a context it is ended."""

    def __init__(self, work: bytes) -> None:
        self._work, self._lock, self._closed = work, threading.Lock(), False
        self._thread: threading.Thread | None = None
        self._ready = False
        self._start()

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            self._process.kill()
        if self._thread is not None:
            self._thread.join()
        self._end()

    def attend(self, questions: "queue.SimpleQueue[int | None]", answers: "queue.SimpleQueue[tuple[int, Any]]") -> None:
        """Ask in a thread, and pass on the answers: None if the process died every time that it was asked."""

        def ask() -> None:
            while (number := questions.get()) is not None and not self._closed:
                try:
                    answers.put((number, self._answer(number)))
                except Exception as error:  # raised where the answers are read
                    answers.put((number, error))

        self._thread = threading.Thread(target=ask, daemon=True)
        self._thread.start()

    def _answer(self, number: int) -> Any:
        for _ in range(DEATHS + 1):
            if not self._running:
                self._end()
                self._start()
            if not self._ready:
                if self._read() is None:
                    status = self._process.wait()
                    raise ClusterError(f"a worker process ended with status {status} before it began to work")
                self._ready = True
            with contextlib.suppress(OSError):  # it is dead
                pickle.dump(number, self._input)
                self._input.flush()
            answer = self._read()
            if answer is not None or self._closed:
                return answer
        return None

    def _start(self) -> None:
        with self._lock:
            if self._closed:
                raise ClusterError("the workers are being ended")
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM.format(path=sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | _ENVIRONMENT,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self._running, self._ready = True, False
        with contextlib.suppress(OSError):  # it is dead
            self._input.write(self._work)
            self._input.flush()

    def _read(self) -> Any:
        """Its next answer; None if it died."""
        try:
            return pickle.load(self._output)
        except (EOFError, OSError, pickle.UnpicklingError):
            self._running = False
            return None

    def _end(self) -> None:
        """Wait for the process, which is dead or killed, and close its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._input, self._output):
            with contextlib.suppress(OSError):
                pipe.close()


def serve() -> None:
    """Answer in a worker the questions on standard input: a pickled function, its recipe and others, then numbers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the caller may ignore it
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    function, recipe, expected, folder = pickle.load(asked)
    _write(answers, "ready")
    numbers = queue.SimpleQueue[int]()
    threading.Thread(target=_listen, args=(asked, numbers), daemon=True).start()
    while True:
        number = numbers.get()
        try:
            content, missing = function(recipe, number, expected)
            _write(answers, (Journal(folder).store(number, content) if content else b"", missing))
        except Exception as error:
            if not isinstance(error, OSError | MemoryError):
                error.add_note(traceback.format_exc())
            _write(answers, error)


def _listen(asked: BinaryIO, numbers: "queue.SimpleQueue[int]") -> None:
    """Pass on the questions; end this process when they end, even in the middle of a shard, which others may write."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            numbers.put(pickle.load(asked))
    os.kill(os.getpid(), signal.SIGTERM)


def _write(answers: BinaryIO, answer: Any) -> None:
    answers.write(pickle.dumps(answer))
    answers.flush()
