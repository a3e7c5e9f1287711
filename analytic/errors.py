"""Errors of the numerics."""


class ConvergenceError(ArithmeticError):
    """A quadrature or a root search missed its tolerance; nothing was returned."""


def check_estimate(error: float, tolerance: float, what: str, described: str) -> None:
    """Raise unless an error estimate meets the tolerance.

    what, described : for the message: the quantity, and the source.
    """
    if not error <= tolerance:  # NaN is refused, too
        raise ConvergenceError(f"the error estimate of {what}, {error:.1e}, is above {tolerance:.1e} for {described}")
