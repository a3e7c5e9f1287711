"""Errors of the numerics, and the warning that a mode does not propagate."""

import numpy as np
import numpy.typing as npt


class ConvergenceError(ArithmeticError):
    """A quadrature or a root search missed its tolerance; nothing was returned."""


class CutOffWarning(UserWarning):
    """No incident mode propagates: they decay in the duct and carry no power of their own, see `Solution.cut_on`."""


def quiet() -> np.errstate:
    """Context for numerics whose results are checked afterwards: what is not finite is raised then, not warned of."""
    return np.errstate(divide="ignore", invalid="ignore", over="ignore")


def check_finite(values: npt.ArrayLike, what: str, described: str) -> None:
    """Raise unless all values are finite; what, described as for `check_estimate`."""
    if not np.all(np.isfinite(values)):
        raise ConvergenceError(f"{what} is beyond double precision for {described}")


def check_estimate(error: float, tolerance: float, what: str, described: str) -> None:
    """Raise unless an error estimate meets the tolerance.

    what, described : the quantity and the source, for the message.
    """
    if not error <= tolerance:  # NaN also raises
        raise ConvergenceError(f"the error estimate of {what}, {error:.1e}, is above {tolerance:.1e} for {described}")
