"""Second route to a lined hub in flow: finite elements with Myers' condition along the hub in its weak form.

In X = x / beta, K = ka / beta, as in `lined_flow_elements`: phi_r = ratio (1 + (i M / K) d/dX)^2 phi at the hub, all
along. The duct ends in the modes of its section, from a quadratic eigenvalue problem of the section's elements.
"""

import math

import numpy as np
from scipy import linalg

from .finite_elements import CLOSE, FiniteElements, _gather, _local

THETA = np.array([1.7, 2.2, 2.8])  # the elements' directivity holds beside and upstream of the lip


class HubElements(FiniteElements):
    """Elements with a lined hub in flow; `reflection` has the first three modes, in order of |gamma|."""

    def __init__(self, source, impedance, cell=0.3, rings=5, length=1.0):
        beta = math.sqrt(1 - source.mach**2)
        k = source.helmholtz / beta
        self._mach = source.mach
        ratio = -1j * k**2 / (source.helmholtz * impedance * beta**2)
        depth = max(2 * cell, 2 / k)
        super().__init__(source.m, source.n, k, source.hub, length, 1.5, 8, cell, depth, rings, None, 0, ratio)

    def _open_section(self, free, hub_ratio):
        self._section = basis = self._facets(lambda x, y, above: (np.abs(x + self._length) < CLOSE) & (y < 0))
        r = 1 + basis.global_coordinates()[1]
        self._on = on = np.intersect1d(basis.get_dofs(basis.find).all(), free)
        stiffness, self._mass = (
            _gather(basis.element_dofs.T, _local(basis, *weights), self._basis.N)[on][:, on].toarray()
            for weights in ((0, r, self._m**2 / r), (0, 0, r))
        )
        self._corner = np.diag(
            np.where(np.abs(self._basis.doflocs[1, on] - (self._hub - 1)) < CLOSE, hub_ratio * self._hub, 0)
        )
        drift, unit, none = self._mach / self._k, np.eye(len(on)), np.zeros((len(on), len(on)))
        first = stiffness - self._k**2 * self._mass + self._corner
        second, third = 2 * drift * self._corner, self._mass + drift**2 * self._corner
        s, vectors = linalg.eig(np.block([[none, unit], [-first, -second]]), linalg.block_diag(unit, third))
        vectors = vectors[: len(on)] / vectors[np.nanargmax(self._basis.doflocs[1, on])]
        order = np.argsort(np.abs(self._k**2 - s**2))
        s, vectors = s[order], vectors[:, order]
        up, down = s.imag > 0, s.imag < 0
        assert np.count_nonzero(up) == len(on)
        self._kappa, self._modes = s[up], vectors[:, up]
        self._own, self._slope_in = vectors[:, down][:, self._n], -1j * s[down][self._n]
        self._own = self._own * np.exp(-self._slope_in * self._length)  # amplitude one at x = 0
        back = np.linalg.inv(self._modes)
        self._mode_products, self._norms = back.T, np.ones(len(on))
        self._incident = back @ self._own
        self._along = self._modes @ (-1j * self._kappa[:, None] * back)  # phi_x of what leaves

    def _section_condition(self):
        """phi_x of what leaves and of the incident mode, tested, and the ends of the hub's integrals by parts."""
        shift = 1j * self._mach / self._k
        lead = self._mass - shift**2 * self._corner
        right = -lead @ (self._slope_in * self._own - self._along @ self._own)
        return lead @ self._along - shift * self._corner, right

    def _lined_hub(self, border, size, ratio):
        basis = self._facets(lambda x, y, above: np.abs(y - (self._hub - 1)) < CLOSE)
        dx, weight = self._stretched(basis)[1], basis.dx[:, None, :]
        value, slope = (
            np.stack([np.broadcast_to(f, basis.dx.shape) for f in shapes], axis=1).astype(complex)
            for shapes in ([f[0] for f in basis.basis], [f[0].grad[0] for f in basis.basis])
        )
        stretch, shift = np.broadcast_to(dx, basis.dx.shape)[:, None, :], 1j * self._mach / self._k
        mixed = (value * weight) @ slope.transpose(0, 2, 1)
        local = (value * weight * stretch) @ value.transpose(0, 2, 1)
        local = local + shift * (mixed - mixed.transpose(0, 2, 1))
        local = local - shift**2 * ((slope * weight / stretch) @ slope.transpose(0, 2, 1))
        return _gather(basis.element_dofs[:border].T, ratio * self._hub * local[:, :border, :border], size)


def differences(source, ours, impedance, cell=0.3, rings=5):
    """Largest differences in wavenumbers and reflection of the first modes, and in D over its largest value."""
    elements = HubElements(source, impedance, cell, rings)
    count = min(3, len(ours.reflection))
    beta = math.sqrt(1 - source.mach**2)
    up = -(elements.wavenumber + elements._k * source.mach) / beta
    directivity = elements.directivity(THETA)
    return (
        np.max(np.abs(ours.reflected_wavenumbers[:count] - up[:count])),
        np.max(np.abs(ours.reflection[:count] - elements.reflection[:count])),
        np.max(np.abs(ours.directivity(THETA) - directivity)) / np.max(np.abs(directivity)),
    )
