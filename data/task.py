"""Description of a dataset task. Each task is a file in `data.tasks`, where the other modules look it up.

Describing a task does not need the solver: a task's file imports `analytic` inside its observing function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, Strict

from .arrays import Array, ComplexArray, FloatArray
from .relations import Misfits, none

if TYPE_CHECKING:
    from .sampling import Group
    from .source import Source

TOLERANCE = 1e-6  # relative, of every case's solution; networks trained on the files have errors of 1e-3 and more

Finite = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Axis = tuple[Finite, Finite, Annotated[int, Strict(), Field(ge=2, le=4096)]]  # start, end, count


class Table(BaseModel):
    """A table of a recipe: immutable, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Variable(NamedTuple):
    """One array of a file. The array of a dimension has the dimension's name and is a dimension scale."""

    dimensions: tuple[str, ...]
    dtype: str
    units: str
    long_name: str


_COMMON = {
    "case": Variable(("case",), "i8", "1", "number of the case in the recipe; missing ones did not converge"),
    "group": Variable(("case",), "i8", "1", "cases of one group share all parameters but their amplitudes"),
    "m": Variable(("case",), "i8", "1", "azimuthal order"),
    "helmholtz": Variable(("case",), "f8", "1", "Helmholtz number ka, of the duct's sound speed"),
    "mach": Variable(("case",), "f8", "1", "Mach number in the duct, > 0 towards the open end"),
    "hub": Variable(("case",), "f8", "a", "radius of the hub, 0 without one"),
    "mach_outer": Variable(("case",), "f8", "1", "Mach number of the outer stream, of its own sound speed"),
    "sound_speed_ratio": Variable(("case",), "f8", "1", "sound speed outside, relative to the duct's"),
    "density_ratio": Variable(("case",), "f8", "1", "density outside, relative to the duct's"),
    "kutta": Variable(("case",), "f8", "1", "Kutta parameter, 1 for full vortex shedding, 0 for none"),
    "split": Variable(("case",), "i8", "1", "what the case is for, see flag_meanings"),
    "error_estimate": Variable(
        ("case",), "f8", "1", "relative error estimate: the solver's, and rounding in single precision"
    ),
    "part": Variable(("part",), "i8", "1", "0 real, 1 imaginary"),
}

# Of tasks with a liner, beside the others.
LINER_ARRAYS = {
    "resistance": Variable(("case",), "f8", "rho c", "real part of the liner's impedance"),
    "reactance": Variable(("case",), "f8", "rho c", "imaginary part for exp(-i omega t), negative for a mass"),
    "liner_length": Variable(("case",), "f8", "a", "length of the liner"),
    "liner_distance": Variable(("case",), "f8", "a", "hard wall between the liner and the lip"),
}

# Of tasks with a wall of finite thickness, beside the others: its open end is half an ellipse, or flat.
LIP_ARRAYS = {
    "lip_thickness": Variable(("case",), "f8", "a", "thickness of the wall, outside r = 1"),
    "lip_aspect": Variable(("case",), "f8", "1", "length of the lip over the thickness: 0 flat, 0.5 half a circle"),
}

_MOST_ORDERS = 64  # radial orders that are cut on at the largest Helmholtz and Mach numbers of recipes
ORDERS = ("order", "reflected_order")  # dimensions of radial orders, incident and reflected
COUNTED = ("part", *ORDERS)  # dimensions that count from 0

PARAMETERS = ("m", "helmholtz", "mach", "hub", "mach_outer", "sound_speed_ratio", "density_ratio", "kutta")


def uniform_flow(mach: npt.ArrayLike) -> dict[str, FloatArray]:
    """Columns of cases without a hub or a jet: the fluid outside is that of the duct, and no vortices are shed.

    mach : (case,) or a number.
    """
    flow = np.asarray(mach, dtype=float)
    same = np.ones_like(flow)
    return {
        "hub": 0 * same,
        "mach_outer": flow,
        "sound_speed_ratio": same,
        "density_ratio": same,
        "kutta": 0 * same,
    }


Place = TypeVar("Place", bound=Table)


class Observed(NamedTuple):
    """What a task's `observe` returns of some groups.

    arrays : arrays of the file along the cases that were solved, in order. reasons : for every case of the groups why
    it is missing, "" if it was solved.
    """

    arrays: dict[str, Array]
    reasons: list[str]


def _any_source(source: Source) -> None:
    """Accept every source."""


