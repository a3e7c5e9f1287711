"""Third route to a duct with a liner: finite elements with the open end and all, see `finite_elements`."""

import numpy as np

from analytic import solve

from .finite_elements import solve_finite_elements

X, R = np.array([-1.9, -1.0, -0.6, -0.2, 0.3]), np.array([0.4, 0.6, 0.85, 1.2])
THETA = np.array([1.7, 2.2, 2.8])  # the elements' directivity holds beside and upstream of the lip


def differences(source, liner, cell=0.2):
    """Largest differences in reflection, and in field and directivity over their largest values."""
    ratio, back = 1j * source.helmholtz / liner.impedance, -liner.distance
    elements = solve_finite_elements(
        *(source.m, source.n, source.helmholtz),
        hub=source.hub,
        length=2.0,
        cell=cell,
        liner=(ratio, back - liner.length, back),
    )
    lined = solve(source, liner=liner)
    shift = np.exp(1j * elements.wavenumber * lined.position)  # the elements' phases are zero at x = 0
    reflection = elements.reflection / shift / shift[source.n]
    field, directivity = elements.field(X[:, None], R), elements.directivity(THETA)
    return (
        np.max(np.abs(lined.reflection[: len(reflection)] - reflection)),
        np.max(np.abs(lined.field(X, R).potential * shift[source.n] - field)) / np.max(np.abs(field)),
        np.max(np.abs(lined.directivity(THETA) * shift[source.n] - directivity)) / np.max(np.abs(directivity)),
    )
