"""Many sources as one vectorised call, without flow or in uniform flow: near fields, and what is far away.

The formulas are those of `media.uniform`; here the cases of one azimuthal order share every evaluation of a Bessel
function and the sums of the factorisation.
"""

from dataclasses import dataclass

import numpy as np

from .bessel import hankel_pair
from .checks import check_hub, check_mach, check_orders, check_tolerance
from .errors import ConvergenceError
from .factorisation import Factorisation
from .media.uniform import Solution
from .near_field import grid_fields
from .section import Section
from .source import DuctMode, ModeMixture

_EPS = np.finfo(float).eps
_CHUNK = 128  # cases worked on at a time: their matrices of line nodes and angles stay in a few megabytes
_TOGETHER = 16  # near fields worked on at a time
_AXIS = 1e-12  # angle to the axis, as its sine, below which D is its limit


@dataclass(frozen=True)
class Sweep:
    """What `sweep` returns: arrays over cases.

    reflection : (case,) complex, coefficient of the incident mode into itself, of the potential at x = 0.
    directivity : (case, angle) complex, as `Solution.directivity`.
    error_estimate : (case,) float, relative, of both.
    """

    reflection: np.ndarray
    directivity: np.ndarray
    error_estimate: np.ndarray


def near_fields(sources, x, r, *, tolerance=1e-6):
    """Near fields of many sources on one tensor grid, without flow or in uniform flow.

    As `solve(source).field(x, r)` one after the other; here sources of an azimuthal order and hub share every
    evaluation of a Bessel function.

    Parameters
    ----------
    sources : sequence of DuctMode or ModeMixture
        In any order; those alike are found.
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
        As `Solution.field`, or a tolerance that is not positive.
    ConvergenceError
        A source misses the tolerance, as within a relative 1e-9 of a cut-on; it is named.

    Examples
    --------
    >>> first, second = near_fields([DuctMode(0, 0, 3.0), DuctMode(2, 0, 5.0, mach=0.3)], [-0.5, 0.5], [0.5, 1.5])
    >>> first.potential.shape
    (2, 2)
    """
    check_tolerance(tolerance)
    sources = list(sources)
    groups: dict = {}
    for index, source in enumerate(sources):
        if not isinstance(source, DuctMode | ModeMixture):
            raise TypeError(f"expected DuctModes or ModeMixtures, got {type(source).__name__}")
        groups.setdefault((abs(int(source.m)), source.hub), []).append(index)
    fields: list = [None] * len(sources)
    for group in groups.values():
        group.sort(key=lambda index: sources[index].helmholtz)  # alike ones together
        for start in range(0, len(group), _TOGETHER):
            part = group[start : start + _TOGETHER]
            solutions = Solution.several([sources[index] for index in part], tolerance)
            for index, (field,) in zip(part, grid_fields([[one] for one in solutions], x, r), strict=True):
                fields[index] = field
    return fields


def sweep(m, n, helmholtz, theta, *, mach=0.0, hub=0.0, tolerance=1e-6):
    """Reflection and directivity of many incident duct modes.

    Parameters
    ----------
    m, n : (case,) int arrays
        Azimuthal and radial orders; with the next two they broadcast together.
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
        A case misses the tolerance, as within a relative 1e-9 of a cut-on; its parameters are named.

    Examples
    --------
    >>> result = sweep(0, 0, [0.5, 1.0, 2.0], [0.0, 1.5])
    >>> np.abs(result.reflection).round(5).tolist()
    [0.89644, 0.6951, 0.34618]
    >>> result.directivity.shape
    (3, 2)
    """
    theta = np.atleast_1d(np.asarray(theta, dtype=float))
    m, n, helmholtz, mach = np.broadcast_arrays(*(np.atleast_1d(np.asarray(q)) for q in (m, n, helmholtz, mach)))
    _check(m, n, helmholtz, theta, mach, hub)
    orders = np.abs(m).astype(int)
    reflection = np.empty(m.shape, complex)
    directivity = np.empty((len(m), len(theta)), complex)
    error = np.empty(m.shape)
    for order in np.unique(orders):
        section = Section(int(order), hub)
        cases = np.flatnonzero(orders == order)
        cases = cases[np.argsort(helmholtz[cases])]  # alike ones together
        for start in range(0, len(cases), _CHUNK):
            part = cases[start : start + _CHUNK]
            beta = np.sqrt((1 - mach[part]) * (1 + mach[part]))
            alpha = section.eigenvalues(int(n[part].max()) + 1)[n[part].astype(int)]
            reflection[part], directivity[part], error[part] = _solve(section, helmholtz[part] / beta, alpha, theta)
    if not np.all(error <= tolerance):
        worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
        raise ConvergenceError(
            f"the error estimate {error[worst]:.1e} is above {tolerance:.1e} for m={m[worst]}, n={n[worst]}, "
            f"helmholtz={helmholtz[worst]}, mach={mach[worst]}, hub={hub}"
        )
    return Sweep(reflection, directivity, error)


