"""Many liners in one call: reflection, directivity and absorbed power of duct modes for arrays of impedances.

What does not depend on the impedance is computed once for cases of one duct, Helmholtz number and lengths: hard modes,
the open end's factor and its reflection. Lined modes of all their impedances are followed together.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..arrays import BoolArray, ComplexArray, FloatArray, IntArray
from ..attempts import RAISE, check_errors
from ..cases import alike, broadcast
from ..checks import broadcast_arrays, check_angles, check_tolerance, complex_array, real_array
from ..errors import ConvergenceError, check_estimate, quiet
from ..source import DuctMode, ModeMixture
from .cascade import Amplitudes, Cascade, lined_duct
from .duct import LinedDuct
from .liner import Liner
from .modes import many_lined_modes
from .section import LinedSection


@dataclass(frozen=True)
class LinedSweep:
    """Results of `lined_sweep`: arrays over cases.

    reflection : (case,) complex, coefficient of the incident mode into itself, at the front of the liner.
    directivity : (case, angle) complex, as `LinedSolution.directivity`.
    absorbed, radiated : (case,) float, power over the incident power |kappa| N, also of a mode that is cut off.
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
    hub: npt.ArrayLike = 0.0,
    tolerance: float = 1e-6,
    errors: str = RAISE,
) -> LinedSweep:
    """Reflection, directivity and absorbed power of many incident duct modes behind one liner each, without flow.

    Parameters
    ----------
    m, n : (case,) int arrays
        Azimuthal and radial orders; all arrays of cases broadcast.
    helmholtz, hub : (case,) float arrays
        As for `sweep`.
    theta : (angle,) float array
        Polar angles [rad], 0 downstream, in [0, pi].
    impedance : (case,) complex array
    length, distance : (case,) float arrays
        As for `Liner`; finite lengths.
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
    wall = broadcast_arrays(
        impedance=complex_array(impedance, "impedance"),
        length=real_array(length, "length"),
        distance=real_array(distance, "distance"),
    )
    outer: dict[str, npt.ArrayLike] = {
        "real": wall[0].real,
        "imag": wall[0].imag,
        "length": wall[1],
        "distance": wall[2],
    }
    cases = broadcast(m, n, helmholtz, 0.0, hub, outer)
    walls = np.array([cases.outer[name] for name in outer])
    if not np.all(np.isfinite(walls[2])):
        raise ValueError("lengths must be finite: a lined mode from -infinity carries no power of its own")
    liners = [Liner(complex(real, imag), *lengths) for real, imag, *lengths in walls.T.tolist()]
    modes = [
        DuctMode(int(m), int(n), ka, 0.0, hub)
        for m, n, ka, hub in zip(cases.m, cases.n, cases.helmholtz.tolist(), cases.hub.tolist(), strict=True)
    ]
    count = len(cases)
    out = LinedSweep(
        np.zeros(count, complex),
        np.zeros((count, len(theta)), complex),
        *(np.zeros(count), np.zeros(count), np.full(count, np.inf)),
        np.zeros(count, bool),
        (),
    )
    reasons = np.full(count, "", object)
    for part in alike(np.abs(cases.m), cases.hub, cases.helmholtz, *walls[2:]):
        _solve_part(
            part, [modes[case] for case in part], [liners[case] for case in part], theta, tolerance, out, reasons
        )
        failed = np.flatnonzero(reasons[part] != "")
        if len(failed) and not record:
            raise ConvergenceError(reasons[part[failed[0]]])
    return LinedSweep(**{**vars(out), "valid": reasons == "", "reasons": tuple(reasons.tolist())})


def lined_cascades(duct: LinedDuct, liners: list[list[Liner]]) -> list[Cascade | ConvergenceError]:
    """Liners in one duct for many rows of them, or why a row failed; lined modes are followed together."""
    flat = [liner for row in liners for liner in row]
    impedances = np.array([liner.impedance for liner in flat])
    unique, which = np.unique(impedances, return_inverse=True)
    with quiet():
        modes = many_lined_modes(duct.hard.section, 1j * duct.hard.k / unique, duct.lined)
    made: dict[Liner, LinedSection | ConvergenceError] = {}
    for liner, index in zip(flat, which, strict=True):
        if liner not in made:
            found = modes[index]
            try:
                made[liner] = (
                    found
                    if isinstance(found, ConvergenceError)
                    else LinedSection(liner, duct.hard, duct.lined, modes=found)
                )
            except ConvergenceError as error:
                made[liner] = error
    cascades: list[Cascade | ConvergenceError] = []
    for row in liners:
        sections = [made[liner] for liner in row]
        lost = next((one for one in sections if isinstance(one, ConvergenceError)), None)
        if lost is not None:
            cascades.append(lost)
        else:
            cascades.append(Cascade(duct, [one for one in sections if isinstance(one, LinedSection)]))
    return cascades


@quiet()
def _solve_part(
    part: IntArray,
    modes: list[DuctMode],
    liners: list[Liner],
    theta: FloatArray,
    tolerance: float,
    out: LinedSweep,
    reasons: np.ndarray,
) -> None:
    """Cases of one duct, Helmholtz number and lengths, written to `out` and `reasons`."""
    least = max(len(mode.amplitudes) for mode in modes)
    duct = lined_duct(modes[0], liners[:1], tolerance, least=least)
    lips, live = [], []
    for case, mode, liner, cascade in zip(
        part, modes, liners, lined_cascades(duct, [[liner] for liner in liners]), strict=True
    ):
        described = f"{mode} with {liner}"
        try:
            if isinstance(cascade, ConvergenceError):
                raise cascade
            amplitudes = cascade.amplitudes(mode)
            error = cascade.error(mode, amplitudes)
            check_estimate(error, tolerance, "the amplitudes", described)
        except ConvergenceError as failure:
            text = str(failure)
            reasons[case] = text if described in text else f"{text}, for {described}"
            continue
        out.reflection[case], out.error_estimate[case] = amplitudes.reflected[mode.n], error
        out.absorbed[case], out.radiated[case] = power_shares(duct, amplitudes)
        live.append(case)
        lips.append(amplitudes.lip)
    if live:
        values = directivities(duct, lips, theta)
        out.directivity[live] = values


def directivities(duct: LinedDuct, lips: list[ComplexArray], theta: FloatArray) -> ComplexArray:
    """Directivities for amplitudes of all modes at the lip: (source, angle)."""
    hard = duct.hard
    first = duct.open_end.transform
    sources = [ModeMixture(hard.section.m, lip, hard.k, 0.0, float(hard.section.hub)) for lip in lips]
    family = [first.incident(source) for source in sources]
    value, error = type(first).directivities(family, theta)
    check_estimate(float(np.max(error, initial=0.0)), duct.open_end.tolerance, "the directivity", first.described)
    return value


def power_shares(duct: LinedDuct, amplitudes: Amplitudes) -> tuple[float, float]:
    """Power absorbed and radiated over sum |kappa| N |amplitude|^2 of the incident modes, by the balance.

    What is radiated passes the lip.
    """
    hard, lip = duct.hard, amplitudes.lip
    flux = np.abs(hard.kappa) * hard.norm
    scale = float(np.sum(flux * np.abs(amplitudes.incoming) ** 2))
    net = net_power(duct, amplitudes.incoming, amplitudes.reflected)
    radiated = net_power(duct, lip, duct.lip @ lip)
    return (net - radiated) / scale, radiated / scale


def net_power(duct: LinedDuct, towards: ComplexArray, back: ComplexArray) -> float:
    """Power through a cross-section of hard modes; of cut-off modes by their interaction."""
    hard = duct.hard
    flux, on = np.abs(hard.kappa) * hard.norm, hard.kappa.imag == 0
    own = np.abs(towards) ** 2 - np.abs(back) ** 2
    return float(np.sum(flux * np.where(on, own, 2 * (towards.conj() * back).imag)))
