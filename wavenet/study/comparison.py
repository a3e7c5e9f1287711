"""A network against the Wiener–Hopf solution, and against methods without training, on the test cases of a dataset."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from data.read import Dataset
from wavenet.arrays import IntArray, Reals

from . import competitors, jet_comparison
from .errors import STATISTICS, Shown, level_errors, median_and_worst, relative_error
from .tasks import predict, tensors
from .verdict import Errors, Verdict, verdict

_PARTS = {"u": slice(0, 2), "v": slice(2, 4)}  # channels of a velocity
_BATCH = {"derivative": 16, "forward": 4096}  # cases that are predicted at a time: fields are large


@dataclass(frozen=True)
class _Competition:
    """Predictions and errors of one task.

    cases : places in the dataset of those that the network takes. descriptions : of each of them. errors : relative
    errors (case,) of each quantity, by method, the network first. rival : the method that is shown beside the network.
    others : what the other methods are, in the singular. level_errors : see `errors.level_errors`, None where there are
    neither pressures nor directivities. more : what the errors may depend on besides ka and m.
    """

    cases: IntArray
    descriptions: list[str]
    predicted: Reals
    exact: Reals
    errors: Mapping[str, Mapping[str, Reals]]
    rival: str
    others: str
    level_errors: Reals | None
    more: dict[str, Reals]


@dataclass(frozen=True, repr=False)
class Comparison(_Competition):
    """A network's errors on the test cases beside those of other methods.

    network, task : names. refused : number of test cases that the network does not take. shown : the cases with the
    median and the largest error. against : what errors are plotted against, (case,) arrays by name. solver : largest
    error estimate of the exact solution. verdict : the findings. same_dataset : whether the network was trained on this
    dataset (its training split), so that the test cases are known not to have been seen. run : provenance of the run.
    """

    network: str
    task: str
    refused: int
    shown: tuple[Shown, ...]
    against: dict[str, Reals]
    solver: float
    verdict: Verdict
    same_dataset: bool
    run: Mapping[str, Any]

    def __repr__(self) -> str:
        return " ".join(self.verdict.sentences())

    def statistics(self) -> dict[str, dict[str, float]]:
        """Median, 95th percentile and largest error, by statistic and then by "method" or "method, quantity"."""
        flat = {
            label if quantity in ("p", "D") else f"{label}, {quantity}": error
            for label, of in self.errors.items()
            for quantity, error in of.items()
        }
        return {name: {label: of(error) for label, error in flat.items()} for name, of in STATISTICS.items()}

    def level_statistics(self) -> dict[str, float]:
        """Median and 95th percentile of the level errors [dB]; empty where there are no pressures."""
        if self.level_errors is None:
            return {}
        return {name: STATISTICS[name](self.level_errors) for name in ("median", "percentile_95")}

    def metrics(self) -> dict[str, Any]:
        """All numbers of the comparison as JSON values."""
        level = self.level_statistics()
        return {
            "verdict": self.verdict.sentences(),
            **self.statistics(),
            **({"level_error_db_within_20_db": level} if level else {}),
            "model": self.network,
            "test_cases": len(self.cases),
            **({"refused_cases": self.refused} if self.refused else {}),
            "solver_error_estimate": self.solver,
            "training_seconds": self.run.get("training_seconds"),
            "preset": self.run.get("preset"),
        }


def expect_cases(dataset: Dataset, name: object, split: str = "test") -> IntArray:
    """Places of the cases of a split in a dataset.

    Raises
    ------
    ValueError
        There is no such split, or none of its cases; `name` is that of the dataset in the message.
    """
    cases = dataset.cases(split)
    if not len(cases):
        raise ValueError(f"{name} has no {split} cases")
    return cases


def expect_test_cases(dataset: Dataset, name: object) -> IntArray:
    """`expect_cases` of the test."""
    return expect_cases(dataset, name)


def compare(
    network: str,
    model: nn.Module,
    run: Mapping[str, Any],
    dataset: Dataset,
    cases: IntArray,
    rivals: Errors | None = None,
) -> Comparison:
    """Compare a network with the exact solution.

    Parameters
    ----------
    network : str
        Its name in the results.
    model : Module
        On the dataset's grid, or with its microphones.
    run : dict
        Provenance of the run, as `wavenet.runs.load` returns it; may be empty.
    dataset : Dataset
        Dataset of the derivative, forward or jet_factor task.
    cases : (case,) int array
        Which of its cases.
    rivals : dict, optional
        What `rivals` returns for these cases, where several networks are compared with the same methods.

    Raises
    ------
    ValueError
        A dataset of another task; a network that takes none of the cases, or predicts something of another shape or
        not finite.
    """
    expect_task(dataset)
    found = _COMPETITIONS[dataset.task](network, model, dataset, cases, rivals)
    asked, cases = len(cases), found.cases
    solver = float(dataset["error_estimate"][cases].max())
    findings = verdict(
        found.errors,
        found.descriptions,
        others=found.others,
        solver=solver,
        ranges=run.get("ranges", {}),
        columns={"m": np.abs(dataset["m"][cases])} | {key: dataset[key][cases] for key in ("helmholtz", "mach")},
    )
    against = {"Helmholtz number ka": dataset["helmholtz"][cases], "azimuthal order m": dataset["m"][cases]}
    return Comparison(
        **vars(found),
        network=network,
        task=dataset.task,
        refused=asked - len(cases),
        shown=median_and_worst(found.errors[network]),
        against=against | found.more,
        solver=solver,
        verdict=findings,
        same_dataset=same_dataset(dataset.about.provenance, run.get("dataset", {})),
        run=run,
    )


def rivals(dataset: Dataset, cases: IntArray) -> Errors | None:
    """Relative errors of the methods without training, by method and quantity.

    None where they depend on the network, as those of jets do.
    """
    expect_task(dataset)
    return _RIVALS[dataset.task](dataset, cases)


def expect_task(dataset: Dataset) -> None:
    """Refuse a dataset of a task that is not compared."""
    if dataset.task not in _COMPETITIONS:
        raise ValueError(
            f"a comparison needs a dataset of one of the tasks {', '.join(_COMPETITIONS)}, got {dataset.task!r}"
        )


def describe(dataset: Dataset, case: int, mode: str | None = None) -> str:
    """Mode or azimuthal order, ka and M of a case."""
    if mode is None:
        order = f"m = {dataset['m'][case]}"
        mode = f"mode ({dataset['m'][case]}, {dataset['n'][case]})" if "n" in dataset.arrays else order
    return f"{mode}, ka = {dataset['helmholtz'][case]:.3f}, M = {dataset['mach'][case]:.2f}"


def same_dataset(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the provenance of two datasets is that of the same arrays, by the hash of what they hold."""
    return str(one["content_hash"]) == str(other.get("content_hash"))


