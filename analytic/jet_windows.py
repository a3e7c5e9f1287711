r"""Smooth parts of a jet's two factors on two windows of the real axis: what a surrogate of the factorisation learns.

ln K_minus is taken on s <= s_c and ln K_plus on s >= s_c, each far from its own singularities, with

    s_c = min(M_1 k / beta_1^2, right - (right - left) / 4);

the windows end where the angles and the duct's cut-on modes end. Divided out are closed forms that have the factors'
behaviour at infinity, their branch points and approximately their zeros and poles,

    C_minus = lim / sqrt(right - s) prod_l (s - z_l^up) / (s - s_l^up),
    C_plus = (s - s_0) (s - conj(s_0)) / sqrt(s - left) prod_l (s - z_l^dn) / (s - s_l^dn),

l < 12, with the duct's modes s_l and, in place of the jet's, z_l of the soft-walled duct with damped radial
wavenumbers. Logarithms are continuous from -i infinity and +i infinity, where they vanish.

For jets of Mach number up to 0.5 and ka up to 20, twelve Chebyshev coefficients in each window leave 1e-4 at most, 1e-7
usually. Above, modes of the jet lie near the window of K_plus; where one is trapped, on it, there is no logarithm.
Neither the Kutta parameter nor incident modes or angles are parameters of these functions.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

from .arrays import ComplexArray, FloatArray
from .checks import check_count, check_tolerance
from .errors import ConvergenceError, check_estimate, quiet
from .media import Jet
from .sheet import Sheet
from .sheet_factors import factorise
from .source import DuctMode
from .wavenumbers import root

_MODES = 12  # in the closed forms: all that are cut on up to K = 35, and a few beyond
_DAMPING = 0.6  # imaginary part of a jet mode's radial wavenumber: radiation takes that much from most modes
_PATH = 10.0 ** np.linspace(7, -3, 81)  # distances over k of points on the way from infinity to a window
_FINER = 1, 8, 64  # points on the way along a window over its nodes, tried in turn
_LARGEST_PHASE_STEP = 1.2  # between neighbours on the way [rad]; more, and the branch is not certain


@dataclass(frozen=True)
class JetWindows:
    """Smooth parts of the factors, as in the module's docstring.

    Attributes
    ----------
    boundary : float
        s_c.
    s_minus, s_plus : (node,) float arrays
        Nodes of the windows, ascending: s = middle + half * node.
    log_minus, log_plus : (node,) complex arrays
        ln(K_minus / C_minus) and ln(K_plus / C_plus) there.
    instability : complex
        s_0 of the Kelvin–Helmholtz wave that grows.
    error_estimate : float
        Largest relative error of K_minus and K_plus at the nodes.
    """

    boundary: float
    s_minus: FloatArray
    s_plus: FloatArray
    log_minus: ComplexArray
    log_plus: ComplexArray
    instability: complex
    error_estimate: float


def window_nodes(count: int) -> FloatArray:
    """Chebyshev nodes of [-1, 1], ascending: (count,)."""
    nodes: FloatArray = chebyshev.chebpts1(check_count(count))
    return nodes


def jet_windows(
    m: int, helmholtz: float, mach: float, jet: Jet, nodes: int, *, hub: float = 0.0, tolerance: float = 1e-6
) -> JetWindows:
    """Smooth parts of a jet's factors at Chebyshev nodes of their windows.

    Parameters
    ----------
    m : int
        Azimuthal order; its sign does not matter.
    helmholtz, mach, hub : float
        As for `DuctMode`; mach > 0.
    jet : Jet
        Its Kutta parameter does not matter.
    nodes : int
        Number of nodes in each window.
    tolerance : float
        Largest relative error estimate accepted.

    Returns
    -------
    JetWindows

    Raises
    ------
    ValueError
        A parameter is outside its range.
    ConvergenceError
        The factorisation failed, its error estimate is above the tolerance, or a phase could not be followed, as where
        a mode of the jet is trapped.
    """
    duct, tolerance = DuctMode(m, 0, helmholtz, mach, hub), check_tolerance(tolerance)
    if not duct.mach > 0:
        raise ValueError(f"a jet needs flow out of the duct, mach > 0, got mach={duct.mach}")
    with quiet():
        factors = factorise(
            abs(duct.m),
            duct.helmholtz,
            duct.mach,
            jet.mach_outer,
            jet.sound_speed_ratio,
            jet.density_ratio,
            duct.hub,
        )
        sheet, s_0 = factors.sheet, complex(factors.instability[0])
        first, boundary, last = bounds(sheet)
        places = window_nodes(nodes)
        s_minus = first + (boundary - first) * (places + 1) / 2
        s_plus = boundary + (last - boundary) * (places + 1) / 2
        # From infinity to the end of the window at which its factor is smoothest, then along it.
        path = 1j * sheet.k * _PATH
        log_minus, minus_error = _smooth(factors.minus, lambda s: closed_minus(sheet, s), first - path, s_minus)
        log_plus, plus_error = _smooth(factors.plus, lambda s: closed_plus(sheet, s_0, s), last + path, s_plus[::-1])
        error = max(minus_error, plus_error)
        check_estimate(error, tolerance, "the factors", f"{duct} with {jet}")
    return JetWindows(boundary, s_minus, s_plus, log_minus, log_plus[::-1], s_0, error)


def bounds(sheet: Sheet) -> tuple[float, float, float]:
    """Left end of the window of K_minus, s_c, and right end of that of K_plus."""
    boundary = min(sheet.centre, sheet.right - 0.25 * (sheet.right - sheet.left))
    first, last = -sheet.k / (1 + sheet.mach), sheet.k / (1 - sheet.mach)
    return min(sheet.left, first), boundary, max(sheet.right, last)


def closed_minus(sheet: Sheet, s: npt.ArrayLike) -> ComplexArray:
    """C_minus at s, any shape."""
    s = np.asarray(s, dtype=complex)
    speed = sheet.mach_outer * sheet.speed
    limit = -1j * (sheet.density * speed**2 / sheet.beta_outer + sheet.mach**2 / np.sqrt(sheet.beta2))
    value: ComplexArray = limit / root(sheet.right - s) * _modes(sheet, s, -1)
    return value


def closed_plus(sheet: Sheet, s_0: complex, s: npt.ArrayLike) -> ComplexArray:
    """C_plus at s, any shape."""
    s = np.asarray(s, dtype=complex)
    value: ComplexArray = (s - s_0) * (s - np.conj(s_0)) / root(s - sheet.left) * _modes(sheet, s, 1)
    return value


def _modes(sheet: Sheet, s: ComplexArray, direction: int) -> ComplexArray:
    """Product of the closed forms over modes that travel along the direction."""
    hard, soft = sheet.section.eigenvalues(_MODES), sheet.section.soft_eigenvalues(_MODES) - 1j * _DAMPING
    wave = np.sqrt(sheet.k**2 - sheet.beta2 * soft**2)
    guess = sheet.centre - direction * wave / sheet.beta2
    value: ComplexArray = np.prod((s[..., None] - guess) / (s[..., None] - sheet.modes(hard, direction)), axis=-1)
    return value


def _smooth(
    factor: Callable[[ComplexArray], tuple[ComplexArray, FloatArray]],
    closed: Callable[[ComplexArray], ComplexArray],
    path: np.ndarray,
    nodes: FloatArray,
) -> tuple[ComplexArray, float]:
    """Logarithm of factor / closed at the nodes, zero where the path begins, and its largest error."""
    for finer in _FINER:
        fractions = np.arange(1, finer + 1) / finer
        between = nodes[:-1, None] + np.diff(nodes)[:, None] * fractions
        s = np.concatenate([path, nodes[:1], between.ravel()])
        value, error = factor(s)
        value = value / closed(s)
        steps = np.angle(value[1:] / value[:-1])
        if np.all(np.abs(steps) < _LARGEST_PHASE_STEP):  # NaN fails, too
            phase = np.angle(value[0]) + np.concatenate([[0.0], np.cumsum(steps)])
            log = np.log(np.abs(value)) + 1j * phase
            return log[len(path) :: finer], float(np.max(error[len(path) :: finer]))
    raise ConvergenceError("the phase of a jet's factor jumps on its window: a mode of the jet is trapped, or nearly")
