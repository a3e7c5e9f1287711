"""Compute a recipe over worker processes into one HDF5 file."""

import contextlib
import importlib.metadata
import multiprocessing
import os
import subprocess
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

import analytic
from analytic import ConvergenceError, DuctMode, ModeMixture, cut_on_helmholtz, radial_eigenvalue, solve

from .files import whole_file
from .format import FIELDS, FORMAT, KIND

TOLERANCE = 1e-6
_DRAWS = 1000  # of one case until one of its modes is cut on
_REDRAWS = 8  # of one case, should the solver not converge: next to a cut-on
_CHUNK = 8  # cases a worker takes at a time
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def cell_centres(start, end, cells):
    """Centres of equal cells between start and end.

    >>> cell_centres(0.0, 2.0, 4).tolist()
    [0.25, 0.75, 1.25, 1.75]
    """
    return start + (np.arange(cells) + 0.5) * ((end - start) / cells)


def microphone_positions(microphones):
    """x and r of a recipe's arc [radii]."""
    theta = np.radians(np.linspace(*microphones.angle_deg))
    return microphones.radius * np.cos(theta), microphones.radius * np.abs(np.sin(theta))


def generate(named, path, *, workers=1, progress=None):
    """Generate a dataset file.

    Parameters
    ----------
    named : data.recipe.NamedRecipe
    path : path
        Must not exist; appears only when it is complete.
    workers : int
        Processes. The same recipe and seed give the same bits, whatever their number.
    progress : callable, optional
        Called with the number of finished cases.

    Raises
    ------
    FileExistsError, OSError
        path exists or cannot be written; nothing was computed.
    ValueError
        No mode of the recipe is cut on.
    """
    recipe = named.recipe
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    _sample(recipe, 0)  # fails here if nothing in the recipe is cut on
    with whole_file(path) as file:
        _create(file, recipe)
        redrawn = 0
        for case, (arrays, draws) in enumerate(_compute(recipe, workers)):
            for name, value in arrays.items():
                file[name][case] = value
            redrawn += draws
            if progress is not None:
                progress(case + 1)
        file.attrs.update(_provenance(named), redrawn=redrawn)


def _compute(recipe, workers):
    """Results in the order of the cases.

    Spawned workers have one thread each: their sums do not depend on the machine's cores or on the number of workers.
    """
    work = partial(compute_case, recipe, _splits(recipe))
    with _one_thread(), ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield from pool.map(work, range(recipe.cases), chunksize=_CHUNK)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextlib.contextmanager
def _one_thread():
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _splits(recipe):
    """Split of every case: exact shares, drawn once for the whole dataset."""
    bounds = np.round(np.cumsum(recipe.split) * recipe.cases).astype(int)
    order = np.random.default_rng([recipe.seed, 0]).permutation(recipe.cases)
    return np.searchsorted(bounds, order, side="right")


def _orders(recipe, m, helmholtz, mach):
    """Radial orders of the recipe, for "cut-on" those that propagate."""
    if recipe.source.n != "cut-on":
        return list(recipe.source.n)
    orders: list[int] = []
    while cut_on_helmholtz(m, len(orders), mach) < helmholtz:
        orders.append(len(orders))
    return orders


def _sample(recipe, case):
    """Parameters of one case, drawn from a stream of its own; drawn again until a mode is cut on."""
    source, rng = recipe.source, np.random.default_rng([recipe.seed, 1, case])
    for _ in range(_DRAWS):
        m = int(rng.choice(source.m))
        helmholtz, mach = float(rng.uniform(*source.helmholtz)), float(rng.uniform(*source.mach))
        orders = _orders(recipe, m, helmholtz, mach)
        if orders:
            break
    else:
        raise ValueError(f"no mode of the recipe is cut on: m = {source.m}, helmholtz = {list(source.helmholtz)}")
    count = min(int(rng.integers(source.modes[0], source.modes[1] + 1)), len(orders))
    chosen = np.sort(rng.choice(orders, count, replace=False))
    parts = rng.standard_normal((count, 2))
    amplitudes = np.zeros(chosen[-1] + 1, complex)
    amplitudes[chosen] = parts @ [1, 1j] / np.linalg.norm(parts)
    return m, helmholtz, mach, amplitudes


