"""The MATLAB layout of the released study (Huang 2020).

One row per case, one column per point, x varying fastest: Psi_nf1, u_nf1, P_nf1 (potential, axial velocity, pressure);
rr1, zz1 the points' r and x; y_num, x_num the numbers of different r and x; mm, nn azimuthal and highest radial order,
Amp_in amplitudes by radial order. Files written here also hold v_nf1, ka and Mach, and for the way back case, group,
split, error_estimate and origin; the study's scripts ignore them.

Files from elsewhere lack these. ka and M are then fitted to P = i ka Psi - M u, and the amplitudes of the duct modes to
Psi; the radial velocity is that of the fitted Wiener–Hopf field. Fields that no Wiener–Hopf field fits are refused.
"""

from pathlib import Path

import numpy as np

from .. import tasks
from ..arrays import Array, ComplexArray, FloatArray, IntArray
from ..task import TOLERANCE, parts, uniform_flow
from . import matlab, verification
from .content import ORIGIN, Content, origin, recorded, restored

_VARIABLES = ("rr1", "zz1", "Psi_nf1", "u_nf1", "P_nf1", "x_num", "y_num", "mm", "nn", "Amp_in")
_MORE = ("v_nf1", "ka", "Mach")
_COLUMNS = ("case", "group", "split", "error_estimate")
_TASK = tasks.get("derivative")  # the layout holds near fields
_FIELDS = {"potential": "Psi_nf1", "axial_velocity": "u_nf1", "radial_velocity": "v_nf1"}
SHARES = (0.8, 0.1, 0.1)  # of train, validation and test in files that do not say


def variables(content: Content) -> dict[str, Array | str]:
    """A dataset's variables in the study's layout.

    Raises
    ------
    ValueError
        The dataset is of another task, or has a hub or a jet, which the layout does not know.
    """
    if content.task != _TASK.name:
        raise ValueError(f"the study's layout holds datasets of the task {_TASK.name}, got the task {content.task}")
    arrays = content.arrays
    for name, usual in uniform_flow(arrays["mach"]).items():
        other = np.flatnonzero(arrays[name] != usual)
        if len(other):
            case, value = arrays["case"][other[0]], arrays[name][other[0]]
            raise ValueError(f"case {case} has {name} = {value:g}; the study's layout knows no hub and no jet")
    fields = {name: _rows(arrays[name]) for name in _FIELDS}
    ka, mach = arrays["helmholtz"][:, None], arrays["mach"][:, None]
    amplitudes = _complex(arrays["amplitude"], -1)
    r, x = (grid.reshape(1, -1) for grid in np.meshgrid(arrays["r"], arrays["x"], indexing="ij"))
    return {  # integers as such: the study's scripts make shapes of them
        "rr1": r,
        "zz1": x,
        "x_num": np.array([[len(arrays["x"])]]),
        "y_num": np.array([[len(arrays["r"])]]),
        **{variable: fields[name] for name, variable in _FIELDS.items()},
        "P_nf1": 1j * ka * fields["potential"] - mach * fields["axial_velocity"],
        "mm": arrays["m"][:, None],
        "nn": np.array([[np.flatnonzero(row)[-1]] for row in amplitudes]),
        "Amp_in": amplitudes,
        "ka": ka,
        "Mach": mach,
        **{name: arrays[name][:, None] for name in _COLUMNS},
        ORIGIN: origin(content),
    }


def write(content: Content, out: Path) -> None:
    """Write a MATLAB 5 file, which every MATLAB and scipy read."""
    matlab.write_5(out, variables(content))


def write_73(content: Content, out: Path) -> None:
    """Write a MATLAB 7.3 file, which has no limit of size."""
    matlab.write_73(out, variables(content))


