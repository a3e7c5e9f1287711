"""Inputs at the door: every number is converted to double precision, or to int, and its range is checked, here only.

Any real type is taken: Python's and numpy's numbers of every precision, integers, lists and arrays of them, and arrays
without dimensions as single numbers. Complex numbers, truth values, strings, None and masked entries are refused, as
are infinities and NaN. An order may be a float without a fraction (1.0 is 1), and is stored as an int. All functions
return what was converted, and raise a ValueError that names the value.
"""

import math
import numbers

import numpy as np
import numpy.typing as npt

from .arrays import ComplexArray, FloatArray, IntArray

_LARGEST_HUB = 0.95  # eigenvalues are pi / (1 - h), 63, apart there; the tests go no further
_LARGEST_ORDER = 1000  # of |m| and n: eigenvalues, tables and series are checked no further
_LARGEST_COUNT = 10_000  # of eigenvalues: three times those below K = 1e4
_REDUCED = 1e-20, 1e4  # range of K = ka / sqrt(1 - M^2): 3000 orders are cut on at its end; below, squares underflow
_NO_NUMBERS = (bool, np.bool_, np.ma.core.MaskedConstant)
_SHOWN = 80  # characters of a value in a message


def real_number(value: object, name: str) -> float:
    """A single real number as a double."""
    if type(value) is float or (isinstance(value, numbers.Real) and not isinstance(value, bool | np.generic)):
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{name} is too large, got {_shown(value)}") from None
    array = real_array(value, name)
    if array.ndim:
        raise ValueError(f"{name} must be a single number, got {_shown(value)}")
    return float(array)


def real_array(value: npt.ArrayLike | object, name: str) -> FloatArray:
    """Real numbers of any shape as an array of doubles."""
    array = _array(value, name)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be real, got {_shown(value)}")
    return _double(array, float)


def complex_array(value: npt.ArrayLike | object, name: str) -> ComplexArray:
    """Real or complex numbers of any shape as an array in double precision; a copy."""
    array = _array(value, name)
    if array.dtype.kind not in "iufc":
        raise ValueError(f"{name} must be numbers, got {_shown(value)}")
    return np.array(_double(array, complex))


def finite_array(value: npt.ArrayLike | object, name: str) -> FloatArray:
    """Real finite numbers of any shape, at least one, as an array of doubles."""
    array = real_array(value, name)
    if not (array.size and np.all(np.isfinite(array))):
        raise ValueError(f"{name} must be finite, and there must be at least one, got {_shown(value)}")
    return array


def grid_arrays(x: npt.ArrayLike, r: npt.ArrayLike, *, hint: str = "") -> tuple[FloatArray, FloatArray]:
    """Axes of a tensor grid as arrays of doubles; hint : end of the message where they are not one-dimensional."""
    x, r = np.atleast_1d(finite_array(x, "x")), np.atleast_1d(finite_array(r, "r"))
    if x.ndim != 1 or r.ndim != 1:
        raise ValueError(f"a grid needs one-dimensional x and r, got shapes {x.shape} and {r.shape}{hint}")
    return x, r


