"""Throughput of reading cases for training: python benchmarks/reading.py FILE.h5 [--cases N].

Cases per second of a derivative dataset in random order, each with psi, u and v as tensors: by h5py alone, then through
a DataLoader with 0, 1 and 2 workers, plain and augmented. After the first pass the file is in the system's page cache,
so the time is that of checksums, decompression and conversion to tensors.
"""

import argparse
import time

import h5py
import numpy as np
import torch
from torch.utils.data import DataLoader, Subset

from data import tasks
from data.read import Cases
from wavenet.training.loading import Augmentation, FieldCases

BATCH = 16
AUGMENTED = Augmentation(factor=True, superpose=True, window=96)


def alone(path, rows):
    """Seconds for h5py to read these rows."""
    started = time.perf_counter()
    with h5py.File(path) as file:
        for row in rows:
            for name in tasks.get("derivative").fields:
                file[name][row]
    return time.perf_counter() - started


def loaded(dataset, workers):
    """Seconds for a DataLoader to pass over a dataset, its workers up."""
    loader = DataLoader(dataset, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    if workers:
        next(iter(loader))
    started = time.perf_counter()
    for _ in loader:
        pass
    return time.perf_counter() - started


def main(argv=None):
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--cases", type=int, default=1000)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    cases = Cases(options.file, "train")
    count = min(options.cases, len(cases))
    chosen = np.random.default_rng(0).permutation(len(cases))[:count]
    size = sum(cases[0][name].nbytes for name in tasks.get("derivative").fields)
    alone(options.file, np.sort(chosen))  # fills the system's cache

    def show(name, seconds):
        print(f"{name:28} {count / seconds:8.0f} cases/s {count * size / seconds / 2**20:8.0f} MiB/s")

    show("h5py alone", alone(options.file, chosen))
    for label, how in (("", Augmentation()), (", augmented", AUGMENTED)):
        for workers in (0, 1, 2):
            dataset = Subset(FieldCases(cases, cases.constants["x"], how), chosen.tolist())
            show(f"{workers} workers{label}", loaded(dataset, workers))


if __name__ == "__main__":
    main()
