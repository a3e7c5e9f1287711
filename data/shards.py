"""Shards: a few groups of cases computed in one go, as the bytes of a small HDF5 file, and the journal of those done.

A shard has the arrays of the dataset that run along its cases, and sums for the dataset's statistics. It is written
whole or not at all; its line in the journal, with its digest, acknowledges it.
"""

import importlib.metadata
import io

import h5py
import numpy as np
from numpy.polynomial import chebyshev

from analytic import ConvergenceError, DuctMode, ModeMixture, plus_factor, radial_eigenvalue, solve

from . import layout
from .files import LIBVER
from .journal import Missing
from .sampling import Plan

TOLERANCE = 1e-6
_CASES = 16  # of a shard, about


def versions():
    """What decides on the bits of a dataset."""
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("wavenet", "numpy", "scipy", "h5py"))


def cell_centres(start, end, cells):
    """Centres of equal cells between start and end.

    >>> cell_centres(0.0, 2.0, 4).tolist()
    [0.25, 0.75, 1.25, 1.75]
    """
    return start + (np.arange(cells) + 0.5) * ((end - start) / cells)


def positions(recipe):
    """Where a recipe's fields are observed: x and r [radii] by name, and root and angle of an edge recipe's nodes."""
    if recipe.task == "derivative":
        return {"x": cell_centres(*recipe.grid.x), "r": cell_centres(*recipe.grid.r)}
    if recipe.task == "edge":
        disc = recipe.disc
        low, high = np.sqrt(disc.closest), np.sqrt(disc.radius)
        root = low + (high - low) * (chebyshev.chebpts1(disc.roots) + 1) / 2
        angle = np.pi * chebyshev.chebpts1(disc.angles)
        rho = root[:, None] ** 2
        return {"root": root, "angle": angle, "x": rho * np.cos(angle), "r": 1 + rho * np.sin(angle)}
    if recipe.task == "factor":
        return {"angle": np.pi * (chebyshev.chebpts1(recipe.arc.angles) + 1) / 2}
    theta = np.radians(np.linspace(*recipe.microphones.angle_deg))
    radius = recipe.microphones.radius
    return {"x": radius * np.cos(theta), "r": radius * np.abs(np.sin(theta))}


def groups(recipe, plan, number):
    """Numbers of the groups in a shard."""
    size = _groups_per_shard(recipe)
    return range(number * size, min((number + 1) * size, plan.groups))


def count(recipe, plan):
    """How many shards a recipe has."""
    return -(-plan.groups // _groups_per_shard(recipe))


def _groups_per_shard(recipe):
    return max(1, _CASES // recipe.source.mixtures)


def compute(recipe, number, expected):
    """Compute a shard.

    Parameters
    ----------
    recipe : Recipe
    number : int
    expected : str
        `versions` of whoever asks.

    Returns
    -------
    content : bytes
        Of an HDF5 file.
    missing : list of Missing
    """
    if versions() != expected:
        raise ValueError(f"a worker has {versions()}, the one who asks {expected}: the bits would differ")
    plan = Plan(recipe)
    found, missing = [], []
    for index in groups(recipe, plan, number):
        group = plan.group(index)
        try:
            found.append(_observe(recipe, group, plan.orders))
        except (ConvergenceError, MemoryError) as error:
            missing += lost(group, str(error) or type(error).__name__)
    return _file(recipe, plan, found), missing


def lost(group, reason):
    """Records of a group's cases."""
    cases = range(group.first, group.first + len(group.amplitudes))
    return [Missing(case, group.m, group.helmholtz, group.mach, group.split, reason) for case in cases]


def _observe(recipe, group, orders):
    """Arrays of a group along its cases."""
    if recipe.task == "forward":
        values = _forward(recipe, group)
    elif recipe.task == "factor":
        values = _factor(recipe, group)
    else:
        values = _mixtures(recipe, group, orders)
    cases = len(group.amplitudes)
    common = {"group": group.number, "m": group.m, "helmholtz": group.helmholtz, "mach": group.mach}
    constants = {name: np.full(cases, value) for name, value in (common | {"split": group.split}).items()}
    return {"case": group.first + np.arange(cases)} | constants | values


def _forward(recipe, group):
    n = int(np.argmax(np.abs(group.amplitudes[0])))
    solution = solve(DuctMode(group.m, n, group.helmholtz, group.mach), tolerance=TOLERANCE)
    field = solution.at(**positions(recipe))
    return {
        "n": np.array([n]),
        "radial_eigenvalue": np.array([radial_eigenvalue(group.m, n)]),
        "pressure": layout.parts(field.pressure, -1)[None],
        "error_estimate": np.array([max(solution.error_estimate, field.error_estimate)]),
    }


def _factor(recipe, group):
    value, error = plus_factor(group.m, group.helmholtz, positions(recipe)["angle"])
    if not np.max(error) <= TOLERANCE:
        raise ConvergenceError(f"the error estimate {np.max(error):.1e} of the factor is above {TOLERANCE:.0e}")
    return {"factor": layout.parts(value, -1), "error_estimate": np.max(error, axis=1)}


def _mixtures(recipe, group, orders):
    places = positions(recipe)
    x, r = places["x"], places["r"]
    mixture = ModeMixture(group.m, group.amplitudes[0], group.helmholtz, group.mach)
    solution = solve(mixture, tolerance=TOLERANCE)
    if recipe.task == "edge":
        fields = [solution.at(x, r)]
    elif len(group.amplitudes) == 1:
        fields = [solution.field(x, r)]
    else:
        fields = solution.fields(group.amplitudes, x, r)
    padded = np.zeros((len(fields), orders), complex)
    padded[:, : group.amplitudes.shape[1]] = group.amplitudes
    names = layout.FIELDS[recipe.task]
    values = {name: np.array([layout.parts(getattr(field, name), 0) for field in fields]) for name in names}
    errors = [max(solution.error_estimate, field.error_estimate) for field in fields]
    return values | {"amplitude": layout.parts(padded, -1), "error_estimate": np.array(errors)}


def lengths(recipe, plan, cases):
    """Lengths of the dimensions for some cases."""
    places = positions(recipe)
    if recipe.task == "forward":
        return {"case": cases, "part": 2, "microphone": len(places["x"])}
    axes = {name: len(values) for name, values in places.items() if values.ndim == 1}
    order = {} if recipe.task == "factor" else {"order": plan.orders}
    return {"case": cases, "part": 2} | order | axes


def along_cases(task):
    """Names of the arrays that run along the cases."""
    return [name for name, variable in layout.VARIABLES[task].items() if variable.dimensions[0] == "case"]


def _file(recipe, plan, found):
    """The bytes of a shard; none if it has no cases."""
    if not found:
        return b""
    values = {name: np.concatenate([part[name] for part in found]) for name in along_cases(recipe.task)}
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=LIBVER) as file:
        layout.create(file, recipe.task, lengths(recipe, plan, len(values["case"])), values, plan.split_names)
        for name in layout.FIELDS[recipe.task]:
            flat = values[name].reshape(len(values["case"]), -1)
            file[f"squares/{name}"] = np.einsum("cv,cv->c", flat, flat)
            file[f"largest/{name}"] = np.max(np.abs(flat), axis=1)
    return buffer.getvalue()
