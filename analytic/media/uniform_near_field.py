"""Spectra of the near field in uniform flow: values shared by the nodes of a contour, and those of each source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray
from ..bessel import hankel_pair
from ..contour import Contour
from ..factorisation import Factorisation
from ..wavenumbers import radial_wavenumber
from ..waves import Factor, Waves

if TYPE_CHECKING:
    from .uniform import UniformTransform

ROUNDING = 20 * EPS  # of a wave: about twenty roundings in its exponential, its Bessel functions and their product


def rows_of_unequal_length(sizes: Sequence[int]) -> np.ndarray:
    """Indices (row, place) of consecutive rows of different lengths; short rows repeat their last place."""
    stops = np.cumsum(sizes)[:, None]
    return np.minimum(stops - np.array(sizes)[:, None] + np.arange(max(sizes)), stops - 1)


class UniformNodes:
    """Nodes of several transforms' paths, one after the other, and what is evaluated at all of them in one call."""

    def __init__(self, transforms: Sequence[UniformTransform], paths: Sequence[Contour]) -> None:
        self._section, self._sizes = transforms[0].section, [len(path.s) for path in paths]
        stops = np.cumsum(self._sizes)
        self.slices = [slice(stop - size, stop) for stop, size in zip(stops, self._sizes, strict=True)]
        s, weight = (np.concatenate([getattr(path, name) for path in paths]) for name in ("s", "weight"))
        gamma = radial_wavenumber(s, np.repeat([transform.k for transform in transforms], self._sizes))
        slope, hankel = self._section.wall_condition(gamma), hankel_pair(self._section.m, gamma)[1]
        kernel = self._section.kernel(gamma, (slope, hankel))
        rows = rows_of_unequal_length(self._sizes)
        plus, error = Factorisation.join([transform.factors for transform in transforms]).plus(s[rows], kernel[rows])
        real = np.arange(rows.shape[1]) < np.array(self._sizes)[:, None]
        plus, self.error = plus[real], error[real]
        # gamma S' A = gamma H_m' B over (K + s) T(s), times ds / 2 pi.
        common = weight / (2 * np.pi * gamma)
        growth = np.exp(1j * gamma + np.abs(gamma.imag))
        self.common = {False: common * plus, True: common * growth * (1j * np.pi / plus) * (slope * hankel)}
        self._gamma, self._slope, self._hankel = gamma, slope, hankel
        self._speed = -1j * s / np.repeat([transform.scale for transform in transforms], self._sizes)
        self._alpha = max((transform.alpha for transform in transforms), key=len)
        self._radial: dict[bytes, list[Factor]] = {}
        self._modes: dict[bytes, FloatArray] = {}

    def radial(self, r: FloatArray) -> list[Factor]:
        """S(gamma r) / S'(gamma) or H_m(gamma r) / H_m'(gamma), see `Waves`: a `Factor` for every transform."""
        key = r.tobytes()
        if key not in self._radial:
            lip = np.count_nonzero(r <= 1)
            values = np.empty((3, len(r), len(self._gamma)), complex)
            self._section.waves(self._gamma, r[:lip], self._slope, inside=True, out=values[:2, :lip])
            self._section.waves(self._gamma, r[lip:], self._hankel, inside=False, out=values[:2, lip:])
            np.multiply(values[0], self._speed, out=values[2])
            self._radial[key] = Factor(values).split(self._sizes)
        return self._radial[key]

    def modes(self, r: FloatArray) -> FloatArray:
        """Duct modes and r-derivatives, 0 outside the duct, for the largest number of modes: (2, r, mode)."""
        key = r.tobytes()
        if key not in self._modes:
            lip = np.count_nonzero(r <= 1)
            self._modes[key] = np.zeros((2, len(r), len(self._alpha)), complex)
            self._modes[key][:, :lip] = self._section.modes(self._alpha, r[:lip])
        return self._modes[key]


class UniformSpectra:
    """A and B on a contour, with the radial functions scaled so that nothing overflows."""

    def __init__(self, transform: UniformTransform, path: Contour, nodes: UniformNodes, case: int) -> None:
        self._transform, self._path, self._nodes, self._case = transform, path, nodes, case
        self._error = nodes.error[nodes.slices[case]] + transform.cancellation + ROUNDING
        self._swept = path.below(transform.kappa)
        self._coefficients: dict[bool, ComplexArray] = {}

    def waves(self, r: FloatArray, downstream: bool) -> list[Waves]:
        """The scattered field, and the terms outside the integral."""
        if downstream not in self._coefficients:
            s = -self._path.s if downstream else self._path.s
            common = self._nodes.common[downstream][self._nodes.slices[self._case]]
            self._coefficients[downstream] = self._transform.sources(s) * common
        radial, coefficient = self._nodes.radial(r)[self._case], self._coefficients[downstream]
        waves = [Waves(self._path.s, radial, coefficient, self._error, self._path.half)]
        return [*waves, self._explicit(r, downstream)] if r[0] <= 1 else waves

    def _explicit(self, r: FloatArray, downstream: bool) -> Waves:
        """Duct modes outside the integral: incident ones (downstream unless swept), and swept reflected ones."""
        transform = self._transform
        kappa, swept = transform.kappa, self._swept
        incident = transform.incident_amplitudes(len(kappa))
        incident[transform.single :] = 0
        if downstream:
            incident = np.where(swept, 0, incident)
            reflected = np.zeros_like(incident)
        else:
            reflected = np.where(swept, transform.reflection, 0)
        s, amplitude = np.concatenate([-kappa, kappa]), np.concatenate([incident, reflected])
        live = np.flatnonzero(amplitude)
        modes = self._nodes.modes(r)[:, :, live % len(kappa)]
        radial = Factor(np.concatenate([modes, modes[:1] * (-1j / transform.scale * s[live])]))
        return Waves(s[live], radial, amplitude[live], np.full(len(live), ROUNDING + transform.cancellation))