def broadcast_arrays(**arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """Arrays broadcast together; an empty one goes with single numbers and empty ones only."""
    try:
        together: tuple[np.ndarray, ...] = tuple(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        together = ()
    if not together or (not together[0].size and any(array.ndim and array.size for array in arrays.values())):
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items() if array.ndim)
        raise ValueError(f"arrays must have one shape, or be single numbers, got the shapes {shapes}")
    return together


def _array(value: object, name: str) -> np.ndarray:
    if np.ma.is_masked(value):
        raise ValueError(f"{name} must not have masked entries, got {_shown(value)}")
    if isinstance(value, list | tuple) and any(isinstance(one, _NO_NUMBERS) for one in value):  # numpy converts them
        raise ValueError(f"{name} must be numbers, got {_shown(value)}")
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists; tensors that need a gradient
        raise ValueError(f"{name} must be numbers, got {_shown(value)}: {error}") from None


def _double(array: np.ndarray, kind: type) -> np.ndarray:
    with np.errstate(over="ignore"):  # extended precision may exceed the doubles; what is infinite is refused by range
        return array.astype(kind, copy=False)


def _shown(value: object) -> str:
    text = " ".join((str(value) if isinstance(value, np.generic) else repr(value)).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def check_order(m: object) -> int:
    """An azimuthal order, an integer of any sign."""
    order = _integer(m, "m")
    if order is None or abs(order) > _LARGEST_ORDER:
        raise ValueError(
            f"the azimuthal order m must be an integer, at most {_LARGEST_ORDER} in size, got m={_shown(m)}"
        )
    return order


def check_orders(m: object, n: object) -> tuple[int, int]:
    """Orders of a duct mode: m of any sign, n >= 0."""
    order, radial = check_order(m), _integer(n, "n")
    if radial is None or not 0 <= radial <= _LARGEST_ORDER:
        raise ValueError(f"the radial order n must be an integer from 0 to {_LARGEST_ORDER}, got n={_shown(n)}")
    return order, radial


def _integer(value: object, name: str) -> int | None:
    """The value as an int, None if it has a fraction or is not finite."""
    number = real_number(value, name)
    return int(number) if number.is_integer() else None


def check_order_arrays(m: npt.ArrayLike, n: npt.ArrayLike) -> tuple[IntArray, IntArray]:
    """Orders of many duct modes, of any shapes."""
    arrays = real_array(m, "m"), real_array(n, "n")
    for name, array in zip("mn", arrays, strict=True):
        wrong = ~((np.trunc(array) == array) & (np.abs(array) <= _LARGEST_ORDER))
        wrong |= (array < 0) & (name == "n")
        if np.any(wrong):
            check_orders(*((array[wrong][0], 0) if name == "m" else (0, array[wrong][0])))
    return arrays[0].astype(np.intp), arrays[1].astype(np.intp)


def check_count(count: object) -> int:
    """A number of things, an integer >= 0."""
    number = _integer(count, "count")
    if number is None or not 0 <= number <= _LARGEST_COUNT:
        raise ValueError(f"the count must be an integer from 0 to {_LARGEST_COUNT}, got {_shown(count)}")
    return number


def check_tolerance(tolerance: object) -> float:
    """A tolerance, positive and finite."""
    number = real_number(tolerance, "the tolerance")
    if not 0 < number < math.inf:  # NaN fails these comparisons, too
        raise ValueError(f"the tolerance must be positive and finite, got {_shown(tolerance)}")
    return number


def check_positive(value: object, name: str) -> float:
    """A positive finite number."""
    number = real_number(value, name)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {name}={_shown(value)}")
    return number


def check_helmholtz(helmholtz: object) -> float:
    """A Helmholtz number, positive and finite."""
    number = real_number(helmholtz, "helmholtz")
    if not 0 < number < math.inf:
        raise ValueError(f"helmholtz must be a positive finite number, got helmholtz={_shown(helmholtz)}")
    return number


def check_helmholtz_array(helmholtz: npt.ArrayLike) -> FloatArray:
    """Helmholtz numbers of any shape, positive and finite."""
    array = real_array(helmholtz, "helmholtz")
    right = (array > 0) & np.isfinite(array)
    if not np.all(right):
        raise ValueError(f"helmholtz must be positive and finite, got helmholtz={array[~right][0]}")
    return array


def check_reduced(helmholtz: FloatArray | float, mach: FloatArray | float) -> None:
    """Raise unless K = ka / sqrt(1 - M^2) of checked numbers is in the range that is solved for."""
    k = np.asarray(helmholtz / np.sqrt((1 - np.asarray(mach)) * (1 + np.asarray(mach))))
    right = (k >= _REDUCED[0]) & (k <= _REDUCED[1])
    if not np.all(right):
        raise ValueError(
            f"ka / sqrt(1 - M^2) must lie in [{_REDUCED[0]:g}, {_REDUCED[1]:g}], got {k[~right].flat[0]:.6g}"
        )


def check_mach(mach: object) -> float:
    """The Mach number of a subsonic flow."""
    number = real_number(mach, "mach")
    if not abs(number) < 1:
        raise ValueError(f"the flow must be subsonic, |mach| < 1, got mach={_shown(mach)}")
    return number


def check_mach_array(mach: npt.ArrayLike) -> FloatArray:
    """Mach numbers of subsonic flows, of any shape."""
    array = real_array(mach, "mach")
    for wrong in array[~(np.abs(array) < 1)]:
        check_mach(wrong)
    return array


def check_hub(hub: object) -> float:
    """A radius of the hub that leaves a duct."""
    number = real_number(hub, "hub")
    if not 0 <= number <= _LARGEST_HUB:
        raise ValueError(f"the hub's radius must lie in [0, {_LARGEST_HUB}] duct radii, got hub={_shown(hub)}")
    return number


def check_angles(theta: npt.ArrayLike) -> FloatArray:
    """Polar angles of any shape, in [0, pi]."""
    array = real_array(theta, "theta")
    if not np.all((array >= 0) & (array <= np.pi)):
        raise ValueError(f"theta must lie in [0, pi] rad, got {_shown(theta)}")
    return array


def check_flag(value: object, name: str) -> bool:
    """A truth value."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {_shown(value)}")
    return bool(value)
