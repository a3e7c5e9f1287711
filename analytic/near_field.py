r"""Near field from its spectra: sums of waves exp(-i s x) over the nodes of a contour, on a grid or at points.

Upstream and downstream of the lip the potential is a sum of

    psi(x, r) = exp(-i sigma x) sum_n c_n exp(-i s_n x / beta) f_n(r),

with the transform's `shift` sigma and `scale` beta, so that a grid costs one matrix product for psi, u and v together
on either side. Half of the quadrature's nodes give the coarse value that the error estimate needs.
"""

import dataclasses
import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .arrays import ComplexArray, FloatArray
from .checks import broadcast_arrays, finite_array, grid_arrays
from .contour import POWER, contour
from .errors import ConvergenceError, check_estimate, quiet
from .layout import Grid, Layout, Points, Side
from .modal import depth, modal_field
from .waves import Factor, Spectra, Waves, norms

if TYPE_CHECKING:
    from .transform import Transform

QUANTITIES = ("potential", "axial_velocity", "radial_velocity", "pressure")
# Ratio of the tolerance to the quadrature error aimed at, whose estimate depends on the field: with 15 the first
# attempt suffices for 78 of 80 random modes of benchmarks/fields.py.
_SAFETY = 15.0
_LOOSEST = 0.01  # a looser tolerance than this saves no nodes: the estimate's assumption needs a converged rule
_MORE = 1.2, 2.0  # least and largest factor of the exponent of the error aimed at after a miss
_GROWTH = 7.0  # exponent of the growth of waves along the contour: rounding grows to e^7 eps, about 2e-13
_MOST = 40.0  # exponent beyond which rounding is the limit: e^-40 = 4e-18
_STALLED = 0.5  # ratio of successive estimates above which more nodes are no help: they should square the error
_ATTEMPTS = 5  # the exponent may have doubled four times by then, and reached _MOST
# Largest distance from the lip, times K, of a near field: a contour of some 100,000 nodes, which takes seconds.
FARTHEST = 1e5
_LONG = 5e3  # the same, beyond which the sum of duct modes replaces the contour deep inside the duct
CLOSEST = 1e-6  # least distance to the lip at which a field is computed [radii]: u grows as its inverse root


@dataclass(frozen=True)
class Field:
    """Near field at points (x, r), in duct radii; sound speed c and density rho are those of the duct's stream.

    Attributes
    ----------
    x, r : float arrays
        As passed in.
    potential, axial_velocity, radial_velocity, pressure : complex arrays, (x, r) on a tensor grid
        psi [a c], u = dpsi/dx and v = dpsi/dr [c], p [rho c^2].
    error_estimate : float
        Relative, the largest over psi, (u, v) and p of |error| / |value|, root mean squares over the points.
    reason : str
        Why there is no field, where failures are recorded (`near_fields`): then the arrays are 0 and the error estimate
        is inf. Else "".
    """

    x: FloatArray
    r: FloatArray
    potential: ComplexArray
    axial_velocity: ComplexArray
    radial_velocity: ComplexArray
    pressure: ComplexArray
    error_estimate: float
    reason: str = ""

    @property
    def valid(self) -> bool:
        """Whether there is a field."""
        return not self.reason


@quiet()
def grid_fields(
    families: "Sequence[Sequence[Transform]]", x: npt.ArrayLike, r: npt.ArrayLike, tolerance: float
) -> list[list[Field]]:
    """Near fields of many sources at once, on the tensor grid of x and r.

    Parameters
    ----------
    families : list of lists of Transform
        Transforms of one family share their factors and differ in their amplitudes only; those of several families come
        from one call of `Transform.several`.
    x, r : arrays
        See `Solution.field`, also for the errors raised.
    tolerance : float
        Largest error estimate accepted.

    Returns
    -------
    list of lists of Field
    """
    x, r = grid_arrays(x, r, hint="; see at()")
    if any(_is_deep(family[0], x, r) for family in families):
        rows, columns = np.broadcast_arrays(x[:, None], r)
        return [
            [dataclasses.replace(point_field(one, rows, columns, tolerance), x=x, r=r) for one in family]
            for family in families
        ]
    nearest = np.hypot(np.min(np.abs(x), initial=np.inf), np.min(np.abs(r - 1), initial=np.inf))
    return _fields(families, x, r, float(nearest), Grid, tolerance)


@quiet()
def point_field(transform: "Transform", x: npt.ArrayLike, r: npt.ArrayLike, tolerance: float) -> Field:
    """Near field at scattered points; x and r broadcast together."""
    x, r = broadcast_arrays(x=finite_array(x, "x"), r=finite_array(r, "r"))
    shape, x, r = x.shape, x.ravel(), r.ravel()
    nearest = float(np.min(np.hypot(x, r - 1), initial=np.inf))
    if _is_deep(transform, x, r):
        field = _deep_field(transform, x, r, nearest, tolerance)
    else:
        ((field,),) = _fields([[transform]], x, r, nearest, Points, tolerance)
    return reshaped(field, shape)


