"""Scaled cylinder functions with their slopes: from the tables where there are many arguments, else from scipy."""

import numpy as np
from scipy import special

from ..arrays import ComplexArray
from ..errors import ConvergenceError
from .evaluation import LARGEST_ORDER, evaluate
from .evaluation import tables as tables_of

_UNDERFLOWS = 85  # order from which scipy's hankel1e is 0 for some arguments below the real axis
_FEW = 128  # arguments below which tables do not pay


def bessel_pair(m: int, z: ComplexArray, *, tables: bool = False) -> tuple[ComplexArray, ComplexArray]:
    """J_m(z) and J_m'(z), both times exp(-|Im z|); z a complex array without zeros.

    tables : whether few arguments, too, take the tables: a value then has the same bits whatever is asked for with it.
    """
    if (tables or np.size(z) >= _FEW) and m <= LARGEST_ORDER:
        return evaluate(tables_of(m).bessel, _finite(m, z))
    value = special.jve(m, z)
    return value, (m / z) * value - special.jve(m + 1, z)


def hankel_pair(m: int, z: ComplexArray, *, tables: bool = False) -> tuple[ComplexArray, ComplexArray]:
    """H_m(z) and H_m'(z) of the first kind, both times exp(-i z); otherwise as `bessel_pair`."""
    if (tables or np.size(z) >= _FEW) and m <= LARGEST_ORDER:
        return evaluate(tables_of(m).hankel, _finite(m, z))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        value = _hankel(m, z)
        return value, (m / z) * value - _hankel(m + 1, z)


def _hankel(m: int, z: ComplexArray) -> ComplexArray:
    """scipy's H_m times exp(-i z), by reflection where its own is zero: below the real axis at high orders."""
    value = special.hankel1e(m, z)
    if m >= _UNDERFLOWS and np.any(below := np.imag(z) < 0):
        lower = np.where(below, z, 1.0)  # H = 2 J - H^(2), and H^(2)(z) is the conjugate of H(conj z)
        other = special.hankel1e(m, lower.conj()).conj()
        reflected = 2 * np.exp(-1j * lower.real) * special.jve(m, lower) - np.exp(-2j * lower) * other
        value = np.where(below, reflected, value)
    return value


def _finite(m: int, z: ComplexArray) -> ComplexArray:
    """Arguments of tables; within the solver one that is not finite is a failure, not bad input."""
    if not np.isfinite(z).all():
        raise ConvergenceError(f"a radial wavenumber is not finite, at order {m}")
    return np.asarray(z, dtype=complex)
