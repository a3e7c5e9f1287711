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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial import chebyshev

from .arrays import ComplexArray, FloatArray
from .checks import check_count, check_tolerance
from .errors import ConvergenceError, check_estimate, quiet
from .media import Jet
from .sheet import Sheet
from .sheet_factors import Factors, factorise_many
from .source import DuctMode
from .wavenumbers import root

_MODES = 12  # in the closed forms: all that are cut on up to K = 35, and a few beyond
_DAMPING = 0.6  # imaginary part of a jet mode's radial wavenumber: radiation takes that much from most modes
_PATH = 10.0 ** np.linspace(7, -3, 21)  # distances over k of points on the way from infinity to a window
_JETS = 24  # factorised at a time: their lines of integration take a few megabytes, and hide Python
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
    found = many_jet_windows([DuctMode(m, 0, helmholtz, mach, hub)], [jet], nodes, tolerance=tolerance)[0]
    if isinstance(found, str):
        raise ConvergenceError(found)
    return found


def many_jet_windows(
    ducts: Sequence[DuctMode], jets: Sequence[Jet], nodes: int, *, tolerance: float = 1e-6
) -> list[JetWindows | str]:
    """`jet_windows` of many jets, an order of magnitude faster than one by one: each, or why it is missing.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """
    tolerance = check_tolerance(tolerance)
    for duct in ducts:
        if not duct.mach > 0:
            raise ValueError(f"a jet needs flow out of the duct, mach > 0, got mach={duct.mach}")
    alike: dict[tuple[int, bool], list[int]] = {}
    for index, duct in enumerate(ducts):
        alike.setdefault((abs(duct.m), duct.hub > 0), []).append(index)
    found: list[JetWindows | str] = [""] * len(ducts)
    for (m, _), group in alike.items():
        for start in range(0, len(group), _JETS):
            some = group[start : start + _JETS]
            described = [f"{ducts[index]} with {jets[index]}" for index in some]
            sheets = [_sheet(m, ducts[index], jets[index]) for index in some]
            with quiet():
                for index, one in zip(some, _windows(sheets, described, nodes, tolerance), strict=True):
                    found[index] = one
    return found


def _sheet(m: int, duct: DuctMode, jet: Jet) -> Sheet:
    outer = jet.mach_outer, jet.sound_speed_ratio, jet.density_ratio
    return Sheet(m, duct.helmholtz, duct.mach, *outer, duct.hub)


def _windows(sheets: Sequence[Sheet], described: Sequence[str], nodes: int, tolerance: float) -> list[JetWindows | str]:
    """Windows of sheets of one azimuthal order, with or without hubs."""
    found: list[JetWindows | str] = [""] * len(sheets)
    parts, failures = factorise_many(sheets)
    for number, reason in failures.items():
        found[number] = reason
    places = (window_nodes(nodes) + 1) / 2
    for numbers, factors in parts:
        many, s_0 = factors.sheets, factors.known.pair[:, :1]
        first, boundary, last = bounds(many)
        s_minus, s_plus = first + (boundary - first) * places, boundary + (last - boundary) * places
        log_minus, minus_error = _smooth(factors, -1, first, s_minus)
        log_plus, plus_error = _smooth(factors, 1, last, s_plus[:, ::-1])
        for row, number in enumerate(numbers.tolist()):
            error = max(float(minus_error[row]), float(plus_error[row]))
            if not (np.all(np.isfinite(log_minus[row])) and np.all(np.isfinite(log_plus[row]))):
                found[number] = (
                    "the phase of a jet's factor jumps on its window: a mode of the jet is trapped, or nearly"
                )
                continue
            try:
                check_estimate(error, tolerance, "the factors", described[number])
            except ConvergenceError as missed:
                found[number] = str(missed)
                continue
            middle, growing = float(boundary[row, 0]), complex(s_0[row, 0])
            logs = log_minus[row], log_plus[row, ::-1]
            found[number] = JetWindows(middle, s_minus[row], s_plus[row], *logs, growing, error)
    return found


