"""Radial eigenvalues of discs and annuli, with a hard or a soft wall, in cached tables."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import special
from scipy.optimize import elementwise

from .arrays import FloatArray
from .errors import ConvergenceError

# Radial orders computed at first, without and with a hub: enough for ka < 190 and 45; the table doubles when more are
# needed. Hubs are often used once.
_TABLE = 64, 16
_SCAN = 0.25  # between the points where the characteristic function's sign is taken; zeros are pi / (1 - h) apart


def eigenvalues(m: int, count: int, hub: float = 0.0) -> FloatArray:
    """First `count` zeros of S'; see `modes.radial_eigenvalues`."""
    size = _TABLE[bool(hub)]
    while size < count:
        size *= 2
    table = _disc(abs(int(m)), size) if not hub else _annulus(abs(int(m)), size, float(hub))
    return table[:count]


@lru_cache(maxsize=256)
def _disc(m: int, size: int) -> FloatArray:
    if m == 0:
        zeros = np.concatenate([[0.0], special.jn_zeros(1, size - 1)])  # J_0' = -J_1
        live = zeros[1:]
    else:
        zeros = special.jnp_zeros(m, size)
        live = zeros
    # J_m'' = -J_m'/z - (1 - m^2/z^2) J_m: one Newton step takes the zeros to the last digit.
    slope = -special.jvp(m, live) / live - (1 - (m / live) ** 2) * special.jv(m, live)
    live -= special.jvp(m, live) / slope
    zeros.flags.writeable = False
    return zeros


@lru_cache(maxsize=256)
def _annulus(m: int, size: int, hub: float) -> FloatArray:
    zeros = _scan(_hard_wall, m, size, hub)
    zeros = zeros if m else np.concatenate([[0.0], zeros])[:size]
    zeros.flags.writeable = False
    return zeros


@lru_cache(maxsize=256)
def soft_eigenvalues(m: int, size: int, hub: float) -> FloatArray:
    zeros = _scan(_soft_wall, m, size, hub) if hub else special.jn_zeros(m, size)
    zeros.flags.writeable = False
    return zeros


def hub_phase(m: int, z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Y_m'(z) and J_m'(z) over |H_m'(z)|; z > 0. Y_m' may overflow at small z, where J_m' no longer matters."""
    with np.errstate(invalid="ignore"):  # the difference of two infinities
        j, y = special.jvp(m, z), special.yvp(m, z)
    lost = ~np.isfinite(y)
    y = np.where(lost, 1.0, y)
    size = np.hypot(j, y)
    return np.where(lost, 1.0, y / size), np.where(lost, 0.0, j / size)


def count_below(m: int, k: float, hub: float) -> int:
    """Number of radial eigenvalues of an annulus below k > 0, from changes of sign: none of them is computed."""
    size = abs(int(m))
    first = max(size, 1e-3) * (1 - 1e-12)  # as in `_scan`
    if k <= first:
        return int(m == 0)
    negative = np.signbit(_hard_wall(np.linspace(first, k, int((k - first) / _SCAN) + 2), size, hub))
    return int(np.count_nonzero(negative[1:] != negative[:-1])) + (m == 0)


def _hard_wall(z: FloatArray, m: int, hub: float) -> FloatArray:
    cosine, sine = hub_phase(m, z * hub)
    return cosine * special.jvp(m, z) - sine * special.yvp(m, z)


def _soft_wall(z: FloatArray, m: int, hub: float) -> FloatArray:
    cosine, sine = hub_phase(m, z * hub)
    return cosine * special.jv(m, z) - sine * special.yv(m, z)


def _scan(function: Callable[[FloatArray, int, float], FloatArray], m: int, size: int, hub: float) -> FloatArray:
    """First `size` positive zeros of a characteristic function, from its changes of sign."""
    # alpha >= m, because r <= 1 in the Rayleigh quotient.
    first = max(m, 1e-3) * (1 - 1e-12)
    last = m + np.pi * (size + 0.5 * m + 2) / (1 - hub)
    points = np.linspace(first, last, int((last - first) / _SCAN) + 2)
    negative = np.signbit(function(points, m, hub))
    change = np.flatnonzero(negative[1:] != negative[:-1])[:size]
    found = elementwise.find_root(
        function, (points[change], points[change + 1]), args=(m, hub), tolerances={"xatol": 0, "xrtol": 4e-16}
    )
    if not (np.all(found.success) and len(change) == size):
        raise ConvergenceError(f"the radial eigenvalues of m = {m}, hub = {hub} were not found")
    return found.x
