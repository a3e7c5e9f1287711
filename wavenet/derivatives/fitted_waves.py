r"""Derivatives of noisy fields, by a least-squares fit of waves in three regions.

Inside the duct (x < 0, r < 1) a field is a sum of duct modes; outside (r > 1) it is a sum of outgoing cylindrical waves
exp(i mu x) H_m(gamma r), gamma^2 + mu^2 = K^2, with zero slope on the wall; downstream of the open end (x > 0) it is a
sum of waves exp(i mu x) J_m(gamma r) that travel or decay in x. Such a sum has some tens of unknowns in a
region of thousands of points, so that noise is averaged, and what does not solve the convected Helmholtz equation is
removed. Uniform flow is removed by the transformation x = beta X, psi = phi exp(-i K M X), K = ka / beta.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import hankel1e, jnp_zeros, jv, jvp
from torch import nn

from ..arrays import Array, ComplexArray, FloatArray, IntArray

# Trade-offs: a sum of fewer waves averages more noise, a sum of more waves leaves less of the field out.
_EVANESCENT = 15.0  # wavenumbers up to K plus this are in the sums [1/radius]: waves that decay by e in 1/15 radius
_PERIOD = 2.5  # period of the waves along a region, over its length: well over one, for the field is not periodic
_PAST_THE_RIM = 1.2  # radius of the zeros of the waves downstream, over that of the grid's last cell
_LIP = 0.15  # distance to the lip within which values are not used [radii]: the sums converge slowly there
_WALL = 0.003  # slope allowed on the wall, over K times the field: a penalty, not an exact condition
_LEAST = 1e-4  # relative noise assumed at least: about the truncation error of the sums


class Region(NamedTuple):
    """Indices in x and r of a region's cells, its waves, and the index in i where these have modulus one.

    waves : from m, K, the length in X, r, and the wavenumbers beyond K that are in the sums, the axial wavenumbers mu,
    the radial functions (wave, r), their slopes, and the slopes on the wall if the region lies outside the duct
    """

    i: IntArray
    j: IntArray
    waves: Callable[[int, float, float, FloatArray, float], tuple[Array, Array, Array, ComplexArray | None]]
    start: int


def regions(x: FloatArray, r: FloatArray) -> list[Region]:
    """Outside the duct, downstream of it and inside it: those that have cells. Cells of two belong to the later one."""
    left, inside = x < 0, r < 1
    everywhere = np.ones_like
    found = [
        Region(np.flatnonzero(everywhere(left)), np.flatnonzero(~inside), _cylindrical_waves, 0),
        Region(np.flatnonzero(~left), np.flatnonzero(everywhere(inside)), _plane_waves, 0),
        Region(np.flatnonzero(left), np.flatnonzero(inside), _duct_modes, -1),
    ]
    return [region for region in found if len(region.i) and len(region.j)]


class WaveFit(nn.Module):
    """(u, v) of noisy potentials (case, 2, x, r) of parameters (case, 3), m, ka, M: (case, 4, x, r), double precision.

    Complex-linear in the potential.

    Parameters
    ----------
    x, r : (n,) float arrays
        Cell centres [radii].
    noise : float
        Root mean square of the noise over that of the field.
    """

    def __init__(self, x: npt.ArrayLike, r: npt.ArrayLike, noise: float) -> None:
        super().__init__()
        self._x, self._r, self._noise = np.asarray(x, float), np.asarray(r, float), noise
        self._regions = regions(self._x, self._r)

    def forward(self, psi: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        found = [self._case(field, *case) for field, case in zip(psi, parameters.double().tolist(), strict=True)]
        return torch.stack(found).to(psi.device)

    def _case(self, psi: torch.Tensor, m: float, helmholtz: float, mach: float) -> torch.Tensor:
        """(u, v) of one case, (4, x, r)."""
        parts = psi.detach().cpu().double().numpy()
        values, result = parts[0] + 1j * parts[1], np.zeros((4, *parts.shape[1:]))
        noise = self._noise * _size(values)
        tracked = _Tracked(psi, self._noise) if psi.requires_grad and torch.is_grad_enabled() else None
        for region in self._regions:
            where = np.ix_(region.i, region.j)
            velocity = self._fit(values[where], region, abs(int(m)), helmholtz, mach, noise, tracked)
            result[:, region.i[:, None], region.j] = [part for w in velocity for part in (w.real, w.imag)]
        return torch.from_numpy(result) if tracked is None else tracked.with_gradient(result)

    def _fit(
        self,
        psi: ComplexArray,
        region: Region,
        m: int,
        helmholtz: float,
        mach: float,
        noise: float,
        tracked: "_Tracked | None",
    ) -> tuple[ComplexArray, ComplexArray]:
        """(u, v) in a region, from its potential and the noise's root mean square."""
        beta = np.sqrt(1 - mach**2)
        number, big_x, r = helmholtz / beta, self._x[region.i] / beta, self._r[region.j]
        turn = np.exp(1j * number * mach * big_x)[:, None]
        mu, radial, slope, on_wall = region.waves(m, number, np.ptp(big_x), r, _EVANESCENT)
        axial = np.exp(1j * np.outer(mu, big_x - big_x[region.start]))
        axial /= np.sqrt(np.mean(np.abs(axial) ** 2, axis=1) * np.mean(np.abs(radial) ** 2, axis=1))[:, None]
        far = np.hypot(self._x[region.i, None], r - 1).ravel() > _LIP
        matrix = (axial[:, :, None] * radial[:, None, :]).reshape(len(mu), -1).T[far]
        given = (psi * turn).ravel()[far]
        size = _size(given) or 1.0
        # Ridge regression: amplitudes of the field's size are expected, and zero slope on the wall.
        uncertain = max(noise / size, _LEAST)
        if tracked is not None:
            shapes = radial, (1j * mu[:, None] - 1j * number * mach) / beta, slope
            wall = None if on_wall is None else (axial[:, self._x[region.i] < -_LIP] * on_wall[:, None]).T
            wall = None if wall is None else wall / (_WALL * number)
            tracked.fit(region, far, turn, matrix, wall, axial.copy(), *shapes)
        if on_wall is not None:
            rows = (axial[:, self._x[region.i] < -_LIP] * on_wall[:, None]).T * (uncertain / (_WALL * number))
            matrix, given = np.concatenate([matrix, rows]), np.concatenate([given, np.zeros(len(rows))])
        square, vectors = np.linalg.eigh(matrix.conj().T @ matrix)
        part = (vectors.conj().T @ (matrix.conj().T @ given)) / (np.maximum(square, 0) + uncertain**2)
        axial *= (vectors @ part)[:, None]
        phi, along = axial.T @ radial, (1j * mu[:, None] * axial).T @ radial
        return (along - 1j * number * mach * phi) / (beta * turn), axial.T @ slope / turn


