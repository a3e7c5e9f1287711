"""Whether imported fields are what their parameters say: the pressure's equation, and the solver's own solution."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

import analytic
from analytic import Jet, UniformFlow
from analytic.solver import solution_of

from .. import tasks
from ..arrays import Array, ComplexArray, FloatArray, IntArray
from ..sampling import Group
from ..source import JET
from ..task import COUNTED, TOLERANCE
from .content import Content, is_jet

_MOST_VALUES = 2**22  # of the fields compared together: 32 MiB
_MISFIT = 1e-3  # relative misfit above which a file is refused: single precision and the study's solver stay below it


def check_pressure(
    psi: ComplexArray, u: ComplexArray, p: ComplexArray, ka: FloatArray, flow: FloatArray, path: Path
) -> FloatArray:
    """Relative misfits of P = i ka Psi - M u, one a case; a file beyond `_MISFIT` is refused.

    psi, u, p : (case, x, r) arrays. ka, flow : (case,) arrays.
    """
    found = np.array(
        [_relative(1j * ka[case] * psi[case] - flow[case] * u[case] - p[case], p[case]) for case in range(len(psi))]
    )
    if not np.all(found < _MISFIT):
        case = int(np.argmax(found))
        raise ValueError(
            f"{path}: P_nf1 of case {case} is not i ka Psi_nf1 - M u_nf1 with ka = {ka[case]:g}, M = {flow[case]:g}: "
            f"relative misfit {found[case]:.1e}, expected less than {_MISFIT:g}"
        )
    return found


def fitted_parameters(
    psi: ComplexArray, u: ComplexArray, p: ComplexArray, helmholtz: float | None, mach: float | None, path: Path
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
    if not worst < _MISFIT:
        raise ValueError(
            f"{path}: P_nf1 is not i ka Psi_nf1 - M u_nf1 for any ka and M, relative misfit {worst:.1e}: other "
            "conventions?"
        )
    return ka, flow, worst


def fitted_fields(
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
        solution = solution_of(analytic.DuctMode(int(m[case]), 0, ka[case], flow[case]), tolerance=TOLERANCE)
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


def compare(content: Content, path: Path) -> Content:
    """Compare every case with the task's own solution for its parameters and amplitudes.

    Returns
    -------
    Content
        With the largest relative misfit of each of the task's arrays over the cases; those of a case are in its error
        estimate, too. Its provenance is unknown.

    Raises
    ------
    ValueError
        An array misses its solution by `_MISFIT`, or the solver has none; the message has the case and its misfits.
    """
    task, arrays = tasks.get(content.task), content.arrays
    places = {
        name: arrays[name]
        for name, variable in task.variables.items()
        if not {"case", *COUNTED} & set(variable.dimensions)
    }
    solved = [
        name
        for name, variable in task.arrays.items()
        if variable.dimensions[0] == "case" and name not in ("amplitude", *task.parameters)
    ]
    misfits = {name: np.empty(len(content)) for name in solved}
    together = max(1, min(task.together, _MOST_VALUES // task.values(places)))
    for start in range(0, len(content), together):
        rows = range(start, min(start + together, len(content)))
        try:
            groups = [_group(arrays, row, task.parameters) for row in rows]
            found, reasons = task.observe(groups, places, _orders(arrays))
        except ValueError as error:
            raise ValueError(f"{path}: cases cannot be compared with the solver: {error}") from None
        for row, reason in zip(rows, reasons, strict=True):
            if reason:
                raise ValueError(f"{path}: case {arrays['case'][row]} cannot be compared with the solver: {reason}")
        for name in solved:
            for row, expected in zip(rows, found[name], strict=True):
                misfits[name][row] = _relative(arrays[name][row] - expected, expected)
    worst = np.max([*misfits.values()], axis=0)
    if not np.all(worst < _MISFIT):
        row = int(np.argmax(worst))
        figures = ", ".join(f"{name} {values[row]:.1e}" for name, values in misfits.items())
        raise ValueError(
            f"{path}: case {arrays['case'][row]} is not the solution for its parameters and amplitudes: relative "
            f"misfits {figures}, expected less than {_MISFIT:g}"
        )
    errors = np.maximum(arrays["error_estimate"], worst)
    largest = {name: float(misfits[name].max()) for name in solved}
    return replace(content, arrays=arrays | {"error_estimate": errors}, misfits=largest, provenance=None)


def _orders(arrays: Mapping[str, Array]) -> int:
    """Length of the dimension `order`, as of the amplitudes."""
    return len(arrays["order"]) if "order" in arrays else 1


def _group(arrays: Mapping[str, Array], row: int, names: Sequence[str]) -> Group:
    """A case as it is solved."""
    if "amplitude" in arrays:
        amplitudes = arrays["amplitude"][row] @ np.array([1, 1j])
        amplitudes = amplitudes[: np.flatnonzero(amplitudes)[-1] + 1]
    else:  # a mode of amplitude one, or none
        amplitudes = np.eye(1, M=int(arrays["n"][row]) + 1, k=int(arrays["n"][row]))[0] if "n" in arrays else np.ones(1)
    parameters = {name: arrays[name][row].item() for name in names}
    m = parameters.pop("m")
    medium = Jet(**{name: parameters[name] for name in JET}) if is_jet(parameters) else UniformFlow()
    return Group(row, row, 0, m, parameters, medium, amplitudes[None].astype(complex))
