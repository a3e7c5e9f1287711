"""The HDF5 format, once: which datasets a file of each task holds, along which axes, in which units.

Complex values have a last axis `part` of length two, real and imaginary. Conventions are those of `analytic`: time
factor exp(-i omega t), lengths in duct radii, open end at x = 0, wall r = 1, x < 0.
"""

FORMAT = 1  # raised when the layout changes
KIND = "wavenet-dataset"
SPLITS = ("train", "validation", "test")

_CASES = {  # name: (axes, dtype, unit, meaning)
    "m": (("case",), "i8", "1", "azimuthal order"),
    "helmholtz": (("case",), "f8", "1", "Helmholtz number ka"),
    "mach": (("case",), "f8", "1", "Mach number, > 0 towards the open end"),
    "split": (("case",), "i8", "1", "0 train, 1 validation, 2 test"),
    "error_estimate": (("case",), "f8", "1", "the solver's relative error estimate"),
}
FIELDS = {
    "derivative": _CASES
    | {
        "amplitude": (("case", "order", "part"), "f8", "a c", "incident potential at the wall by radial order, x = 0"),
        "x": (("x",), "f8", "a", "axial cell centres"),
        "r": (("r",), "f8", "a", "radial cell centres"),
        "potential": (("case", "part", "x", "r"), "f8", "a c", "psi"),
        "axial_velocity": (("case", "part", "x", "r"), "f8", "c", "dpsi/dx"),
        "radial_velocity": (("case", "part", "x", "r"), "f8", "c", "dpsi/dr"),
    },
    "forward": _CASES
    | {
        "n": (("case",), "i8", "1", "radial order of the incident mode, amplitude one"),
        "radial_eigenvalue": (("case",), "f8", "1/a", "zero of J_m' of the incident mode"),
        "x": (("microphone",), "f8", "a", "axial microphone positions"),
        "r": (("microphone",), "f8", "a", "radial microphone positions"),
        "pressure": (("case", "microphone", "part"), "f8", "rho c^2", "p = i ka psi - M u"),
    },
}
PROVENANCE = ("recipe_name", "recipe", "seed", "versions", "commit", "conventions", "solver_tolerance", "redrawn")
