"""Reading and writing the MATLAB layout of the released study (Huang 2020).

One row per case, one column per point, x varying fastest: Psi_nf1, u_nf1, P_nf1 (potential, axial velocity, pressure);
rr1, zz1 the points' r and x; y_num, x_num the numbers of different r and x; mm, nn azimuthal and highest radial order,
Amp_in amplitudes by radial order. Files written here also hold v_nf1, ka and Mach, which the study's scripts ignore.

Files from elsewhere lack these. ka and M are then fitted to P = i ka Psi - M u, and the amplitudes of the duct modes to
Psi; the radial velocity is that of the fitted Wiener–Hopf field. Fields that no Wiener–Hopf field fits are refused.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import loadmat, savemat, whosmat

import analytic

from . import layout, tasks
from .arrays import Array, ComplexArray, FloatArray, IntArray
from .files import temporary, whole_file
from .read import read
from .summary import provenance, record_missing, write_identity, write_provenance, write_statistics
from .task import TOLERANCE, parts, uniform_flow

_VARIABLES = ("rr1", "zz1", "Psi_nf1", "u_nf1", "P_nf1", "x_num", "y_num", "mm", "nn", "Amp_in")
_NUMBERS = ("double", "single", *(f"{sign}int{size}" for sign in ("", "u") for size in (8, 16, 32, 64)))
_MORE = ("v_nf1", "ka", "Mach")
_TASK = tasks.get("derivative")  # the layout holds near fields
_MISFIT = 1e-3  # relative misfit above which a file is refused: single precision and the study's solver stay below it
_LARGEST = 2**31 - 1  # bytes of a variable in a MATLAB 5 file
_EXPANSION = 1100  # bytes in memory for a byte in a file: what its compression can do


def to_matlab(path: str | Path, out: str | Path, *, split: str | None = None) -> dict[str, str | int]:
    """Write the cases of one split of a derivative dataset, or all cases, in the study's layout.

    Raises
    ------
    FileExistsError, ValueError
        out exists; path is no derivative dataset, or too large for a MATLAB 5 file (one split may fit).
    """
    out = Path(out)
    if out.exists():
        raise FileExistsError(f"{out} exists and is not overwritten")
    dataset = read(path, task=_TASK.name)
    cases = np.arange(len(dataset)) if split is None else dataset.cases(split)
    if not len(cases):
        raise ValueError(f"{path} has no {split} cases")
    points = len(dataset["x"]) * len(dataset["r"])
    if 16 * points * len(cases) > _LARGEST:
        raise ValueError(f"{len(cases)} cases of {points} points are too many for a MATLAB file; choose a split")
    fields = {name: _rows(dataset[name][cases]) for name in _TASK.fields}
    ka, mach = (dataset[name][cases][:, None] for name in ("helmholtz", "mach"))
    amplitudes = _complex(dataset["amplitude"][cases], -1)
    r, x = (grid.reshape(1, -1) for grid in np.meshgrid(dataset["r"], dataset["x"], indexing="ij"))
    content = {
        "rr1": r,
        "zz1": x,
        "x_num": len(dataset["x"]),
        "y_num": len(dataset["r"]),
        "Psi_nf1": fields["potential"],
        "u_nf1": fields["axial_velocity"],
        "v_nf1": fields["radial_velocity"],
        "P_nf1": 1j * ka * fields["potential"] - mach * fields["axial_velocity"],
        "mm": dataset["m"][cases][:, None],
        "nn": np.array([[np.flatnonzero(row)[-1]] for row in amplitudes]),
        "Amp_in": amplitudes,
        "ka": ka,
        "Mach": mach,
    }
    with temporary(out) as partial, partial.open("wb") as file:
        savemat(file, content, do_compression=True)
        file.flush()
        os.fsync(file.fileno())
    return {"file": str(out), "cases": len(cases)}


@dataclass(frozen=True)
class Misfit:
    """Largest relative misfits of P, Psi and u over the cases; 0 if nothing was fitted."""

    pressure: float
    potential: float
    axial_velocity: float


@dataclass(frozen=True)
class _Study:
    """Completed content of a file of the study: (case, x, r) fields, and one value per case."""

    x: FloatArray
    r: FloatArray
    potential: ComplexArray
    axial_velocity: ComplexArray
    radial_velocity: ComplexArray
    m: IntArray
    helmholtz: FloatArray
    mach: FloatArray
    amplitude: Array
    errors: FloatArray
    misfit: Misfit


def from_matlab(
    path: str | Path,
    out: str | Path,
    *,
    helmholtz: float | None = None,
    mach: float | None = None,
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> Misfit:
    """Write a dataset from a file in the study's layout.

    Parameters
    ----------
    path, out : paths
    helmholtz, mach : float, optional
        Values for all cases. Without them the file's own values are used, or values are fitted.
    shares : three floats
        Shares of train, validation and test, to which cases are assigned at random.
    seed : int
        Seed of the assignment.

    Returns
    -------
    Misfit

    Raises
    ------
    FileNotFoundError, FileExistsError, ValueError
        No such file; out exists; not the layout, or not Wiener–Hopf fields in the conventions of `analytic`.
    """
    path, out = Path(path), Path(out)
    if out.exists():
        raise FileExistsError(f"{out} exists and is not overwritten")
    study = _completed(_load(path), path, helmholtz, mach)
    cases, orders = study.amplitude.shape
    arrays = {
        "case": np.arange(cases),
        "group": np.arange(cases),
        "m": study.m,
        "helmholtz": study.helmholtz,
        "mach": study.mach,
        **uniform_flow(study.mach),
        "split": _deal(cases, shares, seed),
        "error_estimate": study.errors,
        "amplitude": parts(study.amplitude, -1),
        **{name: parts(getattr(study, name), 1) for name in _TASK.fields},
    }
    lengths = {"case": cases, "part": 2, "order": orders, "x": len(study.x), "r": len(study.r)}
    scales = {"x": study.x, "r": study.r, "part": np.arange(2), "order": np.arange(orders)}
    with whole_file(out) as file:
        layout.create(file, _TASK, lengths, arrays | scales, layout.SPLITS)
        for name in _TASK.fields:
            training = arrays[name][arrays["split"] == 0].reshape(-1, arrays[name][0].size)
            write_statistics(file[name], np.sum(training**2, axis=1), np.max(np.abs(training), axis=1, initial=0))
        record_missing(file, [])
        write_identity(file, _TASK)
        origin = f"converted from {path.name}; relative misfits {study.misfit}"
        write_provenance(file, provenance(_TASK.name, path.name, origin, seed, "unknown"))
    return study.misfit


def _completed(content: dict[str, Array], path: Path, helmholtz: float | None, mach: float | None) -> _Study:
    """The content with radial velocities, ka, M and amplitudes: the file's own, if it has them, or fitted ones."""
    x, r = _grid(content, path)
    psi, u, p = (_fields(content[name], len(x), len(r), name, path) for name in ("Psi_nf1", "u_nf1", "P_nf1"))
    m = _column(content["mm"], len(psi), "mm", path).real
    if not np.all((m == np.rint(m)) & (np.abs(m) <= 1000)):
        raise ValueError(f"{path}: mm must hold azimuthal orders")
    m = m.astype(int)
    if "v_nf1" in content and helmholtz is None and mach is None:
        v = _fields(content["v_nf1"], len(x), len(r), "v_nf1", path)
        ka, flow = (_column(content[name], len(psi), name, path).real for name in ("ka", "Mach"))
        amplitudes, errors = content["Amp_in"], np.full(len(psi), TOLERANCE)
        if amplitudes.ndim != 2 or len(amplitudes) != len(psi) or not np.all(np.isfinite(amplitudes)):
            raise ValueError(f"{path}: Amp_in has shape {amplitudes.shape}, expected ({len(psi)}, orders)")
        return _Study(x, r, psi, u, v, m, ka, flow, amplitudes, errors, Misfit(0.0, 0.0, 0.0))
    ka, flow, wrong_p = _parameters(psi, u, p, helmholtz, mach)
    if not wrong_p < _MISFIT:
        raise ValueError(
            f"{path}: P_nf1 is not i ka Psi_nf1 - M u_nf1 for any ka and M, relative misfit {wrong_p:.1e}: other "
            "conventions?"
        )
    v, amplitudes, errors, wrong_u = _radial_velocity(psi, u, m, ka, flow, x, r, path)
    misfit = Misfit(wrong_p, float(errors.max()), wrong_u)
    return _Study(x, r, psi, u, v, m, ka, flow, amplitudes, errors, misfit)


