"""Relevance of a trained network's inputs for one of its outputs, from Python: `wavenet.study.attribute`."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from data.read import Dataset
from wavenet.explain.methods import METHODS

from . import relevance
from .models import Code, Given, evaluating, folder_to_write, open_dataset, open_model
from .relevance import OutputRelevance
from .tables import Table

RECORD = "attribution.json"  # name of the file with all numbers


@dataclass(frozen=True, repr=False)
class Relevances:
    """Relevance for the outputs of one case.

    network : its name. case : place in the dataset. method : name. each : relevance for each output, such as |u| and
    |v| in one cell, with `figure()`.

    `len(found)`, `found[0]`, `found["u"]` and iteration give the outputs.
    """

    network: str
    case: int
    method: str
    each: tuple[OutputRelevance, ...]

    def __repr__(self) -> str:
        return f"{self.method} of {self.network}, case {self.case}\n{self.table()}"

    def __len__(self) -> int:
        return len(self.each)

    def __iter__(self) -> Iterator[OutputRelevance]:
        return iter(self.each)

    def __getitem__(self, which: int | str) -> OutputRelevance:
        if isinstance(which, int):
            return self.each[which]
        for one in self.each:
            if one.quantity == which:
                return one
        raise KeyError(f"there is no output {which!r}, only {', '.join(one.quantity for one in self.each)}")

    @property
    def worst_miss(self) -> float | None:
        """Largest part of an output that is neither relevance nor leak; None if the method does not conserve."""
        known = [one.miss for one in self.each if one.miss is not None]
        return max(known) if known else None

    def table(self) -> Table:
        """Each output: its value, the sum of its relevance, leak and miss."""
        head = ("output", "value", "sum of relevance", "leak", "miss")
        return Table(head, tuple((one.output, one.value, one.relevance_sum, one.leak, one.miss) for one in self.each))

    def record(self) -> dict[str, Any]:
        """All numbers as JSON values."""
        outputs = [one.record() for one in self.each]
        return {"model": self.network, "case": self.case, "method": self.method, "outputs": outputs}

    def write(self, folder: str | Path) -> Path:
        """Write a picture of each output, and all numbers as JSON, into a folder, which is made if need be.

        Returns
        -------
        Path
            The file of the numbers.

        Raises
        ------
        OSError
            It cannot be written.
        """
        folder = folder_to_write(folder)
        for one in self.each:
            one.figure().savefig(folder / f"relevance_{one.quantity}.png", dpi=120)
        (folder / RECORD).write_text(json.dumps(self.record(), indent=1), encoding="utf-8")
        return folder / RECORD


def attribute(
    trained: Given,
    data: str | Path | Dataset,
    case: int = 0,
    *,
    at: tuple[float, float] | None = None,
    method: str | Callable[[nn.Module], Any] = "rap",
    model: Code | None = None,
    device: str | None = None,
) -> Relevances:
    """Attribute one output of a trained network to its inputs, by Relative Attributing Propagation or another method.

    Parameters
    ----------
    trained : path, str, Module or Trained
        A run's folder, the name of a network of the package, a network itself, or what `train` returned.
    data : path or Dataset
        Dataset of the derivative, forward or jet_factor task.
    case : int
        Place in the dataset, from 0.
    at : (float, float), optional
        x, r [radii] of the cell or microphone whose output is explained, the nearest one; or a point in the direction
        of a jet's directivity. By default a point at the lip, the first microphone, or the sideline.
    method : str or callable
        A name in `wavenet.explain.methods.METHODS`, or a function from a model to an explainer.
    model, device
        As for `compare`.

    Returns
    -------
    Relevances
        `print(found.table())`; `found["u"].relevance`; `found.write("relevance")`.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        There is no such network, dataset, case or method, or they do not fit each other.
    """
    name, explainer = _method(method)
    point = None if at is None else expect_point(at)
    where, dataset = open_dataset(data)
    if isinstance(case, bool) or not hasattr(case, "__index__"):
        raise TypeError(f"case must be a whole number, got {case!r}")
    relevance.expect_case(dataset, case)
    opened = open_model(trained, dataset, where, model=model, device=device)
    with evaluating(opened.explained):
        found = relevance.attribute(opened.explained, dataset, int(case), point, explainer)
    return Relevances(opened.name, int(case), name, tuple(found))


def expect_point(at: Any) -> tuple[float, float]:
    """A position as two finite numbers.

    Raises
    ------
    ValueError
        It is none, or its radius is negative.
    """
    try:
        x, r = map(float, at)
    except (TypeError, ValueError):
        raise ValueError(f"at must be two numbers, x and r, such as (0.1, 1), got {at!r}") from None
    if not (math.isfinite(x) and math.isfinite(r) and r >= 0):
        raise ValueError(f"at must be x and r, both finite and r >= 0, got {at!r}")
    return x, r


def _method(method: Any) -> tuple[str, Callable[[nn.Module], Any]]:
    if callable(method):
        return getattr(method, "__name__", type(method).__name__), method
    if method not in METHODS:
        raise ValueError(f"the method must be one of {', '.join(METHODS)}, or a function, got {method!r}")
    return method, METHODS[method]
