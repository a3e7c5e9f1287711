"""How fields are best stored: python benchmarks/storage.py FILE.h5 [FILE.h5 ...] [--cases N] [--chunks].

The fields of real datasets are written and read again by h5py with several filters, in double and single precision:
cases per second of CPU time that are written, read in order, and read one by one in random order, and bytes relative to
plain doubles. All are checked by fletcher32. With --chunks, other numbers of cases a chunk, with gzip and without.
zstd is measured if hdf5plugin is installed. Best of three; the files are in the system's page cache, so the times are
those of filters, checksums and HDF5, not of the disk. With --velocities, last, the errors of the shipped network's
velocities from potentials of either precision, on the test cases of a derivative dataset.
"""

import argparse
import importlib
import importlib.util
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from data import layout, tasks
from data.read import read

REPEATS = 3
RANDOM = 200  # cases read one by one
TEST = 24  # cases whose velocities are predicted
FILTERS = {
    "none": {},
    "gzip 1": {"compression": "gzip", "compression_opts": 1},
    "shuffle, gzip 1": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
    "shuffle, gzip 4": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    "shuffle, gzip 9": {"compression": "gzip", "compression_opts": 9, "shuffle": True},
    "shuffle, lzf": {"compression": "lzf", "shuffle": True},
}
SMALL = ("none", "shuffle, gzip 1")
BATCH = 16  # cases that are written at a time


def written(path, fields, rows, options):
    """Seconds to write the fields in batches, with some cases a chunk."""
    started = time.process_time()
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for name, values in fields.items():
            chunks = (min(rows, len(values)), *values.shape[1:])
            dataset = file.create_dataset(name, values.shape, values.dtype, chunks=chunks, fletcher32=True, **options)
            for start in range(0, len(values), BATCH):
                dataset[start : start + BATCH] = values[start : start + BATCH]
    return time.process_time() - started


def in_order(path, fields):
    """Seconds to read the fields as a whole."""
    started = time.process_time()
    with h5py.File(path) as file:
        for name in fields:
            file[name][...]
    return time.process_time() - started


def one_by_one(path, fields, chosen):
    """Seconds to read these cases."""
    started = time.process_time()
    with h5py.File(path) as file:
        for case in chosen:
            for name in fields:
                file[name][case]
    return time.process_time() - started


def measured(label, fields, rows, options, plain):
    """Print the figures of one way to store the fields; plain : bytes of the fields as doubles."""
    cases = len(next(iter(fields.values())))
    chosen = np.random.default_rng(0).integers(cases, size=RANDOM)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fields.h5"
        writing = min(written(path, fields, rows, options) for _ in range(REPEATS))
        size = path.stat().st_size / plain
        order = min(in_order(path, fields) for _ in range(REPEATS))
        single = min(one_by_one(path, fields, chosen) for _ in range(REPEATS))
    rates = f"{cases / writing:9.0f} {cases / order:9.0f} {RANDOM / single:9.0f}"
    print(f"{label:34} {rows:6d} {rates} {size:8.3f}", flush=True)


def velocities(path):
    """Print the network's errors with potentials of either precision."""
    from wavenet.study.tasks import open_run, predict

    _, network, _, dataset = open_run("derivative", path)
    cases = dataset.cases("test")[:TEST]
    exact = np.concatenate([dataset[name][cases] for name in ("axial_velocity", "radial_velocity")], axis=1)
    for precision, kind in layout.PRECISIONS.items():
        rounded = dataset.arrays | {"potential": dataset["potential"].astype(kind).astype(float)}
        found, _ = predict(network, replace(dataset, arrays=rounded), cases)
        errors = [
            np.linalg.norm((found - exact)[:, parts].reshape(len(cases), -1), axis=1)
            / np.linalg.norm(exact[:, parts].reshape(len(cases), -1), axis=1)
            for parts in (slice(0, 2), slice(2, 4))
        ]
        medians = ", ".join(f"{name} {np.median(error):.1e}" for name, error in zip("uv", errors, strict=True))
        print(f"median errors of velocities, {precision} precision, {len(cases)} cases: {medians}")


def main(argv=None):
    """Print the figures of every file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--chunks", action="store_true")
    parser.add_argument("--velocities", action="store_true")
    options = parser.parse_args(argv)
    filters = dict(FILTERS)
    if importlib.util.find_spec("hdf5plugin"):
        zstd = importlib.import_module("hdf5plugin").Zstd
        filters |= {f"shuffle, zstd {level}": dict(zstd(clevel=level)) | {"shuffle": True} for level in (1, 3)}
    for path in options.files:
        dataset = read(path)
        doubles = {name: dataset[name][: options.cases] for name in tasks.get(dataset.task).fields}
        plain = sum(values.nbytes for values in doubles.values())
        count = len(next(iter(doubles.values())))
        case = plain // count // len(doubles)
        print(f"{dataset.task}, {count} cases, {len(doubles)} fields of {case} bytes: cases/s")
        print(f"{'':34} {'a chunk':>6} {'written':>9} {'in order':>9} {'random':>9} {'size':>8}")
        usual = max(1, layout.CHUNK // case)
        counts = sorted({1, *(max(1, size // case) for size in (2**14, layout.CHUNK, 2**17, 2**20))})
        for precision, kind in layout.PRECISIONS.items():
            fields = {name: values.astype(kind) for name, values in doubles.items()}
            for label, how in filters.items():
                for rows in counts if options.chunks and label in SMALL else [usual]:
                    measured(f"{precision}, {label}", fields, rows, how, plain)
        if options.velocities and dataset.task == "derivative":
            velocities(path)


if __name__ == "__main__":
    main()
