"""The directivity that ships with the package, in numpy: of one mode, without the second that PyTorch takes to import.

The formulas are those of `directivity`; a test holds one against the other.
"""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from ..arrays import ComplexArray, FloatArray
from .closed_forms import AXIS, BELOW, BEYOND, FURTHER, DirectivityConfig, eigenvalues, slope, unit, vandermonde
from .error_bars import band, level

_WEIGHTS = Path(__file__).parents[1] / "weights" / "factor" / "weights.safetensors"


class PlainDirectivity:
    """Far field of duct modes, one at a time, as of `Directivity`."""

    def __init__(self, config: DirectivityConfig, coefficients: FloatArray, bars: FloatArray):
        self.config, self._coefficients, self._bars = config, coefficients, bars

    def __call__(
        self, m: int, n: int, helmholtz: float, mach: float, theta: FloatArray, *, extrapolate: bool = False
    ) -> ComplexArray:
        """Directivity D (angle,) of a mode of amplitude one at polar angles theta in the plane (x / beta, r) [rad].

        Raises
        ------
        ValueError
            As `Directivity`: a mode that is cut off, an order that was not learned, a K outside the range.
        """
        m, k = abs(m), float(helmholtz / np.sqrt(1 - mach**2))
        alpha = self._expect(m, n, k, extrapolate)
        low = max(self.config.low, float(BELOW * alpha[0]))
        along = vandermonde(unit(np.array(k), low, self.config.high), self.config.degree + 1)[0]
        table = np.einsum("k,kpq->pq", along, self._coefficients[self.config.orders.index(m)])
        kappa, scale = np.sqrt(k**2 - alpha**2 + 0j), k + alpha
        own = self._of_angle(np.arccos([max(-kappa[n].real / k, -1 + AXIS)]))[0] @ table
        size = np.exp(own[0]) * (alpha[n] / k) ** m / scale[n] * np.prod((kappa[n] + kappa) / scale)
        first = -((-1j) ** (m + 1)) / (2 * np.pi) * slope(m, alpha)[n] * size * np.exp(1j * own[1])
        log, s = self._of_angle(theta) @ table, -k * np.cos(theta)
        others = np.arange(len(alpha)) != n
        zeros = np.prod((s[:, None] + kappa[others]) / scale[others], axis=1)
        found: ComplexArray = first * np.exp(log @ [1, 1j]) * np.sin(theta) ** m * zeros
        return found

    def error_bar(self, helmholtz: float, mach: float, coverage: float) -> float:
        """Bound on the relative L2 error over an arc, with this coverage, one of `LEVELS`."""
        column = level(coverage)
        return float(self._bars[band(self.config, float(helmholtz / np.sqrt(1 - mach**2))), column])

    def _expect(self, m: int, n: int, k: float, extrapolate: bool) -> FloatArray:
        """Eigenvalues of the order; refuses modes that were not learned."""
        config = self.config
        if m not in config.orders:
            raise ValueError(f"m = {m} is not among the learned orders {config.orders}")
        alpha = eigenvalues(m, config.high + BEYOND)
        slack = FURTHER * (config.high - config.low) if extrapolate else 0.0
        inside = config.low - slack <= k <= config.high + slack
        on = 0 <= n < len(alpha) and bool(alpha[n] < k)
        for fine, what in ((inside, "is outside the training range"), (on, "is not cut on")):
            if not fine:
                raise ValueError(
                    f"mode ({m}, {n}) {what} at ka / sqrt(1 - M^2) = {k:.4g}; "
                    f"the surrogate has learned modes that are cut on at {config.low:.4g} ... {config.high:.4g}"
                )
        return alpha

    def _of_angle(self, theta: FloatArray) -> FloatArray:
        """Polynomials of angles in 0 ... pi (..., degree)."""
        place = np.clip(unit(theta, 0, np.pi), -1 + AXIS, 1 - AXIS)
        return vandermonde(place, self.config.angles)


@functools.cache
def load() -> PlainDirectivity:
    """The directivity that ships with the package."""
    with safe_open(_WEIGHTS, "np") as file:
        options: dict[str, Any] = json.loads(file.metadata()["config"])
        config = DirectivityConfig(**options | {"orders": tuple(options["orders"])})
        return PlainDirectivity(config, file.get_tensor("coefficients"), file.get_tensor("bars"))
