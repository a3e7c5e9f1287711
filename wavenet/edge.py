r"""Derivatives around the lip on any grid, by functions learned from fields.

Close to the lip a field is smooth in the square root of the distance and in the angle, but not in x and r: velocities
grow like rho^{-1/2}. `EdgeFunctions` learns, from the potentials of many fields at `nodes` around the lip, how such
fields vary: their covariance, as functions of sqrt(rho) and the angle. On a grid, wherever the lip lies in its cell and
whatever the spacing, the derivatives are then those of the most likely such field through the values of psi in a disc:
a linear map with real weights, the same for every case.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import nn

from .waves import WaveDerivatives

_CLOSEST = 4e-6  # distance to the lip of the innermost nodes [radii]


@dataclass(frozen=True)
class EdgeConfig:
    """radius of the disc that is learned [radii]; nodes in sqrt(rho) and in the angle; functions that are kept."""

    radius: float = 0.42
    roots: int = 26
    angles: int = 64
    functions: int = 300

    def __post_init__(self):
        if not _CLOSEST < self.radius < 1 or min(self.roots, self.angles, self.functions) < 4:
            raise ValueError(f"the radius must lie in ({_CLOSEST}, 1) and the counts be at least 4, got {self}")


def nodes(config):
    """x and r [radii], (root, angle) arrays, of where `EdgeFunctions.fit` needs potentials: Chebyshev nodes.

    The angle runs from the wall's inner side through the open to its outer side.
    """
    low, high = np.sqrt(_CLOSEST), np.sqrt(config.radius)
    root = low + (high - low) * (chebyshev.chebpts1(config.roots) + 1) / 2
    angle = np.pi * (chebyshev.chebpts1(config.angles) + 1)
    rho, turn = root[:, None] ** 2, angle - np.pi
    return rho * np.cos(turn), 1 + rho * np.sin(turn)


class EdgeFunctions(nn.Module):
    """What fields look like around the lip: functions of sqrt(rho) and angle, each with its variance.

    coefficients : (function, root, angle), of Chebyshev polynomials; variance : (function,). Zero until `fit`.
    """

    coefficients: torch.Tensor
    variance: torch.Tensor

    def __init__(self, config):
        super().__init__()
        self.config = config
        shape = config.functions, config.roots, config.angles
        self.register_buffer("coefficients", torch.zeros(shape, dtype=torch.float64))
        self.register_buffer("variance", torch.zeros(config.functions, dtype=torch.float64))

    def fit(self, potential):
        """Learn from potentials (case, 2, root, angle) at the `nodes`, real and imaginary parts.

        Raises
        ------
        ValueError
            Another shape, values that are not finite, or a field that is zero.
        """
        potential = np.asarray(potential, dtype=float)
        config = self.config
        if potential.ndim != 4 or potential.shape[1:] != (2, config.roots, config.angles):
            raise ValueError(f"expected (case, 2, {config.roots}, {config.angles}), got {potential.shape}")
        size = np.sqrt(np.mean(potential**2, axis=(1, 2, 3)))
        if not np.all(np.isfinite(size) & (size > 0)):
            raise ValueError("potentials must be finite, and none of the fields zero")
        fields = (potential / size[:, None, None, None]).reshape(2 * len(potential), -1)
        _, sizes, functions = np.linalg.svd(fields, full_matrices=False)
        kept = min(config.functions, len(sizes))
        values = functions[:kept].reshape(kept, config.roots, config.angles)
        left, right = (np.linalg.inv(_chebyshev(count)) for count in (config.roots, config.angles))
        self.coefficients.zero_()
        self.variance.zero_()
        self.coefficients[:kept] = torch.from_numpy(left @ values @ right.T)
        self.variance[:kept] = torch.from_numpy(sizes[:kept] ** 2 / len(fields))

    def evaluate(self, x, r):
        """Values and x- and r-derivatives (point, function) at points in the disc, (point,) arrays [radii]."""
        rho, turn = np.hypot(x, r - 1), np.arctan2(r - 1, x)
        root = np.sqrt(np.maximum(rho, _CLOSEST))
        low, high = np.sqrt(_CLOSEST), np.sqrt(self.config.radius)
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

    def maps(self, seen, at, noise):
        """Matrices (at, seen) of the x- and the r-derivative.

        seen, at : pairs (x, r) of (point,) arrays, in the disc. noise : variance of the values seen, over the largest
        there is among the functions.
        """
        deviation = np.sqrt(self.variance.cpu().numpy())
        if not np.any(deviation):
            raise ValueError("the edge functions have not been fitted")
        values = self.evaluate(*seen)[0] * deviation
        left, sizes, right = np.linalg.svd(values, full_matrices=False)
        most_likely = (right.T * (sizes / (sizes**2 + noise * sizes[0] ** 2))) @ left.T
        _, along_x, along_r = self.evaluate(*at)
        return (along_x * deviation) @ most_likely, (along_r * deviation) @ most_likely


class EdgeDerivatives(nn.Module):
    """(u, v) of potentials (case, 2, x, r) with parameters (case, 3), m, ka, M, on a grid: (case, 4, x, r).

    Around the lip by learned functions, elsewhere by wave stencils. Linear in the potential, with real weights.

    Parameters
    ----------
    edge : EdgeFunctions
    x, r : (n,) float arrays
        Evenly spaced cell centres [radii], none on the lip.
    inner : float
        Distance to the lip up to which the learned functions are used [radii].
    noise : float
        See `EdgeFunctions.maps`; 1e-13 for values exact to double precision.
    """

    def __init__(self, edge, x, r, *, inner=0.2, noise=1e-13):
        super().__init__()
        if not 0 < inner < edge.config.radius:
            raise ValueError(f"inner must lie between 0 and the learned radius {edge.config.radius}, got {inner}")
        grid = np.meshgrid(np.asarray(x, float), np.asarray(r, float), indexing="ij")
        rho = np.hypot(grid[0], grid[1] - 1)
        if np.min(rho) < _CLOSEST:
            raise ValueError(f"a cell's centre lies {np.min(rho):.1e} from the lip, the least is {_CLOSEST}")
        self.waves = WaveDerivatives(x, r)
        seen, at = rho < 0.95 * edge.config.radius, rho < inner
        maps = edge.maps([axis[seen] for axis in grid], [axis[at] for axis in grid], noise)
        for name, value in (("seen", seen), ("at", at), ("along_x", maps[0].T), ("along_r", maps[1].T)):
            self.register_buffer(name, torch.from_numpy(value), persistent=False)

    def forward(self, potential, parameters):
        velocity = self.waves(potential, parameters)
        values = potential.double()[:, :, self.seen]
        velocity[:, :2, self.at], velocity[:, 2:, self.at] = values @ self.along_x, values @ self.along_r
        return velocity


def _chebyshev(count):
    return chebyshev.chebvander(chebyshev.chebpts1(count), count - 1)


def _basis(at, count):
    """Chebyshev polynomials and their derivatives, (point, degree)."""
    slopes = chebyshev.chebder(np.eye(count))  # (degree, polynomial)
    return chebyshev.chebvander(at, count - 1), chebyshev.chebval(at, slopes).T
