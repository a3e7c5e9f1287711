"""Numbers and lists as they are written in reports."""

from collections.abc import Sequence

import numpy as np

_DIGITS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float) -> str:
    """Two significant digits, with a power of ten outside 0.01 ... 99.

    >>> number(2.94e-7), number(0.19), number(1.0), number(23.4), number(4500)
    ('2.9 × 10⁻⁷', '0.19', '1.0', '23', '4.5 × 10³')
    """
    if not np.isfinite(value) or value == 0:
        return f"{value:g}"
    if 1e-2 <= abs(value) < 99.5:
        return f"{value:#.2g}".removesuffix(".")
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa} × {power_of_ten(int(exponent))}"


def power_of_ten(exponent: int) -> str:
    """A power of ten.

    >>> power_of_ten(-7)
    '10⁻⁷'
    """
    return f"10{str(exponent).translate(_DIGITS)}"


def times(ratio: float) -> str:
    """A ratio above one, to two significant digits.

    >>> times(1.234), times(23456.7)
    ('1.2', '23,000')
    """
    return f"{float(f'{ratio:.2g}'):,g}" if ratio < 1e6 else number(ratio)


def listed(parts: Sequence[str]) -> str:
    """Words joined as in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
