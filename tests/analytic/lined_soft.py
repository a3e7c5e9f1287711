"""Limit of a liner of vanishing impedance: a duct with a soft stretch of wall, by mode matching, without a hub."""

import numpy as np
from scipy.special import jn_zeros, jnp_zeros, jvp

from analytic import ModeMixture, solve


def soft_reflection(m, ka, length, distance, count=160):
    """R of the first mode in front of the soft wall: of `count` modes, extrapolated from a half and a quarter of them.

    The potential's square root at the edges leaves N^-1.5, measured from the three. The open end is the solver's.
    """
    end = solve(ModeMixture(m, np.ones(count), ka)).reflection_matrix
    values = [_matched(m, ka, length, distance, many, end) for many in (count // 4, count // 2, count)]
    first, second = np.diff(values)
    return values[-1] - second**2 / (second - first)


def _matched(m, ka, length, distance, count, end):
    alpha, soft = jnp_zeros(m, count) if m else np.append(0, jnp_zeros(0, count - 1)), jn_zeros(m, count)
    kappa, tau = (np.sqrt(ka**2 - one**2 + 0j) for one in (alpha, soft))
    norm = 0.5 * (1 - (m / np.where(alpha > 0, alpha, 1)) ** 2)  # hard modes are one at the wall
    flux = 0.5 * jvp(m, soft) ** 2 * tau
    overlap = soft * jvp(m, soft) / (alpha[:, None] ** 2 - soft**2)
    # psi is continuous over hard modes, psi_x over soft ones; amplitudes out and in.
    out = np.block([[np.diag(norm), -overlap], [overlap.T * kappa, np.diag(flux)]])
    scattering = np.linalg.solve(out, np.block([[-np.diag(norm), overlap], [overlap.T * kappa, np.diag(flux)]]))
    front, from_soft, into_soft, inside = (
        scattering[rows, columns]
        for rows in (slice(count), slice(count, None))
        for columns in (slice(count), slice(count, None))
    )
    decay, unit = np.exp(1j * tau * length), np.eye(count)
    once, back = inside * decay, from_soft * decay
    waves = np.linalg.solve(unit - once @ once, into_soft)
    reflect, through = front + back @ once @ waves, back @ waves
    hop = np.exp(1j * kappa * distance)
    load = hop[:, None] * end[:count, :count] * hop
    return (reflect + through @ load @ np.linalg.solve(unit - reflect @ load, through))[0, 0]
