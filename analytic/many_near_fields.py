"""Near fields of many sources in one call, in uniform flow or with jets, on grids and at scattered points.

What cases share is evaluated once: without a jet the Bessel functions and sums of the factorisations of one azimuthal
order and hub, with a jet the factorisation of all radial orders, amplitudes and Kutta parameters.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .arrays import FloatArray
from .attempts import RAISE, attempt, check_errors
from .checks import check_tolerance, finite_array
from .errors import check_estimate, quiet
from .media import UniformFlow, check_medium, transforms
from .near_field import QUANTITIES, Field, check_positions, grid_fields, reshaped
from .source import DuctMode, ModeMixture, Source
from .transform import Transform

# Near fields computed at a time on grids, of ducts that differ and in all, and at points: larger groups save no more
# work and cost memory.
_DUCTS, _FIELDS, _POINTS = 16, 64, 64
_MOST = 2**15  # points times sources computed at a time
_Case: TypeAlias = tuple[int, Source, object]  # index, source and medium


# long: description of the parameters and errors, and an example, of a main entry point
def near_fields(
    sources: Iterable[Source],
    x: npt.ArrayLike,
    r: npt.ArrayLike,
    *,
    medium: object = UniformFlow(),
    tolerance: float = 1e-6,
    errors: str = RAISE,
) -> list[Field]:
    """Near fields of many sources on one tensor grid.

    Equivalent to `solve(source, medium=medium).field(x, r)` for each source, but for the error estimate, which is that
    of the field or of the factorisation, the larger one. Sources in the same duct and medium share everything but the
    amplitudes, and in uniform flow those of one azimuthal order and hub evaluations of Bessel functions.

    Parameters
    ----------
    sources : sequence of DuctMode or ModeMixture
        In any order; similar ones are grouped.
    x, r : arrays
        As for `Solution.field`.
    medium : object or list of objects
        What the duct opens into, as in `solve`: one `UniformFlow` or `Jet` for all sources, or one for each.
    tolerance : float
        Largest relative error estimate accepted.
    errors : {"raise", "record"}
        Whether a source whose numerics fail raises or has a field that is not valid, see `Field.reason`.

    Returns
    -------
    list of Field

    Raises
    ------
    TypeError
        A source is neither a mode nor a mixture, or the medium is none.
    ValueError
        As `Solution.field`, the tolerance is not positive, or there are not as many media as sources.
    ConvergenceError
        The error estimate of a source's field is above the tolerance, as within a relative 1e-9 of a cut-on; the source
        is named.

    Examples
    --------
    >>> first, second = near_fields([DuctMode(0, 0, 3.0), DuctMode(2, 0, 5.0, mach=0.3)], [-0.5, 0.5], [0.5, 1.5])
    >>> first.potential.shape
    (2, 2)
    """
    tolerance, record = check_tolerance(tolerance), check_errors(errors)
    parts = _alike(sources, medium, _DUCTS, _FIELDS)
    x, r = np.atleast_1d(finite_array(x, "x")), np.atleast_1d(finite_array(r, "r"))

    def compute(every: Sequence[Transform]) -> list[Field]:
        families: dict[int, list[int]] = {}  # those that share their factors
        for index, one in enumerate(every):
            families.setdefault(id(one.factors), []).append(index)
        found = grid_fields([[every[index] for index in part] for part in families.values()], x, r, tolerance)
        fields = dict(zip(chain(*families.values()), chain(*found), strict=True))
        return [fields[index] for index in range(len(every))]

    return _every(parts, tolerance, compute, (x, r, (x.size, r.size)) if record else None)


# long: description of the parameters and errors, and an example, of a main entry point
def fields_at(
    sources: Iterable[Source],
    x: npt.ArrayLike,
    r: npt.ArrayLike,
    *,
    medium: object = UniformFlow(),
    tolerance: float = 1e-6,
    errors: str = RAISE,
) -> list[Field]:
    """Near fields of many sources at scattered points, such as microphones.

    Equivalent to `solve(source, medium=medium).at(x, r)` for each source, the error estimate as that of `near_fields`.
    In uniform flow without a hub, points some radii from the lip cost a tenth of that: sources of one azimuthal order
    share evaluations, and the integrals are taken along paths of steepest descent. Other points, and those of other
    sources, are computed one source at a time.

    Parameters
    ----------
    sources : sequence of DuctMode or ModeMixture
        In any order; similar ones are grouped.
    x, r : arrays
        As for `Solution.at`: they broadcast together.
    medium, tolerance, errors
        As for `near_fields`.

    Returns
    -------
    list of Field

    Raises
    ------
    TypeError, ValueError, ConvergenceError
        As `near_fields`.

    Examples
    --------
    >>> angle = np.radians([30, 60, 90, 120])
    >>> modes = [DuctMode(2, 0, ka, mach=0.3) for ka in (5.0, 6.0, 7.0)]
    >>> fields = fields_at(modes, 10 * np.cos(angle), 10 * np.sin(angle))
    >>> np.array([field.pressure for field in fields]).shape
    (3, 4)
    """
    tolerance, record = check_tolerance(tolerance), check_errors(errors)
    x, r = np.broadcast_arrays(finite_array(x, "x"), finite_array(r, "r"))
    together = max(1, min(_POINTS, _MOST // x.size))
    parts = _alike(sources, medium, together, together)
    for hub in {part[0][1].hub for part in parts}:
        check_positions(x, r, float(np.min(np.hypot(x, r - 1))), hub)

    def compute(every: Sequence[Transform]) -> list[Field]:
        found = type(every[0]).fields_at(every, x.ravel(), r.ravel(), tolerance)
        return [reshaped(field, x.shape) for field in found]

    return _every(parts, tolerance, compute, (x, r, x.shape) if record else None)


def _alike(sources: Iterable[Source], medium: object, ducts: int, together: int) -> list[list[_Case]]:
    """Cases of one azimuthal order, hub and type of medium, similar ones in one part.

    A part has at most so many ducts, and so many cases together.
    """
    sources = _listed(sources)
    media = list(medium) if isinstance(medium, Sequence) else [medium] * len(sources)
    if len(media) != len(sources):
        raise ValueError(f"expected one medium or one for each of the {len(sources)} sources, got {len(media)}")
    groups: dict[tuple[int, float, type], list[_Case]] = {}
    for case in zip(range(len(sources)), sources, media, strict=True):
        _, source, outside = case
        if not isinstance(source, DuctMode | ModeMixture):
            raise TypeError(f"expected DuctModes or ModeMixtures, got {type(source).__name__}")
        check_medium(outside)
        groups.setdefault((abs(int(source.m)), source.hub, type(outside)), []).append(case)
    parts: list[list[_Case]] = []
    for group in groups.values():
        group.sort(key=lambda case: (case[1].helmholtz, case[1].mach, str(case[2])))
        last, count = None, 0
        for case in group:
            duct = case[1].helmholtz, case[1].mach
            count += duct != last
            if last is None or (duct != last and count > ducts) or len(parts[-1]) == together:
                parts.append([])
                count = 1
            parts[-1].append(case)
            last = duct
    return parts


def _every(
    parts: list[list[_Case]],
    tolerance: float,
    compute: Callable[[Sequence[Transform]], list[Field]],
    shape: tuple[FloatArray, FloatArray, tuple[int, ...]] | None,
) -> list[Field]:
    """Fields of all cases, in their order.

    shape : x, r and the shape of the fields of cases that fail; None if a failure is raised.
    """
    fields: dict[int, Field] = {}

    @quiet()
    def work(part: list[_Case]) -> None:
        indices, sources, media = zip(*part, strict=True)
        every = transforms(sources, media)
        for one in every:
            if not one.error_estimate <= tolerance:  # asked first: the words of a source cost more than its sums
                check_estimate(one.error_estimate, tolerance, "the factorisation", one.described)
        for index, one, field in zip(indices, every, compute(every), strict=True):
            fields[index] = replace(field, error_estimate=max(field.error_estimate, one.error_estimate))

    def failed(part: list[_Case], reason: str) -> None:
        assert shape is not None
        x, r, size = shape
        zeros = [np.zeros(size, complex) for _ in QUANTITIES]
        fields[part[0][0]] = Field(x, r, zeros[0], zeros[1], zeros[2], zeros[3], np.inf, reason)

    for part in parts:
        attempt(part, work, None if shape is None else failed)
    return [fields[index] for index in range(len(fields))]


def _listed(sources: object) -> list[Source]:
    """The sources, which need not be in a list."""
    if not isinstance(sources, Iterable):
        raise TypeError(f"expected DuctModes or ModeMixtures, got {type(sources).__name__}")
    return list(sources)
