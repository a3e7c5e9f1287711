r"""Derivatives around the lip on any grid, by functions learned from fields.

Close to the lip a field is smooth in the square root of the distance rho and in the angle, but not in x and r:
velocities grow like rho^{-1/2}. `EdgeFunctions` holds the covariance of such fields, as functions of sqrt(rho) and the
angle, estimated from the potentials of many fields at Chebyshev nodes around the lip. On a grid of any spacing and
offset, the derivatives are those of the most likely field given the values of psi in a disc: a linear map with real
weights, the same for every case.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from numpy.polynomial import chebyshev
from torch import nn

from ..arrays import Array, BoolArray, FloatArray

Points = tuple[FloatArray, FloatArray]  # x and r, (point,) each [radii]

_FLOOR = 1e-7  # deviation of fields from the learned functions, relative: the solver's error and truncation
_RIM = 0.95  # fraction of the disc's radius within which values are used: polynomials are least accurate at its rim


@dataclass(frozen=True)
class EdgeConfig:
    """Disc around the lip and number of functions.

    radius, closest : radius of the disc and distance of the closest nodes [radii]; roots, angles : number of nodes in
    sqrt(rho) and in the angle; functions : number of functions kept
    """

    radius: float = 0.42
    closest: float = 4e-6
    roots: int = 26
    angles: int = 64
    functions: int = 300

    def __post_init__(self) -> None:
        if not 0 < self.closest < self.radius < 1 or min(self.roots, self.angles, self.functions) < 4:
            raise ValueError(f"expected 0 < closest < radius < 1 and counts of at least 4, got {self}")

    @classmethod
    def of_nodes(cls, root: npt.ArrayLike, angle: npt.ArrayLike, functions: int = 300) -> Self:
        """Configuration with the given Chebyshev nodes, (n,) arrays, as in an edge dataset.

        Raises
        ------
        ValueError
            The nodes are not Chebyshev nodes of a disc.
        """
        root, angle = np.asarray(root, float), np.asarray(angle, float)
        middle, half = (root[-1] + root[0]) / 2, (root[-1] - root[0]) / 2 / chebyshev.chebpts1(len(root))[-1]
        config = cls(
            round(float(middle + half) ** 2, 12), round(float(middle - half) ** 2, 15), len(root), len(angle), functions
        )
        for name, found, expected in zip(("root", "angle"), (root, angle), config.nodes(), strict=True):
            if not np.allclose(found, expected, rtol=0, atol=1e-9):
                raise ValueError(f"the nodes in {name} are not Chebyshev nodes of a disc")
        return config

    def nodes(self) -> tuple[FloatArray, FloatArray]:
        """sqrt(rho) and angle of the nodes; the angle runs from -pi, inside the wall, to pi, outside it."""
        low, high = np.sqrt(self.closest), np.sqrt(self.radius)
        root = low + (high - low) * (chebyshev.chebpts1(self.roots) + 1) / 2
        return root, np.pi * chebyshev.chebpts1(self.angles)


class EdgeFunctions(nn.Module):
    """Principal components of fields around the lip: functions of sqrt(rho) and angle, each with its variance.

    coefficients : (function, root, angle) of Chebyshev polynomials; variance : (function,). Both are zero until `fit`.
    """

    coefficients: torch.Tensor
    variance: torch.Tensor

    def __init__(self, config: EdgeConfig) -> None:
        super().__init__()
        self.config = config
        shape = config.functions, config.roots, config.angles
        self.register_buffer("coefficients", torch.zeros(shape, dtype=torch.float64))
        self.register_buffer("variance", torch.zeros(config.functions, dtype=torch.float64))

    def fit(self, potential: npt.ArrayLike) -> None:
        """Learn from potentials (case, 2, root, angle) at the configuration's nodes, real and imaginary parts.

        Each field is divided by its root mean square, so that all count alike.

        Raises
        ------
        ValueError
            A different shape, values that are not finite, or a field that is zero.
        """
        psi = np.asarray(potential, dtype=float)
        config = self.config
        if psi.ndim != 4 or psi.shape[1:] != (2, config.roots, config.angles):
            raise ValueError(f"expected (case, 2, {config.roots}, {config.angles}), got {psi.shape}")
        size = np.sqrt(np.mean(psi**2, axis=(1, 2, 3)))
        bad = np.flatnonzero(~(np.isfinite(size) & (size > 0)))
        if len(bad):
            raise ValueError(
                f"potentials must be finite, and none of the fields zero, got rms {size[bad[0]]} in field {bad[0]}"
            )
        fields = (psi / size[:, None, None, None]).reshape(2 * len(psi), -1)
        _, sizes, functions = np.linalg.svd(fields, full_matrices=False)
        kept = min(config.functions, len(sizes))
        values = functions[:kept].reshape(kept, config.roots, config.angles)
        left, right = (np.linalg.inv(_chebyshev(count)) for count in (config.roots, config.angles))
        self.coefficients.zero_()
        self.variance.zero_()
        self.coefficients[:kept] = torch.from_numpy(left @ values @ right.T)
        self.variance[:kept] = torch.from_numpy(sizes[:kept] ** 2 / len(fields))

    def evaluate(self, x: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Values and their x- and r-derivatives, (point, function), at points in the disc, (point,) arrays [radii]."""
        rho, turn = np.hypot(x, r - 1), np.arctan2(r - 1, x)
        root = np.sqrt(np.maximum(rho, self.config.closest))
        low, high = np.sqrt(self.config.closest), np.sqrt(self.config.radius)
        along, d_along = _basis(2 * (root - low) / (high - low) - 1, self.config.roots)
        around, d_around = _basis(turn / np.pi, self.config.angles)
        coefficients = self.coefficients.cpu().numpy()
        inner = np.einsum("na,kta->nkt", around, coefficients, optimize=True)
        value = np.einsum("nkt,nt->nk", inner, along)
        of_root = np.einsum("nkt,nt->nk", inner, d_along * 2 / (high - low))
        inner = np.einsum("na,kta->nkt", d_around / np.pi, coefficients, optimize=True)
        of_turn = np.einsum("nkt,nt->nk", inner, along)
        grows, turns = (1 / (2 * root))[:, None], (1 / rho)[:, None]
        cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
        return value, grows * cos * of_root - turns * sin * of_turn, grows * sin * of_root + turns * cos * of_turn

    def maps(self, seen: Points, at: Points, noise: float = 0.0) -> tuple[FloatArray, FloatArray]:
        """Matrices (at, seen) of the x- and the r-derivative.

        Parameters
        ----------
        seen, at : pairs (x, r) of (point,) arrays
            Points in the disc where values are given, and where derivatives are wanted [radii].
        noise : float
            Root mean square of the noise in the values over that of the field there.

        Raises
        ------
        ValueError
            The functions have not been fitted.
        """
        deviation = np.sqrt(self.variance.cpu().numpy())
        if not np.any(deviation):
            raise ValueError("the edge functions have not been fitted: call fit, or load a fitted run")
        values = self.evaluate(*seen)[0] * deviation
        left, sizes, right = np.linalg.svd(values, full_matrices=False)
        most_likely = (right.T * (sizes / (sizes**2 + noise**2 + _FLOOR**2))) @ left.T
        _, along_x, along_r = self.evaluate(*at)
        return (along_x * deviation) @ most_likely, (along_r * deviation) @ most_likely


