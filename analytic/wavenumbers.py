"""Radial wavenumbers on their branch, and the exponentials of waves."""

import numpy as np
import numpy.typing as npt

from .arrays import ComplexArray, FloatArray


def root(z: npt.ArrayLike) -> ComplexArray:
    """Square root, positive on the positive axis, with its cut down the negative imaginary axis."""
    return np.exp(0.25j * np.pi) * np.sqrt(-1j * np.asarray(z))


def radial_wavenumber(s: ComplexArray, k: FloatArray | float) -> ComplexArray:
    """gamma = sqrt(k^2 - s^2), Im gamma >= 0 on the contour: cuts from +k upwards and from -k downwards."""
    return root(k - s) * root(k + s)


def upper(gamma: ComplexArray) -> ComplexArray:
    """gamma or -gamma, whichever has Im >= 0: with a hub S is a small difference below the real axis."""
    return np.where(gamma.imag < 0, -gamma, gamma)


def exponentials(points: FloatArray, rate: ComplexArray | FloatArray) -> np.ndarray:
    """exp(points rate) as an array (point, node); evenly spaced points cost one product each.

    points : (point,) float array, of one sign; rate : (node,) complex or float array.
    """
    if len(points) > 1 and abs(points[0]) > abs(points[-1]):  # the products start from zero, where nothing is lost
        return exponentials(points[::-1], rate)[::-1]
    line = np.linspace(points[0], points[-1], len(points))
    if len(points) < 4 or np.max(np.abs(points - line)) > 4 * np.finfo(float).eps * abs(points[-1]):
        return np.exp(np.multiply.outer(points, rate))
    result = np.empty((len(points), len(rate)), rate.dtype)
    np.exp(points[0] * rate, out=result[0])
    done = 1
    while done < len(points):
        more = min(done, len(points) - done)
        np.multiply(result[:more], np.exp((line[done] - line[0]) * rate), out=result[done : done + more])
        done += more
    return result