class _Tracked:
    """The same fits as differentiable operations on the potential (2, x, r), for its gradient.

    The noise of a region relative to its field depends on the potential, and so does the fit.
    """

    def __init__(self, psi: torch.Tensor, noise: float) -> None:
        parts = psi.double().cpu()
        self._psi = torch.complex(parts[0], parts[1])
        self._noise = noise * _root_mean_square(self._psi)
        self._result = torch.zeros(4, *parts.shape[1:], dtype=torch.float64)

    def fit(
        self,
        region: Region,
        far: Array,
        turn: ComplexArray,
        matrix: ComplexArray,
        wall: ComplexArray | None,
        axial: ComplexArray,
        radial: Array,
        along: ComplexArray,
        slope: Array,
    ) -> None:
        """Velocities of a region; matrix, wall : waves at the cells far from the lip, and their slopes on the wall."""
        i, j = torch.from_numpy(region.i), torch.from_numpy(region.j)
        waves, back, lengths, cells = (_complex(one) for one in (matrix, turn, axial, radial))
        given = (self._psi[i[:, None], j] * back).flatten()[torch.from_numpy(far)]
        size = _root_mean_square(given)
        uncertain = torch.clamp(self._noise / (size if size > 0 else 1.0), min=_LEAST)
        ridge = torch.eye(waves.shape[1], dtype=torch.complex128)
        if wall is not None:
            rows = _complex(wall)
            ridge = ridge + rows.mH @ rows
        found = torch.linalg.solve(waves.mH @ waves + uncertain**2 * ridge, waves.mH @ given)
        lengths = lengths * found[:, None]
        u = ((lengths * _complex(along)).mT @ cells) / back
        v = (lengths.mT @ _complex(slope)) / back
        region_result = torch.stack([u.real, u.imag, v.real, v.imag])
        self._result = self._result.clone()
        self._result[:, i[:, None], j] = region_result

    def with_gradient(self, result: Array) -> torch.Tensor:
        """The result, with the gradient of the operations."""
        return torch.from_numpy(result) + (self._result - self._result.detach())


