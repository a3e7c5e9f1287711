"""Choose which cases of a recipe to compute: where a network expects to be wrong, until it is measured to be right.

A batch is half drawn from the recipe and half chosen, by the largest expected errors far from each other. The drawn
half is what the network is judged by: it is tried on these cases before it learns from them, and they come from a
quasi-random sequence that knows nothing of the network.
"""

import contextlib
import json
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from data import generate as generation
from data.cluster import TIMEOUT
from data.files import expect_writable
from data.generate import Interrupted
from data.interrupts import Stopped, raised
from data.locks import lock
from data.read import read_small
from data.recipe import NamedRecipe, with_cases
from data.shards import versions
from wavenet.arrays import FloatArray

from .batches import Batch, Batches, drawn_cases
from .candidates import CANDIDATES, Draws, Judged, judge, pick, scores

BATCH = 24
_JUDGES = 24  # drawn cases that a network is judged by, the latest ones
_DRAWN = 0.5  # share of a batch
_MOST_BATCHES = 100  # what the provenance in the file has room for


class Learned(Protocol):
    """A network that has learned from a dataset."""

    def expected(self, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Errors (case, quantity) that it expects in cases of these parameters: m and all of the duct, (case,) each."""

    def missed(self, data: Path) -> FloatArray:
        """Errors (case, quantity) that it makes in the cases of a dataset."""


class Learner(Protocol):
    """How a network learns; quantities : names of what it predicts, each with an error of its own."""

    quantities: tuple[str, ...]

    def fit(self, data: Path) -> Learned:
        """A network that has learned the training cases of a dataset."""


@dataclass(frozen=True)
class Chosen:
    """What `choose` did.

    file : dataset. cases, drawn, missing : numbers of the cases that were asked for, of those that were drawn, and of
    those that did not converge. judged : by quantity; empty if too few cases were drawn. wanted : errors asked for.
    """

    file: Path
    cases: int
    drawn: int
    missing: int
    judged: Mapping[str, Judged]
    wanted: Mapping[str, float]

    @property
    def reached(self) -> bool:
        """Whether the limits of all errors that were wanted are at most that; not if none was."""
        return _reached(self.judged, self.wanted)


@dataclass(frozen=True)
class Machine:
    """Where cases are computed: see `data.generate.generate`."""

    workers: int = 1
    scheduler: str | None = None
    timeout: float = TIMEOUT


# long: parameters and errors of the whole choice
def choose(
    named: NamedRecipe,
    out: str | Path,
    learner: Learner,
    *,
    wanted: Mapping[str, float],
    cases: int,
    batch: int = BATCH,
    start: str | Path | None = None,
    machine: Machine | None = None,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
    told: Callable[[Mapping[str, Judged]], None] | None = None,
    note: Callable[[str], None] = warnings.warn,
) -> Chosen:
    """Compute cases of a recipe, batch by batch, until a network's errors are what is wanted.

    Parameters
    ----------
    named : data.recipe.NamedRecipe
        Its ranges count; its number of cases, splits and out-of-range sets do not.
    out : path
        Dataset file to write, of cases for training. Must not exist.
    learner : Learner
    wanted : dict
        Median error wanted of some of the learner's quantities; if there are none, all `cases` are computed.
    cases : int
        Largest number of cases, those of the start among them.
    batch : int
        Cases between one training and the next. All of the first batch are drawn, unless there is a start.
    start : path, optional
        Dataset of the task to begin with.
    machine : Machine, optional
        By default one process.
    resume : bool
        Continue an interrupted call; `wanted` and `cases` may be others than before.
    progress : callable, optional
        Called with the number of finished cases and their largest number.
    told : callable, optional
        Called with the errors that were measured after each batch.
    note : callable
        Called with a sentence if the file system has no locks.

    Returns
    -------
    Chosen

    Raises
    ------
    FileExistsError, OSError
        The file or its batches exist, or cannot be written.
    ValueError
        A number out of range, a quantity that the learner does not have, a recipe with given cases or tied parameters,
        a start of another task, or batches that were begun otherwise.
    ImportError
        A library that the task needs is not installed.
    Interrupted
        After Ctrl-C, SIGTERM or SIGHUP. What was solved is kept.

    Notes
    -----
    The limit is the order statistic that is above the median with a probability of 90 per cent. It is no optimistic
    one: the judges are drawn whatever the network, it had not learned from them, and the older ones among them judge
    a network that knew less. Every batch is a further look, so that the confidence of the one that ends the choice is
    lower than that of a single look.
    """
    out, begin = Path(out), None if start is None else Path(start)
    _expect(wanted, learner, cases, batch)
    draws = Draws(named)
    versions(named.recipe.task)  # a missing library is said before work begins
    known = 0 if begin is None else len(read_small(begin, task=named.recipe.task))
    if known >= cases:
        raise ValueError(f"{start} has {known} cases, as many as are wanted at most: cases = {cases}")
    folder = batches_folder(out)
    if out.exists():
        raise FileExistsError(f"{out} exists and is not overwritten")
    if folder.exists() and not resume:
        raise FileExistsError(f"{folder} holds an unfinished {out.name}; continue with --resume or delete it")
    expect_writable(out)
    folder.mkdir(exist_ok=True)
    with lock(folder, note), raised():
        batches = Batches(folder, begin)
        batches.begin(_plan(named, begin, batch))
        with _resumable(folder, batches, cases - known):
            while True:
                done = batches.records
                judged = _judged(done, learner.quantities)
                total = known + sum(one.cases for one in done)
                finished = not done or done[-1].missed is not None
                if told is not None and judged:
                    told(judged)
                if finished and (total >= cases or _reached(judged, wanted)):
                    break
                learned = _learned(batches, learner, len(done) - (not finished))
                if finished:
                    current = _next(draws, done, learned, wanted, learner, min(batch, cases - total))
                    batches.save(current)
                else:
                    current = done[-1]
                    total -= current.cases
                file = batches.file(current)
                _solve(named, current, file, machine or Machine(), note, _after(progress, total, cases))
                batches.save(current.measured(_missed(learned, current, file)))
            batches.finish(out, learner.quantities)
    written = read_small(out)
    drawn = sum(one.drawn for one in done)
    return Chosen(out, total, drawn, len(written.about.missing), judged, dict(wanted))


def batches_folder(path: str | Path) -> Path:
    """Folder of the batches of an unfinished file."""
    path = Path(path)
    return path.with_name(f"{path.name}.batches")


def _expect(wanted: Mapping[str, float], learner: Learner, cases: int, batch: int) -> None:
    for name, value in wanted.items():
        if name not in learner.quantities:
            raise ValueError(f"there are errors of {', '.join(learner.quantities)}, got {name!r}")
        if not 0 < value < float("inf"):
            raise ValueError(f"the error wanted of the {name} must be positive, got {value}")
    if not 2 <= batch <= CANDIDATES:
        raise ValueError(f"batch must be 2 ... {CANDIDATES}, got {batch}")
    if not 1 <= cases <= _MOST_BATCHES * batch:
        raise ValueError(f"cases must be 1 ... {_MOST_BATCHES * batch}, {_MOST_BATCHES} batches, got {cases}")


def _plan(named: NamedRecipe, start: Path | None, batch: int) -> dict[str, str]:
    """What a resumed choice must have in common with the one that was begun."""
    before = "" if start is None else str(read_small(start).provenance["content_hash"])
    return {"recipe": named.recipe.model_dump_json(), "start": before, "batch": json.dumps(batch)}


def _learned(batches: Batches, learner: Learner, before: int) -> Learned | None:
    """A network that knows the start and the batches before this number."""
    data = batches.solved(before)
    return None if data is None else learner.fit(data)


def _next(
    draws: Draws, done: list[Batch], learned: Learned | None, wanted: Mapping[str, float], learner: Learner, count: int
) -> Batch:
    """The next cases."""
    drawn = count if learned is None else max(1, round(_DRAWN * count))
    given = draws.drawn(sum(one.drawn for one in done), drawn)
    if learned is None:
        return Batch(len(done), given, drawn, [])
    candidates = draws.candidates(len(done))
    expected = learned.expected(draws.parameters(candidates))
    chosen = pick(scores(expected, wanted, learner.quantities), draws.places(candidates), count - drawn)
    of_drawn = learned.expected(draws.parameters(given))
    together = {name: [*given[name], *(candidates[name][index] for index in chosen)] for name in given}
    return Batch(len(done), together, drawn, np.concatenate([of_drawn, expected[chosen]]).tolist())


def _solve(
    named: NamedRecipe,
    batch: Batch,
    path: Path,
    machine: Machine,
    note: Callable[[str], None],
    progress: Callable[[int, int], None] | None,
) -> None:
    """Compute a batch, or the rest of it."""
    begun = generation.parts_folder(path).exists()
    if begun or not path.exists():
        generation.generate(
            with_cases(named, batch.given),
            path,
            workers=machine.workers,
            scheduler=machine.scheduler,
            timeout=machine.timeout,
            resume=begun,
            progress=progress,
            note=note,
        )


def _after(progress: Callable[[int, int], None] | None, before: int, cases: int) -> Callable[[int, int], None] | None:
    """Progress of a batch as that of all cases."""
    return None if progress is None else lambda done, _: progress(before + done, cases)


def _missed(learned: Learned | None, batch: Batch, file: Path) -> FloatArray:
    """Errors in the drawn cases of a batch; none if there was no network yet."""
    if learned is None:
        return np.zeros((0, 0))
    return learned.missed(file)[drawn_cases(batch, file)]


def _judged(done: list[Batch], quantities: tuple[str, ...]) -> dict[str, Judged]:
    rows = [row for batch in done for row in batch.missed or ()][-_JUDGES:]
    if len(rows) < _JUDGES:
        return {}
    return {name: judge(column) for name, column in zip(quantities, np.array(rows).T, strict=True)}


def _reached(judged: Mapping[str, Judged], wanted: Mapping[str, float]) -> bool:
    return bool(wanted) and bool(judged) and all(judged[name].limit <= value for name, value in wanted.items())


@contextlib.contextmanager
def _resumable(folder: Path, batches: Batches, cases: int) -> Iterator[None]:
    """Say after an interruption what is kept and how to go on; a folder without a solved case is deleted."""
    try:
        yield
    except KeyboardInterrupt as error:
        number = error.signal if isinstance(error, Stopped | Interrupted) else signal.SIGINT
        if batches.empty:
            batches.remove()
            raise Interrupted("interrupted, nothing was kept", number) from None
        whole = sum(one.cases for one in batches.records if one.missed is not None)
        hint = f"{whole} of at most {cases} cases, and what is solved of a batch, are kept in {folder}"
        raise Interrupted(f"interrupted: {hint}; continue with --resume", number) from None
