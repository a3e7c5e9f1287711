r"""Power along a jet, and in lobes of its directivity that may be too narrow for a quadrature over angles.

With K eta_plus, regular below the causal contour but for the incident modes, and eta_bar(s) = conj(eta_plus(conj s)),
regular below that contour's mirror image, the power that leaves the duct is the integral of

    Re (i / 2 pi) K eta_plus eta_bar ds

along the mirror image. On the real axis between the branch points it is the radiated power; beyond them K is real.
Where the mirror image passes below the axis, it adds power: below conj(s_0), a pole of eta_bar whether or not it is a
zero of K, and below the real poles of waves trapped in the jet. A mode that leaks little leaves a pole of eta_bar just
above the axis, a narrow lobe of D, and nothing below it: there, too, an arc below the axis replaces the axis.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import ComplexArray, FloatArray
from ..resonances import distinct, trapped

if TYPE_CHECKING:
    from ..sheet import Sheet
    from .jet import JetTransform

_ARC = 0.3  # radius of an arc or a circle, over the distance to the nearest other singularity
_NARROW = 1 / 3  # largest imaginary part, over the arc's radius, of a pole that an arc passes
# Gauss–Legendre nodes of an arc, and of the coarser rule for its error: poles lie beyond 1 / 0.3 and within 1 / 3 of
# its radius, where the rules leave 1e-17 and 1e-11.
_ARC_NODES = 32, 20
_CIRCLE_NODES = 32  # 0.3^32 = 2e-17; every second one leaves 4e-9
_SCAN = 64  # points between two poles where the sign of the kernel is taken
_NEWTON = 12  # iterations: convergence is quadratic, from a change of sign
_SLOPE = 1e-6  # step of the kernel's derivative, over the interval between the points
_SAME = 1e-9  # distance over k below which two zeros are one, and a zero is real: Newton's method leaves less


def flows(transform: JetTransform) -> tuple[FloatArray, float, float, float]:
    """Intervals of theta that arcs replace (lobe, 2), the power radiated there, the vortical one, and their error."""
    sheet = transform.sheet
    growing = transform.factors.instability[0]
    zeros = distinct(np.concatenate([[growing], trapped(sheet), _leaking(transform)]), _SAME * sheet.k)
    singular = np.concatenate([zeros, transform.down, transform.up])
    angles, radiated, vortical, error = [], 0.0, 0.0, 0.0
    for zero in zeros:
        centre, others = float(zero.real), singular[singular != zero]
        room = min(float(np.min(np.abs(others - centre))), sheet.cut_distance(complex(centre)))
        if abs(zero.imag) <= _NARROW * _ARC * room:
            part, lost = _arc(transform, centre, _ARC * room)
        elif zero == growing:
            centre, part, lost = -np.inf, *_circle(transform, growing.conjugate())
        else:
            continue  # the lobe is as wide as the distance to the next
        error += lost
        if sheet.left < centre < sheet.right:
            radiated += part
            ends = transform.scaled(np.array([centre - _ARC * room, centre + _ARC * room])) / transform.k
            angles.append(np.arccos(-ends.real))
        else:
            vortical += part
    return np.array(sorted(angles, key=lambda pair: pair[0])).reshape(-1, 2), radiated, vortical, error


def _leaking(transform: JetTransform) -> ComplexArray:
    """Zeros of K just below the real axis between the branch points: the real part falls through zero beside them."""
    sheet = transform.sheet
    poles = np.concatenate([transform.down, transform.up])
    poles = np.sort(poles[poles.imag == 0].real)
    inside = poles[(sheet.left < poles) & (poles < sheet.right)]
    found = []
    for low, high in itertools.pairwise([sheet.left, *inside, sheet.right]):
        s = 0.5 * (low + high) - 0.5 * (high - low) * np.cos(np.pi * (np.arange(_SCAN) + 0.5) / _SCAN)
        value = sheet.kernel(s + 0j).real
        fall = np.flatnonzero((value[:-1] > 0) & (value[1:] < 0))
        if len(fall):
            found.append(_polish(sheet, s[fall], s[fall + 1]))
    return np.concatenate([np.empty(0), *found]) + 0j


@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def _polish(sheet: Sheet, low: FloatArray, high: FloatArray) -> ComplexArray:
    """Newton's method from the middle of intervals; zeros that are not beside them are left out."""
    s: ComplexArray = np.asarray(0.5 * (low + high), dtype=complex)
    width = high - low
    for _ in range(_NEWTON):
        step = _SLOPE * width
        change = 2 * step * sheet.kernel(s) / (sheet.kernel(s + step) - sheet.kernel(s - step))
        s = s - change
    near = (np.abs(s - 0.5 * (low + high)) < width) & (np.abs(change) < _SAME * sheet.k)
    return s[near & (s.imag < _SAME * sheet.k)]


def _arc(transform: JetTransform, centre: float, radius: float) -> tuple[float, float]:
    """Power along a semicircle below the axis, from the left to the right, and its error estimate."""
    values = []
    for count in _ARC_NODES:
        node, weight = np.polynomial.legendre.leggauss(count)
        turn = np.exp(0.5j * np.pi * (node + 3))
        terms, lost = _terms(transform, centre + radius * turn, 0.5j * np.pi * radius * turn * weight)
        values.append((float(np.sum(terms)), lost))
    (fine, error), (coarse, _) = values
    return fine, error + _squared(fine, coarse)


def _circle(transform: JetTransform, centre: complex) -> tuple[float, float]:
    """Power along a circle around conj(s_0), and its error estimate."""
    sheet = transform.sheet
    others = np.concatenate([transform.down, transform.up])
    room = min(abs(centre.imag), float(np.min(np.abs(others - centre))), sheet.cut_distance(centre))
    turn = np.exp(2j * np.pi * np.arange(_CIRCLE_NODES) / _CIRCLE_NODES)
    radius = _ARC * room
    terms, error = _terms(transform, centre + radius * turn, 2j * np.pi / _CIRCLE_NODES * radius * turn)
    fine, coarse = float(np.sum(terms)), float(2 * np.sum(terms[::2]))
    return fine, error + _squared(fine, coarse)


def _squared(fine: float, coarse: float) -> float:
    """Error of a rule from a coarser one: with fewer nodes the exponent of its own is 1.6 to 2 times the coarser's."""
    gap = abs(fine - coarse)
    return gap * (gap / (abs(fine) + gap)) ** 0.5 if gap else 0.0


def _terms(transform: JetTransform, nodes: ComplexArray, weight: ComplexArray) -> tuple[FloatArray, float]:
    """Real parts of (i / 2 pi) K eta_plus eta_bar ds, and the error estimate of their sum."""
    eta, error = transform.displacement(nodes)
    mirror, mirror_error = transform.displacement(nodes.conj())
    terms = 0.5j / np.pi * transform.power_unit * transform.sheet.kernel(nodes) * eta * mirror.conj() * weight
    return terms.real, float(np.sum(np.abs(terms) * (error + mirror_error)))