def _complex(values: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=complex))


def _root_mean_square(values: torch.Tensor) -> torch.Tensor:
    """As `_size`; without a gradient where all is zero."""
    square = torch.mean(values.real**2 + values.imag**2)
    return torch.sqrt(square) if square > 0 else square.detach()


def _size(values: ComplexArray) -> float:
    """Root mean square of the modulus."""
    return float(np.sqrt(np.mean(np.abs(values) ** 2)))


def _duct_modes(m: int, number: float, length: float, r: FloatArray, beyond: float) -> tuple[Array, Array, Array, None]:
    """Modes that travel in either direction, or decay away from the open end."""
    eigenvalues = _eigenvalues(m, number + beyond)
    along = np.sqrt(number**2 - eigenvalues**2 + 0j)
    travels = along.imag == 0
    gamma, mu = np.concatenate([eigenvalues, eigenvalues[travels]]), np.concatenate([-along, along[travels]])
    return mu, jv(m, np.outer(gamma, r)), gamma[:, None] * jvp(m, np.outer(gamma, r)), None


def _plane_waves(
    m: int, number: float, length: float, r: FloatArray, beyond: float
) -> tuple[Array, Array, Array, None]:
    """Waves that travel or decay downstream."""
    spacing = np.pi / (_PERIOD * _PAST_THE_RIM * r[-1])
    gamma = (np.arange(int((number + beyond) / spacing)) + 0.5) * spacing
    mu = np.sqrt(number**2 - gamma**2 + 0j)
    return mu, jv(m, np.outer(gamma, r)), gamma[:, None] * jvp(m, np.outer(gamma, r)), None


def _cylindrical_waves(
    m: int, number: float, length: float, r: FloatArray, beyond: float
) -> tuple[Array, Array, Array, ComplexArray]:
    """Waves that travel or decay outwards."""
    spacing = 2 * np.pi / (_PERIOD * length)
    count = int((number + beyond) / spacing)
    mu = (np.arange(-count, count) + 0.5) * spacing
    gamma = np.sqrt(number**2 - mu**2 + 0j)
    functions = _outgoing(m, gamma, np.concatenate([r, [1.0]]))
    return mu, functions[0][:, :-1], functions[1][:, :-1], functions[1][:, -1]


def _eigenvalues(m: int, top: float) -> FloatArray:
    """Zeros of J_m' up to `top`, at least one: radial wavenumbers of duct modes."""
    count = 2 + int(top / np.pi)
    zeros = jnp_zeros(m, count)
    zeros = np.concatenate([[0.0], zeros]) if m == 0 else zeros
    return zeros[: max(1, int(np.sum(zeros < top)))]


def _outgoing(m: int, gamma: ComplexArray, r: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """H_m(gamma r) / H_m(gamma), with the Hankel function of the first kind, and its r-derivative, (wave, r)."""
    z, g = np.outer(gamma, r), gamma[:, None]
    scale = np.exp(1j * g * (r - 1)) / hankel1e(m, g)
    value = hankel1e(m, z)
    return value * scale, g * (hankel1e(m - 1, z) - m / z * value) * scale
