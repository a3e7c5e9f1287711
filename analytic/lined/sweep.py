"""Many ducts with liners in one call: reflection, directivity and absorbed power for arrays of impedances.

What does not depend on the impedance is computed once for cases of one duct, Helmholtz number and lengths: hard modes,
the open end's factor and its reflection. Lined modes of all their impedances are followed together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from ..arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ..attempts import RAISE, check_errors
from ..cases import alike, broadcast
from ..checks import broadcast_arrays, check_angles, check_flag, check_tolerance, complex_array, real_array
from ..errors import ConvergenceError, check_estimate, check_finite, quiet
from ..solution import Solution
from ..source import DuctMode, ModeMixture
from .cascade import Cascade, lined_duct, rows_of
from .duct import LinedDuct
from .flow_cascade import FlowCascade, FlowDuct
from .flow_section import FlowSection
from .flow_solution import UNIFORM_FLOW, check_flow_liners
from .liner import Liner
from .quantities import net_power
from .section import LinedSection

_Section = TypeVar("_Section")


@dataclass(frozen=True)
class LinedSweep:
    """Results of `lined_sweep`: arrays over cases.

    reflection : (case,) complex, coefficient of the incident mode into itself, at the front of the liner.
    directivity : (case, angle) complex, as `LinedSolution.directivity`.
    absorbed, radiated : (case,) float, power over the incident power |kappa| N, also of a mode that is cut off; with
    the absolute error `error_estimate`.
    error_estimate : (case,) float, relative, of the amplitudes and the directivity.
    valid : (case,) bool, False for a case that failed: its values are 0, its error estimate is inf.
    reasons : why cases failed, "" for those that are valid: (case,) tuple of str.
    """

    reflection: ComplexArray
    directivity: ComplexArray
    absorbed: FloatArray
    radiated: FloatArray
    error_estimate: FloatArray
    valid: BoolArray
    reasons: tuple[str, ...]

    def conj_time(self) -> "LinedSweep":
        """The results in the time convention exp(+i omega t): conjugates of the complex ones."""
        return replace(self, reflection=self.reflection.conj(), directivity=self.directivity.conj())


# long: description of the parameters and errors, and an example, of a main entry point
def lined_sweep(
    m: npt.ArrayLike,
    n: npt.ArrayLike,
    helmholtz: npt.ArrayLike,
    theta: npt.ArrayLike,
    *,
    impedance: npt.ArrayLike,
    length: npt.ArrayLike,
    distance: npt.ArrayLike,
    mach: npt.ArrayLike = 0.0,
    hub: npt.ArrayLike = 0.0,
    surface_wave: str | None = None,
    engineering: bool = False,
    tolerance: float = 1e-6,
    errors: str = RAISE,
) -> LinedSweep:
    """Reflection, directivity and absorbed power of many incident duct modes behind liners.

    Parameters
    ----------
    m, n : (case,) int arrays
        Azimuthal and radial orders; all arrays of cases broadcast.
    helmholtz, mach, hub : (case,) float arrays
        As for `sweep`; a flow is uniform, without a jet.
    theta : (angle,) float array
        Polar angles [rad], 0 downstream, in [0, pi].
    impedance : (case,) or (case, liner) complex array
    length, distance : (case,) or (case, liner) float arrays
        As for `Liner`; finite lengths, and with flow distances > 0. Several liners, front to back, have an axis of
        their own; what lacks it is the same for all of them.
    surface_wave : {None, "stable"}
        As for `Liner`, of all cases; powers of an instability are not known.
    engineering : bool
        Whether the impedances are for exp(+i omega t), as for `Liner.engineering`. Results are for exp(-i omega t), see
        `LinedSweep.conj_time`.
    tolerance : float
        Largest relative error estimate accepted.
    errors : {"raise", "record"}
        Whether a case whose numerics fail raises, or is recorded in `LinedSweep.valid` and `LinedSweep.reasons`.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    ConvergenceError
        A case failed: the first of them is named.

    Examples
    --------
    >>> result = lined_sweep(4, 0, 8.0, [1.0], impedance=[1.5 + 0.8j, 3 + 0.8j], length=1.0, distance=0.5)
    >>> result.absorbed.round(3).tolist()
    [0.973, 0.877]
    """
    theta, tolerance, record = np.atleast_1d(check_angles(theta)), check_tolerance(tolerance), check_errors(errors)
    if theta.ndim != 1:
        raise ValueError(f"angles must be one-dimensional, got shape {theta.shape}")
    walls = _walls(impedance, length, distance, conjugated=check_flag(engineering, "engineering"))
    if surface_wave == "unstable":
        raise ValueError("the powers of an instability are not known: expected surface_wave None or 'stable'")
    cases = broadcast(m, n, helmholtz, mach, hub, walls)
    parts = [[cases.outer[f"{name} {number}"] for name in _WALL] for number in range(len(walls) // len(_WALL))]
    if not all(np.all(np.isfinite(length)) for _, _, length, _ in parts):
        raise ValueError("lengths must be finite: a lined mode from -infinity carries no power of its own")
    made = [
        [
            Liner(complex(real, imag), length, distance, surface_wave)
            for real, imag, length, distance in zip(*(one.tolist() for one in part), strict=True)
        ]
        for part in parts
    ]
    liners = list(zip(*made, strict=True))
    columns = (column.tolist() for column in (cases.m, cases.n, cases.helmholtz, cases.mach, cases.hub))
    modes = [DuctMode(*row) for row in zip(*columns, strict=True)]
    for mode, row in zip(modes, liners, strict=True):
        if mode.mach:
            check_flow_liners(row, mode.mach)
    count = len(cases)
    out = LinedSweep(
        np.zeros(count, complex),
        np.zeros((count, len(theta)), complex),
        *(np.zeros(count), np.zeros(count), np.full(count, np.inf)),
        np.zeros(count, bool),
        (),
    )
    reasons = np.full(count, "", object)
    for part in alike(
        np.abs(cases.m), cases.hub, cases.helmholtz, cases.mach, *(size for one in parts for size in one[2:])
    ):
        chosen = [modes[case] for case in part], [liners[case] for case in part]
        _solve_part(part, *chosen, theta, tolerance, out, reasons)
        failed = np.flatnonzero(reasons[part] != "")
        if len(failed) and not record:
            raise ConvergenceError(reasons[part[failed[0]]])
    return LinedSweep(**{**vars(out), "valid": reasons == "", "reasons": tuple(reasons.tolist())})


_WALL = "real", "imag", "length", "distance"  # of a liner, in messages with its number


def _walls(
    impedance: npt.ArrayLike, length: npt.ArrayLike, distance: npt.ArrayLike, *, conjugated: bool
) -> dict[str, npt.ArrayLike]:
    """Parts of impedances, lengths and distances of every liner, (case,) each."""
    arrays: dict[str, np.ndarray] = {
        "impedance": complex_array(impedance, "impedance"),
        "length": real_array(length, "length"),
        "distance": real_array(distance, "distance"),
    }
    for name, array in arrays.items():
        if array.ndim > 2:
            raise ValueError(f"{name} must be (case,) or (case, liner), got shape {array.shape}")
    columns = {name: array if array.ndim == 2 else array.reshape(-1, 1) for name, array in arrays.items()}
    z, lengths, distances = broadcast_arrays(**columns)
    if not z.shape[1]:
        raise ValueError(f"expected at least one liner, got impedance of shape {z.shape}")
    every = dict(zip(_WALL, (z.real, -z.imag if conjugated else z.imag, lengths, distances), strict=True))
    return {f"{name} {number}": one[:, number] for number in range(z.shape[1]) for name, one in every.items()}


@dataclass(frozen=True)
class Row:
    """What a sweep keeps of a case: reflection of the mode into itself, amplitudes at the lip, and its error.

    absorbed, radiated : over sum |kappa| N |amplitude|^2 of the incident modes, by the balance.
    """

    reflection: complex
    lip: ComplexArray
    absorbed: float
    radiated: float
    error: float


Rows: TypeAlias = tuple[Solution, list[Row | ConvergenceError]]  # of one duct, and its open end


@quiet()
def _solve_part(
    part: IntArray,
    modes: list[DuctMode],
    liners: list[tuple[Liner, ...]],
    theta: FloatArray,
    tolerance: float,
    out: LinedSweep,
    reasons: np.ndarray,
) -> None:
    """Cases of one duct, Helmholtz number and lengths, written to `out` and `reasons`."""
    open_end, rows = (_flow_rows if modes[0].mach else _rows)(modes, liners, tolerance)
    live: list[tuple[int, ComplexArray]] = []
    for case, mode, liner, row in zip(part, modes, liners, rows, strict=True):
        described = f"{mode} with {', '.join(map(str, liner))}"
        try:
            if isinstance(row, ConvergenceError):
                raise row
            check_estimate(row.error, tolerance, "the amplitudes", described)
        except ConvergenceError as failure:
            text = str(failure)
            reasons[case] = text if described in text else f"{text}, for {described}"
            continue
        out.reflection[case], out.error_estimate[case] = row.reflection, row.error
        out.absorbed[case], out.radiated[case] = row.absorbed, row.radiated
        live.append((case, row.lip))
    if live:
        out.directivity[[case for case, _ in live]] = directivities(open_end, [lip for _, lip in live], theta)


def _rows(modes: list[DuctMode], liners: list[tuple[Liner, ...]], tolerance: float) -> Rows:
    """Cases without flow."""
    duct = lined_duct(modes[0], liners[0], tolerance, least=max(len(mode.amplitudes) for mode in modes))

    def row(mode: DuctMode, sections: list[LinedSection]) -> Row:
        cascade = Cascade(duct, sections)
        waves = cascade.amplitudes(mode)
        shares = _power_shares(duct, waves.incoming, waves.reflected, waves.lip)
        return Row(complex(waves.reflected[mode.n]), waves.lip, *shares, cascade.error(mode, waves))

    return duct.open_end, _each(modes, rows_of(duct, liners), row)


def _flow_rows(modes: list[DuctMode], liners: list[tuple[Liner, ...]], tolerance: float) -> Rows:
    """Cases in flow."""
    shortest = min(length for one in liners[0] for length in (one.length, one.distance))
    duct = FlowDuct(modes[0], shortest, max(len(mode.amplitudes) for mode in modes), tolerance, UNIFORM_FLOW)

    def row(mode: DuctMode, sections: list[FlowSection]) -> Row:
        cascade = FlowCascade(mode, duct, sections)
        waves, lip = cascade.amplitudes, cascade.hop * cascade.amplitudes.lip
        shares = _power_shares(duct, cascade.incident, waves.reflected, lip)
        return Row(complex(waves.reflected[mode.n] / cascade.phase), lip, *shares, cascade.error)

    return duct.open_end, _each(modes, duct.rows(liners), row)


def _each(
    modes: list[DuctMode],
    sections: Iterator[list[_Section] | ConvergenceError],
    row: Callable[[DuctMode, list[_Section]], Row],
) -> list[Row | ConvergenceError]:
    """Rows of cases, or why one failed."""
    found: list[Row | ConvergenceError] = []
    for mode, one in zip(modes, sections, strict=True):
        try:
            found.append(one if isinstance(one, ConvergenceError) else row(mode, one))
        except ConvergenceError as failure:
            found.append(failure)
    return found


def directivities(open_end: Solution, lips: list[ComplexArray], theta: FloatArray) -> ComplexArray:
    """Directivities for amplitudes of all modes at the lip: (source, angle)."""
    first, source = open_end.transform, open_end.source
    family = [first.incident(ModeMixture(source.m, lip, source.helmholtz, source.mach, source.hub)) for lip in lips]
    value, error = type(first).directivities(family, theta)
    check_estimate(float(np.max(error, initial=0.0)), open_end.tolerance, "the directivity", first.described)
    check_finite(value, "the directivity", first.described)
    return value


def _power_shares(
    duct: LinedDuct | FlowDuct, incident: ComplexArray, reflected: ComplexArray, lip: ComplexArray
) -> tuple[float, float]:
    """Power absorbed and radiated, see `Row`: what is radiated passes the lip."""
    hard = duct.hard
    scale = float(np.sum(np.abs(hard.kappa) * hard.norm * np.abs(incident) ** 2))
    radiated = net_power(hard, lip, duct.lip @ lip)
    return (net_power(hard, incident, reflected) - radiated) / scale, radiated / scale
