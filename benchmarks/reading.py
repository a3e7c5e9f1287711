"""Throughput of reading cases for training: python benchmarks/reading.py FILE.h5 [--cases N].

Cases of a derivative dataset per second of one core's time, in random order, each with psi, u and v: by h5py alone,
then as tensors in batches, plain and augmented. Times are those of the processor, so that other programs on the machine
do not matter, and the file is in the system's page cache: what is left is checksums, decompression and conversion.
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
    started = time.process_time()
    with h5py.File(path) as file:
        for row in rows:
            for name in tasks.get("derivative").fields:
                file[name][row]
    return time.process_time() - started


def loaded(dataset):
    """Seconds for a DataLoader to pass over a dataset."""
    started = time.process_time()
    for _ in DataLoader(dataset, BATCH, shuffle=True):
        pass
    return time.process_time() - started


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
        dataset = Subset(FieldCases(cases, cases.constants["x"], how), chosen.tolist())
        show(f"as tensors{label}", loaded(dataset))


if __name__ == "__main__":
    main()
