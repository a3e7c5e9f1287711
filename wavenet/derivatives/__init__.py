"""From the potential to the velocities near a wall: networks, stencils, functions around the lip.

>>> import wavenet.derivatives
>>> network = wavenet.derivatives.load()
>>> len(network.config.x), len(network.config.r)
(128, 64)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from .constrained import ConstrainedNetwork


@overload
def load(run: None = None) -> ConstrainedNetwork: ...
@overload
def load(run: str | Path) -> Any: ...
def load(run: str | Path | None = None) -> Any:
    """The constrained network shipped with the package, or the network of a run.

    Parameters
    ----------
    run : path or str, optional
        Folder of a run of the derivative task, or the name of a network of the package, such as "unet": the paper's.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run's folder, a run of another task, or damaged.
    """
    from ..runs import open_network

    return open_network(run, "derivative")
