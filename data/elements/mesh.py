"""Meshes of the (X, r) plane around a lip, and their matched layers."""

import contextlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analytic.arrays import ComplexArray, FloatArray
from analytic.errors import ConvergenceError

from .curves import Pieces, radius_of_curvature
from .lips import Lip

if TYPE_CHECKING:
    import ngsolve
    from netgen.occ import Edge, TopoDS_Shape, Vertex

_RING = 0.15  # each ring of elements around an edge is so much smaller than the one outside it
_RINGS = 5
_CLOSE = 1e-9  # [radii]
_GRADINGS = 0.3, 0.25, 0.35, 0.2  # how fast elements grow away from small ones; the next one where Netgen fails

Point = tuple[float, float]


@dataclass(frozen=True)
class Window:
    """Where the field is computed, left <= X <= right, r <= radius, and the matched layer around it [radii].

    Attributes
    ----------
    left, right, radius, depth : float
        Depth of the layer beyond right, beyond the radius and, outside the duct, beyond left.
    cell : float
        Longest side of an element; in the layer it is half the depth.
    """

    left: float
    right: float
    radius: float
    depth: float
    cell: float


def make_mesh(lip: Lip, beta: float, window: Window, degree: int) -> "ngsolve.Mesh":
    """Triangles, curved along the lip, and small ones of both kinds around its ends where they may be edges.

    Boundaries: axis; section (of the duct, X = left); inner, lip_inner, lip_outer, outer (the wall, from the section
    over the lip's foremost point to the outer end); line (from the foremost point, at constant r, to the outer end).
    Materials: upper and lower, above and below the wall and the line.

    Parameters
    ----------
    lip : Lip
    beta : float
        X = x / beta.
    window : Window
    degree : int
        Of the curved sides.

    Raises
    ------
    ConvergenceError
        Netgen fails.
    """
    inner, outer = (tuple(piece / [beta, 1] for piece in half) for half in lip.pieces)
    shape = _draw(window, inner, outer)
    _set_sizes(shape, window.cell, (*inner, *outer))
    if lip.kind in ("flat", "spline"):  # a spline may meet the wall at any angle
        for end in (inner[0][0], outer[-1][-1]):
            _corner(shape, end).hpref = 1
    mesh = _generate(shape)
    mesh.RefineHP(_RINGS, _RING)
    mesh.Curve(degree)
    return mesh


# long: the list of the sides and faces
def _draw(window: Window, inner: Pieces, outer: Pieces) -> "TopoDS_Shape":
    """The fluid and the layer around a lip, with the boundaries' names."""
    from netgen import occ

    left, right, radius = window.left, window.right, window.radius
    back, end, top = left - window.depth, right + window.depth, radius + window.depth
    start, tip, stop = (_point(at) for at in (inner[0][0], outer[0][0], outer[-1][-1]))
    middle, outside = tip[1], stop[1]
    named = {  # these have the fluid on their right, as the lip, where it is on one side only but for the axis
        "axis": ((left, 0.0), (right, 0.0), (end, 0.0)),
        "section": ((left, 0.0), (left, 1.0)),
        "inner": ((left, 1.0), start),
        "outer": (stop, (left, outside), (back, outside)),
        "line": (tip, (right, middle), (end, middle)),
    }
    sides = {
        frozenset(ends): occ.Segment(*(occ.Pnt(*at, 0) for at in ends))
        for way in named.values()
        for ends in itertools.pairwise(way)
    }
    curved = {
        name: [occ.BezierCurve([occ.Pnt(x, r, 0) for x, r in piece.tolist()]) for piece in pieces]
        for name, pieces in (("lip_inner", inner), ("lip_outer", outer))
    }

    def side(a: Point, b: Point) -> "Edge":
        """One for both faces; those without a name run right or up."""
        if frozenset((a, b)) not in sides:
            sides[frozenset((a, b))] = occ.Segment(*(occ.Pnt(*at, 0) for at in sorted((a, b))))
        return sides[frozenset((a, b))]

    def face(name: str, *edges: "Edge") -> "TopoDS_Shape":
        """Inside edges, counterclockwise; the first one must run so, or the face would be upside down."""
        result = occ.Face(occ.Wire(edges))
        result.name = name
        return result

    def path(*corners: Point) -> list["Edge"]:
        return list(itertools.starmap(side, itertools.pairwise(corners)))

    def box(name: str, x1: float, x2: float, r1: float, r2: float) -> "TopoDS_Shape":
        """A part of the layer."""
        result = face(name, *path((x2, r1), (x2, r2), (x1, r2), (x1, r1), (x2, r1)))
        result.maxh = window.depth / 2
        return result

    fluid = (
        face(
            "lower",
            *path((left, 0.0), (right, 0.0), (right, middle), tip),
            *curved["lip_inner"][::-1],
            *path(start, (left, 1.0), (left, 0.0)),
        ),
        face(
            "upper",
            *path(tip, (right, middle), (right, radius), (left, radius), (left, outside), stop),
            *curved["lip_outer"][::-1],
        ),
    )
    for part in fluid:
        part.maxh = window.cell
    shape = occ.Glue(
        [
            *fluid,
            box("lower", right, end, 0.0, middle),
            box("upper", right, end, middle, radius),
            box("upper", right, end, radius, top),
            box("upper", left, right, radius, top),
            box("upper", back, left, radius, top),
            box("upper", back, left, outside, radius),
        ]
    )
    for name, way in named.items():
        for a, b in itertools.pairwise(way):
            _side(shape, side(a, b)).name = name
    for name, edges in curved.items():
        for edge in edges:
            _side(shape, edge).name = name
    return shape


def _set_sizes(shape: "TopoDS_Shape", cell: float, pieces: Pieces) -> None:
    """Elements on a lip are no longer than its pieces and, at their ends, than twice the radius of curvature."""
    for piece in pieces:
        chord = min(cell, float(np.hypot(*(piece[-1] - piece[0]))))
        for share, at in ((0.0, piece[0]), (1.0, piece[-1])):
            vertex = _corner(shape, at)
            vertex.maxh = min(vertex.maxh, chord, 2 * radius_of_curvature(piece, share))


# The library's own `Nearest` takes another side or corner where two are closer than 1e-3.


def _side(shape: "TopoDS_Shape", like: "Edge") -> "Edge":
    return min(shape.edges, key=lambda edge: (edge.center - like.center).Norm())


def _corner(shape: "TopoDS_Shape", at: FloatArray) -> "Vertex":
    from netgen.occ import Pnt

    return min(shape.vertices, key=lambda vertex: (vertex.p - Pnt(*at, 0)).Norm())


def _point(at: FloatArray) -> Point:
    return float(at[0]), float(at[1])


def _generate(shape: "TopoDS_Shape") -> "ngsolve.Mesh":
    import ngsolve
    from netgen.meshing import NgException
    from netgen.occ import OCCGeometry

    for grading in _GRADINGS:
        with contextlib.suppress(NgException):
            mesh = ngsolve.Mesh(OCCGeometry(shape, dim=2).GenerateMesh(grading=grading))
            if mesh.nv - mesh.nedge + mesh.ne == 1:  # Euler's number of one piece without holes, nor slits
                return mesh
    raise ConvergenceError("Netgen made no mesh")


def stretch(window: Window, slope: complex, x: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """Complex X, and its derivative, at points of the wall, the section and the line; slope : of the layer."""
    beyond = np.maximum(x - window.right, 0) + np.minimum(x - window.left, 0)
    beyond[np.abs(beyond) < _CLOSE] = 0  # the section's points are rounded
    return x + slope * beyond, 1 + slope * (beyond != 0)
