"""Near fields outside a duct with a thick wall, by finite elements, and those of a thin one beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, Strict

from ..relations import none
from ..task import LIP_ARRAYS, TOLERANCE, Table, Task, Variable, one_by_one, parts
from . import lip

if TYPE_CHECKING:
    from analytic.near_field import Field as ExactField

    from ..arrays import Array, ComplexArray, FloatArray
    from ..elements import Lip, LipField, LipSolution
    from ..sampling import Group

_DEGREES = 12, 14  # of the elements: the field's error estimate is above TOLERANCE with 12 in one case of four
_AHEAD, _BEHIND = 2.5, 2.0  # [radii] largest x and -x
_RADIUS = 2.5  # [radii]
_SHARE = 0.6  # of the points that lie ahead, about
_CLOSEST = 0.1  # [radii] to the wall's edge, from which points are at least
_TRIED = 2  # times as many points as are wanted: the part around the edge is small
_PLASTIC = 1.32471795724474602596  # root of g^3 = g + 1; multiples of (1/g, 1/g^2) fill the unit square evenly
_FIELD = ("case", "order", "point", "part")


class Points(Table):
    """Number of points outside the duct, -2 <= x <= 2.5, r <= 2.5, at least 0.1 from the wall's edge."""

    count: Annotated[int, Strict(), Field(ge=4, le=400)]


def points(helmholtz: float, thickness: float, count: int) -> tuple[FloatArray, FloatArray]:
    """x and r (point,) of a case, evenly spread; each case has points of its own, which follow from its numbers."""
    step = np.array([1 / _PLASTIC, 1 / _PLASTIC**2])
    start = 100 * (helmholtz + thickness) * step
    along, across = ((start + np.arange(_TRIED * count)[:, None] * step) % 1).T
    ahead = along < _SHARE
    x = np.where(ahead, _AHEAD * along / _SHARE, -_BEHIND * (along - _SHARE) / (1 - _SHARE))
    r = np.where(ahead, _RADIUS * across, 1 + thickness + (_RADIUS - 1 - thickness) * across)
    edge = np.hypot(x, r - np.clip(r, 1, 1 + thickness))
    far = np.flatnonzero(edge >= _CLOSEST)[:count]
    return x[far], r[far]


def _positions(table: Points) -> dict[str, FloatArray]:
    return {"point": np.arange(float(table.count))}


def _observe(group: Group, places: dict[str, FloatArray], orders: int) -> dict[str, Array]:
    from analytic.errors import check_estimate

    from ..elements import Lip

    duct = group.parameters
    shape = Lip.of_aspect(duct["lip_thickness"], duct["lip_aspect"])
    x, r = points(duct["helmholtz"], shape.thickness, len(places["point"]))
    # of the size of m alone, so that bits do not depend on its sign
    for degree in _DEGREES:
        thick, field = _solved(abs(group.m), duct["helmholtz"], shape, duct["mach"], degree, x, r)
        error = float(np.max(field.error_estimate))
        if error <= TOLERANCE:
            break
    check_estimate(error, TOLERANCE, "the field", f"m = {group.m}, helmholtz = {duct['helmholtz']}, lip {shape}")
    count, exact = len(thick.orders), [one.at(x, r) for one in thick.thin]

    def padded(values: Array) -> Array:
        """One case, with zeros in place of the orders that are cut off."""
        whole = np.pad(values, [(0, orders - count), *[(0, 0)] * (values.ndim - 1)])
        return (parts(whole, -1) if np.iscomplexobj(whole) else whole)[None]

    def of(fields: list[ExactField], name: str) -> ComplexArray:
        return np.array([getattr(one, name) for one in fields])

    return {
        "x": x[None],
        "r": r[None],
        "cut_on": np.array([count]),
        "wavenumber": padded(thick.wavenumber),
        "thin_reflection": padded(np.array([one.reflection[n] for n, one in enumerate(thick.thin)])),
        "potential": padded(field.potential),
        "axial_velocity": padded(field.axial_velocity),
        "thin_potential": padded(of(exact, "potential")),
        "thin_axial_velocity": padded(of(exact, "axial_velocity")),
        "error_estimate": np.array([max(error, *(one.error_estimate for one in exact))]),
    }


def _solved(
    m: int, helmholtz: float, shape: Lip, mach: float, degree: int, x: FloatArray, r: FloatArray
) -> tuple[LipSolution, LipField]:
    from ..elements import solve_lip

    reach = max(_AHEAD, _BEHIND), _RADIUS
    solution = solve_lip(m, helmholtz, shape, mach, tolerance=TOLERANCE, degree=degree, window=reach)
    return solution, solution.field(x, r)


TASK = Task(
    module=__name__,
    description="near fields with a thick wall",
    section="points",
    place=Points,
    arrays=LIP_ARRAYS
    | {
        "error_estimate": Variable(
            ("case",), "f8", "1", "largest of its orders: of psi, (u, v) and p, relative over the points"
        ),
        "order": Variable(("order",), "i8", "1", "radial order of the incident mode, from 0"),
        "point": Variable(("point",), "i8", "1", "number of the point"),
        "x": Variable(("case", "point"), "f8", "a", "axial positions, 0 at the lip's foremost point"),
        "r": Variable(("case", "point"), "f8", "a", "radial positions"),
        "cut_on": Variable(("case",), "i8", "1", "number of cut-on radial orders; those beyond have zeros"),
        "wavenumber": Variable(("case", "order"), "f8", "1/a", "axial wavenumber in X = x / sqrt(1 - M^2)"),
        "thin_reflection": Variable(
            ("case", "order", "part"), "f8", "1", "of the potential into the incident order, infinitely thin wall"
        ),
        "potential": Variable(_FIELD, "f8", "a c", "psi, of incident amplitude one at the wall, x = 0"),
        "axial_velocity": Variable(_FIELD, "f8", "c", "u = dpsi/dx; the pressure is i ka psi - M u"),
        "thin_potential": Variable(_FIELD, "f8", "a c", "the same with an infinitely thin wall, exact"),
        "thin_axial_velocity": Variable(_FIELD, "f8", "c", "the same with an infinitely thin wall, exact"),
    },
    fields=("potential", "axial_velocity", "thin_potential", "thin_axial_velocity"),
    positions=_positions,
    observe=one_by_one(_observe),
    accept=lip.TASK.accept,
    relations=none,
    method=lip.TASK.method,
    libraries=lip.TASK.libraries,
)
