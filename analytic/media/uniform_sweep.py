"""Reflection and directivity of many sources without flow or in uniform flow, see `sweeps`."""

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray, IntArray
from ..cases import Cases, alike
from ..factorisation import Factorisation
from ..section import Section
from .uniform import cancellation, coupling
from .uniform_far_field import directivity

_CHUNK = 128  # cases worked on at a time: their matrices of line nodes and angles stay in a few megabytes
_COSINE_DIGITS = 15  # to which |cos(theta)| of mirrored angles agree: rounding is 1e-16, a node's effect is less


def check(cases: Cases) -> None:
    """Any cases are taken."""


def parts(cases: Cases) -> list[IntArray]:
    """Cases of one azimuthal order and hub, similar ones together."""
    found = []
    for group in alike(np.abs(cases.m), cases.hub):
        group = group[np.argsort(cases.helmholtz[group])]
        found += [group[start : start + _CHUNK] for start in range(0, len(group), _CHUNK)]
    return found


def solve(cases: Cases, theta: FloatArray) -> tuple[ComplexArray, ComplexArray, FloatArray, list[str]]:
    """Reflection, directivity and error of one of the parts, and why cases fail: none does."""
    section = Section(int(abs(cases.m[0])), float(cases.hub[0]))
    k = cases.helmholtz / np.sqrt((1 - cases.mach) * (1 + cases.mach))
    alpha = section.eigenvalues(int(cases.n.max()) + 1)[cases.n]
    factors = Factorisation(section, k)
    kappa = np.sqrt((k - alpha) * (k + alpha) + 0j)
    # ln F_plus at kappa, and at every distinct |s| = K |cos theta|.
    cosine, index = np.unique(np.abs(np.cos(theta)).round(_COSINE_DIGITS), return_inverse=True)
    log_plus, errors = factors.log_plus(np.concatenate([kappa[:, None], k[:, None] * cosine], axis=1))
    half = (k + kappa) * (np.exp(0.25j * np.pi + log_plus[:, 0]) / np.sqrt(k + kappa))
    reflection = coupling(half, half, kappa, kappa, section.norm(alpha))
    nearest = section.eigenvalues(int(k.max() / np.pi) + 3)
    lost = cancellation(k, np.abs(k[:, None] - nearest).min(axis=1))
    error = errors[:, 0] + errors.max(axis=1) + lost + 4 * EPS
    column = None, slice(None), None  # one radial order a case
    far = directivity(
        section, k[:, None], theta, alpha[column], kappa[column], 0.5j * half[column], log_plus[:, 1:][:, index]
    )
    return reflection, far, error, [""] * len(cases)
