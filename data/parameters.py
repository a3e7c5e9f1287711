"""Parameters of a recipe's source: how each is drawn, as spelled in TOML.

A number is fixed; [low, high] is drawn uniformly, {range = [low, high], scale = "log"} uniformly in the logarithm,
{range = [low, high], or = number} is that number in half of the cases; {values = [...]} is drawn from a set; a text
ties a ratio to other parameters, see `ties`, and {range = ..., times = text} multiplies one that is drawn.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from pydantic import PlainSerializer, PlainValidator

from .ties import Tie

_LARGEST_SET = 1000
_SCALES = ("uniform", "log")


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, drawn uniformly or uniformly in the logarithm; a fixed number if these are equal.

    times : expression of other parameters that the number drawn is multiplied by.
    """

    low: float
    high: float
    log: bool = False
    times: Tie | None = None

    @property
    def varies(self) -> bool:
        """Whether there is more than one value."""
        return self.low < self.high

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and largest value."""
        return self.low, self.high

    def at(self, share: float) -> float:
        """Value at a fraction of the range."""
        if self.log:
            return min(self.low * (self.high / self.low) ** share, self.high)
        return self.low + (self.high - self.low) * share

    @property
    def pieces(self) -> list[tuple[float, float]]:
        """Least and largest value of every range that it consists of."""
        return [self.bounds]

    def blocks(self, wanted: int) -> int:
        """Number of blocks of equal shares that the range is cut into."""
        return wanted if self.varies else 1

    def spelled(self) -> Any:
        """As in a recipe."""
        if self.times is not None:
            scale = "log" if self.log else "uniform"
            return {"range": [self.low, self.high], "scale": scale, "times": self.times.text}
        if not self.varies:
            return self.low
        return {"range": [self.low, self.high], "scale": "log"} if self.log else [self.low, self.high]


@dataclass(frozen=True)
class Values:
    """A set of numbers, in ascending order, each equally likely."""

    values: tuple[float, ...]

    @property
    def varies(self) -> bool:
        """Whether there is more than one value."""
        return len(self.values) > 1

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and largest value."""
        return self.values[0], self.values[-1]

    def at(self, share: float) -> float:
        """Value at a fraction of the set."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]

    @property
    def pieces(self) -> list[tuple[float, float]]:
        """Every value as a range."""
        return [(value, value) for value in self.values]

    def blocks(self, wanted: int) -> int:
        """Number of blocks of equal shares: a divisor of the number of values, so that none lies in two blocks."""
        count = len(self.values)
        divisors = [size for size in range(2, min(wanted, count) + 1) if count % size == 0]
        return divisors[-1] if divisors else count

    def spelled(self) -> Any:
        """As in a recipe."""
        return {"values": list(self.values)}


@dataclass(frozen=True)
class Either:
    """One number in half of the cases, such as no hub at all, and a range in the other half."""

    number: float
    range: Range

    @property
    def varies(self) -> bool:
        """Whether there is more than one value."""
        return True

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and largest value."""
        low, high = self.range.bounds
        return min(low, self.number), max(high, self.number)

    def at(self, share: float) -> float:
        """The number in the lower half of the shares, the range in the upper."""
        return self.number if share < 0.5 else self.range.at(2 * share - 1)

    @property
    def pieces(self) -> list[tuple[float, float]]:
        """The number and the range."""
        return [(self.number, self.number), self.range.bounds]

    def blocks(self, wanted: int) -> int:
        """Two: in more, the number would lie in several."""
        return 2

    def spelled(self) -> Any:
        """As in a recipe."""
        scale = {"scale": "log"} if self.range.log else {}
        return {"range": [*self.range.bounds], **scale, "or": self.number}


Drawn: TypeAlias = Range | Values | Either
Parameter: TypeAlias = Drawn | Tie


def tie_of(parameter: Parameter) -> Tie | None:
    """Expression of other parameters that a parameter is, or is multiplied by."""
    return parameter if isinstance(parameter, Tie) else getattr(parameter, "times", None)


class Limits(NamedTuple):
    """Least and largest value that a recipe may have, whether others may multiply it, and whether they may make it.

    Chosen, not derived: they contain the built-in recipes with room to spare and keep costs bounded.
    """

    low: float
    high: float
    scaled: bool = False
    tied: bool = False


