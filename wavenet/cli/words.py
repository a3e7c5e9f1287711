"""Results for people: facts, one a line, with the digits that mean something."""

from collections.abc import Mapping
from typing import Any

_DIGITS = 4  # of a number among facts; JSON and files have all


def facts(values: Mapping[str, Any]) -> None:
    """Print names and values, one a line."""
    for key, value in values.items():
        print(f"{key.replace('_', ' '):24} {words(value)}")


def words(value: Any) -> str:
    """A value in words: numbers rounded, names and values of a dict, yes or no."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.{_DIGITS}g}"
        case None:
            return "not known"
        case Mapping():
            return "; ".join(f"{name} {words(one)}" for name, one in value.items()) or "none"
        case list() | tuple():
            return ", ".join(words(one) for one in value) or "none"
    return str(value)
