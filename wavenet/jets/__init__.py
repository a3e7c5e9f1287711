"""The forward model of jets: far field, reflection and power of duct modes, in closed form around learned factors.

>>> import wavenet.jets
>>> model = wavenet.jets.load()
>>> abs(model.directivity(2, 0, 5.0, 0.3, [0.5, 1.0])).shape
torch.Size([1, 2])
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .high_network import HighNetwork
    from .network import JetNetwork


def load(run: str | Path | None = None) -> JetNetwork:
    """The surrogate shipped with the package, or that of a run.

    Parameters
    ----------
    run : path or str, optional
        Folder of a run of the jet_factor task.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run's folder, a run of another task, or damaged.
    """
    from ..runs import open_network

    model: JetNetwork = open_network(run, "jet_factor")
    return model


def load_high(run: str | Path | None = None) -> HighNetwork:
    """The surrogate of jets of the high domain shipped with the package, or that of a run.

    Parameters
    ----------
    run : path or str, optional
        Folder that `benchmarks/jet_high.py --train` wrote.

    Raises
    ------
    FileNotFoundError, ValueError
        Not such a folder, or damaged.
    """
    from ..runs import open_high

    model: HighNetwork = open_high(run)
    return model
