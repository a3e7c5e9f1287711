"""One or several trained networks against the Wiener–Hopf solution, from Python: `wavenet.study.compare`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.read import Dataset

from . import comparison
from .comparison import Comparison
from .errors import HEADINGS, STATISTICS
from .models import Code, Given, Opened, evaluating, folder_to_write, open_dataset, open_model
from .tables import Cell, Table

REPORT, METRICS = "report.html", "metrics.json"  # names of the files of a report


@dataclass(frozen=True, repr=False)
class Comparisons:
    """Networks beside each other and beside methods without training, on the same cases of a dataset.

    each : comparison of each network, in the order given. places : the run of each, or what stands for it. dataset :
    that they were compared on. data : its file.

    `len(found)`, `found[0]`, `found["name"]` and iteration give the comparisons.
    """

    each: tuple[Comparison, ...]
    places: tuple[str, ...]
    dataset: Dataset
    data: str

    def __repr__(self) -> str:
        return f"relative L2 errors of {len(self.each[0].cases)} cases of {self.data}\n{self.table()}"

    def __len__(self) -> int:
        return len(self.each)

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.each)

    def __getitem__(self, which: int | str) -> Comparison:
        if isinstance(which, int):
            return self.each[which]
        for one in self.each:
            if one.network == which:
                return one
        raise KeyError(f"there is no network {which!r}, only {', '.join(one.network for one in self.each)}")

    def table(self) -> Table:
        """Median, 95th percentile and largest relative L2 error of each method, the networks first."""
        quantities = list(self.each[0].errors[self.each[0].network])
        head = ["method", *(f"{q}, {HEADINGS[name]}" for q in quantities for name in STATISTICS)]
        rows: list[tuple[Cell, ...]] = [
            (method, *(statistic(of[q]) for q in quantities for statistic in STATISTICS.values()))
            for method, of in self.errors().items()
        ]
        return Table(tuple(head), tuple(rows))

    def errors(self) -> Mapping[str, Mapping[str, Any]]:
        """Relative errors (case,) of each quantity, by method, the networks first.

        Methods that depend on the network, as those of jets do, are those of the first.
        """
        first = {one.network: one.errors[one.network] for one in self.each}
        return first | {name: of for name, of in self.each[0].errors.items() if name not in first}

    def metrics(self) -> dict[str, dict[str, Any]]:
        """All numbers as JSON values, by the name of the network."""
        return {one.network: one.metrics() for one in self.each}

    def write(self, folder: str | Path, *, command: str = "wavenet.study.compare, from Python") -> Path:
        """Write a report, and all numbers as JSON, into a folder, which is made if need be.

        command : how the report says that it was made.

        Returns
        -------
        Path
            The report, an HTML page that needs no other file.

        Raises
        ------
        OSError
            It cannot be written.
        """
        from . import comparisons_report

        folder = folder_to_write(folder)
        metrics: Any = self.metrics() if len(self) > 1 else self.each[0].metrics()
        (folder / METRICS).write_text(json.dumps(metrics, indent=1), encoding="utf-8")
        page = comparisons_report.page(self, command)
        (folder / REPORT).write_text(page, encoding="utf-8", errors="backslashreplace")
        return folder / REPORT


def compare(
    trained: Given | Sequence[Given] | Mapping[str, Given],
    data: str | Path | Dataset,
    *,
    model: Code | Sequence[Code] | None = None,
    split: str = "test",
    device: str | None = None,
) -> Comparisons:
    """Compare trained networks with the Wiener–Hopf solution, and with methods without training.

    Parameters
    ----------
    trained : path, str, Module, Trained, or a sequence or dict of them
        One network or several: runs' folders, names of networks of the package, networks themselves, or what `train`
        returned. The keys of a dict are their names in the results. A network is evaluated in evaluation mode, and left
        as it was.
    data : path or Dataset
        Dataset of the derivative, forward or jet_factor task.
    model : class, str ("FILE.py:CLASS") or a sequence of them, optional
        Classes of networks that are not the package's and are given by their run's folder, which does not hold code.
    split : str
        Which cases: "test", "validation", "train" or another set of the recipe.
    device : str, optional
        Where the networks compute; by default where they are, and on the CPU if they come from a run.

    Returns
    -------
    Comparisons
        `print(found.table())`; `found.write("report")`; `found[0].errors`.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        There is no such network or dataset, or they do not fit each other; no cases; a network that returns another
        shape, or values that are not finite.

    Examples
    --------
    >>> compare([], "fields.h5")
    Traceback (most recent call last):
    ValueError: there is no network to compare
    """
    every = _every(trained)
    where, dataset = open_dataset(data)
    comparison.expect_task(dataset)
    cases = comparison.expect_cases(dataset, where, split)
    opened = [open_model(one, dataset, where, model=model, device=device) for one in every.values()]
    names = list(every) if isinstance(trained, Mapping) else unique(opened)
    others = comparison.rivals(dataset, cases)
    for name in names:
        if others is not None and name in others:
            raise ValueError(f"a network cannot be called {name!r}, which is the name of another method")
    found = []
    for name, one in zip(names, opened, strict=True):
        with evaluating(one.module):
            found.append(comparison.compare(name, one.module, one.about, dataset, cases, others))
    return Comparisons(tuple(found), tuple(one.place for one in opened), dataset, where)


def _every(trained: Any) -> dict[str, Given]:
    """What was given as a dict; the keys of a sequence are its indices."""
    several = isinstance(trained, Mapping | list | tuple)
    every: dict[Any, Any] = dict(trained) if isinstance(trained, Mapping) else {}
    if not every:
        every = {str(index): one for index, one in enumerate(trained if several else [trained])}
    if not every:
        raise ValueError("there is no network to compare")
    for name in every:
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"a network's name must be a text, got {name!r}")
    return every


def unique(opened: Sequence[Opened]) -> list[str]:
    """Names of networks, by which they can be told apart: with their run or their number where two are the same."""
    names = [one.name for one in opened]
    longer = [f"{one.name} ({one.place})" if names.count(one.name) > 1 else one.name for one in opened]
    return [
        f"{name} {longer[: index + 1].count(name)}" if longer.count(name) > 1 else name
        for index, name in enumerate(longer)
    ]
