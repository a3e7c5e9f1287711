"""Fields of many sources at points far from the lip, in uniform flow: sums over the nodes of `uniform_paths`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray
from ..bessel import bessel_pair, hankel_pair
from ..contour import POWER
from ..errors import quiet
from ..near_field import QUANTITIES, Field, point_field
from .uniform_paths import Pairs, Paths, Poles, Spectra, counted, far_pairs, paths_to

if TYPE_CHECKING:
    from .uniform import UniformTransform

_BLOCK = 2**14  # waves worked on at a time: they stay in the processor's cache
_AIMS = 1.0, 1e-3  # tolerances aimed at in turn, over that required, by sources that miss it
_AXIS = 1e-30  # radius that stands for 0: J_m'(0) for m = 1 comes out exactly


def fields(transforms: Sequence[UniformTransform], x: FloatArray, r: FloatArray, tolerance: float) -> list[Field]:
    """Fields at scattered points, of transforms of one azimuthal order without a hub whose factors are of one call.

    Points to which no path of steepest descent leads, and all of a source whose estimate there misses the tolerance,
    take the contour of a near field.

    x, r : (point,) float arrays.
    """
    whole = np.empty((len(transforms), 4, len(x)), complex)
    served, errors = np.zeros((len(transforms), len(x)), bool), np.zeros(len(transforms))
    cases = np.arange(len(transforms))
    for aim in _AIMS:
        every = [transforms[case] for case in cases.tolist()]
        found = far_pairs(every, x, r)
        if not len(found):
            break
        with quiet():
            values, estimates = _observed(every, found, aim * tolerance)
        good = estimates <= tolerance
        kept = good[found.case]
        case, point = cases[found.case[kept]], found.point[kept]
        whole[case, :, point], served[case, point] = values[:, kept].T, True
        errors[cases[good]], cases = estimates[good], cases[~good]
        if not len(cases):
            break
    fields = []
    for one, values, done, error in zip(transforms, whole, served, errors, strict=True):
        if not np.all(done):
            rest = point_field(one, x[~done], r[~done], tolerance)
            values[:, ~done] = [getattr(rest, name) for name in QUANTITIES]
            error = np.maximum(error, rest.error_estimate)
        fields.append(Field(x, r, values[0], values[1], values[2], values[3], float(error)))
    return fields


def _observed(
    transforms: Sequence[UniformTransform], found: Pairs, tolerance: float
) -> tuple[ComplexArray, FloatArray]:
    """psi, u, v and p of every pair, (4, pair), and the error estimate of every case."""
    sums, gaps, errors = _sums(transforms, found, tolerance)
    rows = [(one.scale, one.shift, one.source.helmholtz, one.source.mach) for one in transforms]
    scale, shift, helmholtz, mach = np.array(rows).T[:, found.case]

    def physical(phi: ComplexArray, along: ComplexArray, across: ComplexArray) -> ComplexArray:
        u = along / scale - 1j * shift * phi
        return np.array([phi, u, across, 1j * helmholtz * phi - mach * u])

    values, gaps = physical(*sums), physical(*gaps)
    errors = np.array([errors[0], errors[1] / scale + np.abs(shift) * errors[0], errors[2], np.zeros(len(found))])
    errors[3] = helmholtz * errors[0] + np.abs(mach) * errors[1]
    values *= np.exp(-1j * shift * scale * found.x)
    starts = np.flatnonzero(np.diff(found.case, prepend=-1))

    def norms(parts: ComplexArray | FloatArray) -> FloatArray:
        squares = np.add.reduceat(np.abs(parts) ** 2, starts, axis=1)
        return np.sqrt([squares[0], squares[1] + squares[2], squares[3]])

    size, gap, rounding = norms(values), norms(gaps), norms(errors)
    quotient = np.where(gap > 0, gap / size, 0.0)
    relative = quotient * np.minimum(quotient, 1.0) ** (POWER - 1) + np.where(rounding > 0, rounding / size, 0.0)
    estimates = np.full(len(transforms), np.inf)
    finite = np.all(np.isfinite(size), axis=0)
    estimates[found.case[starts]] = np.where(finite, np.max(relative, axis=0), np.inf)
    return values, np.where(np.isnan(estimates), np.inf, estimates)


def _sums(
    transforms: Sequence[UniformTransform], found: Pairs, tolerance: float
) -> tuple[ComplexArray, ComplexArray, FloatArray]:
    """phi, its derivatives in X and r, their difference from the rule with twice the step, and errors: (3, pair)."""
    paths = paths_to(found, tolerance)
    spectra = Spectra(transforms, paths)
    sums, gaps, sizes = _waves(paths, spectra.coefficients(), found, transforms[0].m)
    _add_poles(paths, spectra.poles(), found, transforms[0].m, sums, gaps)
    return sums, gaps, sizes[0] * (spectra.error[found.case] + EPS * found.k * found.rho) + sizes[1]


def _waves(
    paths: Paths, coefficients: ComplexArray, found: Pairs, m: int
) -> tuple[ComplexArray, ComplexArray, FloatArray]:
    """Sums over nodes and their differences, (3, pair); sizes of all terms and of the last, summed: (2, 3, pair)."""
    nodes = paths.gamma.shape[1]
    sums, gaps = np.empty((3, len(found)), complex), np.empty((3, len(found)), complex)
    sizes = np.empty((2, 3, len(found)))
    speed = 1j * paths.k * paths.cosine
    for beside in (False, True):
        every = np.flatnonzero(found.axis == beside)
        every = every[np.argsort(found.k[every] * found.r[every], kind="stable")]  # similar arguments together
        block = max(1, _BLOCK // nodes)
        for part in np.split(every, range(block, len(every), block)):
            path, r = found.path[part], found.r[part][:, None]
            gamma, along = paths.gamma[path], speed[path]
            z = np.maximum(r, _AXIS) * gamma
            value, slope = (bessel_pair if beside else hankel_pair)(m, z)
            exponent = along * found.x[part][:, None]
            exponent += np.abs(z.imag) if beside else 1j * z
            wave = np.exp(exponent, out=exponent)
            wave *= coefficients[path]
            value *= wave
            slope *= wave
            slope *= gamma
            along *= value
            for row, terms in enumerate((value, along, slope)):
                sums[row, part] = terms.sum(axis=1)
                gaps[row, part] = sums[row, part] - 2 * terms[:, ::2].sum(axis=1)
                size = np.abs(terms.view(float))  # of real and imaginary parts: their sum is not less
                sizes[0, row, part] = size.sum(axis=1)
                sizes[1, row, part] = size[:, :2].sum(axis=1) + size[:, -2:].sum(axis=1)
    return sums, gaps, sizes


def _add_poles(paths: Paths, poles: Poles, found: Pairs, m: int, sums: ComplexArray, gaps: ComplexArray) -> None:
    """Add what the zeros of H_m' contribute to sums and differences."""
    fine, coarse = counted(paths, poles.z)
    live = (fine != 0) | (coarse != 0)
    for index in np.flatnonzero(np.any(live, axis=0)):
        z = poles.z[index]
        some = np.flatnonzero(live[found.path, index])
        path, case, r = found.path[some], found.case[some], found.r[some]
        s = poles.s[case, index]
        value, slope = hankel_pair(m, z * r)
        wave = poles.strength[case, index] * np.exp(1j * (z * (r - 1) - s * found.x[some]))
        terms = np.array([value, -1j * s * value, z * slope]) * wave
        sums[:, some] += fine[path, index] * terms
        gaps[:, some] += (fine - coarse)[path, index] * terms
