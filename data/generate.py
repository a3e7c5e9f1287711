"""Compute a recipe into one HDF5 file, on this machine or on a dask.distributed cluster.

During the computation the folder FILE.parts holds finished shards and their journal (see `journal`); at the end they
are joined, and the folder is deleted. After any interruption a resumed run computes the missing shards and writes a
bit-identical file.
"""

import contextlib
import signal
import subprocess
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

import analytic

from . import cluster, layout, processes, tasks
from .arrays import Array
from .cluster import TIMEOUT, ClusterError, Scheduler
from .files import Growing, expect_writable, whole_file
from .identity import ContentHash
from .interrupts import Stopped, raised
from .journal import Journal, Missing, Stored
from .locks import lock
from .read import read_small
from .recipe import NamedRecipe, Recipe
from .sampling import Plan, plan_of
from .shards import count, groups, lengths, positions, versions
from .summary import provenance, record_missing, write_provenance, write_statistics


class Interrupted(KeyboardInterrupt):
    """A generation or a choice of cases was stopped by the signal `signal`; the message says how to resume it."""

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.signal = number


@dataclass(frozen=True)
class Summary:
    """Number of the cases in the file that `generate` wrote, and the missing cases."""

    cases: int
    missing: tuple[Missing, ...]


def parts_folder(path: str | Path) -> Path:
    """Folder of the shards of an unfinished file."""
    path = Path(path)
    return path.with_name(f"{path.name}.parts")


# long: parameters and errors of the whole generation
def generate(
    named: NamedRecipe,
    path: str | Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    timeout: float = TIMEOUT,
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
    note: Callable[[str], None] = warnings.warn,
) -> Summary:
    """Generate a dataset file.

    Parameters
    ----------
    named : data.recipe.NamedRecipe
    path : path
        Must not exist; the file appears once it is complete.
    workers : int
        Processes on this machine. The same recipe and seed give bit-identical files, whatever their number.
    scheduler : str, optional
        Address of a running dask scheduler, as tcp://HOST:PORT, whose workers are used instead; it must be trusted.
    timeout : float
        Seconds to wait for that scheduler, if it does not answer or has no workers.
    resume : bool
        Continue an interrupted call.
    progress : callable, optional
        Called with the number of finished cases and the total number.
    note : callable
        Called with a sentence if the file system has no locks (see `data.locks`).

    Returns
    -------
    Summary
        Missing cases did not converge or their workers died; the file also lists them.

    Raises
    ------
    FileExistsError, OSError
        The file or its parts exist, or cannot be written.
    ValueError
        No mode of the recipe is cut on, or the parts were begun with another recipe or other versions.
    ImportError
        A library that the task needs is not installed.
    ClusterError
        The scheduler does not answer or is lost, or has no workers that can compute.
    Interrupted
        After Ctrl-C, SIGTERM or SIGHUP.
    """
    path, recipe = Path(path), named.recipe
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    crew = None if scheduler is None else Scheduler(scheduler, timeout)
    plan, folder = plan_of(recipe), parts_folder(path)
    if path.exists() and not (resume and folder.exists()):
        raise FileExistsError(f"{path} exists and is not overwritten")
    if folder.exists() and not resume:
        raise FileExistsError(f"{folder} holds an unfinished {path.name}; continue with --resume or delete it")
    journal, about = Journal(folder), _provenance(named)
    for value in about.values():
        layout.text(str(value))  # refuses one that is too long
    folder.mkdir(exist_ok=True)
    with lock(folder, note), raised():
        begun = journal.begin(about)
        with _resumable(plan, journal):
            if not path.exists():
                expect_writable(path)
                _shards(recipe, plan, journal, workers, crew, progress)
                _join(recipe, plan, journal, path, begun)
            written = read_small(path)
            journal.remove()
    return Summary(len(written), tuple(Missing.of(record) for record in written.about.missing))


def compute_all(
    recipe: Recipe, plan: Plan, todo: list[int], workers: int, place: Scheduler | Path
) -> Iterator[tuple[int, bytes | Stored, list[Missing]]]:
    """Number, content and missing cases of each shard, in the order in which they finish.

    place : a scheduler, whose workers compute, or the folder in which so many processes of this machine store them.
    """
    if isinstance(place, Scheduler):
        return cluster.compute_all(recipe, plan, todo, place)
    return processes.compute_all(recipe, plan, todo, workers, place)


