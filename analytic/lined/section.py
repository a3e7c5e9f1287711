r"""A liner between semi-infinite hard walls, no flow: scattering of modes at its ends, from the factor K_plus.

With amplitudes of the potential at the wall, kappa_l, N_l of hard and sigma_l, b_l of lined modes (b = 2 norm, beta_l =
2 N_l), a transition reflects and transmits

    hard -> hard    -q / (kappa_l beta_l (kappa_l + kappa_n) K_plus(kappa_l) K_plus(kappa_n))
    hard -> lined    q K_plus(sigma_l) / (K_plus(kappa_n) sigma_l b_l (sigma_l - kappa_n))
    lined -> lined   q K_plus(sigma_l) K_plus(sigma_n) / ((sigma_l + sigma_n) sigma_l b_l)
    lined -> hard    q K_plus(sigma_n) / (K_plus(kappa_l) kappa_l beta_l (sigma_n - kappa_l)),

whose entries are exact: only products of these matrices are truncated.

References
----------
A. D. Rawlins, Proc. R. Soc. Lond. A 361 (1978), 65-91, for the kernel; B. Noble, Methods based on the Wiener-Hopf
technique (1958).
"""

import math
from functools import cached_property

import numpy as np

from ..arrays import EPS, ComplexArray, FloatArray
from ..wavenumbers import upper
from .duct import HardModes
from .factor import PlusFactor
from .liner import Liner
from .modes import Modes, lined_modes

_FEWER = 0.75  # of the lined modes, for the error estimate
_NEGLIGIBLE = 1e-13  # decay of modes along a liner that cannot be missed
_CROWD = 4.0  # of EPS crowd^3, see `_lost`: a margin of 4, as errors around exceptional points are up to 3 times that
_NOMINAL = 0.5  # length, for the error of modes of an endless liner: those that decay along it are not incident


