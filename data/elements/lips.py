"""Lips of ducts whose walls have a thickness, as curves in the (x, r) plane.

The inner wall is r = 1, the outer wall r = 1 + thickness, both towards x = -infinity; the lip joins them, and its
foremost point is at x = 0. This module imports no solver.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from analytic.checks import real_number

_THICKEST = 5.0  # [radii] of walls, and longest lips


@dataclass(frozen=True)
class Lip:
    """The end of a duct's wall, lengths in duct radii.

    Attributes
    ----------
    kind : {"flat", "round", "elliptic"}
    thickness : float
        Of the wall; 0, for a flat lip only, is the infinitely thin wall of `analytic`.
    length : float
        Axial extent of the lip: 0 of a flat one, half the thickness of a round one.

    Raises
    ------
    ValueError
        An unknown kind, a negative or infinite number, or a length that does not fit the kind.
    """

    kind: str
    thickness: float
    length: float = 0.0

    def __post_init__(self) -> None:
        thickness, length = real_number(self.thickness, "thickness"), real_number(self.length, "length")
        if self.kind not in ("flat", "round", "elliptic"):
            raise ValueError(f"a lip is flat, round or elliptic, got {self.kind!r}")
        if not 0 <= thickness <= _THICKEST:
            raise ValueError(f"thickness must be between 0 and {_THICKEST} radii, got {self.thickness}")
        if thickness == 0 and self.kind != "flat":
            raise ValueError(f"a wall without thickness has a flat lip, got kind {self.kind!r}")
        if self.kind == "elliptic" and not 0 < length <= _THICKEST:
            raise ValueError(f"length must be above 0 and at most {_THICKEST} radii, got {self.length}")
        if self.kind != "elliptic" and length != {"flat": 0.0, "round": thickness / 2}[self.kind]:
            raise ValueError(f"the length of a {self.kind} lip follows from its thickness, got {self.length}")
        object.__setattr__(self, "thickness", thickness)
        object.__setattr__(self, "length", length)

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
    def parse(cls, text: str) -> Self:
        """A lip from a text: flat:THICKNESS, round:THICKNESS, or elliptic:THICKNESS:LENGTH.

        Raises
        ------
        ValueError
            The text is something else, or the numbers do not fit; see `Lip`.

        Examples
        --------
        >>> Lip.parse("flat:0.1")
        Lip(kind='flat', thickness=0.1, length=0.0)
        >>> str(Lip.parse("elliptic:0.1:0.3"))
        'elliptic:0.1:0.3'
        """
        kind, *rest = str(text).split(":")
        makers: dict[str, Callable[..., Self]] = {"flat": cls.flat, "round": cls.round, "elliptic": cls.elliptic}
        try:
            maker = makers[kind]
            numbers = [float(part) for part in rest]
        except (KeyError, ValueError):
            numbers = []
        if len(numbers) != (2 if kind == "elliptic" else 1):
            raise ValueError(
                f"a lip is flat:THICKNESS, round:THICKNESS or elliptic:THICKNESS:LENGTH, lengths in radii, got {text!r}"
            )
        return maker(*numbers)

    def __str__(self) -> str:
        numbers = [self.thickness, self.length] if self.kind == "elliptic" else [self.thickness]
        return ":".join([self.kind, *(repr(number) for number in numbers)])

    def stretched(self, mach: float) -> "Lip":
        """The lip in X = x / sqrt(1 - mach^2)."""
        if self.kind == "flat" or mach == 0:
            return self
        return Lip.elliptic(self.thickness, self.length / math.sqrt(1 - mach**2))
