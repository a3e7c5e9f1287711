"""Second route to a duct with a liner in flow: finite elements with the open end and Myers' condition in its weak form.

Uniform flow is their problem in X = x / beta, K = ka / beta, psi = phi exp(-i K M X), where a wall of impedance Z has
phi_r = i K^2 / (ka Z beta^2) (1 + (i M / K) d/dX)^2 phi. No mode, factor or edge condition of the solver's is used: the
displacement vanishes at the liner's ends because the boundary term has no end terms.
"""

import math

import numpy as np

from analytic import solve

from .finite_elements import solve_finite_elements

X, R = np.array([-1.9, -1.0, -0.65, -0.2, 0.3]), np.array([0.45, 0.6, 0.85, 1.2])
THETA = np.array([1.7, 2.2, 2.8])  # the elements' directivity holds beside and upstream of the lip


def differences(source, liner, cell=0.4, layers=2):
    """Largest differences in reflection, and in field and directivity over their largest values."""
    beta = math.sqrt(1 - source.mach**2)
    k, back = source.helmholtz / beta, -liner.distance / beta
    ratio = 1j * k**2 / (source.helmholtz * liner.impedance * beta**2)
    elements = solve_finite_elements(
        *(source.m, source.n, k),
        hub=source.hub,
        length=2.0 / beta,
        cell=cell,
        layers=layers,
        liner=(ratio, back - liner.length / beta, back, source.mach),
    )
    lined = solve(source, liner=liner)
    front = lined.position / beta
    shift = np.exp(1j * elements.wavenumber * front)  # the elements' phases are zero at X = 0
    reflection = elements.reflection / shift / shift[source.n]
    source_phase = shift[source.n] * np.exp(-1j * k * source.mach * front)  # incident psi is one at the front
    field = elements.field(X[:, None] / beta, R) * np.exp(-1j * k * source.mach * X / beta)[:, None]
    directivity = elements.directivity(THETA)
    ours = lined.field(X, R).potential * source_phase, lined.directivity(THETA) * source_phase
    return (
        np.max(np.abs(lined.reflection[: len(reflection)] - reflection)),
        np.max(np.abs(ours[0] - field)) / np.max(np.abs(field)),
        np.max(np.abs(ours[1] - directivity)) / np.max(np.abs(directivity)),
    )
