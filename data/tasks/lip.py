"""Reflections and directivities of a duct with a thick wall, by finite elements, and those of a thin one beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, Strict

from ..relations import energy
from ..task import LIP_ARRAYS, TOLERANCE, Table, Task, Variable, one_by_one, parts

if TYPE_CHECKING:
    from ..arrays import Array, FloatArray
    from ..sampling import Group
    from ..source import Source

_LEAST_ASPECT = 0.1  # of lips that are not flat: the elements follow the curve
_LARGEST = 60.0  # K = ka / sqrt(1 - M^2) that the elements take

_REFLECTION = ("case", "order", "reflected_order", "part")
_DIRECTIVITY = ("case", "order", "angle", "part")


class Directions(Table):
    """Number of angles, nodes of Gauss and Legendre in 0 ... 180 degrees."""

    count: Annotated[int, Strict(), Field(ge=4, le=400)]


def _positions(directions: Directions) -> dict[str, FloatArray]:
    nodes, _ = np.polynomial.legendre.leggauss(directions.count)
    return {"angle": np.pi / 2 * (nodes + 1)}


def _observe(group: Group, places: dict[str, FloatArray], orders: int) -> dict[str, Array]:
    from ..elements import Lip, solve_lip

    duct = group.parameters
    lip = Lip.of_aspect(duct["lip_thickness"], duct["lip_aspect"])
    # of the size of m alone, so that bits do not depend on its sign
    thick = solve_lip(abs(group.m), duct["helmholtz"], lip, duct["mach"], tolerance=TOLERANCE)
    count, thin = len(thick.orders), thick.thin

    def padded(values: Array, *, square: bool = False) -> Array:
        """One case, with zeros in place of the orders that are cut off."""
        missing = orders - count
        width = [(0, missing), *[(0, missing if square else 0)] * (values.ndim - 1)]
        whole = np.pad(values, width)
        return (parts(whole, -1) if np.iscomplexobj(whole) else whole)[None]

    thin_reflection = np.array([one.reflection[:count] for one in thin])
    return {
        "cut_on": np.array([count]),
        "wavenumber": padded(thick.wavenumber),
        "reflection": padded(thick.reflection, square=True),
        "thin_reflection": padded(thin_reflection, square=True),
        "directivity": padded(thick.directivity(places["angle"])),
        "thin_directivity": padded(np.array([one.directivity(places["angle"]) for one in thin])),
        "error_estimate": np.array([np.max(thick.error_estimate)]),
    }


def _accept(source: Source) -> None:
    if source.n != "cut-on" or source.modes != (1, 1) or source.mixtures != 1:
        raise ValueError(
            'a case with a thick wall has all cut-on modes, each by itself: n = "cut-on", modes = [1, 1], mixtures = 1'
        )
    if source.jet or source.bounds["hub"] != (0, 0):
        raise ValueError("a duct with a thick wall has no hub and no jet")
    fastest = max(map(abs, source.bounds["mach"]))
    largest = source.bounds["helmholtz"][1] / np.sqrt(1 - fastest**2)
    if not largest <= _LARGEST:
        raise ValueError(f"helmholtz / sqrt(1 - mach^2) goes up to {_LARGEST:g} with a thick wall, got {largest:.6g}")
    assert source.lip_aspect is not None  # the recipe was refused
    for low, high in source.lip_aspect.pieces:
        if high > 0 and low < _LEAST_ASPECT:
            raise ValueError(
                f"lip_aspect must be 0, a flat lip, or at least {_LEAST_ASPECT}, got {source.lip_aspect.spelled()}"
            )


TASK = Task(
    module=__name__,
    description="reflections and directivities with a thick wall",
    section="directions",
    place=Directions,
    arrays=LIP_ARRAYS
    | {
        "error_estimate": Variable(
            ("case",), "f8", "1", "largest of its orders: of reflected power amplitudes, or of D relative to its size"
        ),
        "order": Variable(("order",), "i8", "1", "radial order of the incident mode, from 0"),
        "reflected_order": Variable(("reflected_order",), "i8", "1", "radial order of the reflected mode, from 0"),
        "angle": Variable(
            ("angle",), "f8", "rad", "polar angle in (X, r), 0 downstream; Gauss-Legendre nodes of 0 ... pi"
        ),
        "cut_on": Variable(("case",), "i8", "1", "number of cut-on radial orders; those beyond have zeros"),
        "wavenumber": Variable(("case", "order"), "f8", "1/a", "axial wavenumber in X = x / sqrt(1 - M^2)"),
        "reflection": Variable(_REFLECTION, "f8", "1", "reflected potential at the wall, x = 0, incident one there"),
        "thin_reflection": Variable(_REFLECTION, "f8", "1", "the same with an infinitely thin wall, exact"),
        "directivity": Variable(_DIRECTIVITY, "f8", "1", "D of phi ~ D exp(i K rho) / rho, of incident amplitude one"),
        "thin_directivity": Variable(_DIRECTIVITY, "f8", "1", "the same with an infinitely thin wall, exact"),
    },
    fields=("directivity", "thin_directivity"),
    positions=_positions,
    observe=one_by_one(_observe),
    accept=_accept,
    relations=energy,
    method="finite elements; those of a thin wall by the Wiener–Hopf method",
    libraries={"ngsolve": "elements"},
)
