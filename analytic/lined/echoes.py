"""Waves between two ends, echoed back and forth: a linear system, by its echoes where there are many modes."""

from collections.abc import Callable

import numpy as np

from ..arrays import EPS, ComplexArray

_FEW = 64  # modes up to which a matrix takes less time
# echoes: what they do is next to compact, so that ten are enough, and one more for each mode that is cut on
_MOST = 100
_SETTLED = 16 * EPS  # residual over what is echoed, for rounding in sums over some hundred modes


def settled(echo: Callable[[ComplexArray], ComplexArray], start: ComplexArray) -> ComplexArray:
    """x = start + echo(x), (mode,), with a linear echo of arrays (mode, ...).

    By as many echoes as the method of Y. Saad and M. H. Schultz (GMRES, SIAM J. Sci. Stat. Comput. 7 (1986), 856-869)
    needs; by a matrix where modes are few, or rounding in the echoes is above what they should settle to.
    """
    size = float(np.linalg.norm(start))
    if len(start) <= _FEW or not size > 0:  # NaN, too
        return _by_matrix(echo, start)
    basis, image = np.zeros((_MOST + 1, len(start)), complex), np.zeros((_MOST + 1, _MOST), complex)
    basis[0] = start / size
    for count in range(1, _MOST + 1):
        known, last = basis[:count], basis[count - 1]
        rest = last - echo(last)
        for _ in range(2):  # once more, against rounding
            along = known.conj() @ rest
            rest = rest - along @ known
            image[:count, count - 1] += along
        length = image[count, count - 1] = np.linalg.norm(rest)
        wanted, matrix = np.append(size, np.zeros(count)), image[: count + 1, :count]
        shares = np.linalg.lstsq(matrix, wanted)[0]
        if np.linalg.norm(wanted - matrix @ shares) <= _SETTLED * size:
            return np.asarray(shares @ known)
        basis[count] = rest / length
    return _by_matrix(echo, start)


def _by_matrix(echo: Callable[[ComplexArray], ComplexArray], start: ComplexArray) -> ComplexArray:
    unit = np.eye(len(start), dtype=complex)
    return np.asarray(np.linalg.solve(unit - echo(unit), start), dtype=complex)
