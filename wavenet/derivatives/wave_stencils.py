r"""Derivatives that are exact, nearly, for the waves that a case can have: stencils that know its wavenumber.

Between walls a field of Helmholtz number k in a flow M is made of waves exp(i mu x) with -k / (1 - M) <= mu <= k / (1 +
M), whose radial wavenumbers are at most k / sqrt(1 - M^2), and of decaying ones. The weights of a stencil are those of
least squares over these waves, exact for polynomials of degree six besides. No stencil reaches across the wall r = 1,
x < 0; beside it the radial ones know that the slope on it is zero, and at the axis that psi(-r) = (-1)^m psi(r).
Weights are real and the same for real and imaginary part: the derivative is linear and complex-homogeneous.
"""

import numpy as np
import torch
from torch import nn

from .differences import FixedDerivatives

WIDTH = 11  # points of a stencil, where nothing else is said
_WAVES = 64  # over the range of wavenumbers, denser at its end
_DECAYS = (0.15, 0.3, 0.6, 1.0)  # exponents of real exponentials, over the largest wavenumber
_DEGREE = 6  # of the polynomials that are exact
_NOISE = 1e-14  # mean square, over the waves', of what the weights must not amplify whatever the field: rounding
_MARGIN = 1.05  # of the range of wavenumbers: a field near the lip or a mode near cut-on is not in it altogether
_KEPT = 2**28  # bytes of matrices that are kept
_COARSEST = 2.5  # points per wavelength below which nothing can be said


def wave_weights(offsets, wavenumber, flat=None, noise=0.0):
    """Weights of stencils for the derivative at offset zero.

    Parameters
    ----------
    offsets : (stencil, point) float array
        Of the points [radii].
    wavenumber : float
        The largest one [1/radius].
    flat : (stencil,) float array, optional
        Offsets of a wall on which the waves' slope is zero.
    noise : float
        Relative root mean square of the noise in the values, which the weights are to amplify little.

    Returns
    -------
    (stencil, point) float array [1/radius]
    """
    size = np.max(np.abs(offsets), axis=1, keepdims=True)
    t, top = offsets / size, wavenumber * size  # (stencil, point), (stencil, 1)
    place = np.cos((np.arange(_WAVES) + 0.5) * np.pi / _WAVES / 2)
    waves, decays = top * place, top * np.array(_DECAYS)
    degree = np.arange(_DEGREE + 1)
    functions = [(waves, _cosine), (waves, _sine), (decays, _growing), (-decays, _growing)]
    wall = None if flat is None else flat[:, None] / size
    rows, slopes, exact = [], [], t[:, None, :] ** degree[:, None]
    for numbers, function in functions:
        value = function(numbers[..., None], t[:, None, :])[0]
        slope = function(numbers, 0 * numbers)[1]
        if wall is not None:  # the slope on the wall is one more value, known to be zero
            value = np.concatenate([value, function(numbers, wall)[1][..., None]], axis=2)
        scale = np.maximum(np.max(np.abs(value), axis=2), np.abs(slope))
        if function is _growing:  # these are there to be bounded, not to count most
            value, slope = value / scale[..., None], slope / scale
        rows.append(value)
        slopes.append(slope)
    if wall is not None:
        ends = degree * wall ** np.maximum(degree - 1, 0)
        exact = np.concatenate([exact, ends[..., None]], axis=2)
    matrix, target = np.concatenate(rows, axis=1), np.concatenate(slopes, axis=1)
    size_of_noise = np.full(matrix.shape[2], np.sqrt((_NOISE + noise**2) * _WAVES))
    size_of_noise[offsets.shape[1] :] = np.sqrt(_NOISE * _WAVES)  # the slope on the wall is known
    matrix = np.concatenate([matrix, np.broadcast_to(np.diag(size_of_noise), (len(t), *2 * matrix.shape[2:]))], axis=1)
    target = np.concatenate([target, np.zeros((len(t), matrix.shape[2]))], axis=1)
    first = (np.linalg.pinv(exact) @ (degree == 1).astype(float)[:, None])[..., 0]
    free = np.linalg.svd(exact)[2][:, _DEGREE + 1 :].transpose(0, 2, 1)
    left = target - (matrix @ first[..., None])[..., 0]
    rest = (np.linalg.pinv(matrix @ free, rcond=1e-15) @ left[..., None])[..., 0]
    weights = first + (free @ rest[..., None])[..., 0]
    return weights[:, : offsets.shape[1]] / size


def _cosine(number, at):
    return np.cos(number * at), -number * np.sin(number * at)


def _sine(number, at):
    return np.sin(number * at), number * np.cos(number * at)


def _growing(number, at):
    return np.exp(number * at), number * np.exp(number * at)


