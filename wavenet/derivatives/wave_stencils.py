r"""Finite-difference stencils fitted to the waves of a case, given its Helmholtz and Mach numbers.

At Helmholtz number k and Mach number M a field consists of waves exp(i mu x) with -k / (1 - M) <= mu <= k / (1 + M) and
radial wavenumbers up to k / sqrt(1 - M^2), and of evanescent waves. The weights of a stencil minimise the squared error
over these waves and are exact for polynomials up to degree six. No stencil reaches across the wall r = 1, x < 0. Next
to the wall the radial stencils use zero slope on it, at the axis the parity psi(-r) = (-1)^m psi(r). Weights are real
and the same for real and imaginary part, so the derivative is linear and complex-homogeneous.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ..arrays import FloatArray
from .differences import FixedDerivatives

WIDTH = 11  # points of a stencil by default: four unknowns are left for the waves beside the exact polynomials
_WAVES = 64  # wavenumbers in the fit, at Chebyshev points of their range: several per degree of freedom of 19 points
_DECAYS = (0.15, 0.3, 0.6, 1.0)  # exponents of the evanescent waves in the fit, over the largest wavenumber
_DEGREE = 6  # polynomials up to this degree are differentiated exactly: the limit of small k, and of order six
_NOISE = 1e-14  # mean square of the rounding errors in the values over that of the waves; bounds the weights' size
_MARGIN = 1.05  # on the range of wavenumbers: near the lip and near cut-on a field extends a little beyond it
_KEPT = 2**28  # bytes of matrices kept between calls
_COARSEST = 2.5  # points per wavelength below which stencils are refused: two is the sampling limit
# Spacings between the wall and a stencil's nearest point within which the stencil uses the wall condition: the nearest
# row of cells, at half a spacing, and not the next one, at one and a half.
_BESIDE = 0.75


def wave_weights(
    offsets: FloatArray, wavenumber: float, flat: FloatArray | None = None, noise: float = 0.0
) -> FloatArray:
    """Weights of stencils for the derivative at offset zero.

    Parameters
    ----------
    offsets : (stencil, point) float array
        Positions of the points [radii].
    wavenumber : float
        Largest wavenumber [1/radius].
    flat : (stencil,) float array, optional
        Positions of a wall on which the slope is zero [radii].
    noise : float
        Root mean square of the noise in the values over that of the field; the fit limits its amplification.

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
        if wall is not None:  # the slope on the wall is one more value; it is zero
            value = np.concatenate([value, function(numbers, wall)[1][..., None]], axis=2)
        scale = np.maximum(np.max(np.abs(value), axis=2), np.abs(slope))
        if function is _growing:  # scaled, so that large exponentials do not dominate the fit
            value, slope = value / scale[..., None], slope / scale
        rows.append(value)
        slopes.append(slope)
    if wall is not None:
        ends = degree * wall ** np.maximum(degree - 1, 0)
        exact = np.concatenate([exact, ends[..., None]], axis=2)
    matrix, target = np.concatenate(rows, axis=1), np.concatenate(slopes, axis=1)
    size_of_noise = np.full(matrix.shape[2], np.sqrt((_NOISE + noise**2) * _WAVES))
    size_of_noise[offsets.shape[1] :] = np.sqrt(_NOISE * _WAVES)  # the slope on the wall has no noise
    matrix = np.concatenate([matrix, np.broadcast_to(np.diag(size_of_noise), (len(t), *2 * matrix.shape[2:]))], axis=1)
    target = np.concatenate([target, np.zeros((len(t), matrix.shape[2]))], axis=1)
    first = (np.linalg.pinv(exact) @ (degree == 1).astype(float)[:, None])[..., 0]
    free = np.linalg.svd(exact)[2][:, _DEGREE + 1 :].transpose(0, 2, 1)
    left = target - (matrix @ first[..., None])[..., 0]
    rest = (np.linalg.pinv(matrix @ free, rcond=1e-15) @ left[..., None])[..., 0]
    weights = first + (free @ rest[..., None])[..., 0]
    return weights[:, : offsets.shape[1]] / size


