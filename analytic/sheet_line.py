r"""One line of integration for the factors of vortex sheets' kernels, for each of many sheets.

The line u = centre + scale e^{-i tilt} sinh y is straight, between the branch points. Zeros and poles beside it or on
its wrong side are divided out, each with a partner far on its right side. What is left, F, must not wind around the
origin. Then, with the trapezoidal rule of step h and y_s the parameter of s,

    ln F_plus(s) = h / (2 pi i) \sum ln F(u) u'(y) / (u - s) - ln F(s) / (exp(-2 pi i y_s / h) - 1)

on either side of the line: the second term is the rule's error from the pole at u = s, where it is known exactly.

Points are arrays (sheet, point). A sheet's numbers do not depend on the others: sums run over its own nodes, in one
order, and rows that are shorter than others are filled with NaN, which is skipped.
"""

import copy
import math
from collections.abc import Callable

import numpy as np

from .arrays import BoolArray, ComplexArray, FloatArray, IntArray
from .section import beside
from .sheet import Sheet
from .singularities import Ratio, Singularities, padded
from .wavenumbers import root

_SCALE = 0.25  # of a line's bend, in the centre's distance to the nearer branch point: it has turned well before that
# |s| where a line ends: ln F falls like 1 / s, and what is left out is known to 1e-8 of it. Lines have one of a few
# numbers of nodes, so that many are of one length.
_END, _STEPS = 1e8, 80
STRIP = 0.4  # half width, in the line's parameter, of the strip that is cleared of zeros and poles
_PARTNER = 1.25  # distance, in the line's parameter, of their partners: below pi / 2, where the parameter folds
_LARGEST_PHASE_STEP = 1.2  # of ln F between neighbours [rad]; more, and its branch is not certain
_WHOLE = 0.1  # largest difference of a winding number to 0: it is an integer, but for the ends of the line
# Nodes beyond _NEAR, in the line's parameter, contribute by their first moments to factors at points ten times nearer
# to the centre: 0.1^16 is below rounding. Points further out, several branch point distances, take all nodes.
_NEAR, _FAR, _MOMENTS = 6.75, 10.0, 16
_MOST_CLEARED = 2000  # zeros and poles divided out, a product over all of them at every node: a second
_RADIUS = 0.25  # of a circle around a node, in steps, from which F_plus beside the node is taken
_TOGETHER = 1 << 17  # terms of the sums worked on at a time: a megabyte an array

_OF_SHEETS = (
    "centre",
    "scale",
    "nodes",
    "_limit",
    "_v",
    "_pair",
    "_removed",
    "_room",
    "_phase",
    "_weighted",
    "_bound",
    "_moments",
)  # arrays with a row for every sheet
_JUMPS = "the kernel's phase jumps along the factorisation line"
_WINDS = "the kernel's winding number on the factorisation line is {:.2f}, not 0"
_UNKNOWN = "{:.2f} zeros of the kernel between line and real axis are not known"


