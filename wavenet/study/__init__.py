"""The study: where the exact solver, the datasets and the networks meet.

Everything a command computes is a function here, for use from Python as well: `comparison` and `verdict` (a network
against the exact solution and other methods), `relevance` (attribution of one output), `differentiation`, `prediction`
and `detection` (the shipped networks at work), `solution` (the solver), `validity` (checks against the training's
ranges), `bench` (the numbers of `wavenet explore`),
`conversion` (PyTorch's format of datasets). `pictures`, `report` and `page` show these results.

`compare`, `attribute`, `train` and `TorchDataset` can be imported from here: `from wavenet.study import compare`.

This room may import `analytic`, `data` and the rest of `wavenet`; only `wavenet.cli` may import it. If a user's file
hides one of these packages, an ImportError names the file here.
"""

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .comparisons import compare
    from .explanations import attribute
    from .torch_dataset import TorchDataset
    from .training import train

__all__ = ["TorchDataset", "attribute", "compare", "train"]
_HOMES = {  # imported on first use
    "TorchDataset": "torch_dataset",
    "attribute": "explanations",
    "compare": "comparisons",
    "train": "training",
}

_HOME = Path(__file__).resolve().parents[2]
for _name in ("analytic", "data"):
    _found = find_spec(_name)
    _place = None if _found is None or _found.origin is None else Path(_found.origin).resolve()
    if _place != _HOME / _name / "__init__.py":
        raise ImportError(
            f"`import {_name}` finds {_place or 'nothing'}, not the package in {_HOME} that comes with wavenet; rename "
            "that file, or start Python in another folder or with -P"
        )


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
