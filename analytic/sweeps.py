"""Many sources in one vectorised call, without flow or in uniform flow: near fields and far fields.

The cases of one azimuthal order share every evaluation of a Bessel function and the sums of the factorisation.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .arrays import EPS, ComplexArray, FloatArray
from .checks import (
    check_angles,
    check_helmholtz_array,
    check_hub,
    check_mach_array,
    check_order_arrays,
    check_reduced,
    check_tolerance,
)
from .errors import ConvergenceError, check_estimate
from .factorisation import Factorisation
from .media import UniformFlow, transforms
from .media.uniform import cancellation, coupling
from .media.uniform_far_field import directivity
from .near_field import Field, grid_fields
from .section import Section
from .source import DuctMode, ModeMixture, Source

_CHUNK = 128  # cases worked on at a time: their matrices of line nodes and angles stay in a few megabytes
_TOGETHER = 16  # near fields computed at a time: larger groups save no more work and cost memory
_COSINE_DIGITS = 15  # to which |cos(theta)| of mirrored angles agree: rounding is 1e-16, a node's effect is less


@dataclass(frozen=True)
class Sweep:
    """Results of `sweep`: arrays over cases.

    reflection : (case,) complex, coefficient of the incident mode into itself, of the potential at x = 0.
    directivity : (case, angle) complex, as `Solution.directivity`.
    error_estimate : (case,) float, relative, of both.
    """

    reflection: ComplexArray
    directivity: ComplexArray
    error_estimate: FloatArray


def near_fields(
    sources: Iterable[Source], x: npt.ArrayLike, r: npt.ArrayLike, *, tolerance: float = 1e-6
) -> list[Field]:
    """Near fields of many sources on one tensor grid, without flow or in uniform flow.

    Equivalent to `solve(source).field(x, r)` for each source; here sources of one azimuthal order and hub share every
    evaluation of a Bessel function.

    Parameters
    ----------
    sources : sequence of DuctMode or ModeMixture
        In any order; similar ones are grouped.
    x, r : arrays
        As for `Solution.field`.
    tolerance : float
        Largest relative error estimate accepted.

    Returns
    -------
    list of Field

    Raises
    ------
    TypeError
        A source is neither a mode nor a mixture.
    ValueError
        As `Solution.field`, or the tolerance is not positive.
    ConvergenceError
        The error estimate of a source's field is above the tolerance, as within a relative 1e-9 of a cut-on; the source
        is named.

    Examples
    --------
    >>> first, second = near_fields([DuctMode(0, 0, 3.0), DuctMode(2, 0, 5.0, mach=0.3)], [-0.5, 0.5], [0.5, 1.5])
    >>> first.potential.shape
    (2, 2)
    """
    tolerance = check_tolerance(tolerance)
    sources = list(sources)
    groups: dict[tuple[int, float], list[int]] = {}
    for index, source in enumerate(sources):
        if not isinstance(source, DuctMode | ModeMixture):
            raise TypeError(f"expected DuctModes or ModeMixtures, got {type(source).__name__}")
        groups.setdefault((abs(int(source.m)), source.hub), []).append(index)
    fields: dict[int, Field] = {}
    for group in groups.values():
        group.sort(key=lambda index: sources[index].helmholtz)  # similar ones in one chunk
        for start in range(0, len(group), _TOGETHER):
            part = group[start : start + _TOGETHER]
            parts = [[one] for one in transforms([sources[index] for index in part], UniformFlow())]
            for (one,) in parts:
                check_estimate(one.error_estimate, tolerance, "the factorisation", one.described)
            for index, (field,) in zip(part, grid_fields(parts, x, r, tolerance), strict=True):
                fields[index] = field
    return [fields[index] for index in range(len(sources))]


# long: description of the parameters and errors, and an example, of a main entry point
def sweep(
    m: npt.ArrayLike,
    n: npt.ArrayLike,
    helmholtz: npt.ArrayLike,
    theta: npt.ArrayLike,
    *,
    mach: npt.ArrayLike = 0.0,
    hub: float = 0.0,
    tolerance: float = 1e-6,
) -> Sweep:
    """Reflection and directivity of many incident duct modes.

    Parameters
    ----------
    m, n : (case,) int arrays
        Azimuthal and radial orders; they broadcast with helmholtz and mach.
    helmholtz, mach : (case,) float arrays
        Helmholtz number ka > 0, Mach number of the uniform flow [-].
    theta : (angle,) float array
        Polar angles in the (X, r) plane [rad], 0 downstream, in [0, pi].
    hub : float
        Radius of the hub [duct radii].
    tolerance : float
        Largest relative error estimate accepted.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        A parameter is outside its range.
    ConvergenceError
        The error estimate of a case is above the tolerance, as within a relative 1e-9 of a cut-on; its parameters are
        named.

    Examples
    --------
    >>> result = sweep(0, 0, [0.5, 1.0, 2.0], [0.0, 1.5])
    >>> np.abs(result.reflection).round(5).tolist()
    [0.89644, 0.6951, 0.34618]
    >>> result.directivity.shape
    (3, 2)
    """
    theta, hub, tolerance = np.atleast_1d(check_angles(theta)), check_hub(hub), check_tolerance(tolerance)
    cases_of = *check_order_arrays(m, n), check_helmholtz_array(helmholtz), check_mach_array(mach)
    m, n, helmholtz, mach = np.broadcast_arrays(*(np.atleast_1d(one) for one in cases_of))
    if m.ndim != 1 or theta.ndim != 1:
        raise ValueError(f"cases and angles must be one-dimensional, got shapes {m.shape} and {theta.shape}")
    check_reduced(helmholtz, mach)
    orders = np.abs(m)
    reflection = np.empty(m.shape, complex)
    directivity = np.empty((len(m), len(theta)), complex)
    error = np.empty(m.shape)
    for order in np.unique(orders):
        section = Section(int(order), hub)
        cases = np.flatnonzero(orders == order)
        cases = cases[np.argsort(helmholtz[cases])]  # similar ones in one chunk
        for start in range(0, len(cases), _CHUNK):
            part = cases[start : start + _CHUNK]
            beta = np.sqrt((1 - mach[part]) * (1 + mach[part]))
            alpha = section.eigenvalues(int(n[part].max()) + 1)[n[part]]
            reflection[part], directivity[part], error[part] = _solve(section, helmholtz[part] / beta, alpha, theta)
    if not np.all(error <= tolerance):
        worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
        raise ConvergenceError(
            f"the error estimate {error[worst]:.1e} is above {tolerance:.1e} for m={m[worst]}, n={n[worst]}, "
            f"helmholtz={helmholtz[worst]}, mach={mach[worst]}, hub={hub}"
        )
    return Sweep(reflection, directivity, error)


def _solve(
    section: Section, k: FloatArray, alpha: FloatArray, theta: FloatArray
) -> tuple[ComplexArray, ComplexArray, FloatArray]:
    """Reflection, directivity and error of cases (K, alpha)."""
    factors = Factorisation(section, k)
    kappa = np.sqrt((k - alpha) * (k + alpha) + 0j)
    # ln F_plus at kappa, and at every distinct |s| = K |cos theta|.
    cosine, index = np.unique(np.abs(np.cos(theta)).round(_COSINE_DIGITS), return_inverse=True)
    log_plus, errors = factors.log_plus(np.concatenate([kappa[:, None], k[:, None] * cosine], axis=1))
    half = (k + kappa) * (np.exp(0.25j * np.pi + log_plus[:, 0]) / np.sqrt(k + kappa))
    reflection = coupling(half, half, kappa, kappa, section.norm(alpha))
    nearest = section.eigenvalues(int(k.max() / np.pi) + 3)
    lost = cancellation(k, np.abs(k[:, None] - nearest).min(axis=1))
    error = errors[:, 0] + errors.max(axis=1) + lost + 4 * EPS
    column = None, slice(None), None  # one radial order a case
    far = directivity(
        section, k[:, None], theta, alpha[column], kappa[column], 0.5j * half[column], log_plus[:, 1:][:, index]
    )
    return reflection, far, error
