"""Reflection and directivity of many sources in one call, in uniform flow or with jets.

What cases share is evaluated once: without a jet the Bessel functions and sums of the factorisations of one azimuthal
order and hub, with a jet the factorisation of all radial orders, amplitudes and Kutta parameters.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .arrays import BoolArray, ComplexArray, FloatArray, IntArray
from .attempts import RAISE, attempt, check_errors
from .cases import broadcast
from .checks import check_angles, check_tolerance
from .errors import ConvergenceError, quiet
from .media import Jet, jet_sweep, uniform_sweep

_JET = ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta")


@dataclass(frozen=True)
class Sweep:
    """Results of `sweep`: arrays over cases.

    reflection : (case,) complex, coefficient of the incident mode into itself, of the potential at x = 0.
    directivity : (case, angle) complex, as `Solution.directivity`.
    error_estimate : (case,) float, relative, of both.
    valid : (case,) bool, False for a case that failed: its reflection and directivity are 0, its error estimate is inf.
    reasons : why cases failed, "" for those that are valid: (case,) tuple of str.
    """

    reflection: ComplexArray
    directivity: ComplexArray
    error_estimate: FloatArray
    valid: BoolArray
    reasons: tuple[str, ...]


# long: description of the parameters and errors, and examples, of a main entry point
def sweep(
    m: npt.ArrayLike,
    n: npt.ArrayLike,
    helmholtz: npt.ArrayLike,
    theta: npt.ArrayLike,
    *,
    mach: npt.ArrayLike = 0.0,
    hub: npt.ArrayLike = 0.0,
    mach_outer: npt.ArrayLike | None = None,
    sound_speed_ratio: npt.ArrayLike | None = None,
    density_ratio: npt.ArrayLike | None = None,
    kutta: npt.ArrayLike | None = None,
    tolerance: float = 1e-6,
    errors: str = RAISE,
) -> Sweep:
    """Reflection and directivity of many incident duct modes.

    Parameters
    ----------
    m, n : (case,) int arrays
        Azimuthal and radial orders; all arrays of cases broadcast.
    helmholtz, mach, hub : (case,) float arrays
        Helmholtz number ka > 0, Mach number of the duct's flow [-], radius of the hub [duct radii].
    theta : (angle,) float array
        Polar angles in the (X, r) plane [rad], 0 downstream, in [0, pi].
    mach_outer, sound_speed_ratio, density_ratio, kutta : (case,) float arrays, optional
        Parameters of `Jet`: if any is given, every case has a jet. Else the flow is uniform.
    tolerance : float
        Largest relative error estimate accepted.
    errors : {"raise", "record"}
        Whether a case whose numerics fail raises, or is recorded in `Sweep.valid` and `Sweep.reasons`.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        A parameter is outside its range.
    ConvergenceError
        The error estimate of a case is above the tolerance, as within a relative 1e-9 of a cut-on, or a jet's
        factorisation failed; the case's parameters are named.

    Examples
    --------
    >>> result = sweep(0, 0, [0.5, 1.0, 2.0], [0.0, 1.5])
    >>> np.abs(result.reflection).round(5).tolist()
    [0.89644, 0.6951, 0.34618]
    >>> result.directivity.shape
    (3, 2)
    >>> np.abs(sweep(0, 0, 1.0, [1.5], mach=0.3, kutta=[0.0, 1.0]).reflection).round(5).tolist()
    [0.68453, 0.48298]
    """
    theta, tolerance, record = np.atleast_1d(check_angles(theta)), check_tolerance(tolerance), check_errors(errors)
    if theta.ndim != 1:
        raise ValueError(f"angles must be one-dimensional, got shape {theta.shape}")
    given = (mach_outer, sound_speed_ratio, density_ratio, kutta)
    jets = any(value is not None for value in given)
    medium = jet_sweep if jets else uniform_sweep
    outer = {name: getattr(Jet, name) if value is None else value for name, value in zip(_JET, given, strict=True)}
    cases = broadcast(m, n, helmholtz, mach, hub, outer if jets else {})
    medium.check(cases)
    count = len(cases)
    reflection, directivity = np.zeros(count, complex), np.zeros((count, len(theta)), complex)
    error, reasons = np.full(count, np.inf), np.full(count, "", object)

    @quiet()
    def work(part: IntArray) -> None:
        reflection[part], directivity[part], error[part], why = medium.solve(cases.take(part), theta)
        for case in np.flatnonzero(np.array(why, object) != ""):
            failed(part[[case]], why[case])

    def failed(part: IntArray, reason: str) -> None:
        reasons[part] = reason

    for part in medium.parts(cases):
        attempt(part, work, failed)
        bad = np.flatnonzero(reasons[part] != "")
        if len(bad) and not record:
            raise ConvergenceError(f"{reasons[part[bad[0]]]}, for {cases.described(part[bad[0]])}")
    finite = np.isfinite(reflection) & np.all(np.isfinite(directivity), axis=1)
    error = np.where(np.isnan(error) | ~finite, np.inf, error)
    for case in np.flatnonzero((error > tolerance) & (reasons == "")):
        reasons[case] = f"the error estimate {error[case]:.1e} is above {tolerance:.1e}"
    valid = reasons == ""
    if not (record or np.all(valid)):
        worst = int(np.argmax(error))
        raise ConvergenceError(f"{reasons[worst]} for {cases.described(worst)}")
    reflection[~valid], directivity[~valid], error[~valid] = 0, 0, np.inf
    return Sweep(reflection, directivity, error, valid, tuple(reasons.tolist()))