def points_per_wavelength(helmholtz: Reals, mach: Reals, x: Reals, r: Reals) -> Reals:
    """Cells in the shortest wave, which runs against the flow: 2 pi (1 - |M|) / ka over the wider spacing."""
    shortest = 2 * np.pi * (1 - np.abs(mach)) / helmholtz
    return shortest / max(x[1] - x[0], r[1] - r[0])


def _by_quantity(predicted: Reals, exact: Reals) -> dict[str, Reals]:
    """Errors of u and of v."""
    return {q: relative_error(predicted[:, part], exact[:, part]) for q, part in _PARTS.items()}


def _velocity_rivals(dataset: Dataset, cases: IntArray) -> Errors:
    exact = tensors(dataset, cases)[-1].numpy()
    return {label: _by_quantity(values, exact) for label, values in competitors.velocities(dataset, cases).items()}


def _derivative(
    network: str, model: nn.Module, dataset: Dataset, cases: IntArray, others: Errors | None
) -> _Competition:
    predicted, exact = predict(model, dataset, cases, batch=_BATCH[dataset.task])
    others = _velocity_rivals(dataset, cases) if others is None else others
    errors = {network: _by_quantity(predicted, exact), **others}
    points = points_per_wavelength(dataset["helmholtz"][cases], dataset["mach"][cases], dataset["x"], dataset["r"])
    return _Competition(
        cases=cases,
        descriptions=[describe(dataset, case) for case in cases],
        predicted=predicted,
        exact=exact,
        errors=errors,
        rival=_best_of("u", errors),
        others="classical method",
        level_errors=None,
        more={"points per wavelength": points},
    )


def _pressure_rivals(dataset: Dataset, cases: IntArray) -> Errors:
    exact = tensors(dataset, cases)[-1].numpy()
    found = competitors.pressures(dataset, cases, exact)
    return {label: {"p": relative_error(values, exact)} for label, values in found.items()}


def _forward(network: str, model: nn.Module, dataset: Dataset, cases: IntArray, others: Errors | None) -> _Competition:
    predicted, exact = predict(model, dataset, cases, batch=_BATCH[dataset.task])
    others = _pressure_rivals(dataset, cases) if others is None else others
    errors = {network: {"p": relative_error(predicted, exact)}, **others}
    return _Competition(
        cases=cases,
        descriptions=[describe(dataset, case) for case in cases],
        predicted=predicted,
        exact=exact,
        errors=errors,
        rival=_best_of("p", errors),
        others="method without a network",
        level_errors=level_errors(predicted, exact),
        more={},
    )


def _jets(network: str, model: Any, dataset: Dataset, cases: IntArray, others: Errors | None) -> _Competition:
    found = jet_comparison.compare(network, model, dataset, cases)
    exact, *every = (jet_comparison.parts(values) for values in (found.exact, *found.methods.values()))
    errors = {label: {"D": relative_error(one, exact)} for label, one in zip(found.methods, every, strict=True)}
    modes = [f"mode ({dataset['m'][case]}, {n})" for case, n in zip(found.cases, found.n, strict=True)]
    return _Competition(
        cases=found.cases,
        descriptions=[describe(dataset, *one) for one in zip(found.cases, modes, strict=True)],
        predicted=every[0],
        exact=exact,
        errors=errors,
        rival=_best_of("D", errors),
        others="method without a network",
        level_errors=level_errors(every[0], exact),
        more={"jet's Mach number M": dataset["mach"][found.cases]},
    )


def _best_of(quantity: str, errors: Errors) -> str:
    """The method with the smallest median error of a quantity, besides the network, which is the first."""
    _, *methods = errors
    return min(methods, key=lambda method: np.median(errors[method][quantity]))


_COMPETITIONS: dict[str, Callable[[str, nn.Module, Dataset, IntArray, Errors | None], _Competition]] = {
    "derivative": _derivative,
    "forward": _forward,
    "jet_factor": _jets,
}
_RIVALS: dict[str, Callable[[Dataset, IntArray], Errors | None]] = {
    "derivative": _velocity_rivals,
    "forward": _pressure_rivals,
    "jet_factor": lambda dataset, cases: None,
}
