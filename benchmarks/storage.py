"""How fields are best stored: python benchmarks/storage.py FILE.h5 [FILE.h5 ...] [--cases N] [--chunks].

The fields of real datasets are written and read again by h5py with several filters, in double and single precision:
cases per second that are written, read in order, and read one by one in random order, and bytes relative to plain
doubles. All are checked by fletcher32. With --chunks, other numbers of cases a chunk, without a filter and with gzip.
zstd is measured if hdf5plugin is installed. Best of three; the files are in the system's page cache, so the times are
those of filters, checksums and HDF5.
"""

import argparse
import importlib
import importlib.util
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from data import layout, tasks
from data.read import read

REPEATS = 3
RANDOM = 500  # cases read one by one
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
    started = time.perf_counter()
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for name, values in fields.items():
            chunks = (min(rows, len(values)), *values.shape[1:])
            dataset = file.create_dataset(name, values.shape, values.dtype, chunks=chunks, fletcher32=True, **options)
            for start in range(0, len(values), BATCH):
                dataset[start : start + BATCH] = values[start : start + BATCH]
    return time.perf_counter() - started


def in_order(path, fields):
    """Seconds to read the fields as a whole."""
    started = time.perf_counter()
    with h5py.File(path) as file:
        for name in fields:
            file[name][...]
    return time.perf_counter() - started


def one_by_one(path, fields, chosen):
    """Seconds to read these cases."""
    started = time.perf_counter()
    with h5py.File(path) as file:
        for case in chosen:
            for name in fields:
                file[name][case]
    return time.perf_counter() - started


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


def main(argv=None):
    """Print the figures of every file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--chunks", action="store_true")
    options = parser.parse_args(argv)
    filters = dict(FILTERS)
    if importlib.util.find_spec("hdf5plugin"):
        zstd = importlib.import_module("hdf5plugin").Zstd
        filters |= {f"shuffle, zstd {level}": dict(zstd(clevel=level)) | {"shuffle": True} for level in (1, 3)}
    for path in options.files:
        dataset = read(path)
        doubles = {name: dataset[name][: options.cases] for name in tasks.get(dataset.task).fields}
        plain = sum(values.nbytes for values in doubles.values())
        print(f"{dataset.task}, {len(next(iter(doubles.values())))} cases of {plain // len(dataset)} bytes: cases/s")
        print(f"{'':34} {'a chunk':>6} {'written':>9} {'in order':>9} {'random':>9} {'size':>8}")
        usual = max(1, min(1024, layout.CHUNK * len(dataset) // plain))
        row = plain // len(next(iter(doubles.values())))
        counts = sorted({1, *(max(1, size // row) for size in (2**14, 2**16, 2**18, 2**20))})
        for precision, kind in layout.PRECISIONS.items():
            fields = {name: values.astype(kind) for name, values in doubles.items()}
            for label, how in filters.items():
                for rows in counts if options.chunks and label in SMALL else [usual]:
                    measured(f"{precision}, {label}", fields, rows, how, plain)


if __name__ == "__main__":
    main()
