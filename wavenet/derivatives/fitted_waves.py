r"""Derivatives of noisy fields: those of the waves that fit best in whole regions.

Left of the open end inside, a field is a sum of duct modes; outside r = 1, of waves that leave through cylinders,
exp(i mu x) H_m(gamma r), gamma^2 + mu^2 = K^2, with zero slope on the wall; right of it, of waves that leave through
planes, exp(i mu x) J_m(gamma r). In a region of thousands of points such sums have a few tens of unknowns, so that
noise is averaged over many points, and what is not a solution of the convected Helmholtz equation is projected out.
A flow is transformed away: x = beta X, psi = phi exp(-i K M X), K = ka / beta.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy.special import hankel1e, jnp_zeros, jv, jvp
from torch import nn

_EVANESCENT = 15.0  # wavenumbers up to so much above K [1/radius]
_PERIOD = 2.5  # lengths of the region, of the waves' common period along it
_LIP = 0.15  # distance to the lip within which values are not used [radii]
_WALL = 0.003  # slope on the wall that is allowed, over K times the field
_LEAST = 1e-4  # of the relative noise: below it the sums' truncation counts


class _Region(NamedTuple):
    """Cells of the grid, (x) and (r) indices, and how the waves in them depend on X and r."""

    i: np.ndarray
    j: np.ndarray
    kind: str


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

    def __init__(self, x, r, noise):
        super().__init__()
        self._x, self._r, self._noise = np.asarray(x, float), np.asarray(r, float), noise
        left, inside = self._x < 0, self._r < 1
        everywhere = np.ones_like
        cells = [("outside", everywhere(left), ~inside), ("right", ~left, everywhere(inside)), ("inside", left, inside)]
        found = [_Region(np.flatnonzero(i), np.flatnonzero(j), kind) for kind, i, j in cells]
        self._regions = [region for region in found if len(region.i) and len(region.j)]

    def forward(self, psi, parameters):
        found = [self._case(field, *case) for field, case in zip(psi, parameters.double().tolist(), strict=True)]
        return torch.stack(found).to(psi.device)

    def _case(self, psi, m, helmholtz, mach):
        parts = psi.detach().cpu().double().numpy()
        values, result = parts[0] + 1j * parts[1], np.zeros((4, *parts.shape[1:]))
        noise = self._noise * _size(values)
        for region in self._regions:  # of the cells that two have, the later one takes them
            velocity = self._fit(values[np.ix_(region.i, region.j)], region, abs(int(m)), helmholtz, mach, noise)
            result[:, region.i[:, None], region.j] = [part for w in velocity for part in (w.real, w.imag)]
        return torch.from_numpy(result)

    def _fit(self, psi, region, m, helmholtz, mach, noise):
        """(u, v) in a region."""
        beta = np.sqrt(1 - mach**2)
        number, big_x, r = helmholtz / beta, self._x[region.i] / beta, self._r[region.j]
        turn = np.exp(1j * number * mach * big_x)[:, None]
        mu, radial, slope, on_wall = _waves(region.kind, m, number, np.ptp(big_x), r)
        axial = np.exp(1j * np.outer(mu, big_x - big_x[-1 if region.kind == "inside" else 0]))
        axial /= np.sqrt(np.mean(np.abs(axial) ** 2, axis=1) * np.mean(np.abs(radial) ** 2, axis=1))[:, None]
        far = np.hypot(self._x[region.i, None], r - 1).ravel() > _LIP
        matrix = (axial[:, :, None] * radial[:, None, :]).reshape(len(mu), -1).T[far]
        given = (psi * turn).ravel()[far]
        size = _size(given) or 1.0
        # Amplitudes are taken to be of the field's size, the slope on the wall to be none.
        uncertain = max(noise / size, _LEAST)
        if on_wall is not None:
            rows = (axial[:, self._x[region.i] < -_LIP] * on_wall[:, None]).T * (uncertain / (_WALL * number))
            matrix, given = np.concatenate([matrix, rows]), np.concatenate([given, np.zeros(len(rows))])
        square, vectors = np.linalg.eigh(matrix.conj().T @ matrix)
        part = (vectors.conj().T @ (matrix.conj().T @ given)) / (np.maximum(square, 0) + uncertain**2)
        axial *= (vectors @ part)[:, None]
        phi, along = axial.T @ radial, (1j * mu[:, None] * axial).T @ radial
        return (along - 1j * number * mach * phi) / (beta * turn), axial.T @ slope / turn


def _size(values):
    """Root mean square of the modulus."""
    return np.sqrt(np.mean(np.abs(values) ** 2))


def _waves(kind, m, number, length, r):
    """Axial wavenumbers, radial functions (wave, r), their slopes, and the slopes on the wall where it bounds them."""
    top = number + _EVANESCENT
    if kind == "inside":
        eigenvalues = _eigenvalues(m, top)
        along = np.sqrt(number**2 - eigenvalues**2 + 0j)
        travels = along.imag == 0
        gamma, mu = np.concatenate([eigenvalues, eigenvalues[travels]]), np.concatenate([-along, along[travels]])
        return mu, jv(m, np.outer(gamma, r)), gamma[:, None] * jvp(m, np.outer(gamma, r)), None
    if kind == "right":
        spacing = np.pi / (_PERIOD * 1.2 * r[-1])
        gamma = (np.arange(int(top / spacing)) + 0.5) * spacing
        mu = np.sqrt(number**2 - gamma**2 + 0j)
        return mu, jv(m, np.outer(gamma, r)), gamma[:, None] * jvp(m, np.outer(gamma, r)), None
    spacing = 2 * np.pi / (_PERIOD * length)
    count = int(top / spacing)
    mu = (np.arange(-count, count) + 0.5) * spacing
    gamma = np.sqrt(number**2 - mu**2 + 0j)
    functions = _leaving(m, gamma, np.concatenate([r, [1.0]]))
    return mu, functions[0][:, :-1], functions[1][:, :-1], functions[1][:, -1]


def _eigenvalues(m, top):
    """Zeros of J_m' up to `top`, at least one."""
    count = 2 + int(top / np.pi)
    zeros = jnp_zeros(m, count)
    zeros = np.concatenate([[0.0], zeros]) if m == 0 else zeros
    return zeros[: max(1, int(np.sum(zeros < top)))]


def _leaving(m, gamma, r):
    """H_m(gamma r) / H_m(gamma) and its r-derivative, (wave, r)."""
    z, g = np.outer(gamma, r), gamma[:, None]
    scale = np.exp(1j * g * (r - 1)) / hankel1e(m, g)
    value = hankel1e(m, z)
    return value * scale, g * (hankel1e(m - 1, z) - m / z * value) * scale
