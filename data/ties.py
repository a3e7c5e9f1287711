"""Tied parameters: an expression of other parameters, such as "1/sound_speed_ratio^2", parsed and never executed.

An expression consists of numbers, names, + - * / ^ and parentheses. Its bounds over ranges are those of interval
arithmetic: no value lies outside, but if a name occurs twice they may be wider than what is reached.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_LONGEST = 200  # characters: enough for any tie between gases, too few to nest deeply
_HIGHEST = 16  # largest size of an exponent: more overflows, or is no relation between gases
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_Interval = tuple[float, float]


@dataclass(frozen=True)
class Tie:
    """A parameter that follows from others.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
        The text is no expression of this kind.
    """

    text: str

    def __post_init__(self) -> None:
        self.bounds(dict.fromkeys(self.names, (0.3, 0.3)))  # any value: it is the spelling that is tried

    @property
    def names(self) -> set[str]:
        """Names of the parameters it depends on."""
        return {node.id for node in ast.walk(_tree(self.text)) if isinstance(node, ast.Name)}

    def at(self, values: Mapping[str, float]) -> float:
        """Value for values of the other parameters."""
        return self.bounds({name: (values[name], values[name]) for name in self.names})[0]

    def bounds(self, ranges: Mapping[str, _Interval]) -> _Interval:
        """Bounds for (least, largest) values of the other parameters.

        Raises
        ------
        ValueError
            It divides by zero somewhere in the ranges, is a power of a negative number there, or overflows.
        """
        try:
            low, high = _evaluate(_tree(self.text), ranges)
        except (ZeroDivisionError, OverflowError) as error:
            raise ValueError(f"{self.text!r} has no value somewhere in the ranges: {error}") from None
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"{self.text!r} is not finite everywhere in the ranges")
        return low, high


def _tree(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise ValueError(f"a tie has at most {_LONGEST} characters, got {len(text)}")
    try:
        return ast.parse(text.replace("^", "**").strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"{text!r:.60} is no expression such as '1/sound_speed_ratio^2'") from None


def _evaluate(node: ast.expr, ranges: Mapping[str, _Interval]) -> _Interval:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return float(value), float(value)
        case ast.Name(id=name) if name in ranges:
            return ranges[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            low, high = _evaluate(operand, ranges)
            return -high, -low
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            first, second = _evaluate(left, ranges), _evaluate(right, ranges)
            if isinstance(op, ast.Div) and second[0] <= 0 <= second[1]:
                raise ZeroDivisionError("division by zero")
            if isinstance(op, ast.Pow):
                _check_power(first, second)
            function = _ARITHMETIC[type(op)]  # monotonic in either argument: the extremes are at the ends
            ends = [function(a, b) for a in first for b in second]
            return min(ends), max(ends)
    raise ValueError(
        f"a tie consists of numbers, names of parameters, + - * / ^ and parentheses, got {ast.unparse(node)}"
    )


def _check_power(base: _Interval, exponent: _Interval) -> None:
    if not base[0] > 0:
        raise ZeroDivisionError("a power of a number that is not positive")
    if max(map(abs, exponent)) > _HIGHEST:
        raise OverflowError(f"an exponent is above {_HIGHEST}")
