"""The far field of duct modes: directivity, multipoles, mode detection.

>>> import wavenet.far_field
>>> model = wavenet.far_field.load()
>>> abs(model(2, 0, 5.0, 0.3, [0.5])).shape
torch.Size([1, 1])
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .directivity import Directivity


def load(run: str | Path | None = None) -> Directivity:
    """The directivity surrogate shipped with the package, or that of a run.

    Parameters
    ----------
    run : path or str, optional
        Folder of a run of the factor task.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run's folder, a run of another task, or damaged.
    """
    from ..runs import open_network

    model: Directivity = open_network(run, "factor")
    return model