@dataclass(frozen=True)
class Task(Generic[Place]):
    """A dataset task.

    Parameters
    ----------
    module : str
        `__name__` of the task's file: the task has the file's name.
    description : str
        Description of the cases, in the plural, for the card and the format page.
    section : str
        Name of the recipe's table that defines where the fields are observed.
    place : subclass of Table
        Model of that table.
    arrays : dict of Variable
        Arrays of the file besides those that every task has. Each dimension other than case and those of `COUNTED`
        needs an array among the positions that runs along it; its own array increases.
    fields : tuple of str
        Names of the large computed arrays: statistics over the training cases are stored with them, and they are read
        case by case.
    positions : callable
        Recipe's table -> arrays of the file with the positions at which the fields are observed.
    observe : callable
        (groups of cases, positions, length of the dimension `order`) -> `Observed`: the arrays that are specific to the
        task, and `error_estimate`. A case that misses `TOLERANCE` has a reason. See `one_by_one`.
    accept : callable, optional
        Raises a ValueError for a recipe's source that the task does not support.
    together : int, optional
        Largest number of cases whose groups are observed in one call, since the solver shares work between them: they
        should take no more than a second.
    jets_together : int, optional
        Number of groups with jets that are observed in one call; 1 if these share nothing.
    relations : callable, optional
        Arrays of some cases -> how far they miss relations that hold for every solution, see `data.relations`.
    method : str, optional
        How its cases are computed, for the card.
    libraries : dict, optional
        Distributions that `observe` needs and the package does not: each with the package's extra that has it.
    """

    module: str
    description: str
    section: str
    place: type[Place]
    arrays: Mapping[str, Variable]
    fields: tuple[str, ...]
    positions: Callable[[Place], dict[str, FloatArray]]
    observe: Callable[[Sequence[Group], dict[str, FloatArray], int], Observed]
    accept: Callable[[Source], None] = _any_source
    together: int = 1
    jets_together: int = 1
    relations: Callable[[Mapping[str, Array]], Misfits] = none
    method: str = "the Wiener–Hopf method"
    libraries: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the arrays along the cases that say what is solved, but for amplitudes."""
        return (*PARAMETERS, *(name for name in LINER_ARRAYS | LIP_ARRAYS if name in self.arrays))

    @property
    def name(self) -> str:
        """Name of the task: that of its file."""
        return self.module.rpartition(".")[2]

    @property
    def variables(self) -> dict[str, Variable]:
        """All arrays of a file, by name."""
        return _COMMON | dict(self.arrays)

    @property
    def along_cases(self) -> list[str]:
        """Names of the arrays that run along the cases."""
        return [name for name, variable in self.variables.items() if variable.dimensions[0] == "case"]

    @property
    def on_grid(self) -> bool:
        """Whether x and r are the axes of a grid."""
        return self.arrays["x"].dimensions != self.arrays["r"].dimensions

    def lengths(self, positions: Mapping[str, FloatArray]) -> dict[str, int]:
        """Lengths of the dimensions, but for case and those of radial orders."""
        sizes = {"part": 2}
        for name, values in positions.items():
            sizes |= dict(zip(self.variables[name].dimensions, values.shape, strict=True))
        return sizes

    def values(self, positions: Mapping[str, FloatArray]) -> int:
        """Number of values in the fields of a case, at most."""
        sizes = dict.fromkeys(ORDERS, _MOST_ORDERS) | self.lengths(positions)
        shapes = [[sizes[name] for name in self.variables[one].dimensions[1:]] for one in self.fields]
        return sum(int(np.prod(shape, dtype=object)) for shape in shapes)


def one_by_one(
    observe: Callable[[Group, dict[str, FloatArray], int], dict[str, Array]],
) -> Callable[[Sequence[Group], dict[str, FloatArray], int], Observed]:
    """`observe` of a task from a function of a single group, which may raise `analytic.ConvergenceError`."""

    def several(groups: Sequence[Group], positions: dict[str, FloatArray], orders: int) -> Observed:
        from analytic import ConvergenceError

        found: list[dict[str, Array]] = []
        reasons: list[str] = []
        for group in groups:
            reason = ""
            try:
                found.append(observe(group, positions, orders))
            except ConvergenceError as error:
                reason = str(error)
            reasons += [reason] * len(group.amplitudes)
        return Observed(
            {name: np.concatenate([one[name] for one in found]) for name in found[0]} if found else {}, reasons
        )

    return several


def parts(values: ComplexArray, axis: int) -> FloatArray:
    """Complex values as real ones, with the dimension `part` at the given axis."""
    return np.stack([values.real, values.imag], axis=axis)
