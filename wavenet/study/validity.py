"""Whether a network may be trusted with a case: the training's ranges, the tested grids, the field's equation."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from data.field import Potential, Pressure
from wavenet.derivatives.constrained import ConstrainedNetwork
from wavenet.derivatives.equations import helmholtz_residual

_SLACK = 0.01  # of a range, by which it may be left: ranges are those of finitely many random cases
SPACING = 0.3  # relative change of the training grid's spacing that was tested (examples/derivatives_on_any_grid.py)
RESIDUAL = 0.02  # of the equation, relative: largest of a sound field on a tested grid, with a margin
OF_NOISE = 2.0  # what noise in the potential adds to the residual, over the noise
_EDGE = 4  # cells next to the wall, the axis and the ends, where stencils are one-sided
_AROUND_LIP = 0.3  # radius around the lip in which the field is singular [duct radii]
_DOUBT = 6.0  # differences of slopes that are doubted: noise alone has a slope of 2.4 of them
_CELLS = 6  # next to the wall, for the slope at it
_SOFT = 0.02  # slope at the wall over ka times the field, 1 / |Z|: below 3e-4 of hard walls on the training's grid


class Parameters(Protocol):
    """Azimuthal order, Helmholtz and Mach number of a field or a mode."""

    @property
    def m(self) -> int: ...
    @property
    def helmholtz(self) -> float: ...
    @property
    def mach(self) -> float: ...


def outside(values: npt.ArrayLike, low: float, high: float) -> npt.NDArray[np.bool_]:
    """Whether values are outside of a range, by more than 1 % of its width."""
    values, slack = np.asarray(values), _SLACK * (high - low)
    return (values < low - slack) | (values > high + slack)


def outside_of_training(given: Parameters, ranges: Mapping[str, Sequence[float]]) -> list[str]:
    """Parameters of a field or mode that are outside the training ranges, a line each."""
    lines = []
    for name, value in (("m", abs(given.m)), ("helmholtz", given.helmholtz), ("mach", given.mach)):
        if name in ranges:
            low, high = ranges[name]
            if outside(value, low, high):
                lines.append(f"{name} = {value:.4g} is outside the training range {low:.4g} ... {high:.4g}")
    return lines


def untested_spacings(given: Potential | Pressure, trained: Any) -> list[str]:
    """Spacings of a field's grid that differ from the trained configuration's by more than was tested, a line each."""
    lines = []
    for name in "xr":
        steps = [float(points[1] - points[0]) for points in (getattr(given, name), getattr(trained, name))]
        if abs(steps[0] / steps[1] - 1) > SPACING + _SLACK:
            tested = f"{(1 - SPACING) * steps[1]:.4g} ... {(1 + SPACING) * steps[1]:.4g}"
            lines.append(f"the spacing in {name}, {steps[0]:.4g}, is outside the tested range {tested}")
    return lines


def equation_residual(
    model: ConstrainedNetwork, psi: torch.Tensor, parameters: torch.Tensor, velocity: torch.Tensor
) -> float | None:
    """Residual of the convected Helmholtz equation, relative root mean square, away from lip, wall, axis and ends.

    Parameters
    ----------
    model : ConstrainedNetwork
        On the field's grid; its narrow stencils give the second derivatives.
    psi : (case, 2, x, r) tensor
    parameters : (case, 3) tensor
        m, ka, M.
    velocity : (case, 4, x, r) tensor
        Real and imaginary part of u, then of v.

    Returns
    -------
    float or None
        Root mean square of the residual over (ka)^2, relative to psi; None if no cell is that far from everything.
    """
    u, v = velocity[:, :2], velocity[:, 2:]
    x, r = (psi.new_tensor(points, dtype=torch.float64) for points in (model.config.x, model.config.r))
    terms = dict(zip(("m", "helmholtz", "mach"), parameters.T, strict=True))
    along, across = model.narrow(u, parameters)[:, :2], model.narrow(v, parameters)[:, 2:]
    residual = helmholtz_residual(psi, u, along, v, across, r, **terms)
    step = r[1] - r[0]
    rows = (torch.abs(r - 1) > _EDGE * step) & (r > _EDGE * step) & (r < r[-_EDGE])
    columns = (x > x[_EDGE]) & (x < x[-_EDGE - 1])
    far = columns[:, None] & rows & (torch.hypot(x[:, None], r - 1) > _AROUND_LIP)
    if not torch.any(far):
        return None
    return float((residual[..., far].square().mean() / psi[..., far].square().mean()).sqrt())


def missed_equation(given: Potential | Pressure, residual: float | None, noise: float = 0.0) -> list[str]:
    """Warning line if a residual speaks against a field, or none. noise : relative root mean square."""
    if residual is None:
        return ["the grid is too small to check that the convected Helmholtz equation holds"]
    if residual > RESIDUAL + OF_NOISE * noise:
        return [
            f"the convected Helmholtz equation of m = {given.m}, ka = {given.helmholtz:.4g}, M = {given.mach:.3g} is "
            f"missed by {residual:.1%}: the field is another, too coarse, or noisy"
        ]
    return []


def lined_wall(given: Potential | Pressure) -> list[str]:
    """Warning line where the wall of the duct is not hard, as that of a liner, or none.

    By the slope at the wall of a polynomial through the cells next to it, as far as one of lower degree agrees.
    """
    values = given.pressure if isinstance(given, Pressure) else given.potential
    rows, columns = np.flatnonzero(given.x < -_AROUND_LIP), np.flatnonzero(given.r < 1)[-_CELLS:]
    if len(rows) < _CELLS or len(columns) < _CELLS:
        return []
    near, distance = values[np.ix_(rows, columns)], given.r[columns] - 1
    slope, coarse = (near[:, first:] @ _slope(distance[first:]) for first in (0, 1))

    def size(one: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Root mean square over neighbours: a field has nodes."""
        return np.sqrt(np.convolve(np.abs(one) ** 2, np.ones(_CELLS) / _CELLS, "same"))

    soft = (size(slope) - _DOUBT * size(slope - coarse)) / (given.helmholtz * size(near[:, -1]))
    found = rows[soft > _SOFT]
    if not len(found):
        return []
    return [
        f"the duct's wall is not hard, about from x = {given.x[found[0]]:.3g} to {given.x[found[-1]]:.3g}: with a "
        "liner the network does not apply, and velocities next to it have larger errors than those given"
    ]


def _slope(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Weights of the derivative at 0, of a polynomial through values at these distances."""
    powers = np.vander(distance / distance[0], increasing=True)
    return np.linalg.solve(powers.T, np.eye(len(distance))[1]) / distance[0]
