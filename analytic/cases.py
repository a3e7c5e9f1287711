"""Parameters of many cases, one array each."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .arrays import FloatArray, IntArray
from .checks import (
    broadcast_arrays,
    check_helmholtz_array,
    check_hub,
    check_mach_array,
    check_order_arrays,
    check_reduced,
    real_array,
)


@dataclass(frozen=True)
class Cases:
    """Incident duct modes.

    Attributes
    ----------
    m, n : (case,) int arrays
        Azimuthal and radial orders.
    helmholtz, mach, hub : (case,) float arrays
        As in `DuctMode`.
    outer : dict of (case,) float arrays
        Parameters of the medium outside.
    """

    m: IntArray
    n: IntArray
    helmholtz: FloatArray
    mach: FloatArray
    hub: FloatArray
    outer: dict[str, FloatArray]

    def __len__(self) -> int:
        return len(self.m)

    def take(self, cases: IntArray) -> "Cases":
        """Some of the cases."""
        outer = {name: value[cases] for name, value in self.outer.items()}
        return Cases(self.m[cases], self.n[cases], self.helmholtz[cases], self.mach[cases], self.hub[cases], outer)

    def described(self, case: int) -> str:
        """Parameters of one case, for error messages."""
        named = {name: getattr(self, name)[case] for name in ("m", "n", "helmholtz", "mach", "hub")}
        named |= {name: value[case] for name, value in self.outer.items()}
        return ", ".join(f"{name}={value}" for name, value in named.items())


def broadcast(
    m: npt.ArrayLike,
    n: npt.ArrayLike,
    helmholtz: npt.ArrayLike,
    mach: npt.ArrayLike,
    hub: npt.ArrayLike,
    outer: dict[str, npt.ArrayLike],
) -> Cases:
    """Cases from arrays that broadcast.

    Raises
    ------
    ValueError
        A parameter is outside its range, lengths differ, or there is more than one dimension.
    """
    hubs = real_array(hub, "hub")
    for value in np.unique(hubs):
        check_hub(value)
    orders = dict(zip("mn", check_order_arrays(m, n), strict=True))
    duct = {"helmholtz": check_helmholtz_array(helmholtz), "mach": check_mach_array(mach), "hub": hubs}
    others = {name: real_array(value, name) for name, value in outer.items()}
    together = broadcast_arrays(**orders, **duct, **others)
    m, n, helmholtz, mach, hub, *columns = (np.atleast_1d(one) for one in together)
    if m.ndim != 1:
        raise ValueError(f"cases must be one-dimensional, got shape {m.shape}")
    check_reduced(helmholtz, mach)
    return Cases(m, n, helmholtz, mach, hub, dict(zip(outer, columns, strict=True)))


def alike(*columns: npt.NDArray[np.generic]) -> list[IntArray]:
    """Indices of the cases that are equal in all columns, for every combination."""
    rows = np.stack([np.asarray(column, dtype=float) for column in columns], axis=1)
    _, which = np.unique(rows, axis=0, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(which.ravel()[order])) + 1) if len(order) else []
