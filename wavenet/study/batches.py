"""The folder of an unfinished choice of cases: a dataset file and a record for each batch."""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from data.convert.joined import join
from data.files import write_bytes
from data.journal import Journal
from data.read import read_small
from wavenet.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Batch:
    """Cases that were asked for together.

    number : from 0. given : parameters, a column for each that varies in the recipe. drawn : number of its cases that
    were drawn, the first ones; the others were chosen. expected : errors that the network expected, (case, quantity);
    none of the first batch. missed : errors of the network on the drawn cases that were solved, before it learned from
    them; None until they are measured.
    """

    number: int
    given: Mapping[str, list[float]]
    drawn: int
    expected: list[list[float]]
    missed: list[list[float]] | None = None

    @property
    def cases(self) -> int:
        """Number of its cases."""
        return len(next(iter(self.given.values())))

    def measured(self, missed: FloatArray) -> Self:
        """The batch with the errors of its drawn cases."""
        return dataclasses.replace(self, missed=missed.tolist())

    def summary(self, quantities: Sequence[str]) -> dict[str, Any]:
        """What the dataset's provenance says of it: the medians of the errors."""
        parts: dict[str, list[list[float]]] = {
            "expected_of_drawn": self.expected[: self.drawn],
            "expected_of_chosen": self.expected[self.drawn :],
            "measured_of_drawn": self.missed or [],
        }
        medians = {
            name: {
                quantity: float(f"{middle:.3g}")
                for quantity, middle in zip(quantities, np.median(rows, axis=0), strict=True)
            }
            for name, rows in parts.items()
            if rows
        }
        return {"drawn": self.drawn, **medians}


class Batches:
    """The folder.

    Parameters
    ----------
    folder : path
        Must exist.
    start : path, optional
        Dataset to begin with.
    """

    def __init__(self, folder: Path, start: Path | None) -> None:
        self._folder, self._start = folder, start

    def begin(self, plan: dict[str, Any]) -> None:
        """Start with a plan, or continue with the same one; ValueError if another was begun here."""
        Journal(self._folder).begin(plan)

    @property
    def records(self) -> list[Batch]:
        """What is known of every batch; the last one may be unfinished."""
        paths = sorted(self._folder.glob("batch-*.json"))
        return [Batch(**json.loads(path.read_bytes())) for path in paths]

    def save(self, batch: Batch) -> None:
        """Record a batch, in place of what was recorded of it."""
        write_bytes(self.file(batch).with_suffix(".json"), json.dumps(dataclasses.asdict(batch)).encode())

    def file(self, batch: Batch) -> Path:
        """Dataset of a batch."""
        return self._folder / f"batch-{batch.number:04d}.h5"

    def solved(self, before: int) -> Path | None:
        """One dataset of the start and the batches before this number; None if there are none."""
        files = self._files([batch for batch in self.records if batch.number < before])
        if len(files) < 2:
            return files[0] if files else None
        together = self._folder / f"solved-{before:04d}.h5"
        for old in self._folder.glob("solved-*.h5"):
            old.unlink()
        join(files, together)
        return together

    def finish(self, out: Path, quantities: Sequence[str]) -> None:
        """Write the dataset of all cases, and remove the folder."""
        records = self.records
        notes = [*([] if self._start is None else [{}]), *(batch.summary(quantities) for batch in records)]
        files = self._files(records)
        if len(files) > 1:
            join(files, out, notes=notes)
        else:
            os.replace(files[0], out)
        self.remove()

    @property
    def empty(self) -> bool:
        """Whether no case is solved."""
        return not any(self._folder.glob("batch-*.h5*"))

    def remove(self) -> None:
        """Delete what was written here, and the folder unless others put files in it."""
        for pattern in ("batch-*", "solved-*"):
            for path in self._folder.glob(pattern):
                path.unlink()
        Journal(self._folder).remove()

    def _files(self, records: Sequence[Batch]) -> list[Path]:
        return [*([] if self._start is None else [self._start]), *map(self.file, records)]


def drawn_cases(batch: Batch, file: Path) -> IntArray:
    """Which rows of a batch's dataset were drawn; cases that did not converge are not in it."""
    found: IntArray = np.flatnonzero(read_small(file)["case"] < batch.drawn)
    return found
