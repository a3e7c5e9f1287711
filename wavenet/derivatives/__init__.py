"""From the potential to velocities: the constrained network, stencils, functions around the lip, the U-net."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .constrained import ConstrainedNetwork


def load() -> ConstrainedNetwork:
    """The constrained network that comes with the package."""
    from ..runs import SHIPPED
    from ..runs import load as load_run

    return load_run(SHIPPED["derivative"], task="derivative")[1]
