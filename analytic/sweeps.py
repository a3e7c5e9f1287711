"""Many sources in one call, in uniform flow or with jets: near fields and far fields.

What cases share is evaluated once: without a jet the Bessel functions and sums of the factorisations of one azimuthal
order and hub, with a jet the factorisation of all radial orders, amplitudes and Kutta parameters.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from .arrays import BoolArray, ComplexArray, FloatArray, IntArray
from .cases import broadcast
from .checks import check_angles, check_tolerance, finite_array
from .errors import ConvergenceError, check_estimate
from .media import Jet, UniformFlow, check_medium, jet_sweep, transforms, uniform_sweep
from .near_field import QUANTITIES, Field, check_positions, grid_fields, reshaped
from .source import DuctMode, ModeMixture, Source
from .transform import Transform

# Near fields computed at a time on grids, of ducts that differ and in all, and at points: larger groups save no more
# work and cost memory.
_DUCTS, _FIELDS, _POINTS = 16, 64, 64
_MOST = 2**15  # points times sources computed at a time
_RAISE, _RECORD = "raise", "record"  # what happens to a case that fails
_JET = ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta")
_Case: TypeAlias = tuple[int, Source, object]  # index, source and medium
_Part = TypeVar("_Part", list[_Case], IntArray)


@dataclass(frozen=True)
class Sweep:
    """Results of `sweep`: arrays over cases.

    reflection : (case,) complex, coefficient of the incident mode into itself, of the potential at x = 0.
    directivity : (case, angle) complex, as `Solution.directivity`.
    error_estimate : (case,) float, relative, of both.
    valid : (case,) bool, False for a case that failed: its reflection and directivity are 0, its error estimate is inf.
    reasons : why cases failed, "" for those that are valid: (case,) tuple of str.
    """

    reflection: ComplexArray
    directivity: ComplexArray
    error_estimate: FloatArray
    valid: BoolArray
    reasons: tuple[str, ...]


# long: description of the parameters and errors, and an example, of a main entry point
def near_fields(
    sources: Iterable[Source],
    x: npt.ArrayLike,
    r: npt.ArrayLike,
    *,
    medium: object = UniformFlow(),
    tolerance: float = 1e-6,
    errors: str = _RAISE,
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
    tolerance, record = check_tolerance(tolerance), _check_errors(errors)
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
    errors: str = _RAISE,
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
    tolerance, record = check_tolerance(tolerance), _check_errors(errors)
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
    sources = list(sources)
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

    def work(part: list[_Case]) -> None:
        indices, sources, media = zip(*part, strict=True)
        every = transforms(sources, media)
        for one in every:
            check_estimate(one.error_estimate, tolerance, "the factorisation", one.described)
        for index, one, field in zip(indices, every, compute(every), strict=True):
            fields[index] = replace(field, error_estimate=max(field.error_estimate, one.error_estimate))

    def failed(part: list[_Case], reason: str) -> None:
        assert shape is not None
        x, r, size = shape
        zeros = [np.zeros(size, complex) for _ in QUANTITIES]
        fields[part[0][0]] = Field(x, r, zeros[0], zeros[1], zeros[2], zeros[3], np.inf, reason)

    for part in parts:
        _attempt(part, work, None if shape is None else failed)
    return [fields[index] for index in range(len(fields))]


# long: description of the parameters and errors, and examples, of a main entry point
def sweep(
    m: npt.ArrayLike,
    n: npt.ArrayLike,
    helmholtz: npt.ArrayLike,
    theta: npt.ArrayLike,
    *,
    mach: npt.ArrayLike = 0.0,
    hub: npt.ArrayLike = 0.0,
    mach_outer: npt.ArrayLike | None = None,
    sound_speed_ratio: npt.ArrayLike | None = None,
    density_ratio: npt.ArrayLike | None = None,
    kutta: npt.ArrayLike | None = None,
    tolerance: float = 1e-6,
    errors: str = _RAISE,
) -> Sweep:
    """Reflection and directivity of many incident duct modes.

    Parameters
    ----------
    m, n : (case,) int arrays
        Azimuthal and radial orders; all arrays of cases broadcast.
    helmholtz, mach, hub : (case,) float arrays
        Helmholtz number ka > 0, Mach number of the duct's flow [-], radius of the hub [duct radii].
    theta : (angle,) float array
        Polar angles in the (X, r) plane [rad], 0 downstream, in [0, pi].
    mach_outer, sound_speed_ratio, density_ratio, kutta : (case,) float arrays, optional
        Parameters of `Jet`: if any is given, every case has a jet. Else the flow is uniform.
    tolerance : float
        Largest relative error estimate accepted.
    errors : {"raise", "record"}
        Whether a case whose numerics fail raises, or is recorded in `Sweep.valid` and `Sweep.reasons`.

    Returns
    -------
    Sweep

    Raises
    ------
    ValueError
        A parameter is outside its range.
    ConvergenceError
        The error estimate of a case is above the tolerance, as within a relative 1e-9 of a cut-on, or a jet's
        factorisation failed; the case's parameters are named.

    Examples
    --------
    >>> result = sweep(0, 0, [0.5, 1.0, 2.0], [0.0, 1.5])
    >>> np.abs(result.reflection).round(5).tolist()
    [0.89644, 0.6951, 0.34618]
    >>> result.directivity.shape
    (3, 2)
    >>> np.abs(sweep(0, 0, 1.0, [1.5], mach=0.3, kutta=[0.0, 1.0]).reflection).round(5).tolist()
    [0.68453, 0.48298]
    """
    theta, tolerance, record = np.atleast_1d(check_angles(theta)), check_tolerance(tolerance), _check_errors(errors)
    if theta.ndim != 1:
        raise ValueError(f"angles must be one-dimensional, got shape {theta.shape}")
    given = (mach_outer, sound_speed_ratio, density_ratio, kutta)
    jets = any(value is not None for value in given)
    medium = jet_sweep if jets else uniform_sweep
    outer = {name: getattr(Jet, name) if value is None else value for name, value in zip(_JET, given, strict=True)}
    cases = broadcast(m, n, helmholtz, mach, hub, outer if jets else {})
    medium.check(cases)
    count = len(cases)
    reflection, directivity = np.zeros(count, complex), np.zeros((count, len(theta)), complex)
    error, reasons = np.full(count, np.inf), np.full(count, "", object)

    def work(part: IntArray) -> None:
        reflection[part], directivity[part], error[part] = medium.solve(cases.take(part), theta)

    def failed(part: IntArray, reason: str) -> None:
        if not record:
            raise ConvergenceError(f"{reason}, for {cases.described(part[0])}")
        reasons[part] = reason

    for part in medium.parts(cases):
        _attempt(part, work, failed, whole=medium.SHARED)
    error = np.where(np.isnan(error), np.inf, error)
    for case in np.flatnonzero((error > tolerance) & (reasons == "")):
        reasons[case] = f"the error estimate {error[case]:.1e} is above {tolerance:.1e}"
    valid = reasons == ""
    if not (record or np.all(valid)):
        worst = int(np.argmax(error))
        raise ConvergenceError(f"{reasons[worst]} for {cases.described(worst)}")
    reflection[~valid], directivity[~valid], error[~valid] = 0, 0, np.inf
    return Sweep(reflection, directivity, error, valid, tuple(reasons.tolist()))


def _check_errors(errors: str) -> bool:
    """Whether failures are recorded."""
    if errors not in (_RAISE, _RECORD):
        raise ValueError(f"errors must be {_RAISE!r} or {_RECORD!r}, got {errors!r}")
    return errors == _RECORD


def _attempt(
    part: _Part, work: Callable[[_Part], None], failed: Callable[[_Part, str], None] | None, *, whole: bool = False
) -> None:
    """Do the work on a part; if it fails, on each half, down to single cases, unless the whole part has failed.

    failed : takes a part and the reason; without it the error is passed on.
    """
    try:
        work(part)
    except ConvergenceError as error:
        if failed is None:
            raise
        if whole or len(part) == 1:
            failed(part, str(error))
            return
        half = len(part) // 2
        for some in (part[:half], part[half:]):
            _attempt(some, work, failed)
