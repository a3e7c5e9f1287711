"""Meshes of the (X, r) plane around a lip, and their matched layers."""

import contextlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytic.errors import ConvergenceError

from .lips import Lip

if TYPE_CHECKING:
    import ngsolve
    from netgen.geom2d import SplineGeometry

_RING = 0.15  # each ring of elements around an edge is so much smaller than the one outside it
_RINGS = 5
_CLOSE = 1e-9  # [radii]
_GRADINGS = 0.3, 0.25, 0.35, 0.2  # how fast elements grow away from small ones; the next one where Netgen fails


@dataclass(frozen=True)
class Window:
    """Where the field is computed, left <= X <= right, r <= radius, and the matched layer around it [radii].

    Attributes
    ----------
    left, right, radius, depth : float
        Depth of the layer beyond right, beyond the radius and, outside the duct, beyond left.
    cell : float
        Longest side of an element.
    """

    left: float
    right: float
    radius: float
    depth: float
    cell: float


# long: the list of the sides
def make_mesh(lip: Lip, window: Window, degree: int) -> "ngsolve.Mesh":
    """Triangles, curved along the lip, and small ones of both kinds around sharp edges.

    Boundaries: axis; section (of the duct, X = left); inner, lip_inner, lip_outer, outer (the wall, from the section
    over the lip's foremost point to the outer end); line (from the foremost point, at constant r, to the outer end).
    Materials: upper and lower, above and below the wall and the line.
    """
    from netgen.geom2d import SplineGeometry

    left, right, radius = window.left, window.right, window.radius
    end, top = right + window.depth, radius + window.depth
    outside, middle, start = 1 + lip.thickness, 1 + lip.thickness / 2, -lip.length
    sharp = {"hpref": 1} if lip.kind == "flat" else {}
    small = min(window.cell, lip.thickness)
    blunt = small if lip.kind == "flat" else min(small, lip.thickness**2 / (2 * lip.length))  # twice the radius there

    geometry = SplineGeometry()
    points: dict[tuple[float, float], int] = {}

    def point(x: float, r: float, **options: float) -> int:
        if (x, r) not in points:
            points[x, r] = geometry.AddPoint(x, r, **options)
        return points[x, r]

    def side(name: str, above: int, below: int, *corners: tuple[float, float]) -> None:
        """Straight sides; domains on the left and on the right of the way, 0 for none."""
        for a, b in itertools.pairwise(corners):
            geometry.Append(["line", point(*a), point(*b)], bc=name, leftdomain=above, rightdomain=below)

    tip = point(0.0, middle, maxh=blunt)
    point(start, 1.0, maxh=small, **sharp)
    point(start, outside, maxh=small, **sharp)
    side("axis", 1, 0, (left, 0.0), (right, 0.0))
    side("axis", 3, 0, (right, 0.0), (end, 0.0))
    side("section", 0, 1, (left, 0.0), (left, 1.0))
    side("inner", 0, 1, (left, 1.0), (start, 1.0))
    for name, domain, r, way in (("lip_inner", 1, 1.0, 1), ("lip_outer", 2, outside, -1)):
        ends = (point(start, r), tip)[::way]
        kind = ["line", *ends] if lip.kind == "flat" else ["spline3", ends[0], point(0.0, r), ends[1]]
        geometry.Append(kind, bc=name, leftdomain=0, rightdomain=domain, maxh=small)
    side("outer", 0, 2, (start, outside), (left, outside))
    side("outer", 0, 4, (left, outside), (left - window.depth, outside))
    side("end", 0, 4, (left - window.depth, outside), (left - window.depth, radius))
    side("end", 0, 5, (left - window.depth, radius), (left - window.depth, top), (left, top))
    side("end", 0, 6, (left, top), (right, top))
    side("end", 0, 7, (right, top), (end, top), (end, radius))
    side("end", 0, 8, (end, radius), (end, middle))
    side("end", 0, 3, (end, middle), (end, 0.0))
    side("line", 2, 1, (0.0, middle), (right, middle))
    side("line", 8, 3, (right, middle), (end, middle))
    side("cut", 1, 3, (right, 0.0), (right, middle))
    side("cut", 2, 8, (right, middle), (right, radius))
    side("cut", 6, 7, (right, radius), (right, top))
    side("cut", 4, 2, (left, outside), (left, radius))
    side("cut", 5, 6, (left, radius), (left, top))
    side("cut", 5, 4, (left - window.depth, radius), (left, radius))
    side("cut", 6, 2, (left, radius), (right, radius))
    side("cut", 7, 8, (right, radius), (end, radius))
    for domain in range(1, 9):
        geometry.SetMaterial(domain, "lower" if domain in (1, 3) else "upper")

    mesh = _generate(geometry, window.cell)
    if sharp:
        mesh.RefineHP(_RINGS, _RING)
    mesh.Curve(degree)
    return mesh


def _generate(geometry: "SplineGeometry", cell: float) -> "ngsolve.Mesh":
    import ngsolve
    from netgen.meshing import NgException

    for grading in _GRADINGS:
        with contextlib.suppress(NgException):
            return ngsolve.Mesh(geometry.GenerateMesh(maxh=cell, grading=grading))
    raise ConvergenceError(f"Netgen made no mesh with elements of up to {cell} radii")


def stretch(window: Window, slope: complex, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Complex coordinate X at points of the wall, the section and the line, and its derivative; slope : of the layer."""
    beyond = np.maximum(x - window.right, 0) + np.minimum(x - window.left, 0)
    beyond[np.abs(beyond) < _CLOSE] = 0  # the section's points are rounded
    return x + slope * beyond, 1 + slope * (beyond != 0)