def reshaped(field: Field, shape: tuple[int, ...]) -> Field:
    """The field at points in arrays of another shape."""
    parts = {name: getattr(field, name).reshape(shape) for name in ("x", "r", *QUANTITIES)}
    return dataclasses.replace(field, **parts)


def _is_deep(transform: "Transform", x: FloatArray, r: FloatArray) -> bool:
    """Whether there are points so far inside the duct that the contour would be long."""
    return bool(np.min(r) <= 1 and -np.min(x) * transform.k > _LONG * transform.scale)


def _deep_field(transform: "Transform", x: FloatArray, r: FloatArray, nearest: float, tolerance: float) -> Field:
    """Near field at points some of which are deep inside the duct: duct modes there, the contour elsewhere."""
    check_positions(x, r, nearest, transform.source.hub)
    deep = (r <= 1) & (x < -depth(transform))
    values, error = np.empty((len(QUANTITIES), len(x)), complex), 0.0
    if np.any(deep):
        values[:, deep], error = modal_field(transform, x[deep], r[deep])
        check_estimate(error, tolerance, "the field", transform.described)
    if not np.all(deep):
        ((rest,),) = _fields([[transform]], x[~deep], r[~deep], nearest, Points, tolerance)
        values[:, ~deep] = [getattr(rest, name) for name in QUANTITIES]
        error = max(error, rest.error_estimate)
    return Field(x, r, values[0], values[1], values[2], values[3], error)


def superpose(orders: Sequence[Field], amplitudes: ComplexArray) -> list[Field]:
    """Fields of mixtures from those of their radial orders; the errors of the orders add up.

    amplitudes : (field, order) complex array.
    """
    count = len(orders)
    parts = {}
    for name in QUANTITIES:
        basis = np.array([getattr(field, name) for field in orders])
        parts[name] = (amplitudes @ basis.reshape(count, -1)).reshape(-1, *basis.shape[1:])
    sizes = [[np.linalg.norm(getattr(field, name)) for name in QUANTITIES] for field in orders]
    errors = np.abs(amplitudes) @ (np.array(sizes) * [[field.error_estimate] for field in orders])
    result = []
    for index in range(len(amplitudes)):
        values = {name: part[index] for name, part in parts.items()}
        size = np.array([np.linalg.norm(value) for value in values.values()])
        size[1:3], error = np.hypot(*size[1:3]), errors[index]
        error[1:3] = np.hypot(*error[1:3])
        result.append(Field(orders[0].x, orders[0].r, **values, error_estimate=float(np.max(error / size))))
    return result


def _fields(
    families: "Sequence[Sequence[Transform]]",
    x: FloatArray,
    r: FloatArray,
    nearest: float,
    layout: Callable[..., Layout],
    tolerance: float,
) -> list[list[Field]]:
    """Increase the number of nodes until every family meets the tolerance."""
    check_positions(x, r, nearest, families[0][0].source.hub)
    found: dict[int, list[Field]] = {}
    wanted = float(np.log(_SAFETY / min(tolerance, _LOOSEST)))
    aims = dict.fromkeys(range(len(families)), (wanted / POWER, _GROWTH))
    missed: dict[int, float] = {}
    for attempt in range(_ATTEMPTS):
        tried = _sums([families[index] for index in aims], x, r, nearest, layout, aims.values())
        for index, fields in zip(list(aims), tried, strict=True):
            worst = max(field.error_estimate for field in fields)
            exponent, growth = aims.pop(index)
            if worst <= tolerance:
                found[index] = fields
            elif not np.isfinite(worst) or (attempt >= 2 and worst > _STALLED * missed[index]):
                # An overflow, or what remains although both errors were reduced: more nodes leave it.
                check_estimate(worst, tolerance, "the field", families[index][0].described)
            elif attempt == 0:  # first reduce the quadrature's error only
                aims[index] = exponent * float(np.clip(wanted / max(-np.log(worst), 1e-3), *_MORE)), growth
            else:  # then that of rounding, too
                aims[index] = min(2 * exponent, _MOST), 0.5 * growth
            missed[index] = worst
        if not aims:
            return [found[index] for index in range(len(families))]
    first = next(iter(aims))
    check_estimate(missed[first], tolerance, "the field", families[first][0].described)
    raise AssertionError("a family that met the tolerance was tried again")


def check_positions(x: FloatArray, r: FloatArray, nearest: float, hub: float) -> None:
    """Raise a ValueError for a radius inside the hub, and for a point too near the lip; `nearest` is the distance."""
    if np.any(r < hub):
        raise ValueError(f"radii must be at least {hub}, the hub's, got r={r[r < hub][0]}")
    if nearest < CLOSEST:
        raise ValueError(
            f"a point lies {nearest:.1e} from the lip, where the velocity is singular; the least is {CLOSEST}"
        )


