"""Result of a comparison: which method is best and by how much, in numbers and sentences made from them alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wavenet.arrays import Reals

from .validity import outside
from .words import listed, number, times

ALIKE = 1.2  # ratio of medians up to which two methods count as equal: less than the scatter between trainings
NEGLIGIBLE = 10.0  # the network's error over the solver's, from which the latter does not matter
_SYMBOLS = {"helmholtz": "ka", "mach": "M"}

Errors = Mapping[str, Mapping[str, Reals]]  # relative errors (case,) of each quantity, by method


@dataclass(frozen=True)
class Verdict:
    """Numbers of a comparison.

    network, others : the network's name; what the other methods are, in the singular. methods : how many there are, the
    network included. medians : median error of each quantity, by method. best : of each quantity, the best other
    method. ratios : its median over the network's. won : cases in which the network is better than every other method
    in every quantity, of `cases`. worst_place, worst_error : the network's worst case. solver : largest error estimate
    of the exact solution. ranges : least and largest value of each parameter in the training, empty if unknown.
    outside : test cases outside these ranges.
    """

    network: str
    others: str
    methods: int
    medians: dict[str, dict[str, float]]
    best: dict[str, str]
    ratios: dict[str, float]
    won: int
    cases: int
    worst_place: str
    worst_error: float
    solver: float
    ranges: Mapping[str, Sequence[float]]
    outside: int

    def sentences(self) -> list[str]:
        """Paragraphs: best method and its margin; cases won, the worst one; training ranges; the solver's error."""
        of = listed(list(self.ratios))
        second = (
            f"It is better than every {self.others} in {self.won} of {self.cases} test cases. Its worst one, "
            f"{self.worst_place}, has the error {number(self.worst_error)}"
        )
        second += f", the larger of those of {of}." if len(self.ratios) > 1 else f" of {of}."
        return [" ".join([f"{self._lead()}.", *self._by_quantity()]), second, *self._limits()]

    def _lead(self) -> str:
        low, high = min(self.ratios.values()), max(self.ratios.values())
        if low > ALIKE:
            return f"The network “{self.network}” is the best of {self.methods} methods"
        if low >= 1 / ALIKE:
            return f"The network “{self.network}” is {'as' if high <= ALIKE else 'at least as'} good as the best " + (
                self.others
            )
        if high <= ALIKE:
            return f"The network “{self.network}” loses to the best {self.others}"
        return f"Neither the network “{self.network}” nor any {self.others} is the best in everything"

    def _by_quantity(self) -> list[str]:
        """A sentence for each quantity."""
        parts: list[str] = []
        for quantity, ratio in self.ratios.items():
            if ratio == math.inf:
                how = "exactly, unlike"
            elif ratio == 0:
                how = "not exactly zero like"
            elif ratio > ALIKE:
                how = f"{times(ratio)} times less than"
            elif ratio < 1 / ALIKE:
                how = f"{times(1 / ratio)} times as much as"
            else:
                how = "about as much as"
            best = self.best[quantity]
            own, rival = (number(self.medians[method][quantity]) for method in (self.network, best))
            subject = f"Of {quantity} it is" if parts else f"Its median relative error of {quantity} is"
            parts.append(f"{subject} {own}, {how} that of {best} ({rival}).")
        return parts

    def _limits(self) -> list[str]:
        solver = f"The Wiener–Hopf solution's own error estimate is at most {number(self.solver)}"
        if self.solver * NEGLIGIBLE <= min(self.medians[self.network].values()):
            solver += ", small against that."
        else:
            solver += ": the network's error is not much larger, and the true one may be another."
        if not self.ranges:
            return ["The run does not say in which ranges it was trained.", solver]
        words = ", ".join(
            f"{_SYMBOLS.get(name, name)} = {low:.4g}" + (f" … {high:.4g}" if high > low else "")
            for name, (low, high) in self.ranges.items()
        )
        if not self.outside:
            return [f"All test cases are within the ranges of the training ({words}).", solver]
        of = f"{self.outside} of {self.cases} test cases"
        return [f"{of} are outside of the ranges of the training ({words}).", solver]


def _ratio(rival: float, own: float) -> float:
    """Quotient of two medians; infinite if the network's own is exactly zero, and one if both are."""
    if own > 0:
        return rival / own
    return math.inf if rival > 0 else 1.0


def verdict(
    errors: Errors,
    places: Sequence[str],
    *,
    others: str,
    solver: float,
    ranges: Mapping[str, Sequence[float]],
    columns: Mapping[str, Reals],
) -> Verdict:
    """The numbers of a comparison.

    Parameters
    ----------
    errors : dict of dict of (case,) arrays
        Relative errors of each quantity by method; the first method is the network.
    places : list of str
        A description of each case.
    others : str
        What the other methods are, in the singular.
    solver : float
        Largest error estimate of the solution that all are compared with.
    ranges : dict
        Least and largest value of each column in the training; may be empty.
    columns : dict of (case,) arrays
        The parameters of the cases.
    """
    network, *rest = errors
    own = errors[network]
    medians = {method: {q: float(np.median(values)) for q, values in of.items()} for method, of in errors.items()}
    best = {q: min(rest, key=lambda method: medians[method][q]) for q in own}
    won = np.all([[own[q] < errors[method][q] for method in rest] for q in own], axis=(0, 1))
    worst_of = np.max([own[q] for q in own], axis=0)
    worst = int(np.argmax(worst_of))
    outer = [outside(values, *ranges[name]) for name, values in columns.items()] if ranges else []
    return Verdict(
        network=network,
        others=others,
        methods=len(errors),
        medians=medians,
        best=best,
        ratios={q: _ratio(medians[best[q]][q], medians[network][q]) for q in own},
        won=int(np.sum(won)),
        cases=len(won),
        worst_place=places[worst],
        worst_error=float(worst_of[worst]),
        solver=solver,
        ranges=ranges,
        outside=int(np.sum(np.any(outer, axis=0))) if outer else 0,
    )