class _Axis:
    """Stencils along one axis: the nearest points on the same side of the wall, or mirrored in the axis r = 0."""

    def __init__(self, points, width, *, wall=None, slope=True, mirrored=False):
        count = len(points)
        index, place = np.arange(count), points
        if mirrored:
            images = index[points > 0][::-1]
            index, place = np.concatenate([images, index]), np.concatenate([-points[images], points])
        image = np.arange(len(index)) < len(index) - count
        spacing = points[1] - points[0]
        chosen, self._flat = [], np.full(count, np.nan)
        for row, here in enumerate(points):
            same = np.arange(len(place))
            if wall is not None:
                same = np.flatnonzero(np.abs(place) < wall if here < wall else place > wall)
            if len(same) < width:
                raise ValueError(f"a stencil needs {width} points on each side of the wall and axis, got {len(same)}")
            nearest = np.sort(same[np.argsort(np.abs(place[same] - here), kind="stable")[:width]])
            chosen.append(nearest)
            if wall is not None and slope and np.min(np.abs(place[nearest] - wall)) < 0.75 * spacing:
                self._flat[row] = wall - here
        taken = np.array(chosen)
        self._index, self._image = index[taken], image[taken]
        self._offsets = place[taken] - points[:, None]
        # Alike stencils are computed once; rounding keeps those of a uniform grid together.
        flat = np.where(np.isnan(self._flat), 1e6 * spacing, self._flat)  # one NaN is not another
        key = np.concatenate([self._offsets, flat[:, None]], axis=1) / spacing
        _, self._first, self._same = np.unique(np.round(key, 9), axis=0, return_index=True, return_inverse=True)

    def matrix(self, wavenumber, parity, noise):
        """Differentiation matrix (at, point)."""
        unique = np.empty((len(self._first), self._offsets.shape[1]))
        walled = np.isfinite(self._flat[self._first])
        for some in (walled, ~walled):
            if np.any(some):
                flat = self._flat[self._first][some] if some is walled else None
                unique[some] = wave_weights(self._offsets[self._first][some], wavenumber, flat, noise)
        weights = unique[self._same.ravel()] * np.where(self._image, parity, 1)
        result = np.zeros((len(self._index), len(self._index)))
        np.add.at(result, (np.arange(len(result))[:, None], self._index), weights)
        return result


class WaveDerivatives(nn.Module):
    """(u, v) of potentials (case, 2, x, r) of parameters (case, 3), m, ka, M: (case, 4, x, r), double precision.

    Parameters
    ----------
    x, r : (n,) float arrays
        Cell centres [radii], evenly spaced, on no side of the wall fewer than the stencils' points.
    width : int
        Points of a stencil.
    noise : float
        See `wave_weights`.
    wall, axis : bool
        Whether the stencils know the slope on the wall and the parity at the axis.

    Raises
    ------
    ValueError
        Too few points, or, when it is used, too few of them per wavelength.
    """

    def __init__(self, x, r, *, width=WIDTH, noise=0.0, wall=True, axis=True):
        super().__init__()
        self._x, self._r, self._noise = np.asarray(x, float), np.asarray(r, float), noise
        self._axial = _Axis(self._x, width)
        self._walled = _Axis(self._r, width, wall=1.0, slope=wall, mirrored=axis)
        self._free = _Axis(self._r, width, mirrored=axis)
        self._known: dict = {}

    def _matrices(self, parity, helmholtz, mach):
        """Matrices of one case, kept for the next time."""
        key = parity, helmholtz, mach
        if key not in self._known:
            size = 8 * (len(self._x) ** 2 + 2 * len(self._r) ** 2)
            if (len(self._known) + 1) * size > _KEPT:
                self._known.clear()
            self._known[key] = self._compute(*key)
        return self._known[key]

    def _compute(self, parity, helmholtz, mach):
        numbers = helmholtz / (1 - abs(mach)), helmholtz / np.sqrt(1 - mach**2)
        for name, points, number in (("x", self._x, numbers[0]), ("r", self._r, numbers[1])):
            per_wave = 2 * np.pi / number / (points[1] - points[0])
            if per_wave < _COARSEST:
                raise ValueError(
                    f"{name} has {per_wave:.1f} points per wavelength at ka = {helmholtz:.4g}, M = {mach:.3g}, at "
                    f"least {_COARSEST} are needed"
                )
        axial = self._axial.matrix(_MARGIN * numbers[0], 1, self._noise)
        walled, free = (axis.matrix(_MARGIN * numbers[1], parity, self._noise) for axis in (self._walled, self._free))
        return tuple(torch.from_numpy(values) for values in (axial, walled, free))

    def matrices(self, parameters):
        """Axial (case, x, x), and radial (case, r, r) ones for x < 0 and for x > 0, of parameters (case, 3)."""
        cases = [self._matrices(-1 if int(m) % 2 else 1, ka, mach) for m, ka, mach in parameters.double().tolist()]
        return tuple(torch.stack(parts).to(parameters.device) for parts in zip(*cases, strict=True))

    def fixed(self, parameters):
        """The same for one case (1, 3) as linear layers with fixed weights."""
        return FixedDerivatives(self._x, *(values[0] for values in self.matrices(parameters)))

    def forward(self, psi, parameters):
        axial, walled, free = self.matrices(parameters)
        psi, upstream = psi.double(), int(np.sum(self._x < 0))
        u = axial[:, None] @ psi
        v = torch.cat(
            [
                psi[:, :, :upstream] @ walled[:, None].transpose(2, 3),
                psi[:, :, upstream:] @ free[:, None].transpose(2, 3),
            ],
            dim=2,
        )
        return torch.cat([u, v], dim=1)