LIMITS = {
    "helmholtz": Limits(0.001, 60.0),
    "mach": Limits(-0.95, 0.95, scaled=True),
    "hub": Limits(0.0, 0.95),
    "mach_outer": Limits(0.0, 0.95),
    "sound_speed_ratio": Limits(0.1, 10.0, scaled=True, tied=True),
    "density_ratio": Limits(0.1, 10.0, scaled=True, tied=True),
    "kutta": Limits(0.0, 1.0),
    "resistance": Limits(0.01, 100.0),
    "reactance": Limits(-100.0, 100.0),
    "liner_length": Limits(0.05, 20.0),
    "liner_distance": Limits(0.0, 20.0),
    "lip_thickness": Limits(0.001, 1.0),
    "lip_aspect": Limits(0.0, 4.0),
}


def within(name: str) -> PlainValidator:
    """Validator of a recipe's key for a parameter in `LIMITS`."""
    return PlainValidator(lambda value: parse(value, LIMITS[name]))


SPELLED = PlainSerializer(lambda value: value.text if isinstance(value, Tie) else value.spelled())


def parse(value: Any, limits: Limits) -> Parameter:
    """Parameter from its spelling in a recipe.

    Raises
    ------
    ValueError
        It is none, or has numbers outside the limits.
    """
    if isinstance(value, Tie | str):
        if not limits.tied:
            raise ValueError("only ratios may be tied to other parameters by a text")
        return value if isinstance(value, Tie) else Tie(value)
    if isinstance(value, Range | Values | Either):
        return parse(value.spelled(), limits)
    if isinstance(value, dict):
        return _table(value, limits)
    if isinstance(value, list | tuple):
        return _range(value, limits)
    number = _number(value, limits)
    return Range(number, number)


def _table(table: dict[str, Any], limits: Limits) -> Parameter:
    if set(table) == {"values"}:
        values = table["values"]
        if not isinstance(values, list | tuple) or not 0 < len(values) <= _LARGEST_SET:
            raise ValueError(f"values must be a list of 1 to {_LARGEST_SET} numbers, got {values!r:.60}")
        numbers = sorted(_number(one, limits) for one in values)
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"values must differ from each other, got {values!r:.60}")
        return Values(tuple(numbers))
    if "range" not in table or not set(table) <= {"range", "scale", "or", "times"} or {"or", "times"} <= set(table):
        raise ValueError(
            "expected {values = [...]} or {range = [low, high], scale = ...}, with or = number or times = text, "
            f"got {table!r:.80}"
        )
    times = table.get("times")
    if times is not None and not (limits.scaled and isinstance(times, str)):
        raise ValueError(
            f"only mach and ratios may be multiplied by other parameters, by a text, got times = {times!r:.40}"
        )
    scale = table.get("scale", "uniform")
    if scale not in _SCALES:
        raise ValueError(f"scale must be one of {', '.join(_SCALES)}, got {scale!r:.40}")
    if not isinstance(table["range"], list | tuple):
        raise ValueError(f"range must be [least, largest], got {table['range']!r:.40}")
    found = _range(table["range"], limits, log=scale == "log")
    if "or" in table:
        return Either(_number(table["or"], limits), found)
    return found if times is None else dataclasses.replace(found, times=Tie(times))


def _range(ends: Sequence[Any], limits: Limits, *, log: bool = False) -> Range:
    if len(ends) != 2:
        raise ValueError(f"a range must be [least, largest], got {list(ends)!r:.60}; a set is {{values = [...]}}")
    low, high = (_number(end, limits) for end in ends)
    if low > high:
        raise ValueError(f"a range must be [least, largest], got [{low}, {high}]")
    if log and not low > 0:
        raise ValueError(f"a range on a logarithmic scale must be positive, got [{low}, {high}]")
    return Range(low, high, log and low < high)


def _number(value: Any, limits: Limits) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, got {value!r:.40}")
    number = float(value) if abs(value) < 1e300 else math.inf
    if not limits.low <= number <= limits.high:
        raise ValueError(f"must lie in [{limits.low:g}, {limits.high:g}], got {value!r:.40}")
    return number
