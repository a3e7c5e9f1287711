"""HDF5 datasets of Wiener–Hopf solutions.

`tasks` holds a file for each task, which describes its arrays and computes them. `recipe` defines what is sampled,
`built_in` has recipes, `sampling` draws the cases, `shards` computes a few at a time in `processes` of this machine or
on the workers of `cluster`, `journal` records finished shards, and `generate` runs all this, alone (`locks`) and until
a signal (`interrupts`), and joins the shards. `layout` creates the arrays of a file, `rounding` brings fields to its
precision, `identity` hashes the arrays, `summary` writes provenance and statistics, `read` checks and reads it (with
`checking`, `consistency`, the tasks' `relations` and `hdf5`), `card` describes it in prose. `convert` reads and writes
other programs' formats, `field` single fields, `microphones` the pressures of an array, and `open_xarray` opens a file
in xarray. `elements` solves for walls of finite thickness. Reading and the card do not need the solver.
"""

from .labelled import open_xarray

__all__ = ["open_xarray"]
