"""The field deep inside the duct: a sum of duct modes, where all that is not in `reflection` has decayed."""

from typing import TYPE_CHECKING

import numpy as np

from .arrays import EPS, ComplexArray, FloatArray
from .modes import axial_wavenumber

if TYPE_CHECKING:
    from .transform import Transform

_TOGETHER = ([0], [1, 2], [3])  # psi, (u, v) and p, whose errors are relative to their root mean squares
_DECAYED = 42.0  # exponent by which the last reflected mode, which is cut off, has decayed: e^-42 = 6e-19


def depth(transform: "Transform") -> float:
    """|x| beyond which duct modes suffice."""
    decay = -_wavenumbers(transform, -1)[-1].imag
    return _DECAYED / decay if decay > 0 else np.inf


def _wavenumbers(transform: "Transform", direction: int) -> ComplexArray:
    source = transform.source
    orders = range(len(transform.reflection))
    return np.array(
        [
            complex(
                axial_wavenumber(source.helmholtz, source.m, n, mach=source.mach, direction=direction, hub=source.hub)
            )
            for n in orders
        ]
    )


def modal_field(transform: "Transform", x: FloatArray, r: FloatArray) -> tuple[ComplexArray, float]:
    """psi, u, v and p at points inside the duct, (4, point), and the relative error estimate.

    x, r : (point,) float arrays, x < -`depth`, r <= 1.
    """
    reflected = transform.reflection
    amplitude = np.concatenate([transform.incident_amplitudes(len(reflected)), reflected])
    mu = np.concatenate([_wavenumbers(transform, 1), _wavenumbers(transform, -1)])
    live = np.flatnonzero(amplitude)
    orders, mu, amplitude = live % len(reflected), mu[live], amplitude[live]
    alpha = transform.section.eigenvalues(len(reflected))[orders]
    radial, slope = transform.section.modes(alpha, r)
    _, k, mach = transform.fluid(True)
    factors = np.array([radial, 1j * mu * radial, slope, 1j * (k - mach * mu) * radial])  # (quantity, point, mode)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # modes that are cut off, far upstream
        terms = factors * (amplitude * np.exp(1j * np.multiply.outer(x, mu)))
        values, size = terms.sum(axis=2), np.abs(terms).sum(axis=2)
        squares = [[np.sum(np.abs(part[rows]) ** 2) for rows in _TOGETHER] for part in (values, size)]
        cancelled = max((np.sqrt(b / a) for a, b in zip(*squares, strict=True) if b > 0), default=1.0)
    each = transform.error_estimate + EPS * (20 + float(np.max(np.abs(mu)) * np.max(np.abs(x))))
    error = each * float(cancelled)
    return values, error if np.isfinite(error) and np.all(np.isfinite(values)) else np.inf
