"""What a file says of its cases as a whole: statistics of the training fields, and the cases that are missing."""

import math

import numpy as np

from .format import MISSING, MISSING_COLUMNS, REASON


def write_statistics(dataset, squares, largest):
    """Root mean square of the moduli, and the largest part, of the training cases; absent without them.

    squares, largest : (training case,) sums of squares and largest moduli of the parts.
    """
    if len(squares):
        points = dataset.size / len(dataset) / 2  # two parts each
        dataset.attrs["train_rms"] = math.sqrt(math.fsum(squares) / (len(squares) * points))
        dataset.attrs["train_largest"] = float(np.max(largest))


def record_missing(file, missing):
    """Write the group of missing cases, records with the attributes of `shards.Missing`."""
    file.attrs["missing_cases"] = len(missing)
    group = file.create_group(MISSING)
    options = {"fletcher32": True, "chunks": True} if missing else {}
    for name, dtype in MISSING_COLUMNS.items():
        values = [getattr(one, name) for one in missing]
        if name == "reason":
            values = [value.encode("ascii", "replace")[:REASON] for value in values]
        group.create_dataset(name, data=np.array(values, dtype=dtype), **options)
