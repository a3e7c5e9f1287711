"""What arrays of a file must agree on: positions in order, each case once, groups of the same parameters, fields of the
case's parameters, and the hash of the content."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .arrays import Array
from .hdf5 import doubles, expect_field
from .identity import ContentHash, blocks
from .layout import SPLITS
from .task import COUNTED, LINER_ARRAYS, LIP_ARRAYS, PARAMETERS, Task

_STATISTICS = 1e-9  # relative: the sums may be added in another order


def expect_positions(arrays: Mapping[str, Array], task: Task[Any], path: Path) -> None:
    """Refuse positions that do not increase along their dimension, and points that are the same.

    arrays : by name; those that are absent are passed over.
    """
    points: dict[tuple[str, ...], list[str]] = {}
    for name, variable in task.variables.items():
        if name not in arrays or "case" in variable.dimensions:
            continue
        values = arrays[name]
        if variable.dimensions != (name,):
            points.setdefault(variable.dimensions, []).append(name)
            continue
        turns = np.flatnonzero(np.diff(values) <= 0)
        if len(turns):
            at = int(turns[0])
            raise ValueError(
                f"{path}: {name} must increase, but index {at} has {values[at]} and the next {values[at + 1]}"
            )
        if name in COUNTED and not np.array_equal(values, np.arange(len(values))):
            raise ValueError(f"{path}: {name} must count from 0, got {values[0]} ... {values[-1]}")
    for names in points.values():
        together = np.stack([arrays[name].ravel() for name in names], axis=1)
        unique, first = np.unique(together, axis=0, return_index=True)
        if len(unique) < len(together):
            again = int(np.setdiff1d(np.arange(len(together)), first)[0])
            place = ", ".join(f"{name} = {arrays[name].ravel()[again]}" for name in names)
            raise ValueError(f"{path}: the point at index {again} is there twice, {place}")


def expect_cases(arrays: Mapping[str, Array], missing: tuple[dict[str, Any], ...], path: Path) -> None:
    """Refuse cases that are there twice, or are both there and missing, and groups of different parameters."""
    lost = np.array([one["case"] for one in missing], dtype=np.int64)
    numbers, counts = np.unique(np.concatenate([arrays["case"], lost]), return_counts=True)
    if np.any(counts > 1):
        number = numbers[counts > 1][0]
        among = " in the file or its missing cases" if missing else ""
        raise ValueError(
            f"{path}: case holds the number {number} {counts[counts > 1][0]} times{among}, once was expected"
        )
    _, first, group = np.unique(arrays["group"], return_index=True, return_inverse=True)
    for name in (*PARAMETERS, *(name for name in LINER_ARRAYS | LIP_ARRAYS if name in arrays), "split"):
        odd = np.flatnonzero(arrays[name] != arrays[name][first[group]])
        if len(odd):
            one, other = first[group[odd[0]]], odd[0]
            raise ValueError(
                f"{path}: the group {arrays['group'][other]} has cases of different {name}, {arrays[name][one]} in "
                f"case {arrays['case'][one]} and {arrays[name][other]} in case {arrays['case'][other]}"
            )


def check_arrays(
    file: h5py.File, small: Mapping[str, Array], task: Task[Any], path: Path
) -> tuple[str, dict[str, tuple[float, float]]]:
    """Read every array once more, some cases in memory at a time, and refuse what contradicts itself.

    small : arrays that are not fields.

    Returns
    -------
    content : str
        Hash of the arrays, see `data.identity`.
    scales : dict
        Statistics of the fields of the training cases, as in `data.checking.About`.

    Raises
    ------
    ValueError
        A field is not finite, is zero in all of a case, or is that of two cases with other parameters; arrays of a case
        contradict each other.
    """
    found, scales = ContentHash(), {}
    for name in sorted(task.variables):
        dataset = file[name]
        found.begin(name, dataset.dtype, dataset.shape)
        watch = _Field(name, small, task, path) if name in task.fields else None
        for rows in blocks(dataset):
            values = dataset[rows]
            found.add(values)
            if watch is not None:
                watch.add(rows, values)
        if watch is not None and watch.squares:
            mean = math.fsum(watch.squares) / len(watch.squares) / (dataset.size / len(dataset) / 2)  # two parts each
            scales[name] = math.sqrt(mean), watch.largest
    for rows in blocks(file[task.fields[0]]):
        arrays = {name: values[rows] if name in task.along_cases else values for name, values in small.items()}
        _expect_relations(arrays | {name: doubles(file[name][rows]) for name in task.fields}, task, path)
    return found.hexdigest(), scales


def expect_same(
    kept: tuple[str, Mapping[str, tuple[float, float]]],
    found: tuple[str, Mapping[str, tuple[float, float]]],
    path: Path,
) -> None:
    """Refuse hash and statistics that a file claims, other than those that `check_arrays` finds."""
    for name in sorted({*kept[1], *found[1]}):
        claimed, true = kept[1].get(name, ()), found[1].get(name, ())
        if len(claimed) != len(true) or not np.allclose(claimed, true, rtol=_STATISTICS, atol=0):
            raise ValueError(f"{path}: {name} has the statistics {list(claimed)}, its training cases {list(true)}")
    if kept[0] != found[0]:
        raise ValueError(f"{path}: the content_hash is {kept[0]}, that of the arrays {found[0]}")


class _Field:
    """What is gathered of one field, case after case."""

    def __init__(self, name: str, small: Mapping[str, Array], task: Task[Any], path: Path) -> None:
        self._name, self._small, self._path = name, small, path
        own = {"case", "group", "split", "error_estimate"}
        self._parameters = [one for one in task.along_cases if one in small and one not in own]
        if name.startswith("thin_"):  # the thin wall's, whatever the lip
            self._parameters = [one for one in task.parameters if one in small and one not in LIP_ARRAYS]
        self._seen: dict[bytes, int] = {}  # digest of a case's field -> its index
        self.squares: list[float] = []  # sums of the training cases
        self.largest = 0.0

    def add(self, rows: slice, values: Array) -> None:
        """Check some cases; rows : their indices."""
        expect_field(values, self._name, rows.start, self._path)
        for index, one in enumerate(values, rows.start):
            same = self._seen.setdefault(hashlib.sha256(np.ascontiguousarray(one).data).digest(), index)
            if same != index:
                self._expect_same_parameters(same, index)
        training = self._small["split"][rows] == SPLITS.index("train")
        flat = doubles(values[training]).reshape(-1, math.prod(values.shape[1:]))  # no rows, if none is for training
        self.squares += np.einsum("cv,cv->c", flat, flat).tolist()
        self.largest = max(self.largest, float(np.max(np.abs(flat), initial=0.0)))

    def _expect_same_parameters(self, one: int, other: int) -> None:
        for name in self._parameters:
            values = np.abs(self._small[name]) if name == "m" else self._small[name]  # those of -m and m are the same
            if not np.array_equal(values[one], values[other]):
                numbers = self._small["case"]
                raise ValueError(
                    f"{self._path}: {self._name} is the same in the cases {numbers[one]} and {numbers[other]}, of "
                    f"different {name}, {np.ravel(values[one])} and {np.ravel(values[other])}"
                )


def _expect_relations(arrays: Mapping[str, Array], task: Task[Any], path: Path) -> None:
    """Refuse cases whose arrays contradict each other."""
    for relation, (misfit, allowed) in task.relations(arrays).items():
        bad = np.flatnonzero(~(misfit <= allowed))
        if len(bad):
            case = int(bad[np.argmax(misfit[bad])])
            off, most = misfit[case], allowed[case]
            raise ValueError(
                f"{path}: {relation} does not hold in {len(bad)} of {len(misfit)} cases; in "
                f"case {arrays['case'][case]} it is missed by {off:.1e}, at most {most:.1e} was expected"
            )
