"""Does it pay to choose the finite-element solutions that the network of thick walls learns from?

Solutions are taken out of a pool that is solved already. One network learns from drawn ones; the other from batches
that are half drawn, from the same sequence, and half chosen, as `wavenet choose` does; with --all-chosen a third one
from batches that are all chosen but the first. Errors are those of incident modes that none has seen.

    wavenet generate lip -o pool.h5 --cases 800 --seed 11 && wavenet generate lip -o unseen.h5 --cases 300 --seed 12
    python benchmarks/lip_choice.py --pool pool.h5 --unseen unseen.h5
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from data.read import read
from wavenet.lips import learning
from wavenet.lips.ducts import Ducts
from wavenet.lips.network import LipNetwork
from wavenet.networks.lip import ducts_of
from wavenet.study.candidates import pick, scores
from wavenet.study.lip_learner import QUANTITIES, expected_errors, mode_errors
from wavenet.study.lip_learner import errors as case_errors

_WANTED = {"reflection": 1e-3, "directivity": 1e-2}  # units of the errors that are expected
_APART = 200  # places in the pool between what two seeds draw first


class Pool:
    """Solved cases of a dataset file, whatever their splits."""

    def __init__(self, path: Path) -> None:
        dataset = read(path, task="lip")
        arrays = dataset.arrays
        along = {name: values for name, values in arrays.items() if len(values) == len(dataset) and name != "angle"}
        cases = [{name: values[row] for name, values in along.items()} for row in range(len(dataset))]
        self.ducts, self.reflection, self.directivity = ducts_of(cases, arrays["angle"])
        columns = [arrays[name] for name in ("m", "helmholtz", "mach", "lip_thickness", "lip_aspect")]
        table = np.stack([np.abs(columns[0]).astype(float), *columns[1:]], axis=1)
        self.places = (table - table.min(axis=0)) / np.maximum(np.ptp(table, axis=0), 1e-9)

    def fit(self, rows: list[int]) -> LipNetwork:
        """A network that has learned some of them."""
        chosen = torch.tensor(rows)
        return learning.fit(self.ducts.of(chosen), self.reflection[chosen], self.directivity[chosen])

    def errors(self, model: LipNetwork) -> np.ndarray:
        """Errors (mode, quantity) of all modes that are cut on."""
        with torch.no_grad():
            found = mode_errors(self.ducts, model(self.ducts), self.reflection, self.directivity)
        return torch.stack(found, dim=-1)[self.ducts.live].numpy()

    def medians(self, model: LipNetwork, rows: list[int]) -> list[float]:
        """Medians over some cases of their errors, one number a case and quantity."""
        chosen = torch.tensor(rows)
        found = case_errors(model, self.ducts.of(chosen), self.reflection[chosen], self.directivity[chosen])
        return np.median(found, axis=0).tolist()

    def next(self, model: LipNetwork, known: list[int], count: int) -> list[int]:
        """Cases to learn next, by their expected errors."""
        left = np.setdiff1d(np.arange(len(self.places)), known)
        ducts: Ducts = self.ducts.of(torch.from_numpy(left))
        score = scores(expected_errors(model, ducts), _WANTED, QUANTITIES)
        return left[pick(score, self.places[left], count)].tolist()


def drawn(order: np.ndarray, known: list[int], count: int) -> list[int]:
    """The next cases of a sequence that are not known."""
    return [int(row) for row in order if int(row) not in set(known)][:count]


def curve(pool: Pool, unseen: Pool, order: np.ndarray, sizes: list[int], share: float, model: LipNetwork) -> list[dict]:
    """Errors by the number of solutions, of which a share of all after the first ones is chosen.

    "judged" is what the command would see: the median error, by case, of the cases that are drawn next.
    """
    known, rows = drawn(order, [], sizes[0]), []
    for size, after in zip(sizes, [*sizes[1:], sizes[-1]], strict=True):
        errors = unseen.errors(model)
        quantiles = {
            name: [float(one) for one in (*np.quantile(column, [0.5, 0.95]), np.sqrt(np.mean(column**2)), column.max())]
            for name, column in zip(QUANTITIES, errors.T, strict=True)
        }
        rows.append({"solutions": size, **quantiles, "by_case": unseen.medians(model, list(range(len(unseen.places))))})
        if after > size:
            chosen = pool.next(model, known, round(share * (after - size))) if share else []
            more = drawn(order, known + chosen, after - size - len(chosen))
            if more:
                rows[-1]["judged"] = pool.medians(model, more)
            known = known + chosen + more
            model = pool.fit(known)
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pool", type=Path, required=True)
    options.add_argument("--unseen", type=Path, required=True)
    options.add_argument("--sizes", type=int, nargs="+", default=[25, 50, 75, 100, 125, 150, 175, 200])
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--all-chosen", action="store_true")
    given = options.parse_args()
    torch.set_num_threads(1)
    pool, unseen = Pool(given.pool), Pool(given.unseen)
    ways = {"drawn": 0.0, "half chosen": 0.5} | ({"all chosen": 1.0} if given.all_chosen else {})
    every: dict[str, list[list[dict]]] = {name: [] for name in ways}
    for seed in given.seeds:
        order = np.roll(np.arange(len(pool.places)), -seed * _APART)
        first = pool.fit(drawn(order, [], given.sizes[0]))
        for name, share in ways.items():
            begun = time.perf_counter()
            print(f"seed {seed}, {name}", flush=True)
            every[name].append(curve(pool, unseen, order, given.sizes, share, first))
            print(f"{time.perf_counter() - begun:.0f} s")
    show(every, given.sizes)


def show(every: dict[str, list[list[dict]]], sizes: list[int]) -> None:
    """Geometric means over the seeds, and the spread of the medians."""
    for number, quantity in enumerate(QUANTITIES):
        print(
            f"\n{quantity}, modes: median (least ... most of the seeds) / 95 % / rms / largest; cases: median, judged"
        )
        for at, size in enumerate(sizes):
            for name, curves in every.items():
                rows = [one[at] for one in curves]
                values = np.array([row[quantity] for row in rows])
                middle, high, rms, most = np.exp(np.log(values).mean(axis=0))
                spread = f"({values[:, 0].min():.1e} ... {values[:, 0].max():.1e})"
                both = [[row[key][number] for row in rows if key in row] for key in ("by_case", "judged")]
                cases = ", ".join(f"{np.exp(np.mean(np.log(found))):.1e}" for found in both if found)
                print(f"{size:4d} {name:12} {middle:.1e} {spread} / {high:.1e} / {rms:.1e} / {most:.1e}; {cases}")


if __name__ == "__main__":
    main()