class LinedSection:
    """The lined duct and its scattering matrices; arrays [scattered, incident].

    Parameters
    ----------
    liner : Liner
    hard : HardModes
    count : int
        Least number of lined modes.
    modes : pair of arrays, optional
        What `lined_modes` returns, if it is known.

    Attributes
    ----------
    liner : Liner
    hard : HardModes
    q : complex
        i ka / Z.
    gamma, sigma, twice_norm : (mode,) complex arrays
        Radial and axial wavenumbers and b of the lined modes.
    with_kappa, with_sigma : (mode,) complex arrays
        K_plus at the hard and at the lined modes.
    span : (float, float)
        Smallest and largest modulus of all axial wavenumbers.
    error : float
        Relative error estimate of the matrices, without truncation; modes that decay along the liner count less.
    lost : (mode,) float array
        Relative error of what a lined mode that has decayed sends into the hard duct, beside a nearly hard wall.
    """

    def __init__(self, liner: Liner, hard: HardModes, count: int, modes: Modes | None = None) -> None:
        self.liner, self.hard = liner, hard
        self.q = 1j * hard.k / liner.impedance
        self.gamma, self.twice_norm = lined_modes(hard.section, self.q, count) if modes is None else modes
        self.sigma = upper(np.sqrt((hard.k - self.gamma) * (hard.k + self.gamma)))
        self._set_matrices()

    def _set_matrices(self) -> None:
        hard, kappa, sigma, q = self.hard, self.hard.kappa, self.sigma, self.q
        s = np.concatenate([kappa, sigma])
        self.span = float(np.min(np.abs(s))), float(np.max(np.abs(s)))
        plus, error = PlusFactor(hard.section, hard.k, q, *self.span)(s)
        self.with_kappa, self.with_sigma = with_kappa, with_sigma = plus[: len(kappa)], plus[len(kappa) :]
        out_hard = 1 / (with_kappa * kappa * 2 * hard.norm)
        out_lined = with_sigma / (sigma * self.twice_norm)
        apart = sigma[:, None] - kappa
        self.hard_hard = -q * (out_hard[:, None] / with_kappa) / (kappa[:, None] + kappa)
        self.lined_hard = q * (out_lined[:, None] / with_kappa) / apart
        self.lined_lined = q * (out_lined[:, None] * with_sigma) / (sigma[:, None] + sigma)
        self.hard_lined = q * (out_hard[:, None] * with_sigma) / apart.T
        length = _NOMINAL if self.endless else self.liner.length
        denominators, crowd = self._lost(apart)
        decay = np.exp(-sigma.imag * length)
        self.error = 4 * error + 4 * EPS * float(np.max(decay * (denominators + _CROWD * crowd**3)))
        self.lost = 4 * EPS * denominators * (1 - decay) ** 2

    def _lost(self, apart: ComplexArray) -> tuple[FloatArray, FloatArray]:
        """Factors by which rounding grows beside a hard wall, and those of modes that nearly coincide: (mode,).

        They grow with sigma - kappa beside a hard wall; and where two modes nearly coincide: their contributions, 1 / b
        each, nearly cancel, and the roots have the error eps / b, so that with b like their distance eps / b^3 is left.
        """
        w = self.gamma**2
        gap = np.abs(w[:, None] - w) + np.where(np.eye(len(w)) > 0, np.inf, 0.0)
        crowd = np.abs(w) / np.min(gap, axis=1)
        lost = np.abs(w / self.sigma) + np.abs(self.sigma)
        return np.asarray(lost / np.min(np.abs(apart), axis=1)), np.asarray(crowd)

    @property
    def endless(self) -> bool:
        """Whether the liner begins at -infinity."""
        return math.isinf(self.liner.length)

    @cached_property
    def decay(self) -> ComplexArray:
        """exp(i sigma L); L finite."""
        return np.exp(1j * self.sigma * self.liner.length)

    @cached_property
    def _inverse(self) -> ComplexArray:
        """(1 - (R_ll E)^2)^-1."""
        once = self.lined_lined * self.decay
        return np.asarray(np.linalg.inv(np.eye(len(once)) - once @ once))

    @cached_property
    def scattering(self) -> tuple[ComplexArray, ComplexArray]:
        """Reflection and transmission of hard modes, the same from both sides."""
        inside = self._inverse @ self.lined_hard
        through = self.hard_lined * self.decay
        return self.hard_hard + through @ (self.lined_lined * self.decay) @ inside, through @ inside

    @cached_property
    def coarse(self) -> tuple[ComplexArray, ComplexArray]:
        """`scattering` without the lined modes that decay fastest, for the error estimate."""
        order = np.argsort(self.sigma.imag, kind="stable")
        kept, rest = np.split(order, [int(_FEWER * len(order))])
        if np.max(np.abs(self.decay[rest]), initial=0.0) < _NEGLIGIBLE:
            return self.scattering
        decay = self.decay[kept]
        once = self.lined_lined[np.ix_(kept, kept)] * decay
        inside = np.linalg.solve(np.eye(len(kept)) - once @ once, self.lined_hard[kept])
        through = self.hard_lined[:, kept] * decay
        return self.hard_hard + through @ once @ inside, through @ inside

    def inside(self, front: ComplexArray, back: ComplexArray) -> tuple[ComplexArray, ComplexArray]:
        """Amplitudes of lined modes that leave the front, at the front, and that leave the back, at the back.

        front, back : amplitudes of hard modes incident there.
        """
        front, back = self._inverse @ (self.lined_hard @ front), self._inverse @ (self.lined_hard @ back)
        once = self.lined_lined * self.decay
        return front + once @ back, back + once @ front

    def radial(self, r: FloatArray) -> ComplexArray:
        """Lined modes and their r-derivative at r, in increasing order: (2, r, mode)."""
        section = self.hard.section
        return section.waves(self.gamma, r, section.wall(self.gamma)[0], inside=True)
