r"""Exact solutions around the lip: series of the convected Helmholtz equation with zero slope on the wall's two sides.

Around the lip of a thin wall (r = 1, x < 0) every solution of phi_XX + phi_rr + phi_r / r + (K^2 - m^2 / r^2) phi = 0
with zero slope on the wall is a sum over p = 0, 1, 2 ... of

    F_p = rho^{p/2} (cos or sin)(p theta / 2) + higher powers,    rho e^{i theta} = X + i (r - 1),

cosines for even p, sines for odd p. With r = 1 + s the equation times r^2 has polynomial coefficients, so that the
higher powers rho^{p/2 + j} follow from the lower ones, each a trigonometric polynomial of the angle. They converge
for rho < 1, the distance to the axis. Uniform flow is removed by x = beta X, psi = phi exp(-i K M X), K = ka / beta.

References
----------
J. Meixner, The behavior of electromagnetic fields at edges, IEEE Trans. Antennas Propag. 20 (1972), 442-446.
"""

import numpy as np

from ..arrays import Array, FloatArray


class LipSeries:
    """Functions F_p, p = 0 ... count - 1, of one azimuthal order and wavenumber, in units of radius^{p/2}.

    Parameters
    ----------
    order : int
        Azimuthal order m.
    wavenumber : float
        K [1/radius].
    count : int
        Number of functions.
    radius : float
        Radius of the disc in which they are used [radii], below one.
    steps : int
        Number of powers of each: the series is cut off at about radius^steps.
    """

    def __init__(self, order: int, wavenumber: float, count: int, radius: float, steps: int = 36) -> None:
        if not 0 < radius < 1:
            raise ValueError(f"the series converge for 0 < rho < 1, got a disc of radius {radius}")
        self._radius, self._count = radius, count
        powers = [np.arange(parity, count, 2) for parity in (0, 1)]
        self._families = [(p, _coefficients(order, wavenumber, p, radius, steps)) for p in powers if len(p)]

    def evaluate(self, x: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values and their X- and r-derivatives, (point, function), at points (point,), in stretched X."""
        rho, theta = np.hypot(x, r - 1), np.arctan2(r - 1, x)
        found = np.empty((3, len(rho), self._count))
        cos, sin = np.cos(theta)[:, None], np.sin(theta)[:, None]
        for powers, (even, odd) in self._families:
            steps, _, frequencies = even.shape
            q = np.arange(frequencies) + powers[0] % 2 / 2
            angle = np.outer(theta, q)
            basis = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
            turned = np.concatenate([-q * np.sin(angle), q * np.cos(angle)], axis=1)
            values = np.zeros((3, len(rho), len(powers)))  # and their slopes along and across the radius, times rho
            power = (rho / self._radius)[:, None] ** (powers / 2)
            for step in range(steps):
                terms = np.concatenate([even[step], odd[step]], axis=1).T
                one = power * (basis @ terms)
                values[0] += one
                values[1] += (powers / 2 + step) * one
                values[2] += power * (turned @ terms)
                power = power * (rho / self._radius)[:, None]
            value, along, around = values[0], values[1] / rho[:, None], values[2] / rho[:, None]
            found[:, :, powers] = value, cos * along - sin * around, sin * along + cos * around
        return found[0], found[1], found[2]


def _coefficients(order: int, wavenumber: float, powers: Array, radius: float, steps: int) -> tuple[Array, Array]:
    """Coefficients (step, function, q) of (rho / radius)^{p/2 + j} cos(q theta), sin(q theta), all p of one parity."""
    half = int(powers[0] % 2)
    top = int(powers[-1] // 2) + steps
    q = np.arange(-top - half, top + 1) + half / 2  # symmetric about zero
    zero, rows = top + half, np.arange(len(powers))
    up, down = zero + powers // 2, zero - half - powers // 2  # places of the frequencies p / 2 and -p / 2
    terms = np.zeros((steps, len(powers), len(q)), dtype=complex)
    terms[0, rows, up] += -0.5j if half else 0.5
    terms[0, rows, down] += 0.5j if half else 0.5
    square, lower = (wavenumber * radius) ** 2, (order * radius) ** 2
    nothing = np.zeros_like(terms[0])
    for j in range(1, steps):
        n = powers / 2 + j
        d = n[:, None]
        one, two, three, four = (terms[j - lag] if j >= lag else nothing for lag in (1, 2, 3, 4))
        # r^2 (Laplacian) + r d/dr + K^2 r^2 - m^2, sorted by powers of rho
        rest = radius * (2 * _times_sine(((d - 1) ** 2 - q**2) * one) + _slope(one, d - 1, q))
        inner = _times_sine(((d - 2) ** 2 - q**2) * two) + _slope(two, d - 2, q)
        rest += radius**2 * _times_sine(inner) + (square - lower) * two
        rest += 2 * radius * square * _times_sine(three) + radius**2 * square * _times_sine(_times_sine(four))
        # The Laplacian of rho^n e^{i q theta} has the factor n^2 - q^2, and frequencies of the rest stay below n - 1.
        terms[j] = -rest / np.where(np.abs(q) < d - 0.5, d**2 - q**2, np.inf)
        slope = np.sum(1j * q * terms[j] * np.exp(1j * np.pi * q), axis=1)  # on the wall's upper side; must vanish
        # by adding cos(n theta), of slope -n sin(n pi), or sin(n theta), of slope n cos(n pi)
        amount = slope / (n * np.sin(n * np.pi)) / 2 if half else -slope / (n * np.cos(n * np.pi)) / 2j
        terms[j, rows, up + j] += amount
        terms[j, rows, down - j] += amount if half else -amount
    kept = 2 * terms[:, :, q >= 0]
    if not half:
        kept[:, :, 0] /= 2
    return kept.real, -kept.imag


def _times_sine(values: Array) -> Array:
    """Coefficients of sin(theta) f."""
    up, down = _shifted(values)
    return (up - down) / 2j


def _slope(values: Array, degree: Array, q: Array) -> Array:
    """Coefficients of the r-derivative of rho^degree f, over rho^{degree - 1}."""
    up, _ = _shifted((q - degree) * values)
    _, down = _shifted((q + degree) * values)
    return 0.5j * (up + down)


def _shifted(values: Array) -> tuple[Array, Array]:
    """Coefficients of e^{i theta} f and e^{-i theta} f."""
    up, down = np.zeros_like(values), np.zeros_like(values)
    up[:, 1:], down[:, :-1] = values[:, :-1], values[:, 1:]
    return up, down