def read(
    path: Path,
    *,
    helmholtz: float | None = None,
    mach: float | None = None,
    shares: tuple[float, float, float] | None = None,
    seed: int = 0,
) -> Content:
    """Read a MATLAB file of either version in the study's layout.

    Parameters
    ----------
    path : path
    helmholtz, mach : float, optional
        Values for all cases. Without them the file's own values are used, or values are fitted.
    shares : three floats, optional
        Shares of train, validation and test, to which cases are assigned at random. Without them cases keep their
        splits, or the shares are `SHARES`.
    seed : int
        Seed of the assignment.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; not the layout, or not Wiener–Hopf fields in the conventions of `analytic`.
    """
    found = matlab.read(path, _VARIABLES, (*_MORE, *_COLUMNS), (ORIGIN,))
    x, r = _grid(found, path)
    psi, u, p = (_fields(found[name], len(x), len(r), name, path) for name in ("Psi_nf1", "u_nf1", "P_nf1"))
    cases = len(psi)
    m = _integers(_column(found["mm"], cases, "mm", path), "mm", path)
    if np.any(np.abs(m) > 1000):
        raise ValueError(f"{path}: mm must hold azimuthal orders, got {m[np.abs(m) > 1000][0]}")
    complete = set(_MORE) <= set(found) and helmholtz is None and mach is None
    if complete:
        ka, flow, v, amplitudes = _own(found, psi.shape, path)
        verification.check_pressure(psi, u, p, ka, flow, path)
        errors, misfits = np.full(cases, TOLERANCE), None
    else:
        ka, flow, wrong_p = verification.fitted_parameters(psi, u, p, helmholtz, mach, path)
        v, amplitudes, errors, wrong_u = verification.fitted_fields(psi, u, m, ka, flow, x, r, path)
        misfits = {"pressure": wrong_p, "potential": float(errors.max()), "axial_velocity": wrong_u}
    columns = {"case": np.arange(cases), "group": np.arange(cases), "error_estimate": errors}
    positions = {"part": np.arange(2), "order": np.arange(amplitudes.shape[1]), "x": x, "r": r}
    fields = {"potential": parts(psi, 1), "axial_velocity": parts(u, 1), "radial_velocity": parts(v, 1)}
    arrays = columns | {"m": m, "helmholtz": ka, "mach": flow, "amplitude": parts(amplitudes, -1)} | positions | fields
    arrays |= uniform_flow(flow) | {"split": _deal(cases, shares or SHARES, seed)}
    if shares is not None or not (complete and {ORIGIN, *_COLUMNS} <= set(found)):
        return Content(_TASK.name, arrays, misfits=misfits)
    for name in _COLUMNS:
        column = _column(found[name], cases, name, path)
        arrays[name] = column if name == "error_estimate" else _integers(column, name, path)
    return restored(arrays, recorded(str(found[ORIGIN]), path), path)


def _own(
    found: dict[str, Array], shape: tuple[int, ...], path: Path
) -> tuple[FloatArray, FloatArray, ComplexArray, ComplexArray]:
    """The file's own ka, M, radial velocities and amplitudes."""
    cases, nx, nr = shape
    v = _fields(found["v_nf1"], nx, nr, "v_nf1", path)
    ka, flow = (_column(found[name], cases, name, path) for name in ("ka", "Mach"))
    amplitudes = found["Amp_in"]
    if amplitudes.ndim != 2 or len(amplitudes) != cases or not np.all(np.isfinite(amplitudes)):
        raise ValueError(f"{path}: Amp_in has shape {amplitudes.shape}, expected ({cases}, orders)")
    return ka, flow, v, amplitudes.astype(complex)


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


def _column(values: Array, cases: int, name: str, path: Path) -> FloatArray:
    """One real number per case; a single number applies to all cases."""
    flat = np.ravel(values)
    if len(flat) not in (1, cases) or np.any(flat.imag) or not np.all(np.isfinite(flat)):
        raise ValueError(f"{path}: {name} has shape {values.shape}, expected a number for each of {cases} cases")
    return np.broadcast_to(flat.real.astype(float), (cases,)).copy()


def _integers(values: FloatArray, name: str, path: Path) -> IntArray:
    """Values that are whole numbers."""
    broken = values[values != np.rint(values)]
    if len(broken):
        raise ValueError(f"{path}: {name} must be whole numbers, got {broken[0]:g}")
    return values.astype(np.int64)


def _deal(cases: int, shares: tuple[float, float, float], seed: int) -> IntArray:
    """Split of each case, in random order."""
    bounds = np.round(np.cumsum(shares) * cases).astype(int)
    return np.searchsorted(bounds, np.random.default_rng(seed).permutation(cases), side="right").clip(0, 2)


def _rows(values: Array) -> ComplexArray:
    """Reshape (case, part, x, r) to complex rows of points, x fastest."""
    return _complex(values, 1).transpose(0, 2, 1).reshape(len(values), -1)


def _complex(values: Array, axis: int) -> ComplexArray:
    """Join the dimension `part` to complex numbers."""
    real, imaginary = np.moveaxis(values.astype(float), axis, 0)
    joined: ComplexArray = np.empty(real.shape, complex)
    joined.real, joined.imag = real, imaginary  # as they are: a sum may change the sign of a zero
    return joined
