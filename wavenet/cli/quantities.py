"""Texts of numbers with units."""

import functools
import math
import re
from typing import Any

_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-zµμ°][A-Za-zµμ°/ *^0-9]*?)\s*")
_EXAMPLES = {"m": "0.4m", "Hz": "1200Hz", "K": "15degC", "m/s": "100m/s", "Pa": "101325Pa", "kg/m^3": "1.2kg/m^3"}
_EXAMPLES |= {"W": "1W"}
USUAL = {  # the units that most people type: (factor, offset) to SI; pint knows all others, and takes half a second
    "m": {"m": (1.0, 0.0), "cm": (0.01, 0.0), "mm": (0.001, 0.0)},
    "Hz": {"Hz": (1.0, 0.0), "kHz": (1000.0, 0.0)},
    "K": {"K": (1.0, 0.0), "degC": (1.0, 273.15), "°C": (1.0, 273.15)},
    "m/s": {"m/s": (1.0, 0.0)},
    "Pa": {"Pa": (1.0, 0.0), "kPa": (1000.0, 0.0)},
    "kg/m^3": {"kg/m^3": (1.0, 0.0)},
    "W": {"W": (1.0, 0.0)},
}
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
    if found[2] in USUAL[unit]:
        size, offset = USUAL[unit][found[2]]
        value = number * size + offset
    else:
        try:
            value = in_any_unit(number, found[2], unit)
        except Exception as error:  # unknown, malformed or of another dimension: pint has no common class for these
            raise ValueError(wrong) from error
    if not math.isfinite(value):
        raise ValueError(wrong)
    return value


def in_any_unit(number: float, given: str, unit: str) -> float:
    """A number of one unit in another, by pint."""
    return float(_registry().Quantity(number, given).to(unit).magnitude)


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()
