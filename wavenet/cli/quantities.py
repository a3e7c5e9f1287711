"""Texts of numbers with units."""

import functools
import math
import re
from typing import Any

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-zµμ°][A-Za-zµμ°/ *^0-9]*?)\s*")
_EXAMPLES = {"m": "0.4m", "Hz": "1200Hz", "K": "15degC", "m/s": "100m/s", "Pa": "101325Pa", "kg/m^3": "1.2kg/m^3"}
_EXAMPLES |= {"W": "1W"}
_QUIETEST = {"W": (10, 1e-12), "Pa": (20, 2e-5)}  # unit: (factor of the logarithm, reference), ISO 1683


def quantity(text: str, unit: str, name: str) -> float:
    """Number of a text such as 0.4m in an SI unit; powers and pressures of levels, such as 120dB, as well.

    Raises
    ------
    ValueError
        The text is no number with a unit of this dimension.
    """
    wrong = f"--{name} must be a number with a unit, such as {_EXAMPLES[unit]}, got {text!r}"
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(wrong)
    number = float(found[1])
    if found[2] == "dB" and unit in _QUIETEST:
        factor, reference = _QUIETEST[unit]
        return float(reference * 10 ** (number / factor))
    registry = _registry()
    try:
        value = float(registry.Quantity(number, found[2]).to(unit).magnitude)
    except Exception as error:  # unknown, malformed or of another dimension: pint has no common class for these
        raise ValueError(wrong) from error
    if not math.isfinite(value):
        raise ValueError(wrong)
    return value


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()
