"""Errors of the numerics."""


class ConvergenceError(ArithmeticError):
    """A quadrature or a root search missed its tolerance; nothing was returned."""


def check_estimate(error: float, tolerance: float, what: str, described: str) -> None:
    """Raise unless an error estimate meets the tolerance.

    what, described : the quantity and the source, for the message.
    """
    if not error <= tolerance:  # NaN also raises
        raise ConvergenceError(f"the error estimate of {what}, {error:.1e}, is above {tolerance:.1e} for {described}")
