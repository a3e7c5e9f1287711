"""Lips of ducts whose walls have a thickness, as curves in the (x, r) plane.

The inner wall is r = 1, the outer wall r = 1 + thickness, both towards x = -infinity; the lip joins them, and its
foremost point is at x = 0. This module imports no solver.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from analytic.arrays import BoolArray, FloatArray
from analytic.checks import finite_array, real_number

from . import curves

_ROUND = 0.5  # aspect of half a circle
_THICKEST = 5.0  # [radii] of walls, and longest lips
_OUTLINE = 64  # points on each piece of a curved lip, where points in its wall are looked for
_SURFACE = 1e-9  # [radii] points closer to it are on it
_FORMS = "flat:THICKNESS, round:THICKNESS, elliptic:THICKNESS:LENGTH, spline:FILE or spline:X,R;X,R;..."


@dataclass(frozen=True)
class Lip:
    """The end of a duct's wall, lengths in duct radii. Made by `flat`, `round`, `elliptic`, `spline` and `parse`.

    Attributes
    ----------
    kind : {"flat", "round", "elliptic", "spline"}
    thickness : float
        Of the wall; 0, for a flat lip only, is the infinitely thin wall of `analytic`.
    length : float
        Axial extent of the lip: 0 of a flat one, half the thickness of a round one.
    points : tuple of (float, float)
        Of a spline.

    Raises
    ------
    ValueError
        An unknown kind, a negative or infinite number, or a length or points that do not fit the kind.
    """

    kind: str
    thickness: float
    length: float = 0.0
    points: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        thickness, length = real_number(self.thickness, "thickness"), real_number(self.length, "length")
        if self.kind not in ("flat", "round", "elliptic", "spline"):
            raise ValueError(f"a lip is flat, round, elliptic or spline, got {self.kind!r}")
        if not 0 <= thickness <= _THICKEST:
            raise ValueError(f"thickness must be between 0 and {_THICKEST} radii, got {self.thickness}")
        if thickness == 0 and self.kind != "flat":
            raise ValueError(f"a wall without thickness has a flat lip, got kind {self.kind!r}")
        if self.kind == "elliptic" and not 0 < length <= _THICKEST:
            raise ValueError(f"length must be above 0 and at most {_THICKEST} radii, got {self.length}")
        if (self.kind == "spline") != (len(self.points) > 0):
            raise ValueError(f"points belong to a spline, and to nothing else, got {len(self.points)}, {self.kind}")
        follows = {"flat": 0.0, "round": thickness / 2, "elliptic": length, "spline": length}
        if length != follows[self.kind]:
            raise ValueError(f"the length of a {self.kind} lip follows from its thickness, got {self.length}")
        object.__setattr__(self, "thickness", thickness)
        object.__setattr__(self, "length", length)
        if self.kind == "spline" and (thickness, length) != _sizes(self.points):
            raise ValueError(f"thickness and length of a spline follow from its points, got {thickness}, {length}")

    @classmethod
    def flat(cls, thickness: float) -> Self:
        """A plane face with two right-angled edges."""
        return cls("flat", thickness)

    @classmethod
    def round(cls, thickness: float) -> Self:
        """Half a circle, whose diameter is the thickness."""
        return cls("round", thickness, real_number(thickness, "thickness") / 2)

    @classmethod
    def elliptic(cls, thickness: float, length: float) -> Self:
        """Half an ellipse with the axial semi-axis `length`."""
        return cls("elliptic", thickness, length)

    @classmethod
    def of_aspect(cls, thickness: float, aspect: float) -> Self:
        """Flat for an aspect of 0, or half an ellipse with the axial semi-axis aspect * thickness.

        >>> Lip.of_aspect(0.1, 0.5) == Lip.round(0.1)
        True
        """
        if aspect == 0:
            return cls.flat(thickness)
        return cls.round(thickness) if aspect == _ROUND else cls.elliptic(thickness, aspect * thickness)

    @classmethod
    def spline(cls, points: npt.ArrayLike) -> Self:
        """A cubic spline through points, over the length of their polygon, such as the contour of a bellmouth.

        Parameters
        ----------
        points : (point, 2) float array
            x and r, from the inner wall, r = 1, over the foremost point, x = 0, to the outer wall, r = 1 + thickness;
            at least three, neighbours at least 1e-3 radii apart. The spline has no conditions at its ends ("not a
            knot"), where it may meet the walls at an angle.

        Raises
        ------
        ValueError
            The points begin or end elsewhere, reach into x > 0, or have their foremost point at an end; there are too
            many, or neighbours are too close; the spline crosses itself or the walls, comes within 0.05 radii of the
            axis, or reaches to x > 1e-3 between the points.
        """
        array = finite_array(points, "points of a lip")
        return cls("spline", *_sizes(array), tuple((float(x), float(r)) for x, r in array))

    @classmethod
    def parse(cls, text: str) -> Self:
        """A lip from a text.

        Parameters
        ----------
        text : str
            flat:THICKNESS, round:THICKNESS, elliptic:THICKNESS:LENGTH, spline:FILE with a text file of two columns, x
            and r, or spline:X,R;X,R;... with the points themselves.

        Raises
        ------
        ValueError
            The text is something else, the file cannot be read, or the numbers do not fit; see `Lip.spline`.

        Examples
        --------
        >>> Lip.parse("flat:0.1")
        Lip(kind='flat', thickness=0.1, length=0.0, points=())
        >>> str(Lip.parse("elliptic:0.1:0.3"))
        'elliptic:0.1:0.3'
        """
        kind, _, rest = str(text).partition(":")
        if kind == "spline" and rest:
            return cls.spline(_points(rest))
        makers: dict[str, Callable[..., Self]] = {"flat": cls.flat, "round": cls.round, "elliptic": cls.elliptic}
        try:
            maker = makers[kind]
            numbers = [float(part) for part in rest.split(":")]
        except (KeyError, ValueError):
            numbers = []
        if len(numbers) != (2 if kind == "elliptic" else 1):
            raise ValueError(f"a lip is {_FORMS}, lengths in radii, got {text!r}")
        return maker(*numbers)

    def __str__(self) -> str:
        if self.kind == "spline":
            return "spline:" + ";".join(f"{x!r},{r!r}" for x, r in self.points)
        numbers = [self.thickness, self.length] if self.kind == "elliptic" else [self.thickness]
        return ":".join([self.kind, *(repr(number) for number in numbers)])

    @cached_property
    def pieces(self) -> tuple[curves.Pieces, curves.Pieces]:
        """The curve below and above the foremost point, from the inner to the outer wall: Bézier control points."""
        middle, outside = 1 + self.thickness / 2, 1 + self.thickness
        if self.kind == "spline":
            return curves.spline(self.points)
        if self.kind == "flat":
            return (np.array([[0, 1], [0, middle]]),), (np.array([[0, middle], [0, outside]]),)
        return curves.ellipse(self.thickness, self.length)

    def outline(self) -> FloatArray:
        """(point, 2) array of x and r along the lip, from the inner to the outer wall, to draw it."""
        return curves.outline([*self.pieces[0], *self.pieces[1]], _OUTLINE)

    def in_wall(self, x: npt.ArrayLike, r: npt.ArrayLike) -> BoolArray:
        """Which points lie in the wall or the lip, but not on their surface; x and r broadcast together."""
        x, r = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(r, dtype=float))
        inside = (x < -self.length) & (r > 1) & (r < 1 + self.thickness)
        at_lip = (x >= -self.length) & (x <= 0)
        if self.kind in ("round", "elliptic"):
            across = (r - 1) / (self.thickness / 2) - 1
            return inside | (at_lip & ((x / self.length + 1) ** 2 + across**2 < 1 - _SURFACE))
        if self.kind == "flat":
            return inside
        return _within(self.outline(), x, r)


def _sizes(points: npt.ArrayLike) -> tuple[float, float]:
    """Thickness and length of a spline."""
    inner, outer = curves.spline(points)
    line = curves.outline([*inner, *outer], _OUTLINE)
    return float(line[-1, 1] - 1), -float(np.min(line[:, 0]))


def _points(text: str) -> FloatArray:
    """Points of a text: of a file, or X,R;X,R;... itself."""
    try:
        if ";" in text:
            return np.array([[float(part) for part in pair.split(",")] for pair in text.split(";")])
        return np.loadtxt(Path(text), ndmin=2)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"points of a lip are a text file of two columns, or X,R;X,R;..., got {text!r}: {error}"
        ) from None


def _within(outline: FloatArray, x: FloatArray, r: FloatArray) -> BoolArray:
    """Whether points are between an outline and its ends' lines to x = -infinity: an odd number of crossings above."""
    far = min(float(np.min(outline[:, 0])), float(np.min(x, initial=0.0))) - 1
    line = np.concatenate([[[far, outline[0, 1]]], outline, [[far, outline[-1, 1]]]])
    odd, on = np.zeros(x.shape, bool), np.zeros(x.shape, bool)
    for (x1, r1), (x2, r2) in itertools.pairwise(line):
        if x1 != x2:
            above = r1 + (x - x1) / (x2 - x1) * (r2 - r1) - r
            odd ^= ((x1 <= x) != (x2 <= x)) & (above > 0)
            on |= (min(x1, x2) <= x) & (x <= max(x1, x2)) & (np.abs(above) < _SURFACE)
    return odd & ~on