def _shards(
    recipe: Recipe,
    plan: Plan,
    journal: Journal,
    workers: int,
    scheduler: Scheduler | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Compute the shards that are not yet in the journal."""
    done = journal.done()
    finished = sum(one.cases + len(one.missing) for one in done.values())
    todo = [number for number in range(count(recipe, plan)) if number not in done]
    if not todo:
        return
    for number, content, missing in compute_all(recipe, plan, todo, workers, scheduler or journal.folder):
        cases = len(groups(recipe, plan, number)) * recipe.source.mixtures - len(missing)
        journal.acknowledge(number, content, cases, missing)
        finished += cases + len(missing)
        if progress is not None:
            progress(finished, plan.cases)


@contextlib.contextmanager
def _resumable(plan: Plan, journal: Journal) -> Iterator[None]:
    """Add to the message of an error or interruption how to resume; if nothing was finished, delete the folder."""
    try:
        yield
    except BaseException as error:
        hint = _kept(plan, journal)
        if isinstance(error, KeyboardInterrupt):
            number = error.signal if isinstance(error, Stopped) else signal.SIGINT
            raise Interrupted(f"interrupted: {hint}" if hint else "interrupted, nothing was kept", number) from None
        if not hint:
            raise
        for kind in (ClusterError, OSError, MemoryError):
            if isinstance(error, kind):
                raise kind(f"{str(error) or 'out of memory'}; {hint}") from error
        error.add_note(hint)
        raise


def _kept(plan: Plan, journal: Journal) -> str:
    """What is kept of an unfinished file, in words; if it is nothing, delete the folder. Raises no error."""
    if not journal.folder.exists():
        return f"{journal.folder} is gone; begin again"
    try:
        kept = sum(one.cases + len(one.missing) for one in journal.done().values())
        if kept:
            return f"{kept} of {plan.cases} cases are kept in {journal.folder}; continue with --resume"
        journal.remove()
    except OSError:  # what failed may be the reading itself: nothing is deleted
        return "continue with --resume"
    return ""


def _join(recipe: Recipe, plan: Plan, journal: Journal, path: Path, about: dict[str, Any]) -> None:
    """Write the file from its shards: one array after the other, in the order of their hash, of a shard at a time."""
    task, done = tasks.get(recipe.task), journal.done()
    numbers = [number for number in sorted(done) if done[number].cases]
    total = sum(done[number].cases for number in numbers)
    if not total:
        raise analytic.ConvergenceError(f"none of the recipe's cases converged, see the journal in {journal.folder}")
    sizes = lengths(recipe, plan, total)
    values = {name: np.arange(size) for name, size in sizes.items() if name != "case"} | positions(recipe)

    def every(name: str) -> Array:
        return np.concatenate([_part(journal, number, name) for number in numbers])

    journal.verify(done)
    with whole_file(path) as file, ThreadPoolExecutor(1) as pool:
        layout.create(file, task, sizes, values, plan.split_names, recipe.storage)
        found = ContentHash()
        for name in sorted(task.variables):
            dataset = file[name]
            found.begin(name, dataset.dtype, dataset.shape)
            if name not in task.along_cases:
                found.add(dataset[...])
                continue
            array = Growing(dataset)
            for number in numbers:
                part = _part(journal, number, name).astype(dataset.dtype, copy=False)
                hashed = pool.submit(found.add, part)  # beside the writing
                array.append(part)
                hashed.result()
            array.flush()
        training = every("split") == layout.SPLITS.index("train")
        for name in task.fields:
            write_statistics(file[name], *(every(f"{kind}/{name}")[training] for kind in ("squares", "largest")))
        record_missing(file, [one for number in sorted(done) for one in done[number].missing])
        write_provenance(file, {"content_hash": found.hexdigest()} | about)


def _part(journal: Journal, number: int, name: str) -> Array:
    """An array of a shard."""
    with safe_open(journal.shard(number), framework="numpy") as shard:
        found: Array = shard.get_tensor(name)
    return found


def _provenance(named: NamedRecipe) -> dict[str, str | int | float]:
    recipe = named.recipe
    text = recipe.model_dump_json() + "\n" + named.text
    return provenance(recipe.task, Path(named.name).name, text, recipe.seed, _commit(), versions(recipe.task))


def _commit() -> str:
    """Commit of the clone this package runs from; "unknown" for an installed one, even inside another repository."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        for command in ([*git, "ls-files", "--error-unmatch", Path(__file__).name], [*git, "rev-parse", "HEAD"]):
            answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
        return answer
    except (OSError, subprocess.SubprocessError):
        return "unknown"
