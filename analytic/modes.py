"""Hard-walled circular and annular duct modes: radial eigenvalues, cut-on, axial wavenumbers."""

import math

import numpy as np
import numpy.typing as npt

from .arrays import ComplexArray, FloatArray
from .checks import (
    check_count,
    check_helmholtz,
    check_helmholtz_array,
    check_hub,
    check_mach,
    check_order,
    check_orders,
)
from .eigenvalues import count_below, eigenvalues


def radial_eigenvalues(m: int, count: int, *, hub: float = 0.0) -> FloatArray:
    """First radial eigenvalues alpha_mn, in increasing order; for m = 0 the list starts with 0, the plane wave.

    Zeros of J_m', or with a hub of radius h those of J_m'(alpha) Y_m'(alpha h) - J_m'(alpha h) Y_m'(alpha).

    Parameters
    ----------
    m : int
        Azimuthal order, any sign.
    count : int
        Number of eigenvalues.
    hub : float
        Radius of the hub [duct radii].

    Returns
    -------
    (count,) float array
        alpha_mn [-], relative error below 1e-15.

    Examples
    --------
    >>> radial_eigenvalues(0, 3).round(6).tolist()
    [0.0, 3.831706, 7.015587]
    """
    return eigenvalues(check_order(m), check_count(count), check_hub(hub))


def radial_eigenvalue(m: int, n: int, *, hub: float = 0.0) -> float:
    """Radial eigenvalue alpha_mn of duct mode (m, n), n = 0, 1, ...; j'_mn without a hub; alpha_00 = 0.

    Examples
    --------
    >>> round(radial_eigenvalue(1, 0), 6)
    1.841184
    """
    m, n = check_orders(m, n)
    return float(radial_eigenvalues(m, n + 1, hub=hub)[n])


def cut_on_helmholtz(m: int, n: int, mach: float = 0.0, *, hub: float = 0.0) -> float:
    """Helmholtz number above which duct mode (m, n) propagates: alpha_mn sqrt(1 - M^2).

    Examples
    --------
    >>> round(cut_on_helmholtz(1, 0, mach=0.6), 6)
    1.472947
    """
    mach = check_mach(mach)
    return radial_eigenvalue(m, n, hub=hub) * math.sqrt(1 - mach**2)


def cut_on_orders(helmholtz: float, m: int, mach: float = 0.0, *, hub: float = 0.0) -> int:
    """Number of radial orders of azimuthal order m that propagate at a Helmholtz number > 0.

    Examples
    --------
    >>> cut_on_orders(8.0, 0)
    3
    """
    helmholtz, mach = check_helmholtz(helmholtz), check_mach(mach)
    beta = math.sqrt(1 - mach**2)
    if hub := check_hub(hub):
        return count_below(check_order(m), helmholtz / beta, hub)
    return int(np.count_nonzero(radial_eigenvalues(m, int(helmholtz / beta / math.pi) + 3) * beta < helmholtz))


def axial_wavenumber(
    helmholtz: npt.ArrayLike, m: int, n: int, *, mach: float = 0.0, direction: int = 1, hub: float = 0.0
) -> ComplexArray:
    """Axial wavenumber, times the radius, of hard-walled duct mode (m, n) in uniform flow.

    Parameters
    ----------
    helmholtz : (...) float array, > 0
        Helmholtz number ka = omega a / c [-].
    m, n : int
        Azimuthal order (any sign), radial order (n >= 0; (0, 0) is the plane wave).
    mach : float, |mach| < 1
        Mean-flow Mach number, positive towards the open end [-].
    direction : {1, -1}
        Wave travelling (or decaying) towards +x or -x.
    hub : float
        Radius of the hub [duct radii].

    Returns
    -------
    (...) complex array
        Wavenumber mu [-] of exp(i mu x - i omega t), with direction * Im(mu) >= 0.

    Raises
    ------
    ValueError
        helmholtz not positive, flow not subsonic, n negative or direction neither 1 nor -1.

    Notes
    -----
    Root of (ka - M mu)^2 = mu^2 + alpha_mn^2.

    Examples
    --------
    >>> complex(axial_wavenumber(5.0, 0, 0, mach=0.25, direction=-1))
    (-6.666666666666667+0j)
    """
    ka, mach = check_helmholtz_array(helmholtz), check_mach(mach)
    if direction not in (1, -1):
        raise ValueError(f"direction must be 1 or -1, got {direction}")
    cut_on = cut_on_helmholtz(m, n, mach, hub=hub)
    root = np.sqrt((ka - cut_on) * (ka + cut_on) + 0j)  # Im >= 0; the product keeps the digits next to cut-on
    return (direction * root - mach * ka) / (1 - mach**2)