def _load(path: Path) -> dict[str, Array]:
    """Read the variables of a MATLAB file, after a check of their sizes."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        found = {name: (shape, kind) for name, shape, kind in whosmat(path)}
        for name in _VARIABLES:
            if name not in found:
                raise ValueError(f"the variable {name} is missing")
        wanted = [name for name in (*_VARIABLES, *_MORE) if name in found]
        for name in wanted:
            shape, kind = found[name]
            if kind not in _NUMBERS:
                raise ValueError(f"{name} is of the class {kind}, expected numbers")
            if 16 * int(np.prod(shape, dtype=object)) > _EXPANSION * path.stat().st_size:
                raise ValueError(f"{name} declares the shape {shape}, more than the file can hold")
        content = loadmat(path, variable_names=wanted)
    except Exception as error:  # scipy raises many kinds on damaged files
        raise ValueError(f"{path} is not a MATLAB file of the study's layout: {error}") from None
    return {name: content[name] for name in wanted}


def _grid(content: dict[str, Array], path: Path) -> tuple[FloatArray, FloatArray]:
    """x and r of a tensor grid."""
    counts = [content[name] for name in ("x_num", "y_num")]
    if any(count.size != 1 or count.item() != int(count.item()) or count.item() < 2 for count in counts):
        raise ValueError(f"{path}: x_num and y_num must be whole numbers of at least 2")
    nx, nr = (int(count.item()) for count in counts)
    points = {}
    for name in ("rr1", "zz1"):
        values = content[name]
        if values.size != nx * nr or np.iscomplexobj(values) or not np.all(np.isfinite(values)):
            raise ValueError(f"{path}: {name} has shape {values.shape}, expected {nx * nr} real numbers")
        points[name] = values.astype(float).reshape(nr, nx)
    x, r = points["zz1"][0], points["rr1"][:, 0]
    if not (
        np.array_equal(points["zz1"], np.tile(x, (nr, 1))) and np.array_equal(points["rr1"].T, np.tile(r, (nx, 1)))
    ):
        raise ValueError(f"{path}: rr1 and zz1 are no tensor grid with x running fastest")
    if not (np.all(np.diff(x) > 0) and np.all(np.diff(r) > 0) and r[0] >= 0):
        raise ValueError(f"{path}: x and r must increase, and r be at least 0")
    return x, r


def _fields(values: Array, nx: int, nr: int, name: str, path: Path) -> ComplexArray:
    """Reshape rows of points to (case, x, r)."""
    if values.ndim != 2 or values.shape[1] != nx * nr or not len(values) or not np.all(np.isfinite(values)):
        raise ValueError(f"{path}: {name} has shape {values.shape}, expected finite rows of {nx * nr} points")
    rows: ComplexArray = values.astype(complex)
    return rows.reshape(len(values), nr, nx).transpose(0, 2, 1)


def _column(values: Array, cases: int, name: str, path: Path) -> Array:
    """One number per case; a single number applies to all cases."""
    flat = np.ravel(values)
    if len(flat) not in (1, cases) or not np.all(np.isfinite(flat)):
        raise ValueError(f"{path}: {name} has shape {values.shape}, expected a number for each of {cases} cases")
    return np.broadcast_to(flat, (cases,)).copy()


def _parameters(
    psi: ComplexArray, u: ComplexArray, p: ComplexArray, helmholtz: float | None, mach: float | None
) -> tuple[FloatArray, FloatArray, float]:
    """ka and M of every case, fitted if they are not given, and the largest relative misfit of p."""
    ka, flow, worst = np.empty(len(psi)), np.empty(len(psi)), 0.0
    for case in range(len(psi)):
        columns = np.stack([1j * psi[case].ravel(), -u[case].ravel()], axis=1)
        left, known = p[case].ravel().copy(), {0: helmholtz, 1: mach}
        free = [index for index, value in known.items() if value is None]
        values = np.array([value if value is not None else 0.0 for value in known.values()], dtype=float)
        left -= columns @ values
        if free:
            matrix = columns[:, free]
            stacked = np.concatenate([matrix.real, matrix.imag]), np.concatenate([left.real, left.imag])
            values[free] = np.linalg.lstsq(*stacked, rcond=None)[0]
            left -= matrix @ values[free]
        ka[case], flow[case] = values
        worst = max(worst, _relative(left, p[case]))
    return ka, flow, worst


def _radial_velocity(
    psi: ComplexArray,
    u: ComplexArray,
    m: IntArray,
    ka: FloatArray,
    flow: FloatArray,
    x: FloatArray,
    r: FloatArray,
    path: Path,
) -> tuple[ComplexArray, ComplexArray, FloatArray, float]:
    """Fit Wiener–Hopf fields to psi: their v, amplitudes, relative misfits of psi, and the largest misfit of u."""
    v, found, errors, wrong_u = np.empty_like(psi), [], np.empty(len(psi)), 0.0
    for case in range(len(psi)):
        if not (ka[case] > 0 and abs(flow[case]) < 1):
            raise ValueError(f"{path}: case {case} has ka = {ka[case]:.3g}, M = {flow[case]:.3g}: other conventions?")
        orders = analytic.cut_on_orders(ka[case], int(m[case]), flow[case])
        if not orders:
            raise ValueError(f"{path}: no mode of case {case} is cut on, m = {m[case]}, ka = {ka[case]:.4g}")
        solution = analytic.solve(analytic.DuctMode(int(m[case]), 0, ka[case], flow[case]), tolerance=TOLERANCE)
        fields = solution.fields(np.eye(orders), x, r)
        basis = np.stack([field.potential.ravel() for field in fields], axis=1)
        amplitudes = np.linalg.lstsq(basis, psi[case].ravel(), rcond=None)[0]
        values = {
            name: sum(a * getattr(f, name) for a, f in zip(amplitudes, fields, strict=True))
            for name in ("potential", "axial_velocity", "radial_velocity")
        }
        errors[case] = _relative(values["potential"] - psi[case], psi[case])
        gap = _relative(values["axial_velocity"] - u[case], u[case])
        if not (errors[case] < _MISFIT and gap < _MISFIT):
            raise ValueError(
                f"{path}: case {case} is not a Wiener–Hopf field, relative misfit {errors[case]:.1e} of Psi_nf1 and "
                f"{gap:.1e} of u_nf1: other conventions?"
            )
        wrong_u = max(wrong_u, gap)
        v[case] = values["radial_velocity"]
        found.append(amplitudes)
    padded = np.zeros((len(psi), max(map(len, found))), complex)
    for row, amplitudes in zip(padded, found, strict=True):
        row[: len(amplitudes)] = amplitudes
    return v, padded, errors, wrong_u


def _relative(difference: Array, values: Array) -> float:
    """Norm of a difference, relative to that of the values."""
    return float(np.linalg.norm(difference)) / max(float(np.linalg.norm(values)), 1e-300)


def _deal(cases: int, shares: tuple[float, float, float], seed: int) -> IntArray:
    """Split of each case, in random order."""
    bounds = np.round(np.cumsum(shares) * cases).astype(int)
    return np.searchsorted(bounds, np.random.default_rng(seed).permutation(cases), side="right").clip(0, 2)


def _rows(values: FloatArray) -> ComplexArray:
    """Reshape (case, part, x, r) to complex rows of points, x fastest."""
    return _complex(values, 1).transpose(0, 2, 1).reshape(len(values), -1)


def _complex(values: FloatArray, axis: int) -> ComplexArray:
    """Join the dimension `part` to complex numbers."""
    real, imaginary = np.moveaxis(values, axis, 0)
    return real + 1j * imaginary