class EdgeMap(nn.Module):
    """(u, v) around the lip, zero elsewhere, of potentials (case, 2, x, r): (case, 4, x, r), double precision.

    It is a linear layer with fixed, real weights from the cells in the disc to those within `inner` of the lip.

    Parameters
    ----------
    edge : EdgeFunctions
    x, r : (n,) float arrays
        Cell centres [radii], none at the lip.
    inner : float
        Distance to the lip within which velocities are given [radii].
    noise : float
        See `EdgeFunctions.maps`.

    Attributes
    ----------
    known : (x, r) bool tensor
        Cells where velocities are given.

    Raises
    ------
    ValueError
        `inner` exceeds the disc, a cell's centre lies at the lip, or none lies within `inner`.
    """

    known: torch.Tensor

    def __init__(
        self, edge: EdgeFunctions, x: npt.ArrayLike, r: npt.ArrayLike, *, inner: float = 0.36, noise: float = 0.0
    ) -> None:
        super().__init__()
        x, r = np.asarray(x, float), np.asarray(r, float)
        if not 0 < inner < edge.config.radius:
            raise ValueError(f"inner must lie between 0 and the learned radius {edge.config.radius}, got {inner}")
        rho = np.hypot(x[:, None], r - 1)
        if np.min(rho) < edge.config.closest:
            raise ValueError(
                f"a cell's centre lies {np.min(rho):.1e} from the lip, expected {edge.config.closest} or more"
            )
        seen, known = rho < _RIM * edge.config.radius, rho < inner
        if not np.any(known):
            raise ValueError(f"no cell's centre lies within {inner} of the lip, the closest at {np.min(rho):.3g}")
        self._window, self._middle = _bounds(seen), _bounds(known)
        of_seen, of_known = ((x[i], r[j]) for i, j in (np.nonzero(seen), np.nonzero(known)))
        maps = edge.maps(of_seen, of_known, noise)
        shape, of_window = rho[self._middle].shape, seen[self._window].ravel()
        weight = np.zeros((2, rho[self._middle].size, rho[self._window].size))
        for row, values in zip(weight, maps, strict=True):
            row[np.ix_(known[self._middle].ravel(), of_window)] = values
        self.map = nn.Linear(weight.shape[2], 2 * weight.shape[1], bias=False, dtype=torch.float64)
        self.map.weight = nn.Parameter(torch.from_numpy(weight.reshape(-1, weight.shape[2])), requires_grad=False)
        self._shape = shape
        i, j = self._middle
        self._pad = (j.start, len(r) - j.stop, i.start, len(x) - i.stop)
        self.register_buffer("known", torch.from_numpy(known), persistent=False)

    def forward(self, psi: torch.Tensor) -> torch.Tensor:
        i, j = self._window
        cells = self.map(psi[:, :, i, j].double().flatten(2))
        u, v = cells[:, :, : cells.shape[2] // 2], cells[:, :, cells.shape[2] // 2 :]
        both = torch.cat([u, v], dim=1).reshape(len(psi), 4, *self._shape)
        return nn.functional.pad(both, self._pad)


def _bounds(mask: BoolArray) -> tuple[slice, slice]:
    """Slices of the smallest rectangle that contains all True cells."""
    i, j = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(i[0]), int(i[-1]) + 1), slice(int(j[0]), int(j[-1]) + 1)


def _chebyshev(count: int) -> Array:
    """Chebyshev polynomials at as many Chebyshev nodes, (node, degree)."""
    return chebyshev.chebvander(chebyshev.chebpts1(count), count - 1)


def _basis(at: FloatArray, count: int) -> tuple[Array, Array]:
    """Chebyshev polynomials and their derivatives, (point, degree)."""
    slopes = chebyshev.chebder(np.eye(count))  # (degree, polynomial)
    return chebyshev.chebvander(at, count - 1), chebyshev.chebval(at, slopes).T