def _cosine(number: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """cos(number at) and its slope."""
    return np.cos(number * at), -number * np.sin(number * at)


def _sine(number: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """sin(number at) and its slope."""
    return np.sin(number * at), number * np.cos(number * at)


def _growing(number: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """exp(number at) and its slope."""
    return np.exp(number * at), number * np.exp(number * at)


Matrices = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # axial; radial for x < 0, for x > 0


class _Axis:
    """Stencils along one axis, each of the nearest points on the same side of the wall.

    With `mirrored`, points are continued to r < 0; `slope`: whether stencils beside the wall use zero slope on it.
    """

    def __init__(
        self,
        points: FloatArray,
        width: int,
        *,
        wall: float | None = None,
        slope: bool = True,
        mirrored: bool = False,
    ) -> None:
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
            if wall is not None and slope and np.min(np.abs(place[nearest] - wall)) < _BESIDE * spacing:
                self._flat[row] = wall - here
        taken = np.array(chosen)
        self._index, self._image = index[taken], image[taken]
        self._offsets = place[taken] - points[:, None]
        # Equal stencils are computed once; rounding makes those of a uniform grid equal.
        flat = np.where(np.isnan(self._flat), 1e6 * spacing, self._flat)  # NaN never equals NaN
        key = np.concatenate([self._offsets, flat[:, None]], axis=1) / spacing
        _, self._first, self._same = np.unique(np.round(key, 9), axis=0, return_index=True, return_inverse=True)

    def matrix(self, wavenumber: float, parity: int, noise: float) -> FloatArray:
        """Differentiation matrix (at, point); parity is the sign of mirrored values."""
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
        Cell centres [radii], evenly spaced, at least `width` on each side of the wall.
    width : int
        Number of points of a stencil.
    noise : float
        See `wave_weights`.
    wall, axis : bool
        Whether the stencils use zero slope on the wall, and the parity at the axis.

    Raises
    ------
    ValueError
        There are too few points for a stencil or, in `forward`, per wavelength.
    """

    def __init__(
        self,
        x: npt.ArrayLike,
        r: npt.ArrayLike,
        *,
        width: int = WIDTH,
        noise: float = 0.0,
        wall: bool = True,
        axis: bool = True,
    ) -> None:
        super().__init__()
        self._x, self._r, self._noise = np.asarray(x, float), np.asarray(r, float), noise
        self._axial = _Axis(self._x, width)
        self._walled = _Axis(self._r, width, wall=1.0, slope=wall, mirrored=axis)
        self._free = _Axis(self._r, width, mirrored=axis)
        self._known: dict[tuple[int, float, float], Matrices] = {}

    def _matrices(self, parity: int, helmholtz: float, mach: float) -> Matrices:
        """Matrices of one case, kept for later calls."""
        key = parity, helmholtz, mach
        if key not in self._known:
            size = 8 * (len(self._x) ** 2 + 2 * len(self._r) ** 2)
            if (len(self._known) + 1) * size > _KEPT:
                self._known.clear()
            self._known[key] = self._compute(*key)
        return self._known[key]

    def _compute(self, parity: int, helmholtz: float, mach: float) -> Matrices:
        """Axial matrix, and radial ones for x < 0 and x > 0, of one case."""
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
        return torch.from_numpy(axial), torch.from_numpy(walled), torch.from_numpy(free)

    def matrices(self, parameters: torch.Tensor) -> Matrices:
        """Axial (case, x, x) and radial (case, r, r) matrices, these for x < 0 and x > 0, of parameters (case, 3)."""
        cases = [self._matrices(-1 if int(m) % 2 else 1, ka, mach) for m, ka, mach in parameters.double().tolist()]
        axial, walled, free = (torch.stack(parts).to(parameters.device) for parts in zip(*cases, strict=True))
        return axial, walled, free

    def fixed(self, parameters: torch.Tensor) -> FixedDerivatives:
        """The derivatives of one case, parameters (1, 3), as linear layers with fixed weights."""
        return FixedDerivatives(self._x, *(values[0] for values in self.matrices(parameters)))

    def forward(self, psi: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        axial, walled, free = (matrix.to(psi.device) for matrix in self.matrices(parameters))
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