def _sums(
    families: "Sequence[Sequence[Transform]]",
    x: FloatArray,
    r: FloatArray,
    nearest: float,
    layout: Callable[..., Layout],
    aims: Iterable[tuple[float, float]],
) -> list[list[Field]]:
    """Fields and their error estimates; each path has an exponent of the error and one of the growth along it."""
    leaders = [family[0] for family in families]
    along, across = float(np.max(np.abs(x))), float(np.max(r)) - 1
    paths = []
    for family, (exponent, growth) in zip(families, aims, strict=True):
        one = family[0]
        extent = max(along / one.scale, across)
        if not extent * one.k < FARTHEST:
            raise ValueError(
                f"positions are up to {extent:.3g} from the lip; the near field reaches to {FARTHEST / one.k:.3g} at "
                f"K = {one.k:.6g}; see directivity()"
            )
        poles = np.unique(np.concatenate([transform.poles for transform in family]))
        try:
            path = contour(
                one.k, poles, extent=extent, nearest=nearest, exponent=exponent, growth=growth, arms=one.arms
            )
        except ConvergenceError as error:
            raise ConvergenceError(f"{error}, for {one.described}") from None
        paths.append(path)
    grid = layout(x, r, [1j * path.s / leader.scale for leader, path in zip(leaders, paths, strict=True)])
    every = leaders[0].spectra(families, paths)  # incident cut-off modes may overflow far upstream: the estimate is inf
    return [
        [_assemble(x, r, grid, case, one, part) for one, part in zip(family, spectra, strict=True)]
        for case, (family, spectra) in enumerate(zip(families, every, strict=True))
    ]


def _assemble(x: FloatArray, r: FloatArray, grid: Layout, case: int, transform: "Transform", spectra: Spectra) -> Field:
    """Field from its spectra, the grid's case."""
    values = np.empty((4, *grid.shape), complex)
    psi, v, u, p = values
    density, k, mach = np.where(r <= 1, *(np.array(transform.fluid(inside))[:, None] for inside in (True, False)))
    shift = transform.shift
    error = np.zeros(3)  # squared, of psi, (u, v) and p
    for side in grid.sides:
        sums = [_contract(grid, side, case, transform.scale, waves) for waves in spectra.waves(side.r, side.downstream)]
        total, (psi_error, v_error, u_error) = (
            functools.reduce(operator.iadd, terms) for terms in zip(*sums, strict=True)
        )
        values[(slice(3), *side.where)] = total
        u_error += abs(shift) * psi_error
        p_error = np.max(density * k) * psi_error + np.max(density * np.abs(mach)) * u_error
        error += psi_error**2, u_error**2 + v_error**2, p_error**2
    if shift:
        u -= 1j * shift * psi
        values[:3] *= np.exp(-1j * shift * x).reshape(grid.along_x)
    np.multiply(1j * density * k, psi, out=p)
    if np.any(mach):
        p -= (density * mach) * u
    size = norms(values) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(error > 0, np.sqrt(error / (size[0], size[1] + size[2], size[3])), 0.0)
    finite = np.all(np.isfinite(size)) and np.all(np.isfinite(relative))
    estimate = float(np.max(relative)) if finite else np.inf
    return Field(x, r, psi, u, v, p, estimate)


def _contract(grid: Layout, side: Side, case: int, scale: float, waves: Waves) -> tuple[ComplexArray, FloatArray]:
    """psi, v and u + i sigma psi (3, ...), but for exp(-i sigma x), and the norms of their errors."""
    axial = side.axials[case]
    if not waves.half:
        axial = Factor(np.exp(np.multiply.outer(side.x / scale, -1j * waves.s))[None])
    strength, factors = axial.values[0] * waves.coefficient, waves.radial.values
    error = waves.error.copy()
    if waves.half:
        error[[0, waves.half - 1, -1]] += 1.0  # as much as what lies beyond the ends of the path
    rounding = grid.norms(axial, waves.radial) @ (np.abs(waves.coefficient) * error)
    if not waves.half:
        return grid.product(strength, factors, slice(None)), rounding
    fine = grid.product(strength, factors, slice(waves.half))
    other = grid.product(strength, factors, slice(waves.half, None))
    gap = norms(fine - other)
    fine += other
    size = norms(fine)
    if side.downstream:  # -s
        np.negative(fine[2], out=fine[2])
    # Halving the step squares the error of an exponentially convergent rule: between the difference and its square.
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.where(gap > 0, gap / size, 0.0)
    return fine, size * quotient * np.minimum(quotient, 1.0) ** (POWER - 1) + rounding