def bounds(sheet: Sheet) -> tuple[Any, Any, Any]:
    """Left end of the window of K_minus, s_c, and right end of that of K_plus, of a sheet or of many (sheet, 1)."""
    boundary = np.minimum(sheet.centre, sheet.right - 0.25 * (sheet.right - sheet.left))
    first, last = -sheet.k / (1 + sheet.mach), sheet.k / (1 - sheet.mach)
    return np.minimum(sheet.left, first), boundary, np.maximum(sheet.right, last)


def closed_minus(sheet: Sheet, s: npt.ArrayLike) -> ComplexArray:
    """C_minus at s, any shape; of many sheets (sheet, point)."""
    s = np.asarray(s, dtype=complex)
    speed = sheet.mach_outer * sheet.speed
    limit = -1j * (sheet.density * speed**2 / sheet.beta_outer + sheet.mach**2 / np.sqrt(sheet.beta2))
    value: ComplexArray = limit / root(sheet.right - s) * _modes(sheet, s, -1)
    return value


def closed_plus(sheet: Sheet, s_0: npt.ArrayLike, s: npt.ArrayLike) -> ComplexArray:
    """C_plus at s, any shape; of many sheets (sheet, point), with instabilities (sheet, 1)."""
    s = np.asarray(s, dtype=complex)
    value: ComplexArray = (s - s_0) * (s - np.conj(s_0)) / root(s - sheet.left) * _modes(sheet, s, 1)
    return value


def _modes(sheet: Sheet, s: ComplexArray, direction: int) -> ComplexArray:
    """Product of the closed forms over modes that travel along the direction."""
    hard, soft = sheet.section.eigenvalues(_MODES), sheet.section.soft_eigenvalues(_MODES) - 1j * _DAMPING
    wave = np.sqrt(sheet.k**2 - sheet.beta2 * soft**2)
    guess = sheet.centre - direction * wave / sheet.beta2
    poles, zeros = (np.asarray(one)[..., None, :] for one in (sheet.modes(hard, direction), guess))
    value: ComplexArray = np.prod((s[..., None] - zeros) / (s[..., None] - poles), axis=-1)
    return value


def _smooth(factors: Factors, side: int, start: FloatArray, nodes: FloatArray) -> tuple[ComplexArray, FloatArray]:
    """Logarithms of K_minus / C_minus or K_plus / C_plus, side -1 or +1, at the nodes (sheet, node), and their errors.

    They are zero at infinity, and continuous on the way from there to start (sheet, 1), the end of the window at which
    the factor is smoothest, and along the window. NaN where the phase cannot be followed.
    """
    log, largest = np.full(nodes.shape, np.nan + 0j), np.full(len(nodes), np.inf)
    left = np.arange(len(nodes))
    for finer in _FINER:
        some, fractions = factors.take(left), np.arange(1, finer + 1) / finer
        own = nodes[left]
        between = own[:, :-1, None] + np.diff(own)[..., None] * fractions
        path = start[left] + side * 1j * some.sheets.k * _PATH
        s = np.concatenate([path, own[:, :1], between.reshape(len(left), -1)], axis=1)
        value, error = (some.plus if side > 0 else some.minus)(s)
        value = value / (
            closed_plus(some.sheets, some.known.pair[:, :1], s) if side > 0 else closed_minus(some.sheets, s)
        )
        steps = np.angle(value[:, 1:] / value[:, :-1])
        phase = np.angle(value[:, :1]) + np.cumsum(np.pad(steps, ((0, 0), (1, 0))), axis=1)
        sure = np.all(np.abs(steps) < _LARGEST_PHASE_STEP, axis=1)  # NaN is not
        at_nodes = np.s_[sure, path.shape[1] :: finer]
        log[left[sure]] = (np.log(np.abs(value)) + 1j * phase)[at_nodes]
        largest[left[sure]] = np.max(error[at_nodes], axis=1)
        left = left[~sure]
        if not len(left):
            break
    return log, largest
