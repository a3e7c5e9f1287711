"""The HDF5 format, once: which arrays a file of each task holds, along which dimensions, in which units.

docs/format.md describes it for readers; a test compares the two. Complex values have a last or second dimension `part`
of length two, real and imaginary. Conventions are those of `analytic`: time factor exp(-i omega t), lengths in duct
radii, open end at x = 0, wall r = 1, x < 0.
"""

from typing import NamedTuple

import numpy as np

FORMAT = 3  # raised when the layout changes
KIND = "wavenet-dataset"
SPLITS = ("train", "validation", "test")  # the first ones; recipes may name more test sets
# The checksum of zeros is zero: without gzip, which has no zeros to read, a chunk that was wiped out would pass.
CHECKED = {"fletcher32": True, "compression": "gzip", "compression_opts": 1, "shuffle": True}
LONGEST_TEXT = 60_000  # bytes of an attribute: HDF5 keeps small ones in the checked header


class Variable(NamedTuple):
    """One array of a file. A dimension's own array has its name and is a dimension scale."""

    dimensions: tuple
    dtype: str
    units: str
    long_name: str


_CASES = {
    "case": Variable(("case",), "i8", "1", "number of the case in the recipe; missing ones did not converge"),
    "group": Variable(("case",), "i8", "1", "cases of one group share m, helmholtz and mach"),
    "m": Variable(("case",), "i8", "1", "azimuthal order"),
    "helmholtz": Variable(("case",), "f8", "1", "Helmholtz number ka"),
    "mach": Variable(("case",), "f8", "1", "Mach number, > 0 towards the open end"),
    "split": Variable(("case",), "i8", "1", "what the case is for, see flag_meanings"),
    "error_estimate": Variable(("case",), "f8", "1", "the solver's relative error estimate"),
    "part": Variable(("part",), "i8", "1", "0 real, 1 imaginary"),
}
VARIABLES = {
    "derivative": _CASES
    | {
        "order": Variable(("order",), "i8", "1", "radial order, from 0"),
        "x": Variable(("x",), "f8", "a", "axial cell centres"),
        "r": Variable(("r",), "f8", "a", "radial cell centres"),
        "amplitude": Variable(("case", "order", "part"), "f8", "a c", "incident potential at the wall, x = 0"),
        "potential": Variable(("case", "part", "x", "r"), "f8", "a c", "psi"),
        "axial_velocity": Variable(("case", "part", "x", "r"), "f8", "c", "dpsi/dx"),
        "radial_velocity": Variable(("case", "part", "x", "r"), "f8", "c", "dpsi/dr"),
    },
    "edge": _CASES
    | {
        "order": Variable(("order",), "i8", "1", "radial order, from 0"),
        "root": Variable(("root",), "f8", "a^0.5", "square roots of the distances to the lip, Chebyshev nodes"),
        "angle": Variable(
            ("angle",), "f8", "rad", "from the downstream direction, wall at -pi and pi; Chebyshev nodes"
        ),
        "x": Variable(("root", "angle"), "f8", "a", "axial positions"),
        "r": Variable(("root", "angle"), "f8", "a", "radial positions"),
        "amplitude": Variable(("case", "order", "part"), "f8", "a c", "incident potential at the wall, x = 0"),
        "potential": Variable(("case", "part", "root", "angle"), "f8", "a c", "psi"),
    },
    "factor": _CASES
    | {
        "angle": Variable(("angle",), "f8", "rad", "polar angle, 0 downstream, Chebyshev nodes of 0 ... pi"),
        "factor": Variable(("case", "angle", "part"), "f8", "1", "factor F_plus(-ka cos(angle)) of the kernel"),
    },
    "forward": _CASES
    | {
        "microphone": Variable(("microphone",), "i8", "1", "number of the microphone"),
        "n": Variable(("case",), "i8", "1", "radial order of the incident mode, amplitude one"),
        "radial_eigenvalue": Variable(("case",), "f8", "1/a", "zero of J_m' of the incident mode"),
        "x": Variable(("microphone",), "f8", "a", "axial microphone positions"),
        "r": Variable(("microphone",), "f8", "a", "radial microphone positions"),
        "pressure": Variable(("case", "microphone", "part"), "f8", "rho c^2", "p = i ka psi - M u"),
    },
}
FIELDS = {  # what is learned
    "derivative": ("potential", "axial_velocity", "radial_velocity"),
    "edge": ("potential",),
    "factor": ("factor",),
    "forward": ("pressure",),
}
MISSING = "missing"  # group of the cases that did not converge
REASON = 200  # bytes of a reason there
MISSING_COLUMNS = {"case": "i8", "m": "i8", "helmholtz": "f8", "mach": "f8", "split": "i8", "reason": f"S{REASON}"}
PROVENANCE = ("recipe_name", "recipe", "seed", "versions", "commit", "conventions", "solver_tolerance")
_COORDINATES = "m helmholtz mach split group"  # of the fields, beside their dimensions: xarray's coordinates


def create(file, task, lengths, values, splits):
    """Lay out a file: every array with its dimensions, units and filters.

    Parameters
    ----------
    file : h5py.File, new
    task : {"derivative", "edge", "factor", "forward"}
    lengths : dict
        Of the dimensions.
    values : dict
        Arrays that are known already, as those of the dimensions.
    splits : sequence of str
        Meaning of the values of `split`.
    """
    variables = VARIABLES[task]
    for name, variable in variables.items():
        shape = tuple(lengths[dimension] for dimension in variable.dimensions)
        dataset = file.create_dataset(name, shape, variable.dtype, chunks=_chunks(shape), **CHECKED)
        dataset.attrs["units"] = text(variable.units)
        dataset.attrs["long_name"] = text(variable.long_name)
        if name in values:
            dataset[...] = values[name]
    for name, variable in variables.items():
        if variable.dimensions == (name,):
            file[name].make_scale(name)
    for name, variable in variables.items():
        if variable.dimensions != (name,):
            for axis, dimension in enumerate(variable.dimensions):
                file[name].dims[axis].attach_scale(file[dimension])
    file["split"].attrs["flag_values"] = np.arange(len(splits))
    file["split"].attrs["flag_meanings"] = text(" ".join(splits))
    for name in FIELDS[task]:
        file[name].attrs["coordinates"] = text(
            _COORDINATES + (" x r" if "x" in variables and variables["x"].dimensions != ("x",) else "")
        )


def _chunks(shape):
    """One case a chunk for fields, so that reading one reads no other; many for what is small."""
    if len(shape) == 4:
        return (1, *shape[1:])
    return tuple(max(1, min(size, 1024 if axis == 0 else size)) for axis, size in enumerate(shape))


def parts(values, axis):
    """Complex values as real ones, with the dimension `part` at an axis."""
    return np.stack([values.real, values.imag], axis=axis)


def text(value):
    """A string as an attribute of fixed length: it lies in the header, whose checksum HDF5 verifies."""
    encoded = value.encode("utf-8")
    if len(encoded) > LONGEST_TEXT:
        raise ValueError(f"a text of {len(encoded)} bytes is too long for a file, the most is {LONGEST_TEXT}")
    return np.array(encoded, dtype=f"S{max(1, len(encoded))}")
