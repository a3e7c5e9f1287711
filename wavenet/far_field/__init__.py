"""Sound at a distance: directivities of modes, pressures at microphones, and the modes found from these."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .directivity import Directivity


def load() -> Directivity:
    """The directivity of modes that comes with the package."""
    from ..runs import SHIPPED
    from ..runs import load as load_run

    return load_run(SHIPPED["factor"], task="factor")[1]