class Line:
    """Lines of integration, and the factors they give once `clear` and `integrate` were called.

    Parameters
    ----------
    sheets : Sheet
        Many.
    tilt : float
        Angle to the real axis [rad].
    shift : float
        Of the centre, in the distance of the branch points.
    step : float
        Of the trapezoidal rule.
    steps : int
        On either side of the centre, see `needed`.

    Attributes
    ----------
    nodes : (sheet, node) complex array
        u.
    """

    def __init__(self, sheets: Sheet, tilt: float, shift: float, step: float, steps: int) -> None:
        self.sheets, self.step = sheets, step
        self.turn = np.exp(1j * tilt)
        self.centre, self.scale = _place(sheets, shift)
        speed = sheets.mach_outer * sheets.speed
        self._limit = -1j * (sheets.density * speed**2 / sheets.beta_outer + sheets.mach**2 / np.sqrt(sheets.beta2))
        self._y = step * np.arange(-steps, steps + 1)
        self._v = self.scale * np.sinh(self._y)  # the rotated line: real
        self.nodes: ComplexArray = self.centre + self._v / self.turn

    def take(self, sheets: IntArray) -> "Line":
        """The lines of some of the sheets, each as often as it is named."""
        other = copy.copy(self)
        other.sheets = self.sheets.take(sheets)
        for name in _OF_SHEETS:
            setattr(other, name, getattr(self, name)[sheets])
        other._plus, other._minus = self._plus.take(sheets), self._minus.take(sheets)
        return other

    def near(self, points: ComplexArray, side: int, strip: float = STRIP) -> BoolArray:
        """Which points are on the wrong side (side: -1 below, +1 above) or in a strip around the line; NaN is not."""
        near: BoolArray = side * self._parameter(points).imag < strip
        return near

    def clear(self, known: Singularities) -> list[str]:
        """Divide out what is near the line: why that fails, for each sheet, or ""."""
        removed, partners = [], []
        every = [np.concatenate([zeros, poles], axis=1) for zeros, poles in zip(known.zeros, known.poles, strict=True)]
        near = [self.near(points, side) for side, points in zip((-1, 1), every, strict=True)]
        cleared = np.sum(np.concatenate(near, axis=1), axis=1)
        crowded = cleared > _MOST_CLEARED
        for side, zeros, points, close in zip((-1, 1), known.zeros, every, near, strict=True):
            order = np.where(np.arange(points.shape[1]) < zeros.shape[1], 1, -1)
            of, place = np.nonzero(close & ~crowded[:, None])
            point, sign = (padded(one, of, len(points)) for one in (points[of, place], order[place] + 0j))
            partner = self._partner(point, side)
            above, below = np.where(sign == 1, point, partner), np.where(sign == 1, partner, point)
            removed.append((Ratio(above, below), point))
            partners.append(partner)
        (self._plus, points), (self._minus, others) = removed
        lonely = np.isnan(known.pair[:, 1:])
        behind = np.where(lonely, self._partner(known.pair[:, :1], -1), known.pair[:, 1:])
        self._pair = np.concatenate([known.pair[:, :1], behind], axis=1)
        self._removed = np.concatenate([points, others, known.pair], axis=1)
        others = np.concatenate([self._pair, *known.zeros, *known.poles, *partners], axis=1)
        # A quarter of the distance to the nearest other singularity; all distances at once may take gigabytes.
        nearest = np.empty(self._removed.shape)
        for column, point in zip(nearest.T, self._removed.T, strict=True):
            distance = np.abs(point[:, None] - others)
            column[:] = np.where(distance > 0, distance, np.inf).min(axis=1)
        self._room = 0.25 * np.minimum(nearest, self.sheets.cut_distance(self._removed))
        reason = "{} zeros and poles lie near the factorisation line, above {}"
        return [reason.format(count, _MOST_CLEARED) if count > _MOST_CLEARED else "" for count in cleared.tolist()]

    def integrate(self, kernel: ComplexArray) -> list[str]:
        """Set ln F from the kernel at the nodes: why that fails, for each sheet, or "".

        The kernel's winding number is not zero, its phase could not be followed, or a zero that belongs to K_minus lies
        below the line: with it another of K_plus could hide from the winding number.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            log, reasons = unwrap(self._reduced(self.nodes, kernel))
            self._phase = log.imag
            unknown = self._unknown(kernel[:, kernel.shape[1] // 2])
            self._weighted = log * self.scale * np.cosh(self._y) * (self.step / (2j * np.pi))
            # Beyond the ends ln F falls like 1 / s, so that the terms left out are a geometric series.
            self._weighted[:, [0, -1]] /= 1 - math.exp(-self.step)
            self._bound = self.scale * math.sinh(_NEAR)
            self._moments = self._far_moments()
        return [
            reason or ("" if abs(lost) < _WHOLE else _UNKNOWN.format(lost))
            for reason, lost in zip(reasons, unknown.tolist(), strict=True)
        ]

    def _unknown(self, centre_kernel: ComplexArray) -> FloatArray:
        """Number of zeros between the real axis and the line's left half, above it, but for s_0: (sheet,).

        Just above the axis, left of the centre, Im K <= 0: energy leaves downstream. From arg K = -pi at -infinity the
        argument at the centre is thus known without its branch. From there K is followed along the line to the left,
        and back to -infinity, where K ~ s, along a large arc.
        """
        start, end, sheets = self.centre + 0j, self.nodes[:, :1], self.sheets

        def turned(first: ComplexArray, last: ComplexArray) -> FloatArray:
            """Of a straight line about points that are not on it: below pi."""
            return np.nansum(np.angle(last / first), axis=1)

        total = np.pi - np.abs(np.angle(centre_kernel)) + np.angle(self.turn)
        total += self._phase[:, 0] - self._phase[:, self._phase.shape[1] // 2]
        for ratio in (self._plus, self._minus):
            total += turned(start - ratio.above, end - ratio.above) - turned(start - ratio.below, end - ratio.below)
        total += turned(start - self._pair, end - self._pair)
        for sign, branch in ((-1, sheets.right), (1, sheets.left)):
            total -= turned(root(sign * (start - branch)), root(sign * (end - branch)))
        growing = self._pair[:, :1]  # on the axis if the streams are equal: a double zero, passed above
        unknown: FloatArray = total / (2 * np.pi)
        return unknown - ((growing.imag >= 0) & (self._parameter(growing).imag < 0))[:, 0]

    def pair(self, s: ComplexArray) -> ComplexArray:
        """(s - s_0) (s - s_0*); for s_0* another point below, if it is behind the cuts."""
        return (s - self._pair[:, :1]) * (s - self._pair[:, 1:])

    def reads(self, s: ComplexArray, side: int) -> BoolArray:
        """Where K_plus (side +1) or K_minus (-1) takes the kernel at s: elsewhere than far on the factor's side."""
        reads: BoolArray = side * self._parameter(s).imag < STRIP
        return reads

    def plus(self, s: ComplexArray, kernel: ComplexArray) -> ComplexArray:
        """K_plus at s, with the kernel where `reads`."""
        factor = np.exp(self._log(s, kernel, 1)) * self._plus(s)
        return factor * self.pair(s) / root(s - self.sheets.left)

    def minus(self, s: ComplexArray, kernel: ComplexArray) -> ComplexArray:
        """K_minus at s, with the kernel where `reads`."""
        return np.exp(self._log(s, kernel, -1)) * self._minus(s) * self._limit / root(self.sheets.right - s)

    def _parameter(self, s: ComplexArray) -> ComplexArray:
        return np.arcsinh((s - self.centre) * self.turn / self.scale)

    def _partner(self, points: ComplexArray, side: int) -> ComplexArray:
        y = self._parameter(points).real + 1j * side * _PARTNER
        return self.centre + self.scale * np.sinh(y) / self.turn

    def _reduced(self, s: ComplexArray, kernel: ComplexArray) -> ComplexArray:
        """F(s): K without its singularities near the line, made to tend to one."""
        value = kernel * root(self.sheets.right - s) * root(s - self.sheets.left) / self._limit
        return value / (self.pair(s) * self._plus(s) * self._minus(s))

    def _reduced_at(self, s: ComplexArray, kernel: ComplexArray) -> ComplexArray:
        """F at any point, also at the singularities that were removed."""
        distance = np.abs(s[:, :, None] - self._removed[:, None]) / self._room[:, None]
        distance[np.isnan(distance)] = np.inf
        close = np.nonzero(np.min(distance, axis=2) < 0.25)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            value = self._reduced(s, kernel)
        if len(close[0]):
            which = close[0], np.argmin(distance[close], axis=1)
            some = self.take(close[0])
            value[close] = some._around(
                lambda z: some._reduced(z, some.sheets.kernel(z)), s[close], self._removed[which], self._room[which]
            )
        return value

    def _log(self, s: ComplexArray, kernel: ComplexArray, side: int) -> ComplexArray:
        """ln F_plus (side +1) or ln F_minus (-1) at s."""
        y = self._parameter(s)
        node = np.rint(y.real / self.step)
        close = np.nonzero(np.abs(y - self.step * node) < 0.25 * _RADIUS * self.step)
        if not len(close[0]):
            return self._log_apart(s, kernel, side)
        there = node[close].astype(int) + len(self._y) // 2
        some, centre = self.take(close[0]), self.nodes[close[0], there]
        radius = _RADIUS * self.step * some.scale[:, 0] * np.cosh(self._y[there])
        elsewhere = s.copy()
        elsewhere[close] = centre + radius
        value = self._log_apart(elsewhere, kernel, side)
        value[close] = some._around(lambda z: some._log_apart(z, some.sheets.kernel(z), side), s[close], centre, radius)
        return value

    def _around(
        self,
        function: Callable[[ComplexArray], ComplexArray],
        s: ComplexArray,
        centre: ComplexArray,
        radius: FloatArray,
    ) -> ComplexArray:
        """`beside` for one point of each sheet."""
        return beside(lambda z: function(z.T).T, s, centre, radius)

    @np.errstate(divide="ignore", invalid="ignore")  # of points beside nodes, which `_log` replaces
    def _log_apart(self, s: ComplexArray, kernel: ComplexArray, side: int) -> ComplexArray:
        """The same at points that are no nodes."""
        y = self._parameter(s)
        total = self._sum((s - self.centre) * self.turn)
        reads = side * y.imag < STRIP
        strip = reads & (np.abs(y.imag) < STRIP)
        log = np.log(self._reduced_at(s, np.where(reads, kernel, 1.0)))
        # Beside the line, the branch of the logarithm is that on it.
        place = np.clip(y.real / self.step + len(self._y) // 2, 0, len(self._y) - 1.001)
        left = place.astype(int)
        first, second = (np.take_along_axis(self._phase, left + next, axis=1) for next in (0, 1))
        phase = first + (second - first) * (place - left)
        log += np.where(strip, 2j * np.pi * np.round((phase - log.imag) / (2 * np.pi)), 0)
        # exp(-2 pi i y / h) is infinite or zero, but for rounding, outside the strip.
        share = np.where(strip, -1 / np.expm1(side * -2j * np.pi * np.where(strip, y, 1j) / self.step), 1.0)
        return side * total + np.where(reads, share * log, 0.0)

    def _sum(self, v: ComplexArray) -> ComplexArray:
        """The rule's sum at points of the rotated line's variable."""
        near, far = self._parts()
        ratio = v / self._bound
        total = np.repeat(self._moments[:, -1:], v.shape[1], axis=1)
        for term in self._moments.T[-2::-1, :, None]:
            total = total * ratio + term
        out = np.abs(ratio) > 1 / _FAR
        total[out] = 0.0
        total += self._cauchy(v, near)
        if np.any(out):
            of, place = np.nonzero(out)
            total[of, place] += self.take(of)._cauchy(v[of, place][:, None], far)[:, 0]
        return total

    def _far_moments(self) -> ComplexArray:
        """Of the weighted ln F at far nodes, in the distance to which the others reach: (sheet, moment)."""
        _, far = self._parts()
        weighted, v = np.take(self._weighted, far, axis=1), np.take(self._v, far, axis=1)
        terms, ratio, moments = weighted / v, self._bound / v, []
        for _ in range(_MOMENTS):
            moments.append(np.sum(terms, axis=1))
            terms = terms * ratio
        return np.stack(moments, axis=1)

    def _parts(self) -> tuple[IntArray, IntArray]:
        """Numbers of the nodes that are near and far."""
        near = np.abs(self._y) <= _NEAR
        return np.flatnonzero(near), np.flatnonzero(~near)

    def _cauchy(self, v: ComplexArray, nodes: IntArray) -> ComplexArray:
        """Sum of the weighted ln F over the distance from v, over some nodes."""
        (count, points), total = v.shape, np.empty(v.shape, complex)
        at, weighted = np.take(self._v, nodes, axis=1)[:, None], np.take(self._weighted, nodes, axis=1)
        real, imag = np.ascontiguousarray(weighted.real), np.ascontiguousarray(weighted.imag)
        chunk = max(1, _TOGETHER // (count * len(nodes)))
        for start in range(0, points, chunk):
            part = np.s_[:, start : start + chunk]
            height = v[part].imag
            along = at - v[part].real[..., None]
            inverse = along * along
            inverse += (height * height)[..., None]
            np.divide(1.0, inverse, out=inverse)
            along *= inverse
            total[part] = (_dot(real, along) - height * _dot(imag, inverse)) + 1j * (
                _dot(imag, along) + height * _dot(real, inverse)
            )
        return total


def _dot(weights: FloatArray, terms: FloatArray) -> FloatArray:
    """Sums over nodes, each in the same order whatever the others: (sheet, node), (sheet, point, node)."""
    result: FloatArray = np.einsum("jn,jpn->jp", weights, terms)
    return result


def _place(sheets: Sheet, shift: float) -> tuple[FloatArray, FloatArray]:
    """Centre and scale of lines."""
    centre = sheets.middle - shift * (sheets.right - sheets.left)
    return centre, _SCALE * np.minimum(centre - sheets.left, sheets.right - centre)


def needed(sheets: Sheet, shift: float, step: float) -> IntArray:
    """Steps that lines need on either side of their centre, one of a few numbers: (sheet,)."""
    steps = np.arcsinh(_END * (1 + sheets.k) / _place(sheets, shift)[1]) / step
    count: IntArray = (_STEPS * np.ceil(steps / _STEPS)).astype(int)[:, 0]
    return count


def unwrap(values: ComplexArray) -> tuple[ComplexArray, list[str]]:
    """Continuous logarithms along lines (line, node), small at their ends; why they are not, for each line, or ""."""
    log = np.log(values)
    steps = log.imag[:, :-1] - log.imag[:, 1:]
    steps -= 2 * np.pi * np.rint(steps / (2 * np.pi))
    followed = np.all(np.abs(steps) < _LARGEST_PHASE_STEP, axis=1)  # NaN fails, too
    log.imag[:, :-1] = log.imag[:, -1:] + np.cumsum(steps[:, ::-1], axis=1)[:, ::-1]
    winding = log.imag[:, 0] / (2 * np.pi)
    return log, [
        _JUMPS if not steady else "" if abs(number) < _WHOLE else _WINDS.format(number)
        for steady, number in zip(followed.tolist(), winding.tolist(), strict=True)
    ]