def compute_case(recipe, splits, case):
    """All arrays of one case, and how often it was drawn again because the solver did not converge."""
    for attempt in range(_REDRAWS):
        m, helmholtz, mach, amplitudes = _sample(recipe, case + attempt * recipe.cases)
        common = {"m": m, "helmholtz": helmholtz, "mach": mach, "split": splits[case]}
        try:
            return common | _observe(recipe, m, helmholtz, mach, amplitudes), attempt
        except ConvergenceError as error:
            last = error
    raise ConvergenceError(f"case {case} failed {_REDRAWS} times: {last}")


def _observe(recipe, m, helmholtz, mach, amplitudes):
    if recipe.task == "forward":
        n = len(amplitudes) - 1
        solution = solve(DuctMode(m, n, helmholtz, mach), tolerance=TOLERANCE)
        field = solution.at(*microphone_positions(recipe.microphones))
        values = {"n": n, "radial_eigenvalue": radial_eigenvalue(m, n), "pressure": _parts(field.pressure, -1)}
    else:
        solution = solve(ModeMixture(m, amplitudes, helmholtz, mach), tolerance=TOLERANCE)
        field = solution.field(cell_centres(*recipe.grid.x), cell_centres(*recipe.grid.r))
        padded = np.zeros(_most_orders(recipe), complex)
        padded[: len(amplitudes)] = amplitudes
        values = {
            "amplitude": _parts(padded, -1),
            "potential": _parts(field.potential, 0),
            "axial_velocity": _parts(field.axial_velocity, 0),
            "radial_velocity": _parts(field.radial_velocity, 0),
        }
    return values | {"error_estimate": max(solution.error_estimate, field.error_estimate)}


def _parts(values, axis):
    return np.stack([values.real, values.imag], axis=axis)


def _most_orders(recipe):
    """Length of the axis `order`."""
    source = recipe.source
    if source.n != "cut-on":
        return max(source.n) + 1
    fastest = max(map(abs, source.mach))
    return max(1, *(len(_orders(recipe, m, source.helmholtz[1], fastest)) for m in source.m))


def _create(file, recipe):
    coordinates = dict(zip("xr", _positions(recipe), strict=True))
    lengths = {"case": recipe.cases, "part": 2}
    if recipe.task == "forward":
        lengths["microphone"] = len(coordinates["x"])
    else:
        lengths.update(order=_most_orders(recipe), x=len(coordinates["x"]), r=len(coordinates["r"]))
    for name, (axes, dtype, unit, meaning) in FIELDS[recipe.task].items():
        shape = tuple(lengths[axis] for axis in axes)
        bulky = len(axes) == 4
        options = {"chunks": (1, *shape[1:]), "compression": "gzip", "shuffle": True} if bulky else {}
        dataset = file.create_dataset(name, shape, dtype, fletcher32=True, **({"chunks": True} | options))
        dataset.attrs.update(axes=list(axes), unit=unit, meaning=meaning)
        if name in coordinates:
            dataset[...] = coordinates[name]


def _positions(recipe):
    if recipe.task == "forward":
        return microphone_positions(recipe.microphones)
    return cell_centres(*recipe.grid.x), cell_centres(*recipe.grid.r)


def _provenance(named):
    versions = {name: importlib.metadata.version(name) for name in ("wavenet", "numpy", "scipy", "h5py")}
    return {
        "kind": KIND,
        "format": FORMAT,
        "task": named.recipe.task,
        "recipe_name": named.name,
        "recipe": named.recipe.model_dump_json() + "\n" + named.text,
        "seed": named.recipe.seed,
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "commit": _commit(),
        "conventions": analytic.__doc__.split(">>>")[0].strip(),
        "solver_tolerance": TOLERANCE,
    }


def _commit():
    """Commit of the clone this package runs from, "unknown" for an installed one."""
    try:
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