def _check(m, n, helmholtz, theta, mach, hub):
    if m.ndim != 1 or theta.ndim != 1:
        raise ValueError(f"cases and angles must be one-dimensional, got shapes {m.shape} and {theta.shape}")
    if not np.all((helmholtz > 0) & np.isfinite(helmholtz)):
        raise ValueError(f"helmholtz must be positive and finite, got helmholtz={helmholtz[~(helmholtz > 0)]}")
    if not np.all((theta >= 0) & (theta <= np.pi)):
        raise ValueError(f"theta must lie in [0, pi] rad, got {theta}")
    for orders in set(zip(m.tolist(), n.tolist(), strict=True)):
        check_orders(*orders)
    for value in np.unique(mach):
        check_mach(value)
    check_hub(hub)


def _solve(section, k, alpha, theta):
    """Reflection, directivity and error of cases (K, alpha)."""
    factors = Factorisation(section, k)
    kappa = np.sqrt((k - alpha) * (k + alpha) + 0j)
    # W_plus at kappa, and at every distinct |s| = K |cos theta|.
    cosine, index = np.unique(np.abs(np.cos(theta)).round(15), return_inverse=True)
    nodes = np.concatenate([kappa[:, None], k[:, None] * cosine], axis=1)
    log_plus, errors = factors.log_plus(nodes)
    plus = np.exp(0.25j * np.pi + log_plus) / np.sqrt(k[:, None] + nodes)
    half = (k + kappa) * plus[:, 0]
    reflection = -(half**2) / (8 * section.norm(alpha) * kappa**2)
    nearest = section.eigenvalues(int(k.max() / np.pi) + 3)
    cancellation = 2 * _EPS * k / np.abs(k[:, None] - nearest).min(axis=1)
    error = errors[:, 0] + errors.max(axis=1) + cancellation + 4 * _EPS

    m, hub = section.m, section.hub
    strength, column = (0.5j * half)[:, None], k[:, None]
    s, sine = -column * np.cos(theta), np.sin(theta)
    axis = sine < _AXIS
    gamma = column * np.where(axis, 1.0, sine) + 0j
    at_angles = plus[:, 1:][:, index]
    back = s < 0
    # Upstream: sources times W_plus / (gamma H_m'); the plane wave's pole cancels the branch point.
    plane = alpha[:, None] == 0
    sources = strength * np.where(plane, 1.0, (column + s) / np.where(back | plane, 1.0, s + kappa[:, None]))
    with np.errstate(over="ignore", invalid="ignore"):
        slope = gamma * hankel_pair(m, gamma)[1] * np.exp(1j * gamma)
    finite = np.isfinite(slope)  # else H_m' overflows, and D vanishes
    front = np.where(finite, sources * at_angles / np.where(finite, slope, 1.0), 0.0)
    # Downstream, W_plus = W / W_minus: the poles of the sources meet zeros of S'.
    behind = np.zeros_like(front)
    rows, columns = np.nonzero(back)
    if len(rows):
        z, a = gamma[rows, columns], alpha[rows]
        quotient = np.where(
            a == 0,
            section.wall(z)[1],
            (k[rows] + s[rows, columns])
            * (kappa[rows] - s[rows, columns])
            * section.slope_quotient(z, np.where(a == 0, 1.0, a)),
        )
        behind[rows, columns] = 1j * np.pi * strength[rows, 0] * quotient / (z * at_angles[rows, columns])
    total = np.where(back, behind, front)
    if np.any(axis):
        ahead = -0.5j * np.pi * (1 - hub**2) * strength / at_angles
        behind_axis = np.where(plane, strength, sources) * at_angles * np.pi / 2j
        limit = np.where(back, np.where(plane, ahead, 0.0), behind_axis) if m == 0 else 0.0
        total = np.where(axis, limit, total)
    return reflection, (-1j) ** (m + 1) / np.pi * total, error
