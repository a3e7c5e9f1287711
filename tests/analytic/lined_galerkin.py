"""Second route to a duct with liners: Galerkin's method in hard-walled modes, without lined modes and without a factor.

With psi = sum_n a_n(x) f_n(r), f_n(1) = 1, along a liner N_n (a_n'' + kappa_n^2 a_n) + q sum_l a_l = 0, a matrix
equation whose eigenvectors are matched to hard walls exactly: a and a' are continuous. What the sum lacks at the wall
is, at large alpha_n, the constant tau = sum_{n > N} 1 / (N_n alpha_n^2) in 1 / q. The error falls like N^-2.
"""

import numpy as np
from scipy.special import jv, jvp, yv, yvp

from analytic import ModeMixture, radial_eigenvalues, solve

_TAIL = 20_000  # eigenvalues are pi / (1 - h) apart beyond the table


def basis(m, hub, count):
    """Radial eigenvalues and norms, by a Gauss rule for the annulus."""
    alpha = radial_eigenvalues(m, count, hub=hub)
    safe = np.where(alpha > 0, alpha, 1.0)
    if not hub:
        return alpha, np.where(alpha > 0, 0.5 * (1 - (m / safe) ** 2), 0.5)

    def mode(r):
        z = np.multiply.outer(r, safe)
        return jv(m, z) * yvp(m, safe * hub) - yv(m, z) * jvp(m, safe * hub)

    nodes, weights = np.polynomial.legendre.leggauss(4 * count + 20)
    r = hub + (1 - hub) * 0.5 * (nodes + 1)
    norm = 0.5 * (1 - hub) * (weights * r) @ (mode(r) / mode(np.ones(1))) ** 2
    return alpha, np.where(alpha > 0, norm, 0.5 * (1 - hub**2))


def _tail(hub, alpha):
    """Sum of 1 / (N alpha^2) beyond the last: N tends to (1 - h) / 2."""
    step = np.pi / (1 - hub)
    beyond = alpha[-1] + step * np.arange(1, _TAIL + 1)
    return (np.sum(beyond**-2.0) + 1 / (step * (beyond[-1] + 0.5 * step))) * 2 / (1 - hub)


def scattering(m, ka, hub, liner, count):
    """Reflection and transmission matrices of a liner between hard walls."""
    alpha, norm = basis(m, hub, count)
    kappa = np.sqrt(ka**2 - alpha**2 + 0j)
    q = 1j * ka / liner.impedance
    q = q / (1 - q * _tail(hub, alpha))
    square, vectors = np.linalg.eig(np.diag(kappa**2) + q / norm[:, None])
    sigma = np.sqrt(square)
    sigma = np.where(sigma.imag < 0, -sigma, sigma)
    decay, unit = np.exp(1j * sigma * liner.length), np.eye(count)
    # Even and odd about the middle: a = V (E^0 +- E) c, a' = i V sigma (1 -+ E) c; a = 1 + S, a' = i kappa (1 - S).
    found = []
    for sign in (1, -1):
        ratio = (vectors * (1j * sigma * (1 - sign * decay) / (1 + sign * decay))) @ np.linalg.inv(vectors)
        found.append(np.linalg.solve(ratio + 1j * np.diag(kappa), 1j * np.diag(kappa) - ratio @ unit))
    return 0.5 * (found[0] + found[1]), 0.5 * (found[0] - found[1]), kappa


def amplitudes(m, n, ka, hub, liners, count, open_end=30):
    """Reflected amplitudes at the front and incident ones at the lip, with `count` modes."""
    source = ModeMixture(m, np.ones(open_end), ka, hub=hub)
    load = np.zeros((count, count), complex)
    load[:open_end, :open_end] = solve(source).reflection_matrix[:open_end, :open_end]
    through = np.eye(count)
    for liner in reversed(liners):
        reflect, transmit, kappa = scattering(m, ka, hub, liner, count)
        hop = np.exp(1j * kappa * liner.distance)
        load = hop[:, None] * load * hop
        step = np.linalg.solve(np.eye(count) - reflect @ load, transmit)
        through = through @ (hop[:, None] * step)
        load = reflect + transmit @ load @ step
    return load[:, n], through[:, n]


def extrapolated(m, n, ka, hub, liners, count, shown):
    """The same at N -> infinity by Richardson's method, from N and 2 N, and what it changed."""
    coarse, fine = (
        np.array([one[:shown] for one in amplitudes(m, n, ka, hub, liners, many)]) for many in (count, 2 * count)
    )
    return fine + (fine - coarse) / 3, np.max(np.abs(fine - coarse))
