"""The feed-forward network: from duct mode, Helmholtz and Mach number to the pressure at microphones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def load(run: str | Path | None = None) -> nn.Module:
    """The forward network shipped with the package, or that of a run.

    Parameters
    ----------
    run : path or str, optional
        Folder of a run of the forward task, or the name of a network of the package.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run's folder, a run of another task, or damaged.
    """
    from ..runs import open_network

    model: nn.Module = open_network(run, "forward")
    return model
