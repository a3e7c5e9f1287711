"""What a file says of itself as a whole: where it comes from, statistics of the training fields, missing cases."""

import math

import numpy as np

import analytic

from .layout import CHECKED, FORMAT, KIND, MISSING, MISSING_COLUMNS, REASON, text
from .shards import TOLERANCE, versions


def provenance(task, name, recipe, seed, commit):
    """The file's attributes, a dict of texts and numbers."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "task": task,
        "recipe_name": name,
        "recipe": recipe,
        "seed": seed,
        "versions": versions(),
        "commit": commit,
        "conventions": analytic.__doc__.split(">>>")[0].strip(),
        "solver_tolerance": TOLERANCE,
    }


def write_provenance(file, about):
    """Write what `provenance` gave."""
    for name, value in about.items():
        file.attrs[name] = text(value) if isinstance(value, str) else value


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
    options = CHECKED if missing else {}
    for name, dtype in MISSING_COLUMNS.items():
        values = [getattr(one, name) for one in missing]
        if name == "reason":
            values = [value.encode("ascii", "replace")[:REASON] for value in values]
        group.create_dataset(name, data=np.array(values, dtype=dtype), **options)
